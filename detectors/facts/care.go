package facts

import (
	"slices"
	"strings"
)

// row is a Care as it is stored, on the node of the patient that the fact names.
type row struct {
	from, until int64
	fact        ID
	// who is a node of staff, or minus a node of departments; 0: neither is named.
	who ID
	// reason is a text, or minus the number of the Condition that has it.
	reason ID
	class  uint8 // see counters.classes
	kind   CareKind
	typ    uint16 // see counters.careTypes
}

// actor says where a resource type names who cares.
type actor struct {
	kind CareKind
	// path leads to the reference; period, beside the reference's parent, to its own period.
	path []string
	// department: without a type of its own, the reference names a department.
	department bool
}

type careShape struct {
	// times are the elements of its time; several are spanned.
	times  []string
	actors []actor
	// lasting: without an end it goes on, unless the status says that it is over.
	lasting bool
}

func who(kind CareKind, path string) actor { return actor{kind: kind, path: strings.Split(path, ".")} }

func where(kind CareKind, path string) actor {
	return actor{kind: kind, path: strings.Split(path, "."), department: true}
}

// fallback is how a type that is not listed is read: any resource about a patient that names staff is evidence of care.
var fallback = careShape{
	times: []string{
		"period", "effectivePeriod", "performedPeriod", "effectiveDateTime", "authoredOn", "recordedDate", "issued", "date",
		"created", "dateTime",
	},
	actors: []actor{
		who(CareOther, "author"), who(CareOther, "performer"), who(CareOther, "performer.actor"), who(CareOther, "recorder"),
		who(CareOther, "requester"), who(CareOther, "asserter"), who(CareOther, "orderer"), who(CareOther, "sender"),
		who(CareOther, "assessor"), who(CareOther, "participant.actor"),
	},
}

func orders(more ...actor) careShape {
	return careShape{
		times: []string{"authoredOn", "occurrenceDateTime", "occurrencePeriod", "executionPeriod"},
		actors: append([]actor{
			who(CareRequester, "requester"), who(CareRequester, "requester.agent"), who(CareRequester, "orderer"),
			who(CarePerformer, "performer"),
		}, more...),
	}
}

func charting(times string, actors ...actor) careShape {
	return careShape{times: strings.Fields(times), actors: actors}
}

// careShapes are the resource types that document care, R4 and R5 shapes side by side.
var careShapes = map[string]careShape{
	"Encounter": {
		times: []string{"period", "actualPeriod"}, lasting: true,
		actors: []actor{
			who(CareAttending, "participant.individual"), who(CareAttending, "participant.actor"),
			where(CareUnit, "serviceProvider"), where(CareUnit, "location.location"),
		},
	},
	"Appointment": {
		times: []string{"start", "end", "requestedPeriod"}, actors: []actor{who(CareAppointment, "participant.actor")},
	},
	"CareTeam": {
		times: []string{"period"}, lasting: true,
		actors: []actor{
			who(CareTeam, "participant.member"), where(CareTeam, "participant.onBehalfOf"), where(CareTeam, "managingOrganization"),
		},
	},
	"EpisodeOfCare": {
		times: []string{"period"}, lasting: true,
		actors: []actor{who(CareTeam, "careManager"), who(CareTeam, "team"), where(CareUnit, "managingOrganization")},
	},
	"ServiceRequest": orders(where(CarePerformer, "locationReference"), where(CarePerformer, "location")),
	"MedicationRequest": orders(who(CareRequester, "recorder"), where(CarePerformer, "dispenseRequest.performer"),
		where(CarePerformer, "dispenseRequest.dispenser")),
	"DeviceRequest": orders(), "NutritionOrder": orders(), "VisionPrescription": orders(who(CareRequester, "prescriber")),
	"ReferralRequest": orders(who(CarePerformer, "recipient")), "Referral": orders(who(CarePerformer, "recipient")),
	"CommunicationRequest": orders(who(CarePerformer, "recipient")), "ProcedureRequest": orders(), "RequestGroup": orders(),
	"Task": orders(who(CarePerformer, "owner"), who(CarePerformer, "performer.actor"), who(CarePerformer, "requestedPerformer"),
		where(CarePerformer, "location")),
	"Observation": charting("effectiveDateTime effectivePeriod effectiveInstant issued", who(CareAuthor, "performer")),
	"DiagnosticReport": charting("effectiveDateTime effectivePeriod issued", who(CareAuthor, "performer"),
		who(CareAuthor, "performer.actor"), who(CareAuthor, "resultsInterpreter")),
	"DocumentReference": charting("date created period", who(CareAuthor, "author"), who(CareAuthor, "authenticator"),
		who(CareAuthor, "attester.party"), where(CareOther, "custodian")),
	"Composition": charting("date", who(CareAuthor, "author"), who(CareAuthor, "attester.party"), where(CareOther, "custodian")),
	"MedicationAdministration": charting("effectiveDateTime effectivePeriod occurenceDateTime occurencePeriod occurrenceDateTime",
		who(CareAuthor, "performer.actor")),
	"MedicationDispense":  charting("whenHandedOver whenPrepared", who(CareAuthor, "performer.actor"), where(CareOther, "location")),
	"MedicationStatement": charting("dateAsserted effectiveDateTime effectivePeriod", who(CareOther, "informationSource")),
	"Procedure": charting("performedDateTime performedPeriod occurrenceDateTime occurrencePeriod", who(CareAuthor, "performer.actor"),
		who(CareAuthor, "recorder"), who(CareAuthor, "asserter"), where(CareOther, "location")),
	"Immunization": charting("occurrenceDateTime date recorded", who(CareAuthor, "performer.actor"), who(CareAuthor, "recorder")),
	"Condition": charting("recordedDate assertedDate onsetDateTime", who(CareAuthor, "recorder"), who(CareAuthor, "asserter"),
		who(CareAuthor, "participant.actor")),
	"AllergyIntolerance": charting("recordedDate assertedDate", who(CareAuthor, "recorder"), who(CareAuthor, "asserter"),
		who(CareAuthor, "participant.actor")),
	"QuestionnaireResponse": charting("authored", who(CareAuthor, "author")),
	"ImagingStudy": charting("started", who(CareRequester, "referrer"), who(CareAuthor, "interpreter"),
		who(CareAuthor, "series.performer.actor"), where(CareOther, "location")),
	"CarePlan": {
		times: []string{"period", "created"}, lasting: true,
		actors: []actor{who(CareAuthor, "author"), who(CareAuthor, "custodian"), who(CareAuthor, "contributor")},
	},
	"ClinicalImpression": charting("effectiveDateTime effectivePeriod date", who(CareAuthor, "assessor"), who(CareAuthor, "performer")),
	"Consent": {
		times: []string{"dateTime", "date"}, lasting: true,
		actors: []actor{
			who(CareOther, "performer"), where(CareOther, "organization"), who(CareOther, "manager"), who(CareOther, "controller"),
			who(CareOther, "provision.actor.reference"),
		},
	},
}

