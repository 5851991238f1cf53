-- When each source's events occurred and arrived, as it was known at a position: an hour that goes on beyond it counts
-- from its beginning only, so the extent is right to the hour and never says what came later.
-- Read by: the header of answers as of an earlier time. Cost: one row a source and hour.
SELECT
    source,
    toUnixTimestamp64Micro(min(first_occurred)) AS first_occurred_us,
    toUnixTimestamp64Micro(max(if(last_position <= {position:UInt64}, last_occurred, first_occurred))) AS last_occurred_us,
    toUnixTimestamp64Micro(max(if(last_position <= {position:UInt64}, last_received, first_received))) AS last_received_us
FROM source_hours_vN
WHERE first_position <= {position:UInt64}
GROUP BY source
ORDER BY source
