-- Where looks through Readtrail stand in the journal: questions that named somebody, by whom they were about, newest first. Each page of one
-- is a look of its own.
-- Read by: SearchEvents, when it asks for looks alone (source readtrail). Cost: with patients or readers, the rows of their keys; else all
-- questions.
SELECT position, toUnixTimestamp64Micro(asked) AS asked_us
FROM questions_vN
WHERE NOT summary AND position <= {position:UInt64}
  AND (empty({keys:Array(UInt64)}) OR subject_key IN {keys:Array(UInt64)})
  AND asked >= fromUnixTimestamp64Micro({recorded_from:Int64}) AND asked < fromUnixTimestamp64Micro({recorded_until:Int64})
  AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
  AND (asked_us, position) < ({after_occurred:Int64}, {after_position:UInt64})
ORDER BY asked_us DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
