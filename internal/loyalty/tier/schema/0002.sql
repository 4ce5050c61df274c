-- the tier whose benefits hold while a refund has stopped those of the tier that is kept; -1 for none
ALTER TABLE tier_state ADD COLUMN benefits integer NOT NULL DEFAULT -1;
ALTER TABLE tier_history ADD COLUMN benefits integer NOT NULL DEFAULT -1;
ALTER TABLE tier_history ADD COLUMN enjoyed integer NOT NULL DEFAULT -1;
