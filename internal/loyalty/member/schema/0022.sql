-- 疑似同一人: two members whom proofs of one person led to, for a person to decide; a_id is the smaller number
CREATE TABLE member_suspect (
  suspect_id bigint NOT NULL,
  a_id bigint NOT NULL,
  b_id bigint NOT NULL,
  state varchar(16) NOT NULL,
  why varchar(120) NOT NULL,
  via varchar(64) NOT NULL,
  times bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  decided_at bigint NOT NULL,
  decided_by varchar(64) NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (suspect_id)
);
CREATE UNIQUE INDEX member_suspect_pair ON member_suspect (a_id, b_id);
CREATE INDEX member_suspect_b ON member_suspect (b_id);
CREATE INDEX member_suspect_state ON member_suspect (state, suspect_id);
