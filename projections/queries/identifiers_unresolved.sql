-- Texts of patients without an identifier that equal one of the given texts.
-- Read by: the unresolved candidates of who-viewed. Cost: one granule (64 rows) a text and part.
SELECT
    value,
    min(position) AS first_position
FROM identifiers_vN
WHERE folded IN {folded:Array(String)} AND kind = 3
GROUP BY value
HAVING first_position <= {position:UInt64}
ORDER BY value
LIMIT {limit:UInt32}
