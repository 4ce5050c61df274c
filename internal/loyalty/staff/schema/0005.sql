-- 通行密钥: what an operator signs in with instead of a password; data is the public key and what goes with it
CREATE TABLE staff_passkey (
  operator_id bigint NOT NULL,
  passkey_id bigint NOT NULL,
  name varchar(100) NOT NULL,
  data text NOT NULL,
  created_at bigint NOT NULL,
  used_at bigint NOT NULL,
  PRIMARY KEY (operator_id, passkey_id)
);
-- what a browser was asked to sign; it is used once, within minutes
CREATE TABLE staff_challenge (
  hash varchar(43) NOT NULL,
  operator_id bigint NOT NULL,
  data text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (hash)
);
