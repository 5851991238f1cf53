-- Workstations and weeks in which somebody worked there, chosen by hash.
SELECT '', workstation, toUnixTimestamp64Micro(toDateTime64(week, 6, 'UTC')), toUnixTimestamp64Micro(toDateTime64(addWeeks(week, 1), 6, 'UTC')), accesses
FROM
(
    SELECT workstation, toMonday(occurred) AS week, count() AS accesses
    FROM accesses_by_reader_v1
    WHERE workstation != '' AND patient_ordinal = 0 AND cityHash64(reader_key) % {one_in:UInt64} = 0
    GROUP BY workstation, week
)
ORDER BY cityHash64(workstation, week)
LIMIT {limit:UInt32}
