CREATE TABLE earn_rule (
  rule_id bigint NOT NULL,
  kind varchar(32) NOT NULL,
  created_at bigint NOT NULL,
  created_by varchar(64) NOT NULL,
  PRIMARY KEY (rule_id)
);
CREATE TABLE earn_version (
  version_id bigint NOT NULL,
  rule_id bigint NOT NULL,
  no integer NOT NULL,
  state varchar(16) NOT NULL,
  from_at bigint NOT NULL,
  until_at bigint NOT NULL,
  body text NOT NULL,
  author varchar(64) NOT NULL,
  created_at bigint NOT NULL,
  published_by varchar(64) NOT NULL,
  published_at bigint NOT NULL,
  note text NOT NULL,
  PRIMARY KEY (version_id)
);
-- why: one row a cause, with every award and every non-award
-- (keyed by the cause, which is time-ordered: written once, side by side, and read when somebody asks)
CREATE TABLE earn_decision (
  cause_id bigint NOT NULL,
  member_id bigint NOT NULL,
  at bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (cause_id)
);
