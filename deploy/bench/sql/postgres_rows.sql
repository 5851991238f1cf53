-- The rows as COPY takes them, in the order in which they arrived, a stretch at a time.
SELECT formatRowNoNewline('TSV', occurred, position, patient_ordinal, patient_count, patient_system, patient_value, patient_text, received,
    recorded_delay, action, action_code, outcome, mode, reader_system, reader_value, reader_name, reader_type, reader_role,
    reader_role_display, department, object_types, object_systems, object_values, object_names, encounter_system, encounter_value,
    application, organization, site, workstation, network_address, purposes, break_glass, sensitivity, source, flags, pair_key)
FROM accesses_by_patient_fields_v1
WHERE position >= {from:UInt64} AND position < {until:UInt64}
ORDER BY position, patient_ordinal
