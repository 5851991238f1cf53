-- The last stretch of time in which so many reports occurred, and how many.
SELECT toUnixTimestamp64Micro(min(occurred)), toUnixTimestamp64Micro(max(occurred)) + 1, count()
FROM (SELECT occurred FROM accesses_by_reader_v1 ORDER BY occurred DESC LIMIT {limit:UInt32})
