-- The sources as they were registered at a position: the latest registration of a name holds.
-- Read by: every answer header, pairing, ListSources. Cost: the registrations, some hundreds of rows.
SELECT
    name,
    position,
    owner,
    time_zone,
    identity_policy,
    base_url,
    systems,
    expected_silence_s,
    disabled,
    asker,
    patient_system,
    reader_system,
    pair_within_s
FROM sources_vN
WHERE position <= {position:UInt64}
ORDER BY name, position DESC
LIMIT 1 BY name
