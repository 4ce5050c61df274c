-- one row a member and asset: a projection of the entries, kept in their transaction
CREATE TABLE ledger_account (
  member_id bigint NOT NULL,
  asset integer NOT NULL,
  balance bigint NOT NULL,
  pending bigint NOT NULL,
  held bigint NOT NULL,
  frozen bigint NOT NULL,
  debt bigint NOT NULL,
  seq bigint NOT NULL,
  chk bigint NOT NULL,
  due_at bigint NOT NULL,
  holds bigint NOT NULL,
  mark bigint NOT NULL,
  PRIMARY KEY (member_id, asset)
);
-- the truth: append-only
CREATE TABLE ledger_entry (
  member_id bigint NOT NULL,
  asset integer NOT NULL,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  occurred_at bigint NOT NULL,
  amount bigint NOT NULL,
  balance bigint NOT NULL,
  kind varchar(16) NOT NULL,
  source varchar(190) NOT NULL,
  lot_id bigint NOT NULL,
  expires_at bigint NOT NULL,
  class integer NOT NULL,
  rule_id bigint NOT NULL,
  ref varchar(190) NOT NULL,
  detail text NOT NULL,
  seal bigint NOT NULL,
  chk bigint NOT NULL,
  PRIMARY KEY (member_id, asset, seq)
);
APPEND ONLY ledger_entry;
-- exactly once: the entry a cause has made; id is member, asset and source
CREATE TABLE ledger_key (
  id varchar(240) NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (id)
);
APPEND ONLY ledger_key;
-- open lots only: a spent lot leaves, its story stays in the entries
CREATE TABLE ledger_lot (
  member_id bigint NOT NULL,
  asset integer NOT NULL,
  expires_at bigint NOT NULL,
  lot_id bigint NOT NULL,
  remaining bigint NOT NULL,
  held bigint NOT NULL,
  matures_at bigint NOT NULL,
  class integer NOT NULL,
  rule_id bigint NOT NULL,
  granted bigint NOT NULL,
  ref varchar(190) NOT NULL,
  PRIMARY KEY (member_id, asset, expires_at, lot_id)
);
CREATE TABLE ledger_hold (
  member_id bigint NOT NULL,
  hold_id bigint NOT NULL,
  asset integer NOT NULL,
  kind varchar(16) NOT NULL,
  state varchar(16) NOT NULL,
  amount bigint NOT NULL,
  posted bigint NOT NULL,
  until_at bigint NOT NULL,
  source varchar(190) NOT NULL,
  ref varchar(190) NOT NULL,
  takes text NOT NULL,
  at bigint NOT NULL,
  ended_at bigint NOT NULL,
  mark bigint NOT NULL,
  PRIMARY KEY (member_id, hold_id)
);
CREATE UNIQUE INDEX ledger_hold_source ON ledger_hold (member_id, source);
-- how much of an entry was reversed
CREATE TABLE ledger_reversed (
  member_id bigint NOT NULL,
  asset integer NOT NULL,
  seq bigint NOT NULL,
  amount bigint NOT NULL,
  PRIMARY KEY (member_id, asset, seq)
);
-- the chain over groups of entries, one a lane
CREATE TABLE ledger_seal (
  lane integer NOT NULL,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  entries integer NOT NULL,
  digest varchar(64) NOT NULL,
  hash varchar(64) NOT NULL,
  PRIMARY KEY (lane, seq)
);
APPEND ONLY ledger_seal;
CREATE TABLE ledger_head (
  lane integer NOT NULL,
  seq bigint NOT NULL,
  hash varchar(64) NOT NULL,
  PRIMARY KEY (lane)
);
-- what flowed a local day: the programme's side of every posting, a counter and never a lock
CREATE TABLE ledger_total (
  asset integer NOT NULL,
  day integer NOT NULL,
  kind varchar(16) NOT NULL,
  amount bigint NOT NULL,
  entries bigint NOT NULL,
  PRIMARY KEY (asset, day, kind)
);
