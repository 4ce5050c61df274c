-- 站内信: what a member finds in the inbox; the words are made when it is read, from the version of the template and the values
CREATE TABLE message_inbox (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  occasion varchar(32) NOT NULL,
  dedupe varchar(96) NOT NULL,
  template_id bigint NOT NULL,
  vals text NOT NULL,
  at bigint NOT NULL,
  read_at bigint NOT NULL,
  PRIMARY KEY (member_id, id)
);
CREATE UNIQUE INDEX message_inbox_once ON message_inbox (member_id, occasion, dedupe);
-- 发送记录: one row a message and channel
CREATE TABLE message_send (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  occasion varchar(32) NOT NULL,
  dedupe varchar(96) NOT NULL,
  channel varchar(16) NOT NULL,
  state varchar(12) NOT NULL,
  reason varchar(64) NOT NULL,
  marketing integer NOT NULL,
  template_id bigint NOT NULL,
  at bigint NOT NULL,
  done_at bigint NOT NULL,
  provider varchar(64) NOT NULL,
  PRIMARY KEY (member_id, id)
);
CREATE UNIQUE INDEX message_send_once ON message_send (member_id, occasion, dedupe, channel);
CREATE INDEX message_send_at ON message_send (at);
-- 订阅次数: each yes to a one-time subscription, each use, each correction
CREATE TABLE message_credit (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  template varchar(64) NOT NULL,
  amount bigint NOT NULL,
  balance bigint NOT NULL,
  source varchar(96) NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (member_id, id)
);
CREATE UNIQUE INDEX message_credit_once ON message_credit (member_id, template, source);
APPEND ONLY message_credit;
