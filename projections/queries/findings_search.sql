-- Findings of some days, latest day first.
-- Read by: SearchFindings. Cost: the rows of these days; by reader or record the granules of 256 that their filters leave.
SELECT
    toInt32(day) AS day_number, sequence AS message, number, detector, grade, words, reader_system, reader_value, patient_system, patient_value,
    positions, more, cause, toUnixTimestamp64Micro(at) AS at_us, closed, backfill, rule_set
FROM findings_vN
WHERE day BETWEEN {from_day:Date} AND {to_day:Date}
  AND sequence <= {sequence:UInt64} AND cause <= {position:UInt64}
  AND ({detector:String} = '' OR detector = {detector:String})
  AND (empty({readers:Array(UInt64)}) OR reader_key IN {readers:Array(UInt64)})
  AND (empty({patients:Array(UInt64)}) OR patient_key IN {patients:Array(UInt64)})
  AND NOT has({own:Array(UInt64)}, reader_key)
  AND grade >= {grade:UInt32}
  AND (-toInt32(day), detector, -toInt64(sequence), number) > ({after_day:Int32}, {after_detector:String}, {after_sequence:Int64}, {after_number:UInt32})
ORDER BY day DESC, detector ASC, sequence DESC, number ASC
LIMIT {limit:UInt32}
