// Searches, pages through and reads audit events as a client that nobody here wrote does.
import assert from 'node:assert/strict';
import { CapabilityTool, Client } from 'fhir-kit-client';

const { BASE, TOKEN, VIEWER, CREDENTIAL, EVENTS } = process.env;
const baseUrl = `${BASE}/fhir`;
const purpose = { 'Purpose-Of-Use': 'acceptance' };
const client = new Client({ baseUrl, bearerToken: TOKEN, customHeaders: purpose });
const matches = (bundle) => bundle.entry.filter((e) => e.search.mode === 'match').map((e) => e.resource);
const responseOf = (body) => Client.httpFor(body).response;

async function refused(what, status, code) {
  const err = await what.then(() => assert.fail('was not refused'), (e) => e);
  assert.equal(err.response?.status, status, String(err));
  assert.equal(err.response.data.resourceType, 'OperationOutcome');
  assert.equal(err.response.data.issue[0].code, code);
}

// The statement says what can be asked.
const statement = await new Client({ baseUrl }).capabilityStatement();
const tool = new CapabilityTool(statement);
assert.ok(tool.resourceCan('AuditEvent', 'search-type') && tool.resourceCan('AuditEvent', 'read'), 'not stated');
const { searchParam } = statement.rest[0].resource.find((r) => r.type === 'AuditEvent');
for (const name of ['date', 'address', 'agent.identifier', 'patient.identifier', 'entity.identifier', 'entity-type', 'entity-role', 'source.identifier', 'type', 'subtype', 'outcome']) {
  assert.ok(searchParam.some((p) => p.name === name), `${name} of IHE ITI-81 is not stated`);
}

// IHE ITI-81: a period, by repeated date, and a patient.
const searchParams = { date: ['ge2026-01-01', 'lt2027-01-01'], 'patient.identifier': 'urn:mrn|canary-patient', _count: 5 };
for (const options of [{}, { postSearch: true }]) {
  let page = await client.search({ resourceType: 'AuditEvent', searchParams, options });
  const pages = [];
  for (; page; page = await client.nextPage({ bundle: page })) {
    assert.equal(page.type, 'searchset');
    for (const { url } of page.link) assert.doesNotMatch(url, /canary/, 'a link says who is searched for');
    pages.push(matches(page).map((e) => e.id));
  }
  assert.equal(new Set(pages.flat()).size, Number(EVENTS));
  assert.equal(pages.flat().length, Number(EVENTS), 'an event stands on two pages');
  assert.ok(pages.length > 2);
  const second = await client.nextPage({ bundle: await client.search({ resourceType: 'AuditEvent', searchParams, options }) });
  const first = await client.prevPage({ bundle: second });
  assert.deepEqual(matches(first).map((e) => e.id), pages[0], 'the page before is another one');
}

// All references of the patient are one record: the number that they share links them.
const record = matches(await client.search({ resourceType: 'AuditEvent', searchParams: { patient: 'Patient/canary-1' } }));
assert.equal(record.length, Number(EVENTS));

// One event, as R4 and as R5.
const event = record.at(-1);
assert.equal(event.entity[0].what.identifier.value, 'canary-patient');
assert.deepEqual(event.contained[0].identifier.map((i) => i.value), ['Patient/canary-1', 'canary-patient']);
const r4 = await client.read({ resourceType: 'AuditEvent', id: event.id });
assert.deepEqual(r4, event);
const r5 = await client.read({ resourceType: 'AuditEvent', id: event.id, options: { headers: { Accept: 'application/fhir+json; fhirVersion=5.0' } } });
assert.equal(r5.code.coding[0].code, 'read');
assert.match(responseOf(r5).headers.get('content-type'), /fhirVersion=5\.0/);

// Narrower.
const count = async (more) => (await client.search({ resourceType: 'AuditEvent', searchParams: { date: 'ge2026-01-01', _total: 'accurate', ...more } })).total;
assert.equal(await count({}), Number(EVENTS));
assert.equal(await count({ 'agent.identifier': 'urn:staff|canary-reader-1' }), 1);
assert.equal(await count({ outcome: '8' }), 1);
assert.equal(await count({ type: 'http://terminology.hl7.org/CodeSystem/audit-event-type|rest', subtype: 'read' }), Number(EVENTS));
assert.equal(await count({ address: '10.9.8.' }), Number(EVENTS));
assert.equal(await count({ 'entity.identifier': 'urn:doc|canary-document' }), 1);
assert.equal(await count({ 'patient.identifier': 'urn:mrn|nobody' }), 0);

// Not everybody, and not without saying why.
const ask = (c, more) => c.search({ resourceType: 'AuditEvent', searchParams: { date: 'ge2026-01-01', ...more } });
await refused(ask(new Client({ baseUrl, bearerToken: TOKEN })), 400, 'required');
await refused(ask(new Client({ baseUrl, bearerToken: VIEWER, customHeaders: purpose })), 403, 'forbidden');
await refused(ask(new Client({ baseUrl, bearerToken: CREDENTIAL, customHeaders: purpose })), 403, 'forbidden');
await refused(ask(new Client({ baseUrl, customHeaders: purpose })), 401, 'login');
await refused(ask(client, { 'patient:missing': 'canary' }), 400, 'not-supported');
await refused(client.read({ resourceType: 'AuditEvent', id: '1srOrx2ZWZBpBUvZwXKQmoEYga2' }), 404, 'not-found');

console.log('all answers understood');
