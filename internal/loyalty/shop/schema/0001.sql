-- 品牌: there is always one
CREATE TABLE brand (
  id bigint NOT NULL,
  name_zh varchar(100) NOT NULL,
  name_en varchar(100) NOT NULL,
  PRIMARY KEY (id)
);
INSERT INTO brand (id, name_zh, name_en) VALUES (1, '默认品牌', 'Default brand');
-- 门店
CREATE TABLE store (
  id bigint NOT NULL,
  brand_id bigint NOT NULL,
  code varchar(64) NOT NULL,
  name_zh varchar(100) NOT NULL,
  name_en varchar(100) NOT NULL,
  region varchar(100) NOT NULL,
  status varchar(8) NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX store_code ON store (code);
-- 合作方: who calls the partner API, such as a POS maker; scopes are parted by spaces, store_id 0 is all stores
CREATE TABLE partner (
  id bigint NOT NULL,
  name varchar(100) NOT NULL,
  scopes text NOT NULL,
  store_id bigint NOT NULL,
  status varchar(8) NOT NULL,
  PRIMARY KEY (id)
);
-- a partner's keys; the secret is sealed for its row
CREATE TABLE partner_key (
  id bigint NOT NULL,
  partner_id bigint NOT NULL,
  key_id varchar(48) NOT NULL,
  secret text NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX partner_key_name ON partner_key (key_id);
-- when a key was used last; apart from the keys, so that a use is no change of them
CREATE TABLE partner_key_use (
  id bigint NOT NULL,
  used_at bigint NOT NULL,
  PRIMARY KEY (id)
);
