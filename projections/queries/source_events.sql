-- Exact number of events a source between two messages: what one message counts never changes, so max() removes repetitions.
-- Read by: ListSources, which adds to what an earlier answer counted, half a million messages a statement. Cost: one row
-- a source, hour and message of those, rounded up to the granules that the index over messages leaves.
SELECT source, sum(message_events) AS events
FROM
(
    SELECT source, hour, sequence, max(events) AS message_events
    FROM source_counts_vN
    WHERE sequence > {after:UInt64} AND sequence <= {sequence:UInt64}
    GROUP BY source, hour, sequence
    SETTINGS optimize_aggregation_in_order = 1
)
GROUP BY source
ORDER BY source
