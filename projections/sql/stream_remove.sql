-- As remove.sql, by message of a stream. Run by: recovery, hardly ever. Cost: rewrites the newest parts.
ALTER TABLE TABLE_NAME DELETE WHERE sequence > (
    SELECT if(count() > 0, {after:UInt64}, toUInt64(18446744073709551615))
    FROM system.tables
    WHERE database = {database:String} AND name = {table:String} AND position(create_table_query, {writer:String}) > 0
)
SETTINGS mutations_sync = 2
