-- Of tables that identities_vN replaced (0020_identities.sql): run for versions that an earlier release made.

-- What a link says in one text, for the walk over identities. A question reads a granule of each column for each identifier, and a
-- breach scope has thousands of them: five texts, three of them dictionaries, took twice the time of one.

-- System and value of this end and of the other one, and the source, packed as in accesses_by_patient_vN. Computed from the columns of
-- those fields when a row is inserted, by whichever release; rows from before this migration are computed once, below, so that no
-- rebuild is needed. Read by: the identity walk. Cost: two and a half bytes an event.
ALTER TABLE event_links_vN ADD COLUMN IF NOT EXISTS link String MATERIALIZED
    arrayStringConcat(arrayMap(f -> replaceAll(replaceAll(f, '\x1e', '\x1er'), '\x1f', '\x1eu'),
        [toString(system), value, toString(other_system), other_value, toString(source)]), '\x1f') CODEC(LZ4);

ALTER TABLE identity_links_vN ADD COLUMN IF NOT EXISTS link String MATERIALIZED
    arrayStringConcat(arrayMap(f -> replaceAll(replaceAll(f, '\x1e', '\x1er'), '\x1f', '\x1eu'),
        [toString(system), value, toString(other_system), other_value, toString(source)]), '\x1f') CODEC(LZ4);

ALTER TABLE event_links_vN MATERIALIZE COLUMN link;

ALTER TABLE identity_links_vN MATERIALIZE COLUMN link;
