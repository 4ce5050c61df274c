-- heads of the chains of the ledger and of the operation log, signed with a key that is not in the database
CREATE TABLE signed_head (
  chain varchar(16) NOT NULL,
  seq bigint NOT NULL,
  hash varchar(64) NOT NULL,
  at bigint NOT NULL,
  signature varchar(96) NOT NULL,
  PRIMARY KEY (chain, seq)
);
APPEND ONLY signed_head;
