-- Which of an event's patients a record is, of events that name several.
-- Read by: the verdicts of a record's accesses. Cost: as record_events.sql.
SELECT position AS access, patient_ordinal
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)} AND position IN {accesses:Array(UInt64)}
WHERE substringIndex(patient, '\x1f', 2) IN {packed:Array(String)}
