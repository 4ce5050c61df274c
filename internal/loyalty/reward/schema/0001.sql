-- what caps and budgets have used; member 0 is the whole programme, window 0 is all time
CREATE TABLE reward_used (
  member_id bigint NOT NULL,
  rule_id bigint NOT NULL,
  win integer NOT NULL,
  amount bigint NOT NULL,
  PRIMARY KEY (member_id, rule_id, win)
);
