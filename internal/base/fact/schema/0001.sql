-- what happened, in order; written in the transaction of its effects
CREATE TABLE fact (
  id bigint NOT NULL,
  kind varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  cause_id bigint NOT NULL,
  at bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (id)
);
APPEND ONLY fact;
