-- Whether a row of the reader-first table is within an asker's limits. The department stands in reader_groups_vN, under the key of the
-- group that the event names; groups of one key have departments that are alike but for case and blanks.
NOT {limit_nothing:Bool}
AND (empty({limit_sites:Array(String)})
     OR has({limit_sites:Array(String)}, lower(trimBoth(if(trimBoth(site) = '', concat('source:', source), site)))))
AND (empty({limit_departments:Array(String)}) OR group_key IN
    (
        SELECT group_key
        FROM reader_groups_vN
        WHERE notEmpty({limit_departments:Array(String)}) AND has({limit_departments:Array(String)}, lower(trimBoth(department)))
    ))
