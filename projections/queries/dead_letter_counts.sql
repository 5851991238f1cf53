-- Dead letters by source and reason, and how many of them a retry turned into events.
-- Read by: the first page of ListDeadLetters, ListSources. Cost: all dead letters.
SELECT
    source,
    reason,
    count() AS dead_letters,
    countIf(position IN (SELECT dead_letter_position FROM dead_letter_retries_vN WHERE event_id != '' AND position <= {position:UInt64})) AS retried,
    toUnixTimestamp64Micro(min(received)) AS first_us,
    toUnixTimestamp64Micro(max(received)) AS last_us
FROM dead_letters_vN
WHERE position <= {position:UInt64}
  AND received >= fromUnixTimestamp64Micro({from:Int64}) AND received < fromUnixTimestamp64Micro({until:Int64})
  AND ({source:String} = '' OR source = {source:String})
  AND ({reason:String} = '' OR reason = {reason:String})
GROUP BY source, reason
ORDER BY dead_letters DESC, source, reason
LIMIT {limit:UInt32}
