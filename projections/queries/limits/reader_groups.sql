-- Which groups are within an asker's limits. A row says nothing of sites: for an asker who is limited to some, accesses say who is of a group.
NOT {limit_nothing:Bool}
AND (empty({limit_departments:Array(String)}) OR has({limit_departments:Array(String)}, lower(trimBoth(department))))
