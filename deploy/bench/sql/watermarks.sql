-- Both projectors have read everything: the server goes on behind the generated years.
INSERT INTO watermarks (version, projector, position, received)
SELECT 1, arrayJoin(['accesses', 'rollups']), {position:UInt64}, fromUnixTimestamp64Micro({received:Int64}, 'UTC')
