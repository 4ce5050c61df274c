-- drafts tried on past orders, in the background
CREATE TABLE earn_trial (
  trial_id bigint NOT NULL,
  body text NOT NULL,
  state varchar(16) NOT NULL,
  orders bigint NOT NULL,
  result text NOT NULL,
  author varchar(64) NOT NULL,
  created_at bigint NOT NULL,
  finished_at bigint NOT NULL,
  PRIMARY KEY (trial_id)
);
