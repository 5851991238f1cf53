-- Who is who. Applied when a question is asked: rows of accesses keep the identifier that the event stated, so a merge
-- rewrites nothing and an un-merge needs no repair. Every row has the position that says it: `position <= P` answers as
-- it was known at P. A question looks up single identifiers here, those of all
-- readers of a record at a time: granules of 64 rows.

-- Every version of every context fact, without its JSON. Read by: the identity walk (which version of a resource is
-- the latest at P), display names. Cost: one granule (64 rows) a resource.
-- The latest at P: argMax(..., position) where resource_key = k and position <= P; deleted counts as a version.
CREATE TABLE IF NOT EXISTS context_vN
(
    -- xxHash64 of "source|resource_type|resource_id", at least 2.
    resource_key         UInt64,
    position             UInt64,
    received             DateTime64(6, 'UTC'),
    source               LowCardinality(String),
    resource_type        LowCardinality(String),
    resource_id          String CODEC(ZSTD(1)),
    version_id           String CODEC(ZSTD(1)),
    -- 1970-01-01 when the fact states none.
    effective            DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    display              String CODEC(ZSTD(1)),
    deleted              Bool,
    identifier_systems   Array(LowCardinality(String)),
    identifier_values    Array(String) CODEC(ZSTD(1)),
    import_key           UInt64 CODEC(ZSTD(1)),
    INDEX position_range position TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (resource_key, position)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Replaced by identities_vN (0020_identities.sql): no version makes it any more. Read there what holds now.
-- Links as context facts state them, each under both of its ends. Read by: the identity walk, one step:
--   links where key = k and position <= P, of which those hold whose position is max(position) of their resource_key in
--   context_vN at P: a later version of the asserting resource replaces all links of the former (un-merge).
-- Beside the fact's own links there is one KIND_SAME_RESOURCE link from the first to each other identifier of a Patient,
-- Person, Practitioner or RelatedPerson.
CREATE TABLE IF NOT EXISTS identity_links_vN
(
    key           UInt64,
    position      UInt64,
    -- Place among the fact's link rows, from 0.
    ordinal       UInt32,
    system        LowCardinality(String),
    value         String CODEC(ZSTD(1)),
    other_key     UInt64,
    other_system  LowCardinality(String),
    other_value   String CODEC(ZSTD(1)),
    -- IdentityLink.Kind as the fact states it, read from `from` to `to`.
    kind          UInt8,
    -- True when `key` is the link's `to`: a REPLACED_BY seen from the record that lives on.
    reverse       Bool,
    resource_key  UInt64,
    resource_type LowCardinality(String),
    source        LowCardinality(String),
    received      DateTime64(6, 'UTC'),
    INDEX position_range position TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (key, position, ordinal)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Replaced by identities_vN (0020_identities.sql).
-- Identifiers that one event states for one patient (kind 1) or one reader (kind 2): the first with each other, under
-- both ends, at the smallest position that says so. Not withdrawn by anything. The first of a patient also stands alone, other_key 0,
-- the rest of the other end and source '': that is how a breach scope finds whom the keys of its rows name. Kinds stand apart, so
-- that a question about readers does not read patients, who are a thousand times as many. Read by: the identity walk; group by key
-- and other_key (rows may not be merged yet): min(position) <= P.
CREATE TABLE IF NOT EXISTS event_links_vN
(
    key          UInt64,
    other_key    UInt64,
    kind         UInt8,
    system       LowCardinality(String),
    value        String CODEC(ZSTD(1)),
    other_system LowCardinality(String),
    other_value  String CODEC(ZSTD(1)),
    position     SimpleAggregateFunction(min, UInt64),
    source       LowCardinality(String)
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (kind, key, other_key)
ORDER BY (kind, key, other_key, system, value, other_system, other_value, source)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Where patients live, as Patient resources state it: a row under each identifier of a version that states a country or
-- a state. Of those at or below P holds the one whose position is max(position) of its resource_key in context_vN at P: a
-- later version without an address takes it back. Read by: breach scopes, by jurisdiction. Cost: one granule (64 rows) an
-- identifier.
CREATE TABLE IF NOT EXISTS patient_addresses_vN
(
    key          UInt64,
    position     UInt64,
    -- Place among the fact's identifiers, from 0.
    ordinal      UInt32,
    system       LowCardinality(String),
    value        String CODEC(ZSTD(1)),
    -- As stated, without blanks around it; codes of two or three letters in capitals.
    country      LowCardinality(String),
    state        LowCardinality(String),
    resource_key UInt64,
    received     DateTime64(6, 'UTC'),
    INDEX position_range position TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (key, position, ordinal)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;

-- Replaced by identities_vN (0020_identities.sql).
-- Which identifiers are known, findable by their bare value. Read by: every question that names somebody ("MRN" without a
-- system; more than one record: ask back) and the list of unresolved candidates. Group by (kind, system, value): rows may
-- not be merged yet.
-- kind: 1 patient, 2 reader, 3 text of an unresolved patient (system '', value the text, key 1),
--       4 patient and 5 reader known by context only or also (a Patient; a Practitioner, Person, RelatedPerson).
CREATE TABLE IF NOT EXISTS identifiers_vN
(
    -- Lower case of value, blanks trimmed: what is searched for.
    folded   String CODEC(ZSTD(1)),
    kind     UInt8,
    system   LowCardinality(String),
    value    String CODEC(ZSTD(1)),
    key      UInt64,
    -- Name or text that came with it, the largest of all; '' when none did.
    text     SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    position SimpleAggregateFunction(min, UInt64)
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (folded, kind)
ORDER BY (folded, kind, system, value, key)
SETTINGS index_granularity = 64, min_compress_block_size = 4096,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 0;
