-- Makes the bulk rows part of every answer. Read by: TestRowsRead, the benchmarks.
INSERT INTO watermarks (version, projector, position, received) VALUES (1, 'accesses', 1099511627776, '2026-03-02 08:00:00')
