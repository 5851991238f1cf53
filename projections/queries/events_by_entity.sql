-- Where events stand that touched something, newest first: as a patient (as events_by_patient.sql), or as an object.
-- Read by: SearchEvents, when it names entities but no patient. Cost: the patients' own rows, and the granules of 512 rows that
-- the index over object values leaves.
SELECT position, occurred_us
FROM
(
    SELECT position, toUnixTimestamp64Micro(occurred) AS occurred_us,
        toUnixTimestamp64Micro(occurred) + if(recorded_delay = -9223372036854775808, 0, recorded_delay) AS recorded_us
    FROM accesses_by_patient_vN
    PREWHERE patient_key IN {keys:Array(UInt64)}
    WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
      AND position <= {position:UInt64}
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
    UNION ALL
    SELECT position, toUnixTimestamp64Micro(occurred),
        toUnixTimestamp64Micro(occurred) + if(recorded_delay = -9223372036854775808, 0, recorded_delay)
    FROM accesses_by_patient_vN
    WHERE hasAny(object_values, {objects:Array(String)})
      AND position <= {position:UInt64}
      AND received >= fromUnixTimestamp64Micro({received_from:Int64}) AND received < fromUnixTimestamp64Micro({received_until:Int64})
)
WHERE recorded_us >= {recorded_from:Int64} AND recorded_us < {recorded_until:Int64}
  AND (occurred_us, position) < ({after_occurred:Int64}, {after_position:UInt64})
ORDER BY occurred_us DESC, position DESC
LIMIT 1 BY position
LIMIT {limit:UInt32}
