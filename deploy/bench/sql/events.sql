-- Events that the path table holds.
SELECT countIf(patient_ordinal = 0) FROM accesses_by_patient_v1
