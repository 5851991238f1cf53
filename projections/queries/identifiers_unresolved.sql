-- Texts of patients without an identifier, by the keys of their names. Keys may be those of others too: whoever reads this compares. Rows may not be
-- merged yet.
-- Read by: the unresolved candidates of who-viewed. Cost: one granule (64 rows) a text and part.
SELECT DISTINCT kind, toUInt64(0), said, ''
FROM identities_vN
WHERE kind = 13 AND key IN {keys:Array(UInt64)} AND position <= {position:UInt64}
ORDER BY said
LIMIT {limit:UInt32}
