-- 活动: one row a campaign, and its versions
CREATE TABLE campaign (
  id bigint NOT NULL,
  kind varchar(32) NOT NULL,
  created_at bigint NOT NULL,
  author varchar(64) NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE campaign_version (
  id bigint NOT NULL,
  campaign_id bigint NOT NULL,
  no integer NOT NULL,
  state varchar(16) NOT NULL,
  from_at bigint NOT NULL,
  until_at bigint NOT NULL,
  body text NOT NULL,
  author varchar(64) NOT NULL,
  created_at bigint NOT NULL,
  published_by varchar(64) NOT NULL,
  published_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX campaign_version_campaign ON campaign_version (campaign_id);
-- 参与: one row a member, campaign and slot; of a check-in the slot is the local day
CREATE TABLE campaign_play (
  member_id bigint NOT NULL,
  campaign_id bigint NOT NULL,
  slot bigint NOT NULL,
  version_id bigint NOT NULL,
  points bigint NOT NULL,
  bonus bigint NOT NULL,
  streak integer NOT NULL,
  cut varchar(16) NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (member_id, campaign_id, slot)
);
APPEND ONLY campaign_play;
-- how many played on a day and what it gave
CREATE TABLE campaign_day (
  campaign_id bigint NOT NULL,
  day integer NOT NULL,
  plays bigint NOT NULL,
  points bigint NOT NULL,
  PRIMARY KEY (campaign_id, day)
);
