-- Department and role of some groups, as a reader's events of some days sent them first.
-- Read by: the profile of a reader, while its peers are found. Cost: the rows of the groups and days, rounded up to granules of 256.
SELECT group_key, argMin(department, (position, department, role)) AS first_department, argMin(role, (position, department, role)) AS first_role
FROM reader_groups_vN
WHERE group_key IN {groups:Array(UInt64)}
  AND day BETWEEN toDate({from_day:String}) AND toDate({to_day:String})
  AND reader_key IN {keys:Array(UInt64)} AND reader IN {packed:Array(String)} AND position <= {position:UInt64}
GROUP BY group_key
