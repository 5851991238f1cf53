-- Frozen breach scopes, latest first.
-- Read by: ListFrozenScopes. Cost: the rows of a page, rounded up to granules of 256.
SELECT
    position,
    body
FROM frozen_scopes_vN
WHERE position <= {position:UInt64} AND position < {before:UInt64}
ORDER BY position DESC
LIMIT {limit:UInt32}
