-- As accesses_by_patient.sql, for the view of its fields.
NOT {limit_nothing:Bool}
AND (empty({limit_sites:Array(String)})
     OR has({limit_sites:Array(String)}, lower(trimBoth(if(trimBoth(site) = '', concat('source:', source), site)))))
AND (empty({limit_departments:Array(String)}) OR has({limit_departments:Array(String)}, lower(trimBoth(department))))
