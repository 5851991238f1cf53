-- As queries/record_events.sql. The value stands in place of VALUE.
SELECT position, occurred, source, action, outcome, mode, break_glass, reader_system, reader_value, reader_name, reader_type,
       department, purposes, pair_key
FROM accesses
WHERE patient_value = 'VALUE'
ORDER BY occurred DESC, position DESC;
