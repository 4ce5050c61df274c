-- 会员码: what a member shows at the till, for a minute and once; the code itself is stored nowhere
CREATE TABLE member_code (
  hash varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  issued_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint NOT NULL,
  used_by varchar(64) NOT NULL,
  store varchar(64) NOT NULL,
  PRIMARY KEY (hash)
);
CREATE INDEX member_code_member ON member_code (member_id);
