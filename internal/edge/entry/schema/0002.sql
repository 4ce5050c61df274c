-- scene codes that were made here (带参二维码): what they say, and how many came by them
CREATE TABLE entry_scene (
  id bigint NOT NULL,
  app varchar(64) NOT NULL,
  scene varchar(64) NOT NULL,
  state varchar(12) NOT NULL,
  ticket varchar(256) NOT NULL,
  url varchar(256) NOT NULL,
  days integer NOT NULL,
  until_at bigint NOT NULL,
  created_at bigint NOT NULL,
  actor varchar(64) NOT NULL,
  scans bigint NOT NULL,
  follows bigint NOT NULL,
  joins bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX entry_scene_text ON entry_scene (app, scene);
