-- The latest version of some context resources at the position. A link holds as long as the version that states it is the
-- latest of its resource: that is how an un-merge takes it back.
-- Read by: the identity walk, when context facts state links. Cost: one granule (64 rows) a resource and part.
SELECT resource_key, max(position)
FROM context_vN
WHERE resource_key IN {resources:Array(UInt64)} AND position <= {position:UInt64}
GROUP BY resource_key
