-- One step of the identity walk from some identifiers: the links that leave them, and whether they are known. Rows may not be merged yet, keys may be
-- those of others too, some may lie above the position, and whether a context fact's link still holds says latest_versions.sql: whoever reads this
-- compares position, system and value, and adds up. To compare the position here took the engine a fifth more.
-- Read by: every question that names somebody, once a step; who-viewed for its readers; breach scopes. Cost: one granule (64 rows) an identifier,
-- kind and part.
SELECT kind, position, said, text
FROM identities_vN
PREWHERE kind IN {links:Array(UInt8)} AND key IN {keys:Array(UInt64)} OR kind IN {named:Array(UInt8)} AND key IN {names:Array(UInt64)}
