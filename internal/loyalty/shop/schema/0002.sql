-- 随机串: nonces taken while the shared memory of the processes is away; a slot is ten minutes, so that old ones go together
CREATE TABLE partner_nonce (
  slot bigint NOT NULL,
  hash varchar(22) NOT NULL,
  PRIMARY KEY (slot, hash)
);
