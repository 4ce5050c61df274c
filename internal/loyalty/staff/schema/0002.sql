-- the log is searched by who, what and when
CREATE INDEX staff_oplog_operator ON staff_oplog (operator_id, seq);
CREATE INDEX staff_oplog_act ON staff_oplog (act, seq);
CREATE INDEX staff_oplog_at ON staff_oplog (at);
