-- Which groups are within an asker's limits. A row says nothing of sites: what peers did at others is left out where their rows are read.
NOT {limit_nothing:Bool}
AND (empty({limit_departments:Array(String)}) OR has({limit_departments:Array(String)}, lower(trimBoth(department))))
