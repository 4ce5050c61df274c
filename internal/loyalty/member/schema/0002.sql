-- a member's logins in the member centre; the token itself is stored nowhere
CREATE TABLE member_session (
  hash varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  opened_by varchar(64) NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  PRIMARY KEY (hash)
);
CREATE INDEX member_session_member ON member_session (member_id);
