-- work that somebody has asked for and watches (后台作业): how far it is and what came of it; the job of the same id does it
CREATE TABLE task (
  id bigint NOT NULL,
  kind varchar(64) NOT NULL,
  owner varchar(64) NOT NULL,
  state varchar(16) NOT NULL,
  done bigint NOT NULL,
  total bigint NOT NULL,
  args text NOT NULL,
  result text NOT NULL,
  fault text NOT NULL,
  created_at bigint NOT NULL,
  started_at bigint NOT NULL,
  finished_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX task_kind ON task (kind, id);
CREATE INDEX task_owner ON task (owner, id);
