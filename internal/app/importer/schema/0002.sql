-- 导入文件: a file on its way in over HTTP; its bytes stand sealed in the installation's folder
CREATE TABLE import_file (
  id bigint NOT NULL,
  name varchar(200) NOT NULL,
  size bigint NOT NULL,
  received bigint NOT NULL,
  parts bigint NOT NULL,
  sealed bigint NOT NULL,
  state varchar(16) NOT NULL,
  owner varchar(64) NOT NULL,
  options text NOT NULL,
  check_id bigint NOT NULL,
  run_id bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (id)
);
