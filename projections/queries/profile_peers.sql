-- Who acted in a group on some days, as far as a hash chose them: the key of a reader is one.
-- Read by: the profile of a reader. Cost: the group's rows of the days, rounded up to granules of 256.
SELECT reader
FROM reader_groups_vN
PREWHERE group_key = {group:UInt64}
WHERE day BETWEEN toDate({from_day:String}) AND toDate({to_day:String}) AND position <= {position:UInt64}
GROUP BY reader_key, reader
ORDER BY reader_key, reader
LIMIT {limit:UInt32}
