// Pages through audit events with the SMART client, which follows next links by itself, without headers of the caller's.
import assert from 'node:assert/strict';
import smart from 'fhirclient';

const { BASE, TOKEN, EVENTS } = process.env;
const client = smart({}, {}, {}).client({ serverUrl: `${BASE}/fhir`, tokenResponse: { access_token: TOKEN } });

const query = new URLSearchParams([['date', 'ge2026-01-01'], ['patient.identifier', 'urn:mrn|canary-patient'], ['_count', '5']]);
const resources = await client.request(
  { url: `AuditEvent?${query}`, headers: { 'Purpose-Of-Use': 'acceptance' } },
  { pageLimit: 0, flat: true },
);
const events = resources.filter((r) => r.resourceType === 'AuditEvent');
assert.equal(new Set(events.map((e) => e.id)).size, Number(EVENTS));
assert.equal(events.length, Number(EVENTS), 'an event stands on two pages');
assert.ok(resources.some((r) => r.resourceType === 'OperationOutcome'), 'no page says what it rests on');
for (const e of events) assert.ok(e.agent.length > 0 && e.recorded && e.source.observer);

console.log('all answers understood');
