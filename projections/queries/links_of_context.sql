-- One step of the identity walk: the links of the given identifiers that hold at the position. A link holds as long as
-- the version that states it is the latest of its resource: that is how an un-merge takes it back. Related records
-- (kind 4) and "the same human in two roles" (kind 5) are not followed.
-- Read by: every question that names somebody, once a step. Cost: one granule (512 rows) an identifier, and one (1,024
-- rows) an asserting resource, a part each.
WITH stated AS
(
    SELECT system, value, other_system, other_value, kind, reverse, position, resource_key, source
    FROM identity_links_vN
    WHERE key IN {keys:Array(UInt64)} AND concat(system, '|', value) IN {texts:Array(String)}
      AND position <= {position:UInt64} AND kind IN (1, 2, 3)
      AND resource_type NOT IN {excluded:Array(String)}
)
SELECT system, value, other_system, other_value, kind, reverse, position, source
FROM stated
WHERE (resource_key, position) IN
(
    SELECT resource_key, max(position)
    FROM context_vN
    WHERE resource_key IN (SELECT resource_key FROM stated) AND position <= {position:UInt64}
    GROUP BY resource_key
)
ORDER BY position, other_system, other_value
LIMIT {limit:UInt32}
