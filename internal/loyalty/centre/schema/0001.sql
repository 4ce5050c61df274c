-- 图片: logos and card faces that operators have put in; never changed, so that browsers may keep them
CREATE TABLE centre_image (
  id bigint NOT NULL,
  media varchar(32) NOT NULL,
  data text NOT NULL,
  added_at bigint NOT NULL,
  author varchar(64) NOT NULL,
  PRIMARY KEY (id)
);
APPEND ONLY centre_image;
