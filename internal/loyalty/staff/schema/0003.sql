-- 动态口令: the second factor of an operator; the secret is sealed, recovery codes stand as hashes
CREATE TABLE staff_factor (
  operator_id bigint NOT NULL,
  secret text NOT NULL,
  codes text NOT NULL,
  last_step bigint NOT NULL,
  confirmed_at bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (operator_id)
);
-- 常用筛选: what an operator has saved for a page of the console
CREATE TABLE staff_filter (
  operator_id bigint NOT NULL,
  filter_id bigint NOT NULL,
  page varchar(64) NOT NULL,
  name varchar(100) NOT NULL,
  body text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (operator_id, filter_id)
);
