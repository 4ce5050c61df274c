-- 客户联系: who speaks with whom on the staff's WeCom; a customer may have several
CREATE TABLE wecom_contact (
  id varchar(191) NOT NULL,
  row_id bigint NOT NULL,
  corp varchar(64) NOT NULL,
  clerk varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  customer text NOT NULL,
  person varchar(80) NOT NULL,
  state varchar(64) NOT NULL,
  status varchar(8) NOT NULL,
  since bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX wecom_contact_member ON wecom_contact (member_id);
CREATE INDEX wecom_contact_person ON wecom_contact (person);
-- messages that wait until an employee sends them
CREATE TABLE wecom_task (
  id varchar(80) NOT NULL,
  corp varchar(64) NOT NULL,
  clerk varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  send_id bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (id)
);
