// Package sample makes access events for tests and benchmarks: FHIR R4 AuditEvents of about 1.5 KB as a hospital's
// servers send them, and the access event that each becomes. Equal seeds make equal events.
package sample

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Source is the registered name that the events come from.
const Source = "emr"

// Patients, readers and workstations of the hospital.
const (
	patients = 40_000
	readers  = 2_500
	stations = 900
)

// Generator makes events one after the other. It is not safe for concurrent use.
type Generator struct {
	rng  *rand.Rand
	time time.Time
	n    uint64
}

// Event is one made event.
type Event struct {
	ID       proto.EventID
	Content  proto.ContentHash
	Access   *v1.AccessEvent
	Original []byte
}

// New returns a generator that begins at a Tuesday morning in 2026.
func New(seed uint64) *Generator {
	return &Generator{rng: rand.New(rand.NewPCG(seed, 1)), time: time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)} //nolint:gosec // reproducible
}

type person struct {
	given, family string
}

func (p person) String() string { return p.given + " " + p.family }

func personAt(i int) person {
	given := [...]string{"Anna", "Björn", "Chiara", "David", "Emine", "Farid", "Greta", "Hannah", "Ivan", "Jana", "Karim", "Lena", "Milan", "Noor", "Olga", "Paul", "Quentin", "Rosa", "Samir", "Tanja", "Ulrich", "Vera", "Wei", "Xenia", "Yusuf", "Zoe"}
	family := [...]string{"Albrecht", "Bauer", "Çelik", "Dubois", "Eriksson", "Fischer", "García", "Huber", "Ivanova", "Jansen", "Keller", "Lindqvist", "Meier", "Novak", "Okafor", "Petrov", "Rossi", "Schneider", "Tanaka", "Urban", "Vogel", "Wagner", "Yilmaz", "Zimmermann"}
	return person{given[i%len(given)], family[i/len(given)%len(family)]}
}

func (g *Generator) uuid() string {
	a, b := g.rng.Uint64(), g.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>52, 0x8000|uint16(b>>50), b&(1<<48-1))
}

