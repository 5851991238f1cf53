-- Identifiers known for a value, whatever system assigned it.
-- Read by: every question that names somebody without a system. Cost: one granule (512 rows) a part.
SELECT
    system,
    value,
    max(text) AS name,
    min(position) AS first_position
FROM identifiers_vN
WHERE folded = {folded:String} AND kind IN {kinds:Array(UInt8)}
GROUP BY system, value
HAVING first_position <= {position:UInt64}
ORDER BY system, value
LIMIT {limit:UInt32}
