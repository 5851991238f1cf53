-- Events of a period whose patient is known by text only: they may concern any record.
-- Read by: the header of answers about a period, or as of an earlier time, and of the first over
-- all time. Cost: three narrow columns of the unresolved rows of the period.
SELECT count() AS events
FROM accesses_by_patient_vN
WHERE patient_key = 1 AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
