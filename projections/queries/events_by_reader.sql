-- Where events of some readers stand, newest first. The reader-first table has no recorded time: it is searched by the occurred
-- one, with an hour to spare, and the patient-first one for events that were recorded farther off, which an index finds. Whoever
-- reads this checks the recorded time.
-- Read by: SearchEvents, when it names readers. Cost: the readers' own rows of the period, rounded up to granules of 1,024; and
-- granules of 512 rows that hold events recorded more than an hour from when they occurred.
SELECT position, occurred_us
FROM
(
    SELECT position, toUnixTimestamp64Micro(occurred) AS occurred_us
    FROM accesses_by_reader_vN
    PREWHERE reader_key IN {keys:Array(UInt64)}
    WHERE reader IN {packed:Array(String)} AND patient_ordinal = 0 AND position <= {position:UInt64}
      AND occurred >= fromUnixTimestamp64Micro({occurred_from:Int64}) AND occurred < fromUnixTimestamp64Micro({occurred_until:Int64})
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
      AND (empty({outcomes:Array(UInt8)}) OR bitAnd(bitShiftRight(codes, 8), 255) IN {outcomes:Array(UInt8)})
    UNION ALL
    SELECT position, toUnixTimestamp64Micro(occurred)
    FROM accesses_by_patient_vN
    PREWHERE {apart:Bool} AND (recorded_delay > 3600000000 OR recorded_delay < -3600000000)
    WHERE recorded_delay != -9223372036854775808 AND patient_ordinal = 0 AND position <= {position:UInt64}
      AND toUnixTimestamp64Micro(occurred) + recorded_delay >= {recorded_from:Int64}
      AND toUnixTimestamp64Micro(occurred) + recorded_delay < {recorded_until:Int64}
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
      AND substring(substringIndex(actor, '\x1f', 3), length(substringIndex(actor, '\x1f', 1)) + 2) IN {packed:Array(String)}
)
WHERE (occurred_us, position) < ({after_occurred:Int64}, {after_position:UInt64})
ORDER BY occurred_us DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
