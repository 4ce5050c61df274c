-- keys as callers give them: those that count upward lie side by side
WIDEN idempotency id varchar(120) NOT NULL;
ALTER TABLE idempotency ADD COLUMN reply_id bigint NOT NULL DEFAULT 0;
-- replies too long to stand beside their key, in the order of time
CREATE TABLE idempotency_reply (
  id bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (id)
);