// ignored are types that are about money, terms or machines.
var ignored = map[string]bool{
	"Claim": true, "ClaimResponse": true, "Coverage": true, "ExplanationOfBenefit": true, "Account": true, "Invoice": true,
	"Provenance": true, "AuditEvent": true, "Device": true, "Medication": true, "Substance": true, "Bundle": true, "Binary": true,
	"CoverageEligibilityRequest": true, "CoverageEligibilityResponse": true, "PaymentNotice": true, "ChargeItem": true,
	"SupplyDelivery": true, "Specimen": true, "Group": true, "Endpoint": true, "Questionnaire": true, "Parameters": true,
}

func (s *State) applyCare(f *fact, typ string) {
	s.dropTickets(f.n)
	s.dropCare(f.n)
	if f.GetDeleted() || ignored[typ] {
		return
	}
	d := f.doc
	shape, listed := careShapes[typ]
	if !listed {
		shape = fallback
	}
	if d.field(0, "status") == "entered-in-error" || d.concept(d.get(0, "verificationStatus")) == "entered-in-error" {
		return
	}
	patients := s.subjects(f, typ)
	if len(patients) == 0 {
		if typ == "Task" || typ == "Ticket" || typ == "Contract" {
			s.applyTicket(f)
		}
		return
	}
	base := row{from: 0, until: Forever, reason: s.reason(f, typ)}
	base.from, base.until = s.careTime(f, &shape)
	if typ == "Encounter" {
		base.class = s.class(s.encounterClass(d))
	}
	for _, n := range patients {
		s.addActors(f, n, &shape, base)
	}
}

// subjects are the nodes of the patients that a resource is about.
func (s *State) subjects(f *fact, typ string) []ID {
	d := f.doc
	var out []ID
	add := func(i int, must bool) {
		t := d.target(i, f.local)
		if t.typ != "" && t.typ != "Patient" || must && t.typ == "" {
			return
		}
		if n := s.patientNode(f, &t); n != 0 {
			out = insertID(out, n)
		}
	}
	for _, member := range [...]string{"subject", "patient", "for"} {
		for i := range d.walk(0, member) {
			add(i, false)
		}
	}
	if typ == "Appointment" {
		for i := range d.walk(0, "participant", "actor") {
			add(i, true)
		}
	}
	return out
}

