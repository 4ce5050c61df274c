-- 同意记录: every yes and no, by purpose and version of the agreement; the last one of a purpose holds
CREATE TABLE member_consent (
  member_id bigint NOT NULL,
  id bigint NOT NULL,
  purpose varchar(16) NOT NULL,
  given integer NOT NULL,
  agreement_id bigint NOT NULL,
  at bigint NOT NULL,
  via varchar(64) NOT NULL,
  actor varchar(64) NOT NULL,
  PRIMARY KEY (member_id, id)
);
APPEND ONLY member_consent;
