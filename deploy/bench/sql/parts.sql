-- Parts of the path table.
SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'accesses_by_patient_v1'
