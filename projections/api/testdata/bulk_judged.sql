-- Says that detectors have judged. Read by: TestRowsReadForVerdicts.
INSERT INTO judged_v1 (last, cause, ordinal, sequence, day, at, closed, backfill, rule_set, missing, verdicts, findings)
SELECT true, 4096 * (number + 1), 0, number + 1, toDate('2016-01-01') + number, toDateTime64('2016-01-03 00:00:00', 6, 'UTC') + toIntervalDay(number), true, false, '', [], 1, 0
FROM numbers(3650)
