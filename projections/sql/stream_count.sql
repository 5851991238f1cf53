-- Rows of a run after recovery. Read by: recovery, which compares them with the fold. Cost: as stream_present.sql.
SELECT count() FROM TABLE_NAME WHERE sequence > {after:UInt64} AND sequence <= {upto:UInt64}
