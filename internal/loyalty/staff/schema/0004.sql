-- when the operator of a session last proved who they are
ALTER TABLE staff_session ADD COLUMN proved_at bigint NOT NULL DEFAULT 0;
