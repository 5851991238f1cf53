-- Identifiers known for a value, whatever system assigned it. Rows may not be merged yet.
-- Read by: questions that name somebody without a system, where it is none of the systems of those before (identity_step.sql reads both then).
-- Cost: one granule (64 rows) a part.
SELECT system, value, kind, text, position
FROM identifiers_vN
WHERE folded = {folded:String} AND kind IN {kinds:Array(UInt8)}
ORDER BY system, value
