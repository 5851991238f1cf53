-- Readers and months in which they worked, chosen by hash.
SELECT reader_system, reader_value, toUnixTimestamp64Micro(toDateTime64(month, 6, 'UTC')), toUnixTimestamp64Micro(toDateTime64(addMonths(month, 1), 6, 'UTC')), accesses
FROM
(
    SELECT reader_system, reader_value, toStartOfMonth(occurred) AS month, count() AS accesses
    FROM accesses_by_reader_fields_v1
    WHERE reader_key > 0 AND cityHash64(reader_key) % {one_in:UInt64} = 0 AND match(reader_value, '-[0-9]+$')
    GROUP BY reader_system, reader_value, month
    HAVING accesses >= {least:UInt64}
)
ORDER BY cityHash64(reader_value, month)
LIMIT {limit:UInt32}
