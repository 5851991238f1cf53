-- What identifiers said of them. Run by: the projector that takes tables of an earlier release. Cost: the table, 3 us a row.
INSERT INTO identities_vN (kind, key, said, text, version, position)
SELECT 10 + kind, if(folded = '', 0, greatest(xxHash64(concat('|', folded)), 2)),
    arrayStringConcat(arrayMap(f -> replaceAll(replaceAll(f, '\x1e', '\x1er'), '\x1f', '\x1eu'), [toString(system), value]), '\x1f'),
    text, 0, position
FROM identifiers_vN