// Next makes the next event.
func (g *Generator) Next() Event {
	r := g.rng
	g.n++
	g.time = g.time.Add(time.Duration(r.ExpFloat64() * float64(40*time.Millisecond)).Truncate(time.Millisecond))
	// Few readers do much, few patients are looked at much.
	reader := int(float64(readers) * r.Float64() * r.Float64())
	patient := int(float64(patients) * r.Float64() * r.Float64())
	station := r.IntN(stations)
	resource := [...]string{"Observation", "DocumentReference", "MedicationRequest", "DiagnosticReport", "Condition", "Encounter", "ImagingStudy"}[r.IntN(7)]
	action := [...]struct{ code, word string }{{"R", "read"}, {"R", "read"}, {"R", "vread"}, {"E", "search-type"}, {"U", "update"}, {"C", "create"}}[r.IntN(6)]
	department := [...]string{"Cardiology", "Emergency", "Internal Medicine", "Oncology", "Radiology", "Surgery", "Intensive Care"}[reader%7]
	role := [...]struct{ code, text string }{{"112247003", "Medical doctor"}, {"224535009", "Registered nurse"}, {"159016003", "Medical radiographer"}}[reader%3]
	id, request := g.uuid(), g.uuid()
	object := strconv.Itoa(10_000_000 + r.IntN(90_000_000))
	mrn := fmt.Sprintf("%08d", 100_000+patient*7)
	user := fmt.Sprintf("u%05d", 10_000+reader*3)
	address := fmt.Sprintf("10.%d.%d.%d", 20+station%8, station/250, station%250)
	desktop := fmt.Sprintf("WS-%04d", station)
	recorded := g.time.Format("2006-01-02T15:04:05.000Z07:00")
	encounter := strconv.Itoa(500_000 + patient*3%99_991)
	name, patientName := personAt(reader), personAt(patient*31)

	original := fmt.Appendf(make([]byte, 0, 2048), `{"resourceType":"AuditEvent","id":"%s","meta":{"profile":["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"]},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest","display":"Restful Operation"},"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"%s","display":"%s"}],"action":"%s","recorded":"%s","outcome":"0","purposeOfEvent":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT","display":"treatment"}]}],"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP","display":"information recipient"}]},"role":[{"coding":[{"system":"http://snomed.info/sct","code":"%s","display":"%s"}]}],"who":{"reference":"Practitioner/%s","identifier":{"system":"https://hospital.example/users","value":"%s"},"display":"%s"},"requestor":true,"location":{"display":"%s"},"network":{"address":"%s","type":"2"}},{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110153","display":"Source Role ID"}]},"who":{"display":"%s"},"requestor":false}],"source":{"site":"Main Campus","observer":{"reference":"Device/emr-web","display":"EMR"},"type":[{"system":"http://terminology.hl7.org/CodeSystem/security-source-type","code":"4","display":"Application Server"}]},"entity":[{"what":{"reference":"Patient/%s","identifier":{"system":"urn:oid:2.16.840.1.113883.19.5","value":"%s"},"display":"%s"},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1","display":"Person"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1","display":"Patient"}},{"what":{"reference":"%s/%s"},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"2","display":"System Object"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"4","display":"Domain Resource"}},{"what":{"reference":"Encounter/%s"},"type":{"system":"http://hl7.org/fhir/resource-types","code":"Encounter"}},{"what":{"identifier":{"value":"%s"}},"type":{"system":"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType","code":"XrequestId"}}]}`,
		id, action.word, action.word, action.code, recorded, role.code, role.text, user, user, name, department, address, desktop,
		mrn, mrn, patientName, resource, object, encounter, request)
	eventID := proto.NewEventID(proto.EventIdentity{Source: Source, Observer: "Device/emr-web", Key: []byte(id), Recorded: g.time})
	local := "source:" + Source
	access := &v1.AccessEvent{
		EventId: eventID.Bytes(), Source: Source, SourceEventId: id, OccurredUs: g.time.UnixMicro(), RecordedUs: g.time.UnixMicro(),
		Action: v1.Action_ACTION_READ, ActionCode: action.code, Outcome: v1.Outcome_OUTCOME_SUCCESS, OutcomeCode: "0",
		Mode:     v1.AccessMode_ACCESS_MODE_DELIBERATE,
		Type:     &v1.Coding{System: "http://terminology.hl7.org/CodeSystem/audit-event-type", Code: "rest", Display: "Restful Operation"},
		Subtypes: []*v1.Coding{{System: "http://hl7.org/fhir/restful-interaction", Code: action.word, Display: action.word}},
		Patients: []*v1.Patient{{
			Identifiers: []*v1.Identifier{{System: "urn:oid:2.16.840.1.113883.19.5", Value: mrn}, {System: local, Value: "Patient/" + mrn}},
			Text:        patientName.String(),
		}},
		Objects:   []*v1.Object{{Type: resource, Id: &v1.Identifier{System: local, Value: resource + "/" + object}}},
		Encounter: &v1.Identifier{System: local, Value: "Encounter/" + encounter},
		Reader: &v1.Reader{
			Identifiers: []*v1.Identifier{{System: "https://hospital.example/users", Value: user}, {System: local, Value: "Practitioner/" + user}},
			Name:        name.String(), Type: v1.ReaderType_READER_TYPE_PRACTITIONER, Department: department,
			Role: &v1.Coding{System: "http://snomed.info/sct", Code: role.code, Display: role.text},
		},
		Application: &v1.Application{Id: &v1.Identifier{System: local, Value: "Device/emr-web"}, Name: "EMR"},
		Site:        "Main Campus", Observer: "Device/emr-web", Workstation: desktop, NetworkAddress: address, RequestId: request,
		Purposes: []*v1.Coding{{System: "http://terminology.hl7.org/CodeSystem/v3-ActReason", Code: "TREAT", Display: "treatment"}},
		Format:   "R4",
	}
	return Event{ID: eventID, Content: proto.HashContent(original), Access: access, Original: original}
}
