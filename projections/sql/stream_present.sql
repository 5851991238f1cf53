-- Messages above the watermark whose rows stand in a table of a stream. Read by: recovery. Cost: of each part the granules that
-- sequence_range leaves.
SELECT DISTINCT sequence FROM TABLE_NAME WHERE sequence > {after:UInt64}
