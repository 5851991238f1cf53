-- The links that leave some identifiers: identity_step.sql without names, whose rows are alike.
-- Read by: the first step of the walk from a bare value, which was named before, where its system was not guessed; who-viewed for its readers.
-- Cost: one granule (64 rows) an identifier, table and part.
SELECT 1 AS what, kind, reverse, position, resource_key, link, '' AS system, '' AS value
FROM identity_links_vN
WHERE key IN {keys:Array(UInt64)} AND position <= {position:UInt64} AND kind IN (1, 2, 3)
  AND resource_type NOT IN {excluded:Array(String)}
UNION ALL
SELECT 2, kind, false, position, 0, link, '', ''
FROM event_links_vN
WHERE key IN {keys:Array(UInt64)} AND kind = {event_kind:UInt8} AND position <= {position:UInt64}
