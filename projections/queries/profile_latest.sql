-- When a reader did anything last, 0 when never.
-- Read by: the profile of a reader, when no period is asked for. Cost: the reader's own rows, rounded up to granules of 1,024.
SELECT if(count() = 0, 0, toUnixTimestamp64Micro(max(occurred))) AS latest
FROM accesses_by_reader_vN
PREWHERE reader_key IN {keys:Array(UInt64)}
WHERE reader IN {packed:Array(String)} AND position <= {position:UInt64}
SETTINGS use_skip_indexes = 0
