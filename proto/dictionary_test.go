package proto_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/readtrail/readtrail/proto/columns"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

var update = flag.Bool("update", false, "rewrite golden files")

// dictionaryDocuments are originals of the forms that sources send, the most usual last: a dictionary's end is nearest.
func dictionaryDocuments() []string {
	return []string{
		`{"resourceType":"Encounter","id":"1","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP","display":"inpatient encounter"},"subject":{"reference":"Patient/1","display":"A"},"participant":[{"individual":{"reference":"Practitioner/1"}}],"period":{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"},"serviceProvider":{"reference":"Organization/1"}}`,
		`{"resourceType":"Appointment","id":"1","status":"booked","start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:30:00Z","participant":[{"actor":{"reference":"Patient/1"},"status":"accepted"},{"actor":{"reference":"Practitioner/1"},"status":"accepted"}]}`,
		`{"resourceType":"PractitionerRole","id":"1","active":true,"practitioner":{"reference":"Practitioner/1"},"organization":{"reference":"Organization/1"},"code":[{"coding":[{"system":"http://snomed.info/sct","code":"1","display":"Registered nurse"}]}]}`,
		`{"resourceType":"Practitioner","id":"1","identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1"}],"active":true,"name":[{"family":"A","given":["B"],"prefix":["Dr."]}]}`,
		`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2026-01-01T00:00:00Z"},"identifier":[{"use":"usual","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR","display":"Medical Record Number"}],"text":"Medical Record Number"},"system":"urn:oid:1.2.3","value":"1"}],"active":true,"name":[{"use":"official","family":"A","given":["B"]}],"telecom":[{"system":"phone","value":"1","use":"home"}],"gender":"female","birthDate":"1970-01-01","address":[{"line":["1"],"city":"A","state":"B","postalCode":"1","country":"US"}]}`,
		`{"resourceType":"AuditEvent","id":"1","type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110114","display":"User Authentication"},"subtype":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110122","display":"Login"}],"action":"E","recorded":"2026-01-01T00:00:00Z","outcome":"0","outcomeDesc":"Success","agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/extra-security-role-type","code":"humanuser","display":"human user"}]},"who":{"identifier":{"value":"1"}},"altId":"1","name":"A","requestor":true,"network":{"address":"127.0.0.1","type":"2"}}],"source":{"site":"A","observer":{"identifier":{"value":"1"}},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"3","display":"Web Server"}]}}`,
		`{"resourceType":"AuditEvent","id":"1","meta":{"profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery"],"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest","display":"Restful Operation"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"search","display":"search"}],"action":"E","recorded":"2026-01-01T00:00:00.000Z","outcome":"0","agent":[{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110153","display":"Source Role ID"}]},"who":{"display":"A"},"requestor":false,"network":{"address":"1","type":"2"}},{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110152","display":"Destination Role ID"}]},"who":{"reference":"Device/1"},"requestor":false,"network":{"address":"https://server.example/fhir","type":"5"}},{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP","display":"information recipient"}]},"who":{"reference":"Practitioner/1","display":"A"},"requestor":true,"policy":["1"],"purposeOfUse":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT","display":"treatment"}]}]}],"source":{"site":"A","observer":{"reference":"Device/1"},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"4","display":"Application Server"}]},"entity":[{"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"2","display":"System Object"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"24","display":"Query"},"query":"AAAA"},{"what":{"reference":"Patient/1"},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1","display":"Person"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1","display":"Patient"}},{"what":{"identifier":{"value":"1"}},"type":{"system":"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType","code":"XrequestId"}}]}`,
		`{"resourceType":"AuditEvent","id":"1","meta":{"profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientCreate"]},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest","display":"Restful Operation"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"create","display":"create"}],"action":"C","recorded":"2026-01-01T00:00:00.000Z","outcome":"0","purposeOfEvent":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}],"agent":[{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110153"}]},"who":{"display":"A"},"requestor":false},{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110152"}]},"who":{"display":"A"},"requestor":false,"network":{"address":"10.0.0.1","type":"2"}},{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"AUT","display":"author"}]},"who":{"reference":"Practitioner/1"},"requestor":true}],"source":{"observer":{"display":"A"}},"entity":[{"what":{"reference":"Patient/1"},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}},{"what":{"reference":"Observation/1"},"type":{"system":"http://hl7.org/fhir/resource-types","code":"Observation"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"4"}},{"what":{"reference":"Encounter/1"}}]}`,
		`{"resourceType":"AuditEvent","id":"1","meta":{"profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"]},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"read"}],"action":"R","recorded":"2026-01-01T00:00:00.000-06:00","outcome":"0","agent":[{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110152"}]},"who":{"display":"A"},"requestor":false,"network":{"address":"10.0.0.1","type":"2"}},{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"role":[{"coding":[{"code":"1","display":"A"}]}],"who":{"reference":"Practitioner/1","identifier":{"system":"1","value":"1"},"display":"A"},"requestor":true,"location":{"reference":"Location/1","display":"A"}}],"source":{"site":"A","observer":{"display":"A"},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"4"}]},"entity":[{"what":{"reference":"Patient/1","identifier":{"system":"1","value":"1"}},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"},"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},{"what":{"reference":"Encounter/1"}}]}`,
		`{"resourceType":"AuditEvent","id":"1","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00.000Z","profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read"]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest","display":"RESTful Operation"}]}],"code":{"coding":[{"system":"http://hl7.org/fhir/restful-interaction","code":"read","display":"read"}]},"action":"R","severity":"informational","occurredDateTime":"2026-01-01T00:00:00Z","recorded":"2026-01-01T00:00:00Z","outcome":{"code":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-outcome","code":"0","display":"Success"}},"authorization":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}],"patient":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"role":[{"coding":[{"system":"http://snomed.info/sct","code":"1","display":"A"}]}],"who":{"reference":"Practitioner/1"},"requestor":true,"networkString":"127.0.0.1","authorization":[{"coding":[{"code":"TREAT"}]}]}],"source":{"site":{"reference":"Location/1"},"observer":{"reference":"Device/1"},"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"4","display":"Application Server"}]}]},"entity":[{"what":{"reference":"Observation/1"},"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"4","display":"Domain Resource"}]},"securityLabel":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R","display":"restricted"}]}]}]}`,
	}
}

