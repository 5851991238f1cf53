-- Saved views at their latest versions: all of them, or those that an asker finds, their own and what others share. Of two rows of one
-- version the earlier one counts. What a deleted one asked is not told: a command has to know of it, and whose it was, and no more.
-- Read by: the list of saved views, one of them, and commands on them, which need deleted ones too. Cost: all versions of all views.
SELECT view_id, position, version, owner, shared, deleted, if(deleted, '', body) AS kept_body
FROM
(
    SELECT view_id, position, version, owner, shared, deleted, page, body
    FROM views_vN
    WHERE position <= {position:UInt64}
    ORDER BY view_id, version DESC, position
    LIMIT 1 BY view_id
)
WHERE ({asker:String} = '' OR NOT deleted AND (owner = {asker:String} OR shared))
  AND ({page:UInt8} = 0 OR page = {page:UInt8})
  AND ({view:String} = '' OR view_id = {view:String})
ORDER BY view_id
