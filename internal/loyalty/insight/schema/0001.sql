-- what lapses, of whom most, and whose tier ends, by local day: walked in the background, replaced whole.
-- subject is the rank of a tier, a member, or 0
CREATE TABLE insight_calendar (
  kind varchar(16) NOT NULL,
  day integer NOT NULL,
  subject bigint NOT NULL,
  amount bigint NOT NULL,
  members bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (kind, day, subject)
);
