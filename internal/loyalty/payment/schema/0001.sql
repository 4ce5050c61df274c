-- 收款: what somebody was asked to pay, and what became of it
CREATE TABLE payment (
  payment_id bigint NOT NULL,
  mch varchar(32) NOT NULL,
  app varchar(32) NOT NULL,
  no varchar(64) NOT NULL,
  member_id bigint NOT NULL,
  payer text NOT NULL,
  source varchar(64) NOT NULL,
  order_no varchar(120) NOT NULL,
  amount bigint NOT NULL,
  refunded bigint NOT NULL,
  title text NOT NULL,
  store varchar(64) NOT NULL,
  joins integer NOT NULL,
  state varchar(16) NOT NULL,
  transaction_id varchar(64) NOT NULL,
  learned varchar(16) NOT NULL,
  order_id bigint NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  paid_at bigint NOT NULL,
  next_at bigint NOT NULL,
  asked integer NOT NULL,
  PRIMARY KEY (payment_id)
);
CREATE INDEX payment_next ON payment (next_at);
CREATE INDEX payment_paid ON payment (mch, paid_at);
CREATE INDEX payment_member ON payment (member_id, payment_id);
-- exactly once: a merchant's number of an order or a refund, the platform's of a transaction, a source's order
CREATE TABLE payment_key (
  id varchar(220) NOT NULL,
  payment_id bigint NOT NULL,
  refund_id bigint NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE payment_refund (
  refund_id bigint NOT NULL,
  payment_id bigint NOT NULL,
  no varchar(64) NOT NULL,
  amount bigint NOT NULL,
  reason text NOT NULL,
  state varchar(16) NOT NULL,
  actor varchar(64) NOT NULL,
  created_at bigint NOT NULL,
  done_at bigint NOT NULL,
  next_at bigint NOT NULL,
  asked integer NOT NULL,
  PRIMARY KEY (refund_id)
);
CREATE INDEX payment_refund_payment ON payment_refund (payment_id);
CREATE INDEX payment_refund_next ON payment_refund (next_at);
-- the inbox: each thing the platform told, once, and how often it came
CREATE TABLE payment_notice (
  id varchar(220) NOT NULL,
  event varchar(64) NOT NULL,
  result varchar(64) NOT NULL,
  times bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  PRIMARY KEY (id)
);
-- what does not fit and wants a person
CREATE TABLE payment_incident (
  id varchar(220) NOT NULL,
  incident_id bigint NOT NULL,
  kind varchar(32) NOT NULL,
  mch varchar(32) NOT NULL,
  no varchar(64) NOT NULL,
  detail text NOT NULL,
  times bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  closed_at bigint NOT NULL,
  closed_by varchar(64) NOT NULL,
  note text NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX payment_incident_open ON payment_incident (closed_at, incident_id);
