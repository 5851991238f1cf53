-- Whom the rows of a page are about: the first patients of each event that stands under one of the keys, and what action its source
-- called it where a page asks for that. access_details.sql without the columns that a drawn or counted access does not show, which are
-- most of what it reads.
-- Read by: a reader's activity, where the read mask leaves out what stands in the others. Cost: five columns of granules of 512 rows at the
-- places of the page's rows.
SELECT
    position,
    patient,
    if({coded:Bool}, setting, '') AS coded_setting
FROM accesses_by_patient_vN
PREWHERE patient_key IN {keys:Array(UInt64)} AND position IN {positions:Array(UInt64)}
WHERE occurred >= fromUnixTimestamp64Micro({from:Int64}) AND occurred < fromUnixTimestamp64Micro({until:Int64})
  AND received IN {received:Array(DateTime64(6, 'UTC'))}
ORDER BY position, patient_ordinal
LIMIT {patients_shown:UInt16} BY position
