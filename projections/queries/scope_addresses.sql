-- Where patients live, as known at the position: of each Patient resource its latest version counts.
-- Read by: breach scopes. Cost: one granule (64 rows) an identifier, and one a resource.
SELECT key, system, value, country, state, position
FROM patient_addresses_vN
WHERE key IN {keys:Array(UInt64)} AND position <= {position:UInt64}
  AND (resource_key, position) IN
      (
          SELECT resource_key, max(position)
          FROM context_vN
          WHERE position <= {position:UInt64}
            AND resource_key IN (SELECT resource_key FROM patient_addresses_vN WHERE key IN {keys:Array(UInt64)} AND position <= {position:UInt64})
          GROUP BY resource_key
      )
