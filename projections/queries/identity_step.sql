-- One step of the identity walk from some identifiers: the links that leave them, and whether they are known. Rows say what
-- they are: 1 a link that a context fact states, 2 identifiers that one event states together, 3 a name of the identifier
-- itself. Rows may not be merged yet, keys and folded values may be those of others too, and whether a context fact's link
-- still holds says latest_versions.sql: whoever reads this compares system and value, and adds up.
-- Read by: every question that names somebody, once a step. Cost: one granule (64 rows) an identifier, table and part.
SELECT 1 AS what, kind, reverse, position, resource_key, link, '' AS system, '' AS value
FROM identity_links_vN
WHERE key IN {keys:Array(UInt64)} AND position <= {position:UInt64} AND kind IN (1, 2, 3)
  AND resource_type NOT IN {excluded:Array(String)}
UNION ALL
SELECT 2, kind, false, position, 0, link, '', ''
FROM event_links_vN
WHERE key IN {keys:Array(UInt64)} AND kind = {event_kind:UInt8} AND position <= {position:UInt64}
UNION ALL
SELECT 3, kind, false, position, 0, text, system, value
FROM identifiers_vN
WHERE folded IN {folded:Array(String)} AND kind IN {kinds:Array(UInt8)}
