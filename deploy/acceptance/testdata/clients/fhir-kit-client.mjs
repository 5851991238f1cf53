// Sends events as a client that nobody here wrote does, and fails unless each answer is one that it understands.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const { BASE, TOKEN } = process.env;
const baseUrl = `${BASE}/fhir`;
const client = new Client({ baseUrl, bearerToken: TOKEN });

const event = (id) => ({
  resourceType: 'AuditEvent',
  id,
  type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
  action: 'R',
  recorded: '2026-03-01T10:00:00Z',
  outcome: '0',
  agent: [{ who: { identifier: { system: 'urn:staff', value: 'u1' }, display: 'A. Reader' }, requestor: true }],
  source: { observer: { display: 'clients' } },
  entity: [{ what: { reference: 'Patient/7' }, role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: '1' } }],
});
const bundle = (type, ...entry) => ({ resourceType: 'Bundle', type, entry });
const post = (resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } });
const put = (resource, id) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${id}` } });

const responseOf = (body) => Client.httpFor(body).response;

// refused asserts a status and an OperationOutcome that names an element, or none.
async function refused(what, status, expression) {
  const err = await what.then(() => assert.fail('was not refused'), (e) => e);
  assert.equal(err.response?.status, status, String(err));
  assert.equal(err.response.data.resourceType, 'OperationOutcome');
  assert.equal(err.response.data.issue[0].severity, 'error');
  assert.deepEqual(err.response.data.issue[0].expression, expression && [expression]);
}

// Before there is a token.
const stranger = new Client({ baseUrl });
assert.equal((await stranger.capabilityStatement()).fhirVersion, '4.0.1');
await refused(stranger.create({ resourceType: 'AuditEvent', body: event('stranger') }), 401);
await refused(new Client({ baseUrl, bearerToken: 'wrong' }).create({ resourceType: 'AuditEvent', body: event('wrong') }), 401);

// One by one.
const first = responseOf(await client.create({ resourceType: 'AuditEvent', body: event('one') }));
assert.equal(first.status, 201);
assert.match(first.headers.get('location'), /\/fhir\/AuditEvent\/[0-9A-Za-z]{27}$/);
const again = responseOf(await client.create({ resourceType: 'AuditEvent', body: event('one') }));
assert.equal(again.status, 200);
assert.equal(again.headers.get('location'), first.headers.get('location'));
await refused(client.create({ resourceType: 'AuditEvent', body: { resourceType: 'AuditEvent' } }), 422, 'AuditEvent.recorded');
assert.equal(responseOf(await client.update({ resourceType: 'Patient', id: '7', body: { resourceType: 'Patient', id: '7' } })).status, 201);
await refused(client.update({ resourceType: 'Patient', id: '8', body: { resourceType: 'Patient', id: '7' } }), 422, 'Patient.id');
await client.delete({ resourceType: 'Patient', id: '7' });
await refused(client.read({ resourceType: 'Patient', id: '7' }), 404);
// A source sends, and reads nothing back.
await refused(client.search({ resourceType: 'AuditEvent', searchParams: { date: ['ge2026-01-01', 'lt2027-01-01'] } }), 403);

// Many at once. The client posts Bundles to the base with a slash.
const batch = await client.batch({ body: bundle('batch', post(event('two')), post({ resourceType: 'AuditEvent' })) });
assert.equal(batch.type, 'batch-response');
assert.deepEqual(batch.entry.map((e) => e.response.status.slice(0, 3)), ['201', '422']);
const all = await client.transaction({ body: bundle('transaction', post(event('three')), put({ resourceType: 'Patient', id: '9' }, '9')) });
assert.equal(all.type, 'transaction-response');
assert.deepEqual(all.entry.map((e) => e.response.status.slice(0, 3)), ['201', '201']);
await refused(client.transaction({ body: bundle('transaction', post(event('four')), put({ resourceType: 'Patient', id: '9' }, '10')) }), 422, 'Bundle.entry[1].resource.id');
await refused(client.transaction({ body: bundle('transactoin', post(event('five'))) }), 422, 'Bundle.type');
const none = await client.transaction({ body: bundle('transaction', post(event('four'))) });
assert.match(none.entry[0].response.status, /^201/, 'a part of a refused transaction was stored');

console.log('all answers understood');
