-- Who acted in a group in a period, as far as a hash chose them, as their accesses say: which sites they are of, the groups do not.
-- Read by: the profile of a reader, for an asker who is limited to sites. Cost: the period's rows of the group's readers, down to the last
-- one chosen, rounded up to granules of 1,024 each.
SELECT reader
FROM accesses_by_reader_vN
PREWHERE reader_key IN
(
    SELECT reader_key
    FROM reader_groups_vN
    WHERE group_key = {group:UInt64}
      AND day BETWEEN toDate({from_day:String}) AND toDate({to_day:String}) AND position <= {position:UInt64}
)
WHERE group_key = {group:UInt64} AND position <= {position:UInt64} AND patient_ordinal = 0
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
GROUP BY reader_key, reader
ORDER BY reader_key, reader
LIMIT {limit:UInt32}
