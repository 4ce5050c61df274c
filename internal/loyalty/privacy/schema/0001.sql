-- 数据副本: what a member asked to take along; sealed in parts, and dropped after a week
CREATE TABLE privacy_export (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  state varchar(12) NOT NULL,
  asked_at bigint NOT NULL,
  ready_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  bytes bigint NOT NULL,
  parts integer NOT NULL,
  PRIMARY KEY (member_id, id)
);
CREATE TABLE privacy_export_part (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  part integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (member_id, id, part)
);
-- 注销申请: open until it is taken back or carried out
CREATE TABLE privacy_closure (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  state varchar(12) NOT NULL,
  asked_at bigint NOT NULL,
  due_at bigint NOT NULL,
  done_at bigint NOT NULL,
  points bigint NOT NULL,
  PRIMARY KEY (member_id, id)
);
-- 访问记录: who looked at a member's data in clear, took it along or changed what may be done with it
CREATE TABLE privacy_access (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  what varchar(32) NOT NULL,
  actor varchar(64) NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (member_id, id)
);
APPEND ONLY privacy_access;
