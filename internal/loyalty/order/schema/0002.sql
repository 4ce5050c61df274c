-- the till that told of an order; 0 is none
ALTER TABLE orders ADD COLUMN terminal_id bigint NOT NULL DEFAULT 0;
-- what of all members came back, the newest order first; written by refunds only
CREATE INDEX order_refund_order ON order_refund (order_id);
