-- 零头: fractions of a point, in millionths, that a member has earned by a rule and not been given yet; below 0 when a refund took more
CREATE TABLE earn_carry (
  member_id bigint NOT NULL,
  rule_id bigint NOT NULL,
  micro bigint NOT NULL,
  PRIMARY KEY (member_id, rule_id)
);
