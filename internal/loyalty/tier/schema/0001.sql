CREATE TABLE tier_state (
  member_id bigint NOT NULL,
  earned integer NOT NULL,
  since_at bigint NOT NULL,
  until_at bigint NOT NULL,
  warned integer NOT NULL,
  by_hand integer NOT NULL,
  by_hand_until bigint NOT NULL,
  seq bigint NOT NULL,
  next_at bigint NOT NULL,
  PRIMARY KEY (member_id)
);
CREATE INDEX tier_state_next ON tier_state (next_at);
-- one row a change of the tier a member holds; an interval ends where the next begins
CREATE TABLE tier_history (
  member_id bigint NOT NULL,
  seq bigint NOT NULL,
  tier integer NOT NULL,
  earned integer NOT NULL,
  from_at bigint NOT NULL,
  until_at bigint NOT NULL,
  earned_until bigint NOT NULL,
  reason varchar(24) NOT NULL,
  note text NOT NULL,
  actor varchar(64) NOT NULL,
  cause_id bigint NOT NULL,
  PRIMARY KEY (member_id, seq)
);
APPEND ONLY tier_history;
-- notices before a downgrade
CREATE TABLE tier_notice (
  member_id bigint NOT NULL,
  at bigint NOT NULL,
  n integer NOT NULL,
  until_at bigint NOT NULL,
  short bigint NOT NULL,
  PRIMARY KEY (member_id, at)
);
APPEND ONLY tier_notice;
-- how many members stand in each band of growth
CREATE TABLE tier_standing (
  band integer NOT NULL,
  members bigint NOT NULL,
  PRIMARY KEY (band)
);
CREATE TABLE tier_count (
  tier integer NOT NULL,
  members bigint NOT NULL,
  PRIMARY KEY (tier)
);
