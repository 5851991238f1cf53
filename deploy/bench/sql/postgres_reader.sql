-- As queries/reader_events.sql. Value and period stand in place of VALUE, FROM_US and UNTIL_US.
SELECT position, occurred, source, action, outcome, mode, break_glass, patient_value, pair_key
FROM accesses
WHERE reader_value = 'VALUE' AND patient_ordinal = 0
  AND occurred >= to_timestamp(FROM_US / 1000000.0) AND occurred < to_timestamp(UNTIL_US / 1000000.0)
ORDER BY occurred DESC, position DESC;
