-- Judges a month of two million accesses, which came a dozen a message, day by day. Read by: TestVerdictsAreSmall.
INSERT INTO verdicts_v1 (position, patient, cause, verdict, explanation, closed, sequence, at)
SELECT (intDiv(number, 12) + 2) * 4096 + number % 12 + intDiv(number % 12, 5), 0, (intDiv(number, 66000) + 1) * 100000 * 4096,
    if(cityHash64(number) % 40 = 0, 2, 1), if(cityHash64(number) % 40 = 0, 0, 3 + cityHash64(number, 1) % 9),
    true, intDiv(number, 4096), toDateTime64('2026-01-02 06:00:00', 6, 'UTC') + toIntervalDay(intDiv(number, 66000))
FROM numbers(2000000)
SETTINGS max_insert_block_size = 2000000, max_block_size = 2000000, min_insert_block_size_rows = 2000000, min_insert_block_size_bytes = 0
