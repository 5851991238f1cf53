-- Rows of a run after recovery. Read by: recovery, which compares them with the fold. Cost: as present.sql.
SELECT count()
FROM TABLE_NAME
WHERE position > {after:UInt64} AND position <= {upto:UInt64}
  AND received >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
