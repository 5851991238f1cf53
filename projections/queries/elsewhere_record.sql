-- How many events name one of some patients, in all: asked for with what is outside of an asker's limits, they are counted and not shown.
-- Read by: who-viewed and the access report, for an asker with limits. Cost: the record's own rows, rounded up to granules of 512.
SELECT uniqExact(position) AS reports
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
