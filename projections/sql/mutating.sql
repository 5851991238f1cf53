-- Deletions of a table that have not ended. Read by: the projector after it has fenced the table. Cost: none.
SELECT count()
FROM system.mutations
WHERE database = {database:String} AND table = {table:String} AND NOT is_done