// careTime is the time of a resource as stated: a period, or the moment or moments that it names. What lasts and has no end
// goes on, unless its status says that it is over; then it held until the version that says so, at least.
func (s *State) careTime(f *fact, shape *careShape) (from, until int64) {
	d := f.doc
	from, until = Forever, 0
	ends := false // an end is stated
	for _, element := range shape.times {
		i := d.get(0, element)
		var p Period
		switch d.kindOf(i) {
		case kindString:
			at, ok := instant(d.string(i), s.cfg.Zone)
			if !ok {
				continue
			}
			if p = at; element == "end" {
				p.Until, ends = endOf(at), true
			}
		case kindObject:
			if p = s.period(d, i); p == (Period{0, Forever}) {
				continue
			}
			if p.Until == Forever {
				p.Until = p.From + 1
			} else {
				ends = true
			}
		default:
			continue
		}
		from, until = min(from, p.From), max(until, p.Until)
	}
	effective := max(f.GetEffectiveUs(), 0)
	goesOn := shape.lasting && !ends && !isOver(d.field(0, "status"))
	switch {
	case from == Forever && effective == 0: // no time is stated
		return 0, Forever
	case from == Forever:
		from, until = effective, effective+1
	case shape.lasting && !ends:
		until = max(until, effective) // at least until this version said so
	}
	if goesOn {
		return from, Forever
	}
	return from, max(until, from+1)
}

func isOver(status string) bool {
	switch status {
	case "finished", "completed", "discharged", "cancelled", "canceled", "inactive", "revoked", "stopped", "rejected", "ended",
		"discontinued", "failed", "noshow", "fulfilled":
		return true
	}
	return false
}

func (s *State) encounterClass(d *document) string {
	for c := range d.walk(0, "class") {
		if code := d.concept(c); code != "" {
			return code
		}
	}
	return ""
}

// reason is the first diagnosis or reason code: a text, or minus a Condition.
func (s *State) reason(f *fact, typ string) ID {
	d := f.doc
	if typ == "Condition" {
		return s.diagnosis(d, d.get(0, "code"))
	}
	for _, path := range [...][]string{{"reasonCode"}, {"reason"}, {"reason", "value"}, {"reason", "use"}, {"diagnosis", "condition"}} {
		for i := range d.walk(0, path...) {
			if d.kindOf(i) != kindObject || d.get(i, "reference") != none && d.get(i, "concept") == none {
				continue
			}
			if len(path) == 1 && (d.get(i, "value") != none || d.get(i, "use") != none) {
				continue // R5 Encounter.reason is a backbone element
			}
			if code := s.diagnosis(d, i); code != 0 {
				return code
			}
		}
	}
	for _, path := range [...][]string{
		{"diagnosis", "condition"}, {"reasonReference"}, {"reason"}, {"reason", "value"}, {"problem"},
	} {
		for i := range d.walk(0, path...) {
			t := d.target(i, f.local)
			if strings.HasPrefix(t.value, "Condition/") && t.system == f.local {
				return -s.factNumber(f.GetSource(), "Condition", t.value[len("Condition/"):])
			}
		}
	}
	if typ == "Consent" {
		if i := d.first(0, "provision", "purpose"); i != none {
			return s.concept(d, i)
		}
	}
	return 0
}

// diagnosis is the code of a diagnosis, an ICD-10 code cut to its category. ICD codes come first where there are several.
func (s *State) diagnosis(d *document, i int) ID {
	first := ""
	if inner := d.get(i, "concept"); inner != none {
		i = inner
	}
	for c := range d.walk(i, "coding") {
		code := d.scalar(d.get(c, "code"))
		if strings.Contains(strings.ToLower(d.field(c, "system")), "icd-10") {
			code, _, _ = strings.Cut(code, ".")
			if len(code) > 3 {
				code = code[:3]
			}
			return s.textPlain(fold(code, "._-"))
		}
		if first == "" {
			first = code
		}
	}
	if first != "" {
		return s.textPlain(fold(first, "._-"))
	}
	return s.textPlain(d.concept(i))
}

// addActors adds a row for each member of staff and department that a resource names, or one for nobody in particular when
// there is a reason to keep: a diagnosis.
func (s *State) addActors(f *fact, n ID, shape *careShape, base row) {
	d := f.doc
	added := false
	for i := range shape.actors {
		a := &shape.actors[i]
		parent := a.path[:len(a.path)-1]
		for p := range d.walk(0, parent...) {
			r := base
			r.kind = a.kind
			if len(parent) > 0 {
				if own := d.get(p, "period"); own != none {
					s.ownPeriod(d, own, &r)
				}
			}
			for ref := range d.items(d.get(p, a.path[len(a.path)-1])) {
				added = s.addCare(f, n, ref, r, a.department) || added
			}
		}
	}
	if !added && base.reason > 0 {
		base.kind = CareOther
		s.putCare(f, n, base)
	}
}

