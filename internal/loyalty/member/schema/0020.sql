-- by local day, for live totals: who joined, who was merged into another (less those taken apart again), who left for good
CREATE TABLE member_total (
  day integer NOT NULL,
  joined bigint NOT NULL,
  merged bigint NOT NULL,
  closed bigint NOT NULL,
  PRIMARY KEY (day)
);
