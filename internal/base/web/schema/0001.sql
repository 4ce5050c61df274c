-- what each caller's key has done: written in the transaction of the effect, read when the same key comes again
CREATE TABLE idempotency (
  id varchar(22) NOT NULL,
  route varchar(64) NOT NULL,
  hash varchar(43) NOT NULL,
  status integer NOT NULL,
  reply text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (id)
);
