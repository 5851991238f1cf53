-- Exact number of events a source and message: what one message counts never changes, so max() removes repetitions.
-- Read by: ListSources. Cost: one row a source, hour and message; aggregated in the order of the table.
SELECT source, sum(message_events) AS events
FROM
(
    SELECT source, hour, sequence, max(events) AS message_events
    FROM source_counts_vN
    WHERE sequence <= {sequence:UInt64}
    GROUP BY source, hour, sequence
    SETTINGS optimize_aggregation_in_order = 1
)
GROUP BY source
ORDER BY source
