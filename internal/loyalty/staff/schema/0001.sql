-- 操作员: who works with the console; the password is an argon2id hash
CREATE TABLE staff_operator (
  id bigint NOT NULL,
  login varchar(64) NOT NULL,
  name varchar(100) NOT NULL,
  password varchar(200) NOT NULL,
  status varchar(8) NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX staff_operator_login ON staff_operator (login);
-- roles an operator has; store_id 0 is all stores
CREATE TABLE staff_role (
  operator_id bigint NOT NULL,
  role varchar(32) NOT NULL,
  store_id bigint NOT NULL,
  PRIMARY KEY (operator_id, role, store_id)
);
-- 会话: only the hash of a token is kept; a session that is over is removed
CREATE TABLE staff_session (
  hash varchar(43) NOT NULL,
  id bigint NOT NULL,
  operator_id bigint NOT NULL,
  agent varchar(200) NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  PRIMARY KEY (hash)
);
CREATE INDEX staff_session_operator ON staff_session (operator_id);
-- tries to log in since the last success, by name, whether or not there is such an operator
CREATE TABLE staff_try (
  login varchar(64) NOT NULL,
  tries integer NOT NULL,
  tried_at bigint NOT NULL,
  PRIMARY KEY (login)
);
-- the one-time token of the first start
CREATE TABLE staff_setup (
  id bigint NOT NULL,
  hash varchar(43) NOT NULL,
  PRIMARY KEY (id)
);
-- 双人复核: digest is over kind and payload
CREATE TABLE staff_approval (
  id bigint NOT NULL,
  kind varchar(64) NOT NULL,
  payload text NOT NULL,
  digest varchar(64) NOT NULL,
  reason text NOT NULL,
  store_id bigint NOT NULL,
  maker_id bigint NOT NULL,
  checker_id bigint NOT NULL,
  note text NOT NULL,
  state varchar(8) NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  decided_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX staff_approval_state ON staff_approval (state, expires_at);
-- what one person may do alone, where it differs from the default
CREATE TABLE staff_limit (
  name varchar(64) NOT NULL,
  amount bigint NOT NULL,
  PRIMARY KEY (name)
);
-- points an operator gave or took by hand without a second person, by local day
CREATE TABLE staff_manual (
  operator_id bigint NOT NULL,
  local_day integer NOT NULL,
  points bigint NOT NULL,
  PRIMARY KEY (operator_id, local_day)
);
-- 操作日志: each row's hash covers the row before it; the head says where it ends
CREATE TABLE staff_oplog (
  seq bigint NOT NULL,
  at bigint NOT NULL,
  operator_id bigint NOT NULL,
  roles text NOT NULL,
  origin varchar(43) NOT NULL,
  act varchar(64) NOT NULL,
  targets text NOT NULL,
  old_value text NOT NULL,
  new_value text NOT NULL,
  reason text NOT NULL,
  approval_id bigint NOT NULL,
  request_id varchar(100) NOT NULL,
  hash varchar(64) NOT NULL,
  PRIMARY KEY (seq)
);
APPEND ONLY staff_oplog;
CREATE TABLE staff_oplog_head (
  id bigint NOT NULL,
  seq bigint NOT NULL,
  hash varchar(64) NOT NULL,
  PRIMARY KEY (id)
);
