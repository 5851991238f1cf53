-- The same rows in PostgreSQL: one table, a B-tree for each of the two questions.
CREATE TABLE accesses
(
    occurred timestamptz NOT NULL, position bigint NOT NULL, patient_ordinal integer NOT NULL, patient_count integer NOT NULL,
    patient_system text NOT NULL, patient_value text NOT NULL, patient_text text NOT NULL, received timestamptz NOT NULL,
    recorded_delay bigint NOT NULL, action smallint NOT NULL, action_code text NOT NULL, outcome smallint NOT NULL,
    mode smallint NOT NULL, reader_system text NOT NULL, reader_value text NOT NULL, reader_name text NOT NULL,
    reader_type smallint NOT NULL, reader_role text NOT NULL, reader_role_display text NOT NULL, department text NOT NULL,
    object_types text NOT NULL, object_systems text NOT NULL, object_values text NOT NULL, object_names text NOT NULL,
    encounter_system text NOT NULL, encounter_value text NOT NULL, application text NOT NULL, organization text NOT NULL,
    site text NOT NULL, workstation text NOT NULL, network_address text NOT NULL, purposes text NOT NULL,
    break_glass boolean NOT NULL, sensitivity text NOT NULL, source text NOT NULL, flags text NOT NULL, pair_key bigint NOT NULL
);
CREATE INDEX accesses_by_patient ON accesses (patient_value, occurred);
CREATE INDEX accesses_by_reader ON accesses (reader_value, occurred);
