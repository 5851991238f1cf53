-- Counts two events a message for 2.4 million messages of one source. Read by: TestSourcesAreCountedInSteps.
INSERT INTO source_counts_v1 (source, hour, sequence, events, patientless, unresolved, break_glass, failed)
SELECT 'source0', toDateTime('2016-01-01 00:00:00', 'UTC') + number * 100, number + 2, 2, 0, 0, 0, 0
FROM numbers(2400000)
