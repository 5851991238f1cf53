-- One step of the identity walk: identifiers that one event states together with the given ones, for the same patient
-- (kind 1) or the same reader (kind 2).
-- Read by: every question that names somebody, once a step. Cost: one granule (512 rows) an identifier and part.
SELECT
    system,
    value,
    other_system,
    other_value,
    min(position) AS first_position,
    argMin(source, position) AS first_source
FROM event_links_vN
WHERE key IN {keys:Array(UInt64)} AND kind = {kind:UInt8}
  AND concat(system, '|', value) IN {texts:Array(String)}
GROUP BY system, value, other_system, other_value
HAVING first_position <= {position:UInt64}
ORDER BY first_position, other_system, other_value
LIMIT {limit:UInt32}
