-- The context that was missing when some causes were judged.
-- Read by: lists of accesses, for verdicts of not assessable. Cost: granules of 256 a cause.
SELECT cause, arraySort(arrayDistinct(arrayFlatten(groupArray(missing)))) AS missing_contexts
FROM judged_vN
WHERE last IN (true, false) AND cause IN {causes:Array(UInt64)}
GROUP BY cause
