-- Departments and roles that a reader's events of a period state, most events first, each as it was sent first; key 0 for those that state
-- none.
-- Read by: the profile of a reader. Cost: the reader's own rows of the period, and the rows of their groups and days.
WITH own AS
(
    SELECT group_key, count() AS events
    FROM accesses_by_reader_vN
    PREWHERE reader_key IN {keys:Array(UInt64)}
    WHERE reader IN {packed:Array(String)}
      AND position <= {position:UInt64} AND patient_ordinal = 0
      AND occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
    GROUP BY group_key
)
SELECT own.group_key, own.events, names.first_department, names.first_role
FROM own
LEFT JOIN
(
    SELECT group_key, argMin(department, (position, department, role)) AS first_department, argMin(role, (position, department, role)) AS first_role
    FROM reader_groups_vN
    WHERE group_key IN (SELECT group_key FROM own)
      AND day BETWEEN toDate({from_day:String}) AND toDate({to_day:String})
      AND reader_key IN {keys:Array(UInt64)} AND reader IN {packed:Array(String)} AND position <= {position:UInt64}
    GROUP BY group_key
) AS names ON names.group_key = own.group_key
ORDER BY own.events DESC, own.group_key
