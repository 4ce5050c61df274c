-- 会员密钥: the key that a member's personal fields are sealed under, wrapped; to delete the row is to forget the person
CREATE TABLE member_key (
  member_id bigint NOT NULL,
  wrapped text NOT NULL,
  PRIMARY KEY (member_id)
);
