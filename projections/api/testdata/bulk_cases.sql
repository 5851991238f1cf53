-- 2,000 cases of 15 steps, three of which ask one of 997 people.
INSERT INTO cases_v1 (case_id, position, received, version, step, question, asker, role, at, alerts, body, addressee)
SELECT
    concat('2Zs', hex(sipHash64(intDiv(number, 15)))), 1000000 + number, toDateTime64('2026-03-02 08:00:00', 6, 'UTC'), 1 + number % 15,
    [10, 13, 14, 15, 13, 14, 15, 13, 13, 14, 15, 16, 17, 18, 20][1 + number % 15] AS kind, 0, 'os:ada', 'privacy_officer',
    toDateTime64('2026-03-02 08:00:00', 6, 'UTC'), [],
    concat(if(kind = 14, concat('oidc:user', toString(number % 997)), ''), randomPrintableASCII(if(kind = 14, 200, 1500))),
    if(kind = 14, concat('oidc:user', toString(number % 997)), '')
FROM numbers(30000)
