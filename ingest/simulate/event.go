package simulate

import (
	"encoding/base64"
	"iter"
	"time"
)

// Label says which incident an access belongs to; the zero Label is none.
type Label struct{ Scenario, Incident string }

// Event is one AuditEvent as its source reports it.
type Event struct {
	// Source is the registered name of the system that reports it, one of Sources.
	Source string
	// ID is AuditEvent.id.
	ID string
	// Time is AuditEvent.recorded.
	Time time.Time
	// JSON is one line of NDJSON without its end. It is the caller's to keep.
	JSON []byte
	// Label is set when the access is truly inappropriate.
	Label Label
}

// Events returns the events of one local day in order of time: 0 is the first, negative days and days behind the last
// exist too. Days are independent of each other: any number of goroutines may ask for different ones.
func (h *Hospital) Events(day int) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		p := h.plan(day, 0)
		w := newWriter(h, p)
		for i := range p.accesses {
			if !yield(w.event(&p.accesses[i], p.accesses[i].at)) {
				return
			}
		}
	}
}

// writer writes events. Their bytes are cut from blocks that are never written again.
type writer struct {
	h     *Hospital
	p     *plan
	zone  *time.Location
	block []byte
	names [sources]string
	query []byte
	text  []byte
}

const (
	blockSize = 256 << 10
	// largest is more than the longest event has: a list of ten patients, about 4 KB.
	largest = 8 << 10
)

func newWriter(h *Hospital, p *plan) *writer {
	return &writer{h: h, p: p, zone: h.cfg.Zone, names: [sources]string{SourceEHR, SourcePACS, SourceLab}}
}

// event writes one access as if it happened at an instant.
func (w *writer) event(a *access, at int64) Event {
	if cap(w.block)-len(w.block) < largest {
		w.block = make([]byte, 0, blockSize)
	}
	from := len(w.block)
	b := w.block
	switch a.source {
	case pacs:
		b = w.pacs(b, a, at)
	case lab:
		b = w.lab(b, a, at)
	case ehr, sources:
		b = w.ehr(b, a, at)
	}
	w.block = b
	e := Event{Source: w.names[a.source], Time: time.UnixMilli(at).In(w.zone), JSON: b[from:len(b):len(b)]}
	w.text = w.h.appendEventID(w.text[:0], w.p.day, w.p.pass, a)
	e.ID = string(w.text)
	if a.incident > 0 {
		i := &w.p.incidents[a.incident-1]
		e.Label = Label{i.scenario, i.id}
	}
	return e
}

// kindTable says how each kind is reported.
var kindTable = [kinds]struct {
	source   sourceIndex
	code     string // FHIR restful-interaction
	action   string // DICOM EventActionCode
	profile  string // of IHE BALP, after "IHE.BasicAudit."
	resource string // what the object is
	prefix   string // of its logical id
}{
	openChart:       {ehr, "read", "R", "PatientRead", "", ""},
	readNote:        {ehr, "read", "R", "PatientRead", "DocumentReference", "dn-"},
	readResults:     {ehr, "search", "E", "PatientQuery", "Observation", ""},
	readMedications: {ehr, "search", "E", "PatientQuery", "MedicationRequest", ""},
	readEncounter:   {ehr, "read", "R", "PatientRead", "Encounter", "enc-"},
	readReport:      {ehr, "read", "R", "PatientRead", "DiagnosticReport", "dr-"},
	readClaim:       {ehr, "read", "R", "PatientRead", "Claim", "cl-"},
	writeVitals:     {ehr, "create", "C", "PatientCreate", "Observation", "ob-"},
	writeNote:       {ehr, "create", "C", "PatientCreate", "DocumentReference", "dn-"},
	writeMedication: {ehr, "create", "C", "PatientCreate", "MedicationAdministration", "ma-"},
	writeOrder:      {ehr, "create", "C", "PatientCreate", "ServiceRequest", "sr-"},
	writeReport:     {ehr, "create", "C", "PatientCreate", "DiagnosticReport", "dr-"},
	writeClaim:      {ehr, "create", "C", "PatientCreate", "Claim", "cl-"},
	updateEncounter: {ehr, "update", "U", "PatientUpdate", "Encounter", "enc-"},
	updatePatient:   {ehr, "update", "U", "PatientUpdate", "", ""},
	printNote:       {ehr, "read", "R", "PatientRead", "DocumentReference", "dn-"},
	exportRecord:    {ehr, "", "R", "", "", ""},
	searchName:      {ehr, "search", "E", "Query", "Patient", ""},
	listUnit:        {ehr, "search", "E", "Query", "Encounter", ""},
	listPatients:    {ehr, "search", "E", "PatientQuery", "Encounter", ""},
	breakGlass:      {ehr, "", "E", "", "", ""},
	logIn:           {ehr, "", "E", "", "", ""},
	logOut:          {ehr, "", "E", "", "", ""},
	acquireStudy:    {pacs, "create", "C", "", "ImagingStudy", "is-"},
	viewStudy:       {pacs, "read", "R", "", "ImagingStudy", "is-"},
	writeResult:     {lab, "", "C", "", "", ""},
	viewResult:      {lab, "", "R", "", "", ""},
}

