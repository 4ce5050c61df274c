-- what a person has proved and not yet used: the way from a WeChat login to a session
CREATE TABLE entry_ticket (
  hash varchar(64) NOT NULL,
  id bigint NOT NULL,
  app varchar(64) NOT NULL,
  kind varchar(8) NOT NULL,
  openid text NOT NULL,
  unionid text NOT NULL,
  until_at bigint NOT NULL,
  PRIMARY KEY (hash)
);
-- one row a phone number (its blind index): the code that was sent, and how often
CREATE TABLE entry_code (
  phone varchar(64) NOT NULL,
  code varchar(64) NOT NULL,
  sent_at bigint NOT NULL,
  tries integer NOT NULL,
  hour_from bigint NOT NULL,
  hour_count integer NOT NULL,
  day integer NOT NULL,
  day_count integer NOT NULL,
  PRIMARY KEY (phone)
);
-- events that were pushed to us: the key keeps each from counting twice; the text is sealed and dropped when it is done
CREATE TABLE entry_event (
  id varchar(96) NOT NULL,
  row_id bigint NOT NULL,
  app varchar(64) NOT NULL,
  kind varchar(64) NOT NULL,
  sealed text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX entry_event_at ON entry_event (at);
-- who follows an account, by blind index, and by which code they came
CREATE TABLE entry_follow (
  id varchar(120) NOT NULL,
  app varchar(64) NOT NULL,
  following integer NOT NULL,
  changed_at bigint NOT NULL,
  scene varchar(96) NOT NULL,
  PRIMARY KEY (id)
);
-- what somebody tried and was refused, and what the platforms told that we could not follow
CREATE TABLE entry_incident (
  id bigint NOT NULL,
  at bigint NOT NULL,
  kind varchar(48) NOT NULL,
  app varchar(64) NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (id)
);
