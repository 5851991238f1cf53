-- Takes away what stands above the watermark, when an insert that was given up landed after all and doubled rows, and
-- nothing when another session has fenced the table meanwhile: that one counts with what it found. The fence is read when
-- the deletion runs, as the position above which rows go: a condition of its own beside the position would be folded into
-- a constant in one step of the deletion and not in the next, which ClickHouse refuses (ILLEGAL_COLUMN). Run by: recovery,
-- hardly ever. Cost: rewrites the newest parts.
ALTER TABLE TABLE_NAME DELETE WHERE position > (
    SELECT if(count() > 0, {after:UInt64}, toUInt64(18446744073709551615))
    FROM system.tables
    WHERE database = {database:String} AND name = {table:String} AND position(create_table_query, {writer:String}) > 0
)
SETTINGS mutations_sync = 2