// outcomes in DICOM's numbers.
var outcomes = [...]string{success: "0", refused: "4", failed: "8"}

// appendTime writes an instant with milliseconds, in the hospital's zone or as UTC.
func appendTime(b []byte, at int64, zone *time.Location) []byte {
	return time.UnixMilli(at).In(zone).AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
}

func appendCoding(b []byte, system, code, display string) []byte {
	b = append(b, `{"system":"`...)
	b = append(b, system...)
	b = append(b, `","code":"`...)
	b = append(b, code...)
	if display != "" {
		b = append(b, `","display":"`...)
		b = append(b, display...)
	}
	return append(b, `"}`...)
}

// concept is a CodeableConcept with one coding.
func appendConcept(b []byte, system, code, display string) []byte {
	b = append(b, `{"coding":[`...)
	return append(appendCoding(b, system, code, display), `]}`...)
}

const (
	dcm        = "http://dicom.nema.org/resources/ontology/DCM"
	restful    = "http://hl7.org/fhir/restful-interaction"
	actReason  = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	actCode    = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	entityType = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	entityRole = "http://terminology.hl7.org/CodeSystem/object-role"
)

// patientWhat is a Reference to a patient by logical id and record number.
func (w *writer) patientWhat(b []byte, patient int32) []byte {
	b = append(b, `{"reference":"Patient/`...)
	b = w.h.appendPatientID(b, patient)
	b = append(b, `","identifier":{"system":"`+MRNSystem+`","value":"`...)
	b = w.h.appendMRN(b, patient)
	return append(b, `"}}`...)
}

// labels are the security labels of what was touched: the patient's own, and psychiatry's.
func (w *writer) labels(b []byte, a *access, concepts bool) []byte {
	p := &w.h.patients[a.patient]
	s := p.sensitive
	if s == 0 && w.h.departments[a.department].unit == psychiatry {
		s = psychiatryLabel
	}
	if s == 0 && !p.vip {
		return b
	}
	one := appendCoding
	if concepts {
		one = appendConcept
	}
	b = append(b, `,"securityLabel":[`...)
	if s > 0 {
		b = one(b, actCode, sensitivities[s].code, sensitivities[s].display)
	}
	if p.vip {
		if s > 0 {
			b = append(b, ',')
		}
		b = one(b, actCode, "CEL", "celebrity information sensitivity")
	}
	return append(b, ']')
}

const psychiatryLabel = 3

// base64Query writes what stands in w.query.
func (w *writer) base64Query(b []byte) []byte {
	return base64.StdEncoding.AppendEncode(b, w.query)
}
