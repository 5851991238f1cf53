-- Takes away what stands above the watermark, when an insert that was given up landed after all and doubled rows, and
-- nothing when another session has fenced the table meanwhile: that one counts with what it found. The condition is
-- evaluated when the deletion runs. Run by: recovery, hardly ever. Cost: rewrites the newest parts.
ALTER TABLE TABLE_NAME DELETE WHERE position > {after:UInt64} AND (
    SELECT count()
    FROM system.tables
    WHERE database = {database:String} AND name = {table:String} AND position(create_table_query, {writer:String}) > 0
) > 0
SETTINGS mutations_sync = 2
