-- Where events about some patients stand, newest first. The time is the recorded one, or the occurred one of an event that
-- states none; it is computed, so that all rows of the patients are read.
-- Read by: SearchEvents, when it names patients. Cost: the records' own rows, rounded up to granules of 512 an identifier and
-- part.
SELECT position, toUnixTimestamp64Micro(occurred) AS occurred_us
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
  AND position <= {position:UInt64}
  AND toUnixTimestamp64Micro(occurred) + if(recorded_delay = -9223372036854775808, 0, recorded_delay) >= {recorded_from:Int64}
  AND toUnixTimestamp64Micro(occurred) + if(recorded_delay = -9223372036854775808, 0, recorded_delay) < {recorded_until:Int64}
  AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
  AND (empty({outcomes:Array(UInt8)}) OR bitAnd(bitShiftRight(codes, 8), 255) IN {outcomes:Array(UInt8)})
  AND (occurred, position) < (fromUnixTimestamp64Micro({after_occurred:Int64}), {after_position:UInt64})
ORDER BY occurred DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
SETTINGS use_skip_indexes = 0
