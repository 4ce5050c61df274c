-- how far an unfinished import has got
CREATE TABLE import_run (
  id varchar(200) NOT NULL,
  line bigint NOT NULL,
  orders bigint NOT NULL,
  PRIMARY KEY (id)
);
