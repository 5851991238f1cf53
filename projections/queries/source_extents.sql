-- When each source's events occurred and arrived, up to now.
-- Read by: every answer header, ListSources. Cost: one row a source and month.
SELECT
    source,
    toUnixTimestamp64Micro(min(first_occurred)) AS first_occurred_us,
    toUnixTimestamp64Micro(max(last_occurred)) AS last_occurred_us,
    toUnixTimestamp64Micro(max(last_received)) AS last_received_us
FROM source_extents_vN
WHERE first_position <= {position:UInt64}
GROUP BY source
ORDER BY source
