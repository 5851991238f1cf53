-- Which of the followed identifiers any event or context named, and under which name. in_events: an event
-- named it, so it may key rows; the others are known from context only.
-- Read by: every question that names somebody. Cost: one granule (512 rows) an identifier and part.
SELECT
    system,
    value,
    max(text) AS name,
    min(position) AS first_position,
    countIf(kind = {event_kind:UInt8}) > 0 AS in_events
FROM identifiers_vN
WHERE folded IN {folded:Array(String)} AND kind IN {kinds:Array(UInt8)}
  AND concat(system, '|', value) IN {texts:Array(String)}
GROUP BY system, value
HAVING first_position <= {position:UInt64}
ORDER BY system, value
