-- Makes the counts part of every answer. Read by: TestSourcesAreCountedInSteps.
INSERT INTO watermarks (version, projector, position, received)
SELECT 1, projector, 1099511627776, '2026-03-02 08:00:00' FROM (SELECT arrayJoin(['accesses', 'rollups']) AS projector)
