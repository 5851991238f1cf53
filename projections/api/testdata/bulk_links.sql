-- Links each reader of the bulk rows to another one, among 400,000 links of patients. Read by: TestRowsReadForLinks.
INSERT INTO event_links_v1 (key, other_key, kind, system, value, other_system, other_value, position, source)
SELECT greatest(xxHash64(concat(scheme, '|', this)), 2), greatest(xxHash64(concat(scheme, '|', other)), 2), side, scheme, this, scheme, other,
    8192, 'source0'
FROM
(
    SELECT 2 AS side, 'urn:staff' AS scheme, concat('u', toString(number)) AS this, concat('u', toString(bitXor(number, 1))) AS other
    FROM numbers(200)
    UNION ALL
    SELECT 1, 'urn:other', toString(number), toString(bitXor(number, 1)) FROM numbers(400000)
)
