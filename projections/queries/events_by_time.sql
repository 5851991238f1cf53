-- Where events stand by when they were recorded or received, by source, site and network address, newest first; the recorded time
-- as in events_by_reader.sql.
-- Read by: SearchEvents, when it names no patient, no reader and no entity. Cost: granules of 1,024 rows of the parts that reach
-- into the period; indexes over source and site leave fewer. And as events_by_reader.sql for events recorded far off.
SELECT position, occurred_us
FROM
(
    SELECT position, toUnixTimestamp64Micro(occurred) AS occurred_us
    FROM accesses_by_reader_vN
    WHERE patient_ordinal = 0 AND position <= {position:UInt64}
      AND occurred >= fromUnixTimestamp64Micro({occurred_from:Int64}) AND occurred < fromUnixTimestamp64Micro({occurred_until:Int64})
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
      AND (empty({outcomes:Array(UInt8)}) OR bitAnd(bitShiftRight(codes, 8), 255) IN {outcomes:Array(UInt8)})
      AND (empty({sources:Array(String)}) OR source IN {sources:Array(String)})
      AND (empty({sites:Array(String)}) OR site IN {sites:Array(String)})
      AND (empty({addresses:Array(String)})
           OR arrayExists(a -> startsWith(lowerUTF8(network_address), a) OR startsWith(lowerUTF8(workstation), a), {addresses:Array(String)}))
    UNION ALL
    SELECT position, toUnixTimestamp64Micro(occurred)
    FROM accesses_by_patient_vN
    PREWHERE {apart:Bool} AND (recorded_delay > 3600000000 OR recorded_delay < -3600000000)
    WHERE recorded_delay != -9223372036854775808 AND patient_ordinal = 0 AND position <= {position:UInt64}
      AND toUnixTimestamp64Micro(occurred) + recorded_delay >= {recorded_from:Int64}
      AND toUnixTimestamp64Micro(occurred) + recorded_delay < {recorded_until:Int64}
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
)
WHERE (occurred_us, position) < ({after_occurred:Int64}, {after_position:UInt64})
ORDER BY occurred_us DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
