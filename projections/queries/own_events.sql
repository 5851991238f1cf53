-- Which of some events are the asker's own.
-- Read by: ListFrozenScopes, ListViews and GetView, when it is known which reader the asker is and scopes name events one by one; without
-- the asker's limits, because it only keeps back. Cost: the granules of the asker's rows in the reader-first table that the range of
-- positions leaves.
SELECT DISTINCT position
FROM accesses_by_reader_vN
WHERE reader_key IN {own:Array(UInt64)} AND position IN {named:Array(UInt64)} AND position <= {position:UInt64}
