-- 100,000 alerts, each of a reader and of twenty accesses.
INSERT INTO alerts_v1 (day, alert_id, version, sequence, cause, at, reader_keys, positions)
SELECT
    toDate('2020-01-01') + number % 1000, concat('2Zs4T8sD1pS1o3y', leftPad(toString(number), 12, '0')), 1, number + 1, 1,
    toDateTime64('2020-03-02 08:00:00', 6, 'UTC'), [number], arrayMap(i -> 1000000 + number * 20 + i, range(20))
FROM numbers(100000)
