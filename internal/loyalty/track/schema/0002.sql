-- 入口链接: stable addresses that are put up outside (brand zone, floats, posters), with where whoever comes by them is from
CREATE TABLE track_link (
  code varchar(24) NOT NULL,
  id bigint NOT NULL,
  name varchar(64) NOT NULL,
  page varchar(32) NOT NULL,
  opens varchar(8) NOT NULL,
  channel varchar(32) NOT NULL,
  store varchar(64) NOT NULL,
  source varchar(32) NOT NULL,
  medium varchar(32) NOT NULL,
  campaign varchar(64) NOT NULL,
  state varchar(8) NOT NULL,
  created_at bigint NOT NULL,
  actor varchar(64) NOT NULL,
  mini_url text NOT NULL,
  mini_until bigint NOT NULL,
  visits bigint NOT NULL,
  joins bigint NOT NULL,
  events bigint NOT NULL,
  PRIMARY KEY (code)
);
CREATE UNIQUE INDEX track_link_id ON track_link (id);
ALTER TABLE track_batch ADD COLUMN link varchar(24) NOT NULL DEFAULT '';
