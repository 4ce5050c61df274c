-- roles an operator has for the stores of a brand, a region, or both; brand_id 0 is all brands, an empty region all regions
CREATE TABLE staff_area (
  operator_id bigint NOT NULL,
  role varchar(32) NOT NULL,
  brand_id bigint NOT NULL,
  region varchar(100) NOT NULL,
  PRIMARY KEY (operator_id, role, brand_id, region)
);
