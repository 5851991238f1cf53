-- Identifiers known for a value, whatever system assigned it, one after the other. Rows may not be merged yet.
-- Read by: questions that name somebody without a system, where it is none of the systems of those before (identity_step.sql reads both then).
-- Cost: one granule (64 rows) a kind and part.
SELECT kind, position, said, text
FROM identities_vN
WHERE kind IN {kinds:Array(UInt8)} AND key = {key:UInt64} AND position <= {position:UInt64}
ORDER BY said
