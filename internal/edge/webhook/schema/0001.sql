-- Outside consumers of facts (外部订阅). An endpoint has got every fact up to its position, in order.
CREATE TABLE webhook_endpoint (
  id bigint NOT NULL,
  url text NOT NULL,
  secret text NOT NULL,
  kinds text NOT NULL,
  status varchar(8) NOT NULL,
  position bigint NOT NULL,
  woken integer NOT NULL,
  fence bigint NOT NULL,
  lease_until bigint NOT NULL,
  fails integer NOT NULL,
  last_error text NOT NULL,
  sent_at bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (id)
);
