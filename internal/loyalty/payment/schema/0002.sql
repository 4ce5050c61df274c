-- points that pay a part: held while somebody pays the rest
ALTER TABLE payment ADD COLUMN points_used bigint NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN hold_id bigint NOT NULL DEFAULT 0;