// ownPeriod narrows a row to the period of a participant or location.
func (s *State) ownPeriod(d *document, i int, r *row) {
	p := s.period(d, i)
	if p.From > 0 {
		r.from = p.From
	}
	if p.Until < Forever {
		r.until = p.Until
	}
	r.until = max(r.until, r.from+1)
}

// addCare adds a row for whom a reference names.
func (s *State) addCare(f *fact, n ID, ref int, r row, department bool) bool {
	t := f.doc.target(ref, f.local)
	if t.isZero() {
		return false
	}
	kind := kindOfTarget(&t)
	if kind == isUnknown && department {
		kind = isDepartment
	}
	switch kind {
	case isStaff, isUnknown:
		r.who = s.staffNode(f, &t)
	case isDepartment:
		r.who = -s.departmentNode(f, &t)
	case isOther:
	}
	if r.who == 0 {
		return false
	}
	s.putCare(f, n, r)
	return true
}

// putCare stores a row where it belongs in the order of beginnings. A row that only repeats another of its fact is left out.
func (s *State) putCare(f *fact, n ID, r row) {
	r.fact, r.typ = f.n, s.careType(f.GetResourceType())
	rec := s.record(n)
	i, found := slices.BinarySearchFunc(rec.care, r, compareRows)
	if found {
		return
	}
	if len(rec.care) >= s.cfg.MaxCare {
		i = s.evict(rec, i)
	}
	if len(rec.care) == cap(rec.care) {
		grown := make([]row, len(rec.care), len(rec.care)+max(2, len(rec.care)/8))
		copy(grown, rec.care)
		rec.care = grown
	}
	rec.care = slices.Insert(rec.care, i, r)
	switch a := s.about[f.n]; {
	case a == 0:
		s.about[f.n] = n
	case a != n:
		s.spread[f.n] = insertID(s.spread[f.n], n)
	}
}

// evict drops the row that ended longest ago, and returns where an index of before is now.
func (s *State) evict(rec *record, i int) int {
	oldest := 0
	for j := range rec.care {
		if rec.care[j].until < rec.care[oldest].until {
			oldest = j
		}
	}
	rec.care = slices.Delete(rec.care, oldest, oldest+1)
	s.evicted++
	if oldest < i {
		i--
	}
	return i
}

// dropCare removes what the version before said.
func (s *State) dropCare(fact ID) {
	n := s.about[fact]
	if n == 0 {
		return
	}
	for _, m := range append([]ID{n}, s.spread[fact]...) {
		if int(m) >= len(s.records) || s.records[m] == nil {
			continue
		}
		rec := s.records[m]
		rec.care = slices.DeleteFunc(rec.care, func(r row) bool { return r.fact == fact })
	}
	delete(s.spread, fact)
	s.about[fact] = 0
}

func compareRows(a, b row) int {
	switch {
	case a.from != b.from:
		return compare64(a.from, b.from)
	case a.until != b.until:
		return compare64(a.until, b.until)
	case a.fact != b.fact:
		return int(a.fact) - int(b.fact)
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	}
	return int(a.who) - int(b.who)
}

func (s *State) dropTickets(fact ID) {
	n := s.about[fact]
	if n == 0 || int(n) >= len(s.people) || s.people[n] == nil {
		return
	}
	p := s.people[n]
	before := len(p.tickets)
	if p.tickets = slices.DeleteFunc(p.tickets, func(t ticket) bool { return t.fact == fact }); len(p.tickets) < before {
		s.staff.dirty = append(s.staff.dirty, n)
	}
}

// applyTicket reads a task that is about no patient: a vendor's ticket or contract.
func (s *State) applyTicket(f *fact) {
	d := f.doc
	period := Period{0, Forever}
	for _, path := range [...][]string{{"executionPeriod"}, {"restriction", "period"}, {"period"}, {"applies"}} {
		if i := d.first(0, path...); i != none {
			period = s.period(d, i)
			break
		}
	}
	if period == (Period{0, Forever}) {
		return // without a time it would cover everything
	}
	for _, path := range [...][]string{{"owner"}, {"assignee"}, {"practitioner"}, {"staff"}, {"signer", "party"}} {
		for i := range d.walk(0, path...) {
			t := d.target(i, f.local)
			n := ID(0)
			if kind := kindOfTarget(&t); kind == isStaff || kind == isUnknown {
				n = s.staffNode(f, &t)
			}
			if n == 0 {
				continue
			}
			s.about[f.n] = n
			p := s.person(n)
			p.tickets = append(p.tickets, ticket{period, f.n})
			slices.SortFunc(p.tickets, func(a, b ticket) int {
				if a.From != b.From {
					return compare64(a.From, b.From)
				}
				return int(a.fact) - int(b.fact)
			})
			s.staff.dirty = append(s.staff.dirty, n)
			return
		}
	}
}
