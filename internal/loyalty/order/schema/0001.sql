CREATE TABLE orders (
  member_id bigint NOT NULL,
  order_id bigint NOT NULL,
  source varchar(64) NOT NULL,
  no varchar(120) NOT NULL,
  status varchar(24) NOT NULL,
  amount bigint NOT NULL,
  eligible bigint NOT NULL,
  refunded bigint NOT NULL,
  points_used bigint NOT NULL,
  hold_id bigint NOT NULL,
  via_id bigint NOT NULL,
  channel varchar(64) NOT NULL,
  store varchar(64) NOT NULL,
  occurred_at bigint NOT NULL,
  received_at bigint NOT NULL,
  closed_at bigint NOT NULL,
  sku_lines text NOT NULL,
  PRIMARY KEY (member_id, order_id)
);
-- exactly once: a source's order or refund number, with the hash of what it said
CREATE TABLE order_key (
  id varchar(200) NOT NULL,
  member_id bigint NOT NULL,
  order_id bigint NOT NULL,
  hash varchar(32) NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE order_refund (
  member_id bigint NOT NULL,
  order_id bigint NOT NULL,
  refund_id bigint NOT NULL,
  no varchar(120) NOT NULL,
  amount bigint NOT NULL,
  occurred_at bigint NOT NULL,
  received_at bigint NOT NULL,
  reason text NOT NULL,
  sku_lines text NOT NULL,
  PRIMARY KEY (member_id, order_id, refund_id)
);
-- refunds that came before their order
CREATE TABLE order_waiting (
  id varchar(200) NOT NULL,
  refund_no varchar(120) NOT NULL,
  received_at bigint NOT NULL,
  state varchar(16) NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (id, refund_no)
);
CREATE TABLE order_stat (
  member_id bigint NOT NULL,
  orders bigint NOT NULL,
  refunds bigint NOT NULL,
  spent bigint NOT NULL,
  refunded bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  last_day integer NOT NULL,
  PRIMARY KEY (member_id)
);
-- by local day of business, for live totals
CREATE TABLE order_total (
  day integer NOT NULL,
  channel varchar(64) NOT NULL,
  orders bigint NOT NULL,
  amount bigint NOT NULL,
  refunds bigint NOT NULL,
  refunded bigint NOT NULL,
  PRIMARY KEY (day, channel)
);
