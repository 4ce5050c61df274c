-- 勋章: one row a member and badge, with when and why; carried is the merge that brought it from another member, 0 when it is the member's own
CREATE TABLE recognition_badge (
  member_id bigint NOT NULL,
  badge varchar(32) NOT NULL,
  at bigint NOT NULL,
  why varchar(64) NOT NULL,
  carried bigint NOT NULL,
  PRIMARY KEY (member_id, badge)
);
