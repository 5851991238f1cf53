-- How far kept tables go. Read by: BenchmarkLedger.
SELECT max(position), toUnixTimestamp64Micro(argMax(received, position)) FROM watermarks WHERE version = 1 AND projector = 'accesses'
