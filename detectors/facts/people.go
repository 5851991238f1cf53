package facts

import (
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// record is what hangs on a patient's node: what its Patient resource says, and care.
type record struct {
	Patient
	care rows
	// title and family are the name as sent: prefix and given names, family names.
	title, family ID
}

// person is what hangs on a node of staff.
type person struct {
	Staff
	display ID
	// ended is when Practitioner.active became false; 0: it did not.
	ended int64
	// schedules that name this node.
	schedules []ID
	// manages is who the node's manager is, by the fact that says so.
	managers []said
	tickets  []ticket
	stays    stays
	// staysSince is until when stays may be missing because others took their place, in seconds since 1970 UTC.
	staysSince int64
}

// said is a node of staff that a fact names.
type said struct{ staff, fact ID }

// ticket is about a patient's node, Nobody, or with 0 about none in particular.
type ticket struct {
	Period
	fact, patient ID
}

func (s *State) record(n ID) *record {
	for len(s.records) <= int(n) {
		s.records = append(s.records, nil)
	}
	if s.records[n] == nil {
		s.records[n] = &record{Patient: Patient{Birth: NoDay}}
	}
	return s.records[n]
}

func (s *State) person(n ID) *person {
	for len(s.people) <= int(n) {
		s.people = append(s.people, nil)
	}
	if s.people[n] == nil {
		s.people[n] = &person{Staff: Staff{Birth: NoDay}}
	}
	return s.people[n]
}

// ownKeys are the keys of a fact's identifiers: the reference within its source first.
func (s *State) ownKeys(f *fact, sp *space, typ string) (ref ID, keys []ID) {
	ref = s.keyOf(sp, f.local, typ+"/"+f.GetResourceId())
	for _, id := range f.GetIdentifiers() {
		if k := s.keyOf(sp, id.GetSystem(), id.GetValue()); k != ref && id.GetValue() != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return ref, slices.Compact(keys)
}

func (s *State) applyPatient(f *fact) {
	ref, keys := s.ownKeys(f, &s.patients, "Patient")
	n := s.patients.mention(ref)
	r := s.record(n)
	s.addPatient(r, -1)
	s.touchCross(&s.patients, &s.staff, n)
	s.dropCare(f.n)
	if f.GetDeleted() {
		s.patients.claim(n, f.n, nil)
		related := slices.DeleteFunc(r.Contacts, func(c Contact) bool { return c.fact == f.n })
		r.Patient = Patient{Birth: NoDay, Contacts: related}
		r.title, r.family = 0, 0
		s.patients.dirty = append(s.patients.dirty, n)
		return
	}
	for _, l := range f.GetLinks() {
		if l.GetKind() == v1.IdentityLink_KIND_REPLACED_BY || l.GetKind() == v1.IdentityLink_KIND_REPLACES {
			keys = append(keys, s.keyOf(&s.patients, l.GetTo().GetSystem(), l.GetTo().GetValue()))
		}
	}
	slices.Sort(keys)
	s.patients.claim(n, f.n, slices.Compact(keys))
	s.readPatient(f, r)
	s.addPatient(r, 1)
	s.patients.dirty = append(s.patients.dirty, n)
	period := Period{0, Forever}
	for i := range f.doc.walk(0, "generalPractitioner") {
		s.addCare(f, n, i, row{from: period.From, until: period.Until, form: form{kind: CareGeneral}}, false)
	}
}

func (s *State) readPatient(f *fact, r *record) {
	d := f.doc
	p := Patient{Known: true, Birth: dayOf(d.field(0, "birthDate"))}
	p.Names = s.names(d, 0)
	p.Homes = s.homesAfter(f, r.Homes, s.homes(f, 0))
	p.Phones = s.phones(d, 0, false)
	for _, c := range r.Contacts {
		if c.fact != f.n {
			p.Contacts = append(p.Contacts, c)
		}
	}
	for i := range d.walk(0, "contact") {
		if c, ok := s.contact(f, i); ok {
			p.Contacts = append(p.Contacts, c)
		}
	}
	sortContacts(p.Contacts)
	for i := range d.walk(0, "meta", "security") {
		p.Labels |= labels[strings.ToUpper(d.field(i, "code"))]
	}
	if at, ok := instant(d.field(0, "deceasedDateTime"), s.cfg.Zone); ok {
		p.Deceased = at.From
	}
	r.Patient = p
	r.title, r.family = s.asSent(f)
}

// asSent keeps a name as it was sent in two texts, because many people share each.
func (s *State) asSent(f *fact) (title, family ID) {
	name := f.GetDisplay()
	if name == "" {
		name = f.doc.displayName(0)
	}
	if name == "" {
		return 0, 0
	}
	at := strings.LastIndexByte(name, ' ') + 1
	return s.TextID(name[:at]), s.TextID(name[at:])
}

var labels = map[string]Label{
	"VIP": LabelVIP, "CEL": LabelVIP, "EMP": LabelEmployee,
	"ETH": LabelSubstance, "SUD": LabelSubstance, "ETHUD": LabelSubstance, "OPIOIDUD": LabelSubstance, "ALC": LabelSubstance,
	"HIV": LabelHIV, "PSY": LabelMental, "MH": LabelMental, "PSYTHPN": LabelMental, "SDV": LabelViolence, "DV": LabelViolence,
	"DVD": LabelViolence, "SEX": LabelSexual, "STD": LabelSexual, "GDIS": LabelGenetic, "R": LabelRestricted, "V": LabelRestricted,
}

// contact reads Patient.contact or, with i 0, a RelatedPerson.
func (s *State) contact(f *fact, i int) (Contact, bool) {
	d := f.doc
	c := Contact{fact: f.n, Birth: dayOf(d.field(i, "birthDate"))}
	names := s.names(d, i)
	if len(names) > 0 {
		c.Name = names[0]
	}
	if phones := s.phones(d, i, false); len(phones) > 0 {
		c.Phone = phones[0]
	}
	c.Period = s.period(d, d.get(i, "period"))
	for rel := range d.walk(i, "relationship") {
		word := s.concept(d, rel)
		if c.Relation == 0 || word != 0 && s.Text(c.Relation) == "c" { // "emergency contact" says less than "spouse"
			c.Relation = word
		}
		if isFormer(s.Text(word)) {
			c.Relation = word
			s.former[word] = true
			break
		}
	}
	return c, c.Name != (Name{}) || c.Phone != 0
}

func sortContacts(contacts []Contact) {
	slices.SortFunc(contacts, func(a, b Contact) int {
		if a.fact != b.fact {
			return int(a.fact) - int(b.fact)
		}
		return compare2(a.Name.Family, b.Name.Family, a.Name.Given, b.Name.Given)
	})
}

// names reads HumanNames (or a name as one text), what is in use first.
func (s *State) names(d *document, i int) []Name {
	var out []Name
	add := func(family, given string, maiden bool) {
		if family == "" && given == "" {
			return
		}
		n := Name{Family: s.textOf(family), Given: s.textOf(given), Maiden: maiden}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for n := range d.walk(i, "name") {
		if text := d.string(n); text != "" {
			family, given := splitName(text)
			add(family, given, false)
			continue
		}
		use := d.field(n, "use")
		if use == "anonymous" || use == "nickname" {
			continue
		}
		family := foldName(d.string(d.first(n, "family")))
		given, _, _ := strings.Cut(foldName(d.string(d.first(n, "given"))), " ")
		if family == "" && given == "" {
			family, given = splitName(d.field(n, "text"))
		}
		add(family, given, use == "old" || use == "maiden")
	}
	slices.SortStableFunc(out, func(a, b Name) int {
		switch {
		case a.Maiden == b.Maiden:
			return 0
		case b.Maiden:
			return -1
		}
		return 1
	})
	return slices.Clip(out)
}

// textOf numbers a folded text, and remembers the parts of compound family names.
func (s *State) textOf(folded string) ID {
	if folded == "" {
		return 0
	}
	id := s.texts.number(0, folded)
	if strings.IndexByte(folded, ' ') > 0 {
		s.compound(id, folded)
	}
	return id
}

// phones reads telephone numbers. Of staff, those at work are not theirs.
func (s *State) phones(d *document, i int, staff bool) []uint64 {
	var out []uint64
	for t := range d.walk(i, "telecom") {
		system := d.field(t, "system")
		if system != "" && system != "phone" && system != "sms" {
			continue
		}
		if staff && d.field(t, "use") == "work" || d.field(t, "use") == "old" {
			continue
		}
		if digits := phoneDigits(d.field(t, "value")); digits != "" {
			out = append(out, xxhash.Sum64String(digits))
		}
	}
	slices.Sort(out)
	return slices.Clip(slices.Compact(out))
}

// period reads a Period element: what is not stated is open.
func (s *State) period(d *document, i int) Period {
	p := Period{0, Forever}
	if at, ok := instant(d.field(i, "start"), s.cfg.Zone); ok {
		p.From = at.From
	}
	if at, ok := instant(d.field(i, "end"), s.cfg.Zone); ok {
		p.Until = endOf(at)
	}
	return p
}

// endOf is where a period ends whose end was stated: a date is included, an instant is the end itself.
func endOf(at Period) int64 {
	if at.Until-at.From == 1 {
		return at.From
	}
	return at.Until
}

// concept is the folded code of a CodeableConcept, Coding or text: its first code, else its text.
func (s *State) concept(d *document, i int) ID { return s.textPlain(d.concept(i)) }

func (d *document) concept(i int) string {
	if text := d.string(i); text != "" {
		return fold(text, "._-")
	}
	for c := range d.walk(i, "coding") {
		if code := d.scalar(d.get(c, "code")); code != "" {
			return fold(code, "._-")
		}
	}
	for _, member := range [...]string{"code", "text", "display"} {
		if text := d.scalar(d.get(i, member)); text != "" {
			return fold(text, "._-")
		}
	}
	if inner := d.get(i, "concept"); inner != none { // R5 CodeableReference
		return d.concept(inner)
	}
	return d.concept1(i)
}

func (d *document) concept1(i int) string {
	for c := range d.walk(i, "coding") {
		if text := d.field(c, "display"); text != "" {
			return fold(text, "._-")
		}
	}
	return ""
}

func (s *State) applyPractitioner(f *fact) {
	ref, keys := s.ownKeys(f, &s.staff, "Practitioner")
	n := s.staff.mention(ref)
	p := s.person(n)
	s.addStaff(n, p, -1)
	s.touchCross(&s.staff, &s.patients, n)
	if f.GetDeleted() {
		s.staff.claim(n, f.n, nil)
		p.Names, p.Homes, p.Phones, p.Birth, p.Known, p.display, p.ended = nil, nil, nil, NoDay, false, 0, 0
		s.staff.dirty = append(s.staff.dirty, n)
		return
	}
	s.staff.claim(n, f.n, keys)
	d := f.doc
	p.Known = true
	p.Names, p.Birth = s.names(d, 0), dayOf(d.field(0, "birthDate"))
	p.Homes = s.homesAfter(f, p.Homes, s.homes(f, 0))
	p.Phones = s.phones(d, 0, true)
	p.ended = 0
	if d.kindOf(d.get(0, "active")) == kindFalse {
		p.ended = f.GetEffectiveUs()
	}
	p.display = 0
	if f.GetDisplay() != "" {
		p.display = s.TextID(f.GetDisplay())
	} else if name := d.displayName(0); name != "" {
		p.display = s.TextID(name)
	}
	s.addStaff(n, p, 1)
	s.applyManager(f, n)
	s.staff.dirty = append(s.staff.dirty, n)
}

// applyManagerOf reads a row that says of somebody, and nothing else, who their manager is.
func (s *State) applyManagerOf(f *fact) {
	for i := range f.doc.walk(0, "practitioner") {
		t := f.doc.target(i, f.local)
		if n := s.staffNode(f, &t); n != 0 {
			s.applyManager(f, n)
			s.about[f.n] = n
			s.staff.dirty = append(s.staff.dirty, n)
			return
		}
	}
}

// applyManager reads who somebody's manager is: no element of FHIR, but mappings of delimited text fill it.
func (s *State) applyManager(f *fact, n ID) {
	p := s.person(n)
	p.managers = slices.DeleteFunc(p.managers, func(m said) bool { return m.fact == f.n })
	for i := range f.doc.walk(0, "manager") {
		if t := f.doc.target(i, f.local); !t.isZero() {
			if m := s.staffNode(f, &t); m != 0 && m != n {
				p.managers = append(p.managers, said{m, f.n})
				s.managed[m] = insertID(s.managed[m], n)
			}
		}
	}
	slices.SortFunc(p.managers, func(a, b said) int { return compare2(a.fact, b.fact, a.staff, b.staff) })
}
