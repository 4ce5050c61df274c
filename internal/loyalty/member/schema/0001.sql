CREATE TABLE member (
  member_id bigint NOT NULL,
  status varchar(16) NOT NULL,
  merged_into bigint NOT NULL,
  joined_at bigint NOT NULL,
  channel varchar(64) NOT NULL,
  store varchar(64) NOT NULL,
  source varchar(64) NOT NULL,
  status_at bigint NOT NULL,
  PRIMARY KEY (member_id)
);
-- personal fields are sealed; birth_md (MMDD) alone says too little to need it
CREATE TABLE member_profile (
  member_id bigint NOT NULL,
  nickname text NOT NULL,
  phone text NOT NULL,
  birthday text NOT NULL,
  birth_md integer NOT NULL,
  gender varchar(8) NOT NULL,
  region varchar(64) NOT NULL,
  completed_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (member_id)
);
CREATE TABLE member_identity (
  id varchar(120) NOT NULL,
  member_id bigint NOT NULL,
  kind varchar(24) NOT NULL,
  issuer varchar(64) NOT NULL,
  sealed text NOT NULL,
  origin_id bigint NOT NULL,
  verified_at bigint NOT NULL,
  bound_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX member_identity_member ON member_identity (member_id);
CREATE TABLE member_merge (
  merge_id bigint NOT NULL,
  from_id bigint NOT NULL,
  into_id bigint NOT NULL,
  at bigint NOT NULL,
  actor varchar(64) NOT NULL,
  reason text NOT NULL,
  undone_at bigint NOT NULL,
  undone_by varchar(64) NOT NULL,
  PRIMARY KEY (merge_id)
);
CREATE INDEX member_merge_into ON member_merge (into_id);
CREATE INDEX member_merge_from ON member_merge (from_id);
CREATE TABLE member_status_log (
  member_id bigint NOT NULL,
  at bigint NOT NULL,
  id bigint NOT NULL,
  status varchar(16) NOT NULL,
  was varchar(16) NOT NULL,
  actor varchar(64) NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (member_id, at, id)
);
APPEND ONLY member_status_log;
