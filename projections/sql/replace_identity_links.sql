-- What identity_links said of identifiers. Run by: the projector that takes tables of an earlier release. Cost: the table, 1 us a row.
INSERT INTO identities_vN (kind, key, said, version, position)
SELECT 3, key,
    concat(link, '\x1f', toString(resource_key), '\x1f', toString(kind), '\x1f', toString(toUInt8(reverse)), '\x1f',
           replaceAll(replaceAll(toString(resource_type), '\x1e', '\x1er'), '\x1f', '\x1eu')),
    position, position
FROM identity_links_vN
