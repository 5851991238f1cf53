-- The last position that the path table holds.
SELECT max(position) FROM accesses_by_patient_v1
