-- 行为: one row a batch as it came in, packed; what was seen of each run of an app, so that nothing counts twice; counts by day
CREATE TABLE track_batch (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  at bigint NOT NULL,
  n integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (member_id, id)
);
CREATE INDEX track_batch_at ON track_batch (at);
CREATE TABLE track_run (
  member_id bigint NOT NULL,
  run varchar(32) NOT NULL,
  high bigint NOT NULL,
  seen varchar(80) NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (member_id, run)
);
CREATE INDEX track_run_at ON track_run (at);
CREATE TABLE track_day (
  day integer NOT NULL,
  kind varchar(16) NOT NULL,
  page varchar(32) NOT NULL,
  n bigint NOT NULL,
  dwell bigint NOT NULL,
  PRIMARY KEY (day, kind, page)
);
