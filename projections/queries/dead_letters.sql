-- Dead letters, newest first, with the position of the event that a retry made of one. Ids, which are hashes of what was sent, are not read.
-- Read by: ListDeadLetters. Cost: the dead letters down to the page's end, and the retries.
SELECT
    d.position AS position,
    d.source AS source,
    d.reason AS reason,
    d.message AS message,
    d.element AS element,
    d.origin AS origin,
    d.line AS line,
    d.column AS column,
    d.size_bytes AS size_bytes,
    toUnixTimestamp64Micro(d.received) AS received_us,
    d.format AS format,
    r.retried_position AS retried_position
FROM
(
    SELECT position, source, reason, message, element, origin, line, column, size_bytes, received, format
    FROM dead_letters_vN
    WHERE position <= {position:UInt64} AND position < {before:UInt64}
      AND received >= fromUnixTimestamp64Micro({from:Int64}) AND received < fromUnixTimestamp64Micro({until:Int64})
      AND ({source:String} = '' OR source = {source:String})
      AND ({reason:String} = '' OR reason = {reason:String})
      AND ({include_retried:Bool} OR position NOT IN
          (SELECT dead_letter_position FROM dead_letter_retries_vN WHERE event_id != '' AND position <= {position:UInt64}))
    ORDER BY position DESC
    LIMIT {limit:UInt32}
) AS d
LEFT JOIN
(
    SELECT dead_letter_position, argMax(event_position, position) AS retried_position
    FROM dead_letter_retries_vN
    WHERE event_id != '' AND position <= {position:UInt64}
    GROUP BY dead_letter_position
) AS r ON r.dead_letter_position = d.position
ORDER BY d.position DESC
