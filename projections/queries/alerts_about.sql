-- Alerts of some days that have cited a reader or a record in any of their versions.
-- Read by: the queue, when a reader or a record is named. Cost: the granules of 256 versions that their filters leave.
SELECT DISTINCT alert_id
FROM alerts_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date} AND sequence <= {sequence:UInt64}
  AND (empty({readers:Array(UInt64)}) OR hasAny(reader_keys, {readers:Array(UInt64)}))
  AND (empty({patients:Array(UInt64)}) OR hasAny(patient_keys, {patients:Array(UInt64)}))
LIMIT {limit:UInt32}
