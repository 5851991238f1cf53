-- Whether a row of the patient-first table is within an asker's limits, as proto.Limits.Within says of its event: the packed columns hold
-- source, site and department. Put into every statement that reads the table for a limited asker.
NOT {limit_nothing:Bool}
AND (empty({limit_sites:Array(String)}) OR has({limit_sites:Array(String)}, lower(trimBoth(
        if(trimBoth(splitByChar('\x1f', setting)[5]) = '', concat('source:', replaceAll(replaceAll(splitByChar('\x1f', actor)[1], '\x1eu', '\x1f'), '\x1er', '\x1e')),
           replaceAll(replaceAll(splitByChar('\x1f', setting)[5], '\x1eu', '\x1f'), '\x1er', '\x1e'))))))
AND (empty({limit_departments:Array(String)}) OR has({limit_departments:Array(String)}, lower(trimBoth(
        replaceAll(replaceAll(splitByChar('\x1f', actor)[8], '\x1eu', '\x1f'), '\x1er', '\x1e')))))
