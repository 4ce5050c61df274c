-- 终端: a till of a store; partner_id 0 is one that no program speaks for yet
CREATE TABLE terminal (
  id bigint NOT NULL,
  store_id bigint NOT NULL,
  partner_id bigint NOT NULL,
  code varchar(64) NOT NULL,
  name varchar(100) NOT NULL,
  status varchar(8) NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX terminal_code ON terminal (code);
-- whose key it is: 0 is the partner's own
ALTER TABLE partner_key ADD COLUMN terminal_id bigint NOT NULL DEFAULT 0;
