-- Links each reader of the bulk rows to another one, among 400,000 links of patients. Read by: TestRowsReadForLinks.
INSERT INTO identities_v1 (kind, key, said, version, position)
SELECT side, greatest(xxHash64(concat(scheme, '|', this)), 2), concat(scheme, '\x1f', this, '\x1f', scheme, '\x1f', other, '\x1f', 'source0'), 0, 8192
FROM
(
    SELECT 2 AS side, 'urn:staff' AS scheme, concat('u', toString(number)) AS this, concat('u', toString(bitXor(number, 1))) AS other
    FROM numbers(200)
    UNION ALL
    SELECT 1, 'urn:other', toString(number), toString(bitXor(number, 1)) FROM numbers(400000)
)
