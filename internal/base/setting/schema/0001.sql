CREATE TABLE setting (
  name varchar(64) NOT NULL,
  from_at bigint NOT NULL,
  id bigint NOT NULL,
  announced_at bigint NOT NULL,
  author varchar(64) NOT NULL,
  note text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (name, from_at, id)
);
APPEND ONLY setting;
