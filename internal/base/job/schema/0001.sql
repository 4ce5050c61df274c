-- what is to be done after commit (任务): due_at is when to run (ready), when the lease ends (running),
-- or when it ended (done, dead, dropped)
CREATE TABLE job (
  id bigint NOT NULL,
  kind varchar(64) NOT NULL,
  dedupe varchar(191) NOT NULL,
  args text NOT NULL,
  state varchar(8) NOT NULL,
  due_at bigint NOT NULL,
  attempts integer NOT NULL,
  fence bigint NOT NULL,
  bookmark text NOT NULL,
  last_error text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX job_due ON job (state, due_at);
-- a key is read before it is written, so that a second job under it is no refusal
CREATE TABLE job_key (
  kind varchar(64) NOT NULL,
  dedupe varchar(191) NOT NULL,
  job_id bigint NOT NULL,
  PRIMARY KEY (kind, dedupe)
);
-- when each schedule fires next
CREATE TABLE job_schedule (
  name varchar(64) NOT NULL,
  pattern varchar(64) NOT NULL,
  next_at bigint NOT NULL,
  PRIMARY KEY (name)
);
