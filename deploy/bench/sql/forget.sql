-- The pattern is no longer needed.
DROP VIEW bench_replica;

DROP TABLE bench_at;

DROP TABLE bench_seed;

DROP TABLE bench_groups;

DROP TABLE bench_identities
