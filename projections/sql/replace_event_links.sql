-- What event_links said of identifiers. Run by: the projector that takes tables of an earlier release. Cost: the table, 1 us a row.
INSERT INTO identities_vN (kind, key, said, version, position)
SELECT kind, key, link, 0, position FROM event_links_vN
