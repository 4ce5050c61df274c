-- 微信会员卡: which card is whose, and what was told of it last
CREATE TABLE wechat_card (
  code varchar(32) NOT NULL,
  mch varchar(32) NOT NULL,
  card varchar(64) NOT NULL,
  app varchar(32) NOT NULL,
  member_id bigint NOT NULL,
  state varchar(16) NOT NULL,
  points bigint NOT NULL,
  level varchar(64) NOT NULL,
  told_at bigint NOT NULL,
  PRIMARY KEY (code)
);
CREATE INDEX wechat_card_member ON wechat_card (member_id);