// makeDictionary packs the documents and sample events as lone entries, and strings their texts together.
func makeDictionary(t *testing.T) []byte {
	t.Helper()
	itemSchema := columns.NewSchema((&v1.Item{}).ProtoReflect().Descriptor(), "readtrail.v1.ContextFact.resource")
	sealedSchema := columns.NewSchema((&v1.SealedItem{}).ProtoReflect().Descriptor(), "readtrail.v1.SealedItem.original", "readtrail.v1.FreeText.query_text")
	var out []byte
	add := func(it *v1.Item, original []byte) {
		raw, err := it.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := (&v1.SealedItem{Original: original, MediaType: "application/fhir+json"}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		table := columns.Read([][]byte{raw}, itemSchema)
		out = append(out, columns.Read([][]byte{sealed}, sealedSchema).Pack(table).Text...)
		out = append(out, table.Pack(nil).Text...)
	}
	for _, doc := range dictionaryDocuments() {
		add(&v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{Resource: []byte(doc)}}}, nil)
		add(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{}}}, []byte(doc))
	}
	g := sample.New(99)
	for range 4 {
		e := g.Next()
		add(&v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}, e.Original)
	}
	return out
}

// TestDictionaryIsNeverChanged holds the dictionary to what its documents give: batches that were written with it can
// only be read with the very same bytes. A better one gets a new id.
func TestDictionaryIsNeverChanged(t *testing.T) {
	want, path := makeDictionary(t), "dictionary1.bin"
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, its documents give %d others: make dictionary 2 instead", path, len(got), len(want))
	}
}
