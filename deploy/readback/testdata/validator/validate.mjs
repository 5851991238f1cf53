// Validates resources, one a line: {"name": ..., "version": "R4" or "R5", "resource": ...}. Fails, naming each fault, unless all are valid.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const { Fhir } = require('fhir');
const { ParseConformance } = require('fhir/parseConformance');

// The validator brings the definitions of R4. Those of R5 are read from HL7's own package.
function r5() {
  const dir = path.dirname(require.resolve('hl7.fhir.r5.core/package.json'));
  const load = (prefix) => fs.readdirSync(dir).filter((f) => f.startsWith(prefix)).map((f) => JSON.parse(fs.readFileSync(path.join(dir, f), 'utf8')));
  const parser = new ParseConformance(false, 'R5');
  load('CodeSystem-').forEach((c) => parser.loadCodeSystem(c));
  parser.sortValueSetDependencies(load('ValueSet-')).forEach((v) => parser.parseValueSet(v));
  load('StructureDefinition-')
    .filter((s) => s.derivation !== 'constraint' && ['resource', 'complex-type', 'primitive-type'].includes(s.kind))
    .forEach((s) => parser.parseStructureDefinition(s));
  return new Fhir(parser);
}

const validators = { R4: new Fhir(), R5: r5() };

// faults are the errors. A primitive that is absent for a stated reason stands under its name with an underscore, which counts as
// present in FHIR (R4 section 2.6.2) and which the validator does not look at.
function faults(version, resource) {
  const stated = (location) => {
    const steps = location.split('.').slice(1);
    const last = steps.pop();
    const parent = steps.reduce((at, step) => {
      const [, name, index] = /^(\w+)(?:\[(\d+)\])?$/.exec(step);
      return index === undefined ? at?.[name] : at?.[name]?.[Number(index)];
    }, resource);
    return parent?.[`_${last}`]?.extension?.[0]?.url === 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';
  };
  return validators[version].validate(resource, { errorOnUnexpected: true }).messages
    .filter((m) => m.severity === 'error' || m.severity === 'fatal')
    .filter((m) => !(m.message === 'Missing property' && stated(m.location)));
}

// What is wrong has to be found, or all that follows says nothing.
const good = { resourceType: 'AuditEvent', recorded: '2026-03-01T10:00:00Z', agent: [{ who: { display: 'x' }, requestor: true }], source: { observer: { display: 'x' } } };
for (const [version, element] of [['R4', { type: { code: 'rest' } }], ['R5', { code: { text: 'read' } }]]) {
  assert.deepEqual(faults(version, { ...good, ...element }), []);
  assert.notDeepEqual(faults(version, good), [], `${version}: a missing element is not found`);
  assert.notDeepEqual(faults(version, { ...good, ...element, foo: 1 }), [], `${version}: an unknown element is not found`);
  assert.notDeepEqual(faults(version, { ...good, ...element, agent: [{ who: { display: 'x' }, requestor: 'x' }] }), [], `${version}: a value of another type is not found`);
}
assert.notDeepEqual(faults('R4', { ...good, type: { code: 'rest' }, action: 'X' }), [], 'R4: a code outside its value set is not found');

let invalid = 0;
const lines = fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean);
for (const line of lines) {
  const { name, version, resource } = JSON.parse(line);
  const found = faults(version, resource);
  if (found.length > 0) {
    invalid += 1;
    console.log(`${name} as ${version}: ${found.map((m) => `${m.location}: ${m.message}`).join('; ')}\n${JSON.stringify(resource)}`);
  }
}
console.log(`${lines.length} resources, ${invalid} invalid`);
process.exit(invalid > 0 ? 1 : 0);
