-- The pattern's events and its first and last time.
SELECT toUInt64(max(n) + 1), toUnixTimestamp64Micro(min(occurred)), toUnixTimestamp64Micro(max(occurred)) FROM bench_seed
