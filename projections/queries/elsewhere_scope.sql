-- How many reports a breach scope has, in all, as scope_counts.sql selects them: asked for with what is outside of an asker's limits, they
-- are counted and not shown.
-- Read by: breach scopes, for an asker with limits. Cost: that of scope_counts.sql.
SELECT count() AS reports
FROM accesses_by_reader_vN
WHERE ({any_reader:Bool} OR reader_key IN {readers:Array(UInt64)})
  AND (empty({packed:Array(String)}) OR reader IN {packed:Array(String)})
  AND ({workstation:String} = '' OR workstation = {workstation:String})
  AND ({any_event:Bool} OR position IN {events:Array(UInt64)})
  AND position <= {position:UInt64}
  AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
