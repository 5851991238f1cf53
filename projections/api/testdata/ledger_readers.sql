-- Readers of the generated years and months in which they worked, chosen by hash. Read by: BenchmarkLedger.
SELECT reader_value, toUnixTimestamp64Micro(toDateTime64(month, 6, 'UTC')), toUnixTimestamp64Micro(toDateTime64(addMonths(month, 1), 6, 'UTC'))
FROM
(
    SELECT reader_value, toStartOfMonth(occurred) AS month, count() AS accesses
    FROM accesses_by_reader_fields_v1
    WHERE reader_key > 0 AND cityHash64(reader_key) % 20 = 0 AND match(reader_value, '-[0-9]+$')
    GROUP BY reader_value, month
    HAVING accesses >= 100
)
ORDER BY cityHash64(reader_value, month)
LIMIT 50
