-- Who is who, in one table: what events and context facts say of identifiers. It stands for identifiers_vN, event_links_vN and
-- identity_links_vN of 0003: a question that names somebody read all three in each step of its walk, and each reading of a table costs the
-- engine as much as what it finds there (ADR 35). What stands in those of a version that an earlier release made is taken over, and they are
-- dropped, before anybody is answered (sql/replace_*.sql). A version that begins makes none of them.

-- A row says one thing of one identifier, packed as in accesses_by_patient_vN. By kind:
--    1  what one event states of one patient: the first identifier with another one, under both ends, and the first alone, with an empty
--       other end and an empty source: that is how a breach scope finds whom the keys of its rows name
--    2  the first identifier of one reader with another one, under both ends
--    3  a link of a context fact, under both ends; beside the fact's own there is one KIND_SAME_RESOURCE from the first to each other
--       identifier of a Patient, Person, Practitioner or RelatedPerson
--   11, 12, 13, 14, 15  a name: of a patient or a reader in an event, of a patient who is known by text only (system '', value the text), of a
--       patient or a reader in a context fact (a Patient; a Practitioner, Person, RelatedPerson)
-- Kinds stand apart, so that a question about readers does not read patients, who are a thousand times as many.
-- Read by: the identity walk, one step: of links of kind 3 those hold whose version is max(position) of their resource_key in
-- context_vN at P, so that a later version of a resource replaces all links of the former (un-merge); breach scopes; unresolved
-- candidates. Cost: one granule (64 rows) an identifier, kind and part. Rows may not be merged yet: min(position) <= P.
CREATE TABLE IF NOT EXISTS identities_vN
(
    kind     UInt8,
    -- xxHash64 of "system|value" of the end that the row stands under, at least 2; of a name, of "|" and its folded value: lower case, blanks
    -- trimmed. 0 where that is empty.
    key      UInt64,
    -- 1 and 2: system and value of this end and of the other one, source. 3: behind those the resource_key, IdentityLink.Kind as the fact
    -- states it, 1 where this end is the link's `to` and 0 where it is its `from`, resource_type. Names: system, value.
    said     String CODEC(LZ4),
    -- Of names the name or text that came with the identifier, the largest of all; '' when none did.
    text     SimpleAggregateFunction(max, String) CODEC(LZ4),
    -- Of kind 3 the position of the version of the fact; 0 of all others, which nothing withdraws.
    version  UInt64,
    position SimpleAggregateFunction(min, UInt64)
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (kind, key)
ORDER BY (kind, key, said, version)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
