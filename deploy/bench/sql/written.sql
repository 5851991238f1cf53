-- What inserts and merges wrote since the engine started. Read by: the profile of an import.
SELECT
    sumIf(value, event = 'InsertedRows')   AS inserted,
    sumIf(value, event = 'InsertQuery')    AS inserts,
    sumIf(value, event = 'MergedRows')     AS merged,
    sumIf(value, event = 'Merge')          AS merges,
    sumIf(value, event = 'MergesTimeMilliseconds') AS merging_ms
FROM system.events
