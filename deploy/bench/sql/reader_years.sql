-- Readers and years in which they worked, chosen by hash.
SELECT reader_system, reader_value, toUnixTimestamp64Micro(toDateTime64(year, 6, 'UTC')), toUnixTimestamp64Micro(toDateTime64(addYears(year, 1), 6, 'UTC')), reports
FROM
(
    SELECT reader_system, reader_value, toStartOfYear(occurred) AS year, count() AS reports
    FROM accesses_by_reader_fields_v1
    WHERE reader_key > 0 AND cityHash64(reader_key) % {one_in:UInt64} = 0 AND match(reader_value, '-[0-9]+$')
    GROUP BY reader_system, reader_value, year
    HAVING reports >= {least:UInt64}
)
ORDER BY cityHash64(reader_value, year)
LIMIT {limit:UInt32}
