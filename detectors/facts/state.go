package facts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// Config of a State. The zero value with a Zone is usable: every other field has a default.
type Config struct {
	// Zone is where dates without an offset are. Required.
	Zone *time.Location
	// SharedPhone is how many people may have a telephone number before it tells nothing about them. Default 12.
	SharedPhone int
	// SharedIdentifier is how many records may carry one identifier before it joins nobody ("000-00-0000"). Default 16.
	SharedIdentifier int
	// MaxCare bounds the rows of care of one patient number; those that ended longest ago go first. Default 4096.
	MaxCare int
	// MaxFormer bounds the former homes kept of one person, and the former roles of one employment. Default 8.
	MaxFormer int
	// Systems tells the systems of identifiers to which a source gives none, for patients and for readers. Default: the source's
	// own, "source:<name>". It must answer the same at every replay.
	Systems func(source string) (patient, reader string)
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Zone == nil {
		errs = append(errs, errors.New("zone: required"))
	}
	for name, n := range map[string]int{
		"shared_phone": c.SharedPhone, "shared_identifier": c.SharedIdentifier, "max_care": c.MaxCare, "max_former": c.MaxFormer,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s: want 0 or more", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{{&c.SharedPhone, 12}, {&c.SharedIdentifier, 16}, {&c.MaxCare, 4096}, {&c.MaxFormer, 8}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// State is what the facts at or before a position say. Apply and everything that makes numbers (Reader, PatientOf,
// Department, TextID) need it alone; all other methods only read, and may run at the same time as each other.
type State struct {
	cfg   Config
	texts table

	patients, staff, departments space
	// records, people and units hang on the nodes of the three spaces.
	records []*record
	people  []*person
	units   []*unit
	forms   forms
	// views of entities of several nodes, by their smallest.
	mergedPatients map[ID]*Patient
	mergedStaff    map[ID]*Staff

	// facts numbers all resources; about is whom each is about: a node, or a schedule. spread lists the further ones.
	facts  table
	about  []ID
	spread map[ID][]ID
	// met has a bit for each resource that was read, not only named.
	met []uint64

	schedules table
	rosters   []*roster
	// managed are the nodes of staff whose manager a node is, or was.
	managed map[ID][]ID
	// roleUnits are the departments of roles, by the role's key among staff.
	roleUnits []ID
	watches   map[ID][]Watch   // by patient node
	payers    map[ID][]payer   // by patient node
	consents  map[ID][]consent // by patient node
	// payees are the patients (nodes) for whom somebody pays, by the keys of payers.
	payees map[ID][]said
	kin    kinships

	stats stats
	doc   document
	// changes are whom facts changed, for whoever asked to be told.
	changes changes
	// systems caches the texts of key systems.
	systems map[systemKey]ID

	noPatient Patient
	noStaff   Staff
	counters
	// emergency is the relation that says least: "emergency contact" of v2-0131.
	emergency ID
}

type systemKey struct {
	class        byte
	system, part string
}

// Classes of keys; see space. The first letter of a key's system.
const (
	classReference  = 'r' // a resource of a source: joins however many claim it
	classIdentifier = 'i' // a business identifier: joins as many as are likely to be one
	className       = 'n' // a name: joins departments; of staff it is where there is nothing else
	classWeak       = 'w' // "Location/1" of whatever source: found when only one goes by it
)

// New returns an empty state.
func New(cfg Config) (*State, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure facts: %w", err)
	}
	s := &State{
		cfg: cfg.withDefaults(), texts: table{packer: packer{plain: true}},
		mergedPatients: map[ID]*Patient{}, mergedStaff: map[ID]*Staff{},
		records: make([]*record, 1), people: make([]*person, 1), units: make([]*unit, 1),
		about: make([]ID, 1), spread: map[ID][]ID{}, rosters: make([]*roster, 1),
		watches: map[ID][]Watch{}, systems: map[systemKey]ID{},
		consents: map[ID][]consent{}, payers: map[ID][]payer{}, payees: map[ID][]said{},
		managed:   map[ID][]ID{},
		noPatient: Patient{Birth: NoDay}, noStaff: Staff{Birth: NoDay},
	}
	s.patients, s.staff, s.departments = newSpace(), newSpace(), newSpace()
	s.bind()
	s.kin = newKinships()
	s.forms, s.counters = newForms(), newCounters()
	s.stats = newStats()
	s.emergency = s.texts.number(0, "c")
	return s, nil
}

// bind lets the spaces ask this state for the limits of keys.
func (s *State) bind() {
	s.patients.limit, s.staff.limit, s.departments.limit = s.keyLimit, s.keyLimit, s.keyLimit
}

func (s *State) keyLimit(system ID) int {
	if system == 0 {
		return 1
	}
	switch s.Text(system)[0] {
	case classIdentifier:
		return s.cfg.SharedIdentifier
	case classWeak:
		return 1
	}
	return 1 << 30
}

// system numbers the class and system of a key, and the part of its value that many share ("Patient/").
func (s *State) system(class byte, system, part string) ID {
	at := systemKey{class, system, part}
	if id, ok := s.systems[at]; ok {
		return id
	}
	id := s.texts.number(0, string(class)+system+"\x00"+part)
	s.systems[systemKey{class, strings.Clone(system), strings.Clone(part)}] = id
	return id
}

// identify splits an identifier into what a key is made of.
func (s *State) identify(system, value string) (ID, string) {
	if slash := strings.LastIndexByte(value, '/'); slash > 0 && fhirid.IsType(value[:slash]) {
		return s.system(classReference, system, value[:slash+1]), value[slash+1:]
	}
	return s.system(classIdentifier, system, ""), value
}

// find returns an identifier's key, 0 when nothing has mentioned it.
func (s *State) find(sp *space, system, value string) ID {
	sys, rest := s.identify(system, value)
	return sp.keys.find(sys, rest)
}

// keyOf returns an identifier's key.
func (s *State) keyOf(sp *space, system, value string) ID {
	sys, rest := s.identify(system, value)
	return sp.keyOf(sys, rest)
}

func (s *State) local(source string) string { return "source:" + source }

// bare is the system of identifiers that state none.
func (s *State) bare(source string, patient bool) string {
	if s.cfg.Systems != nil {
		p, r := s.cfg.Systems(source)
		if patient && p != "" {
			return p
		}
		if !patient && r != "" {
			return r
		}
	}
	return s.local(source)
}

// fact is one resource on its way into the state.
type fact struct {
	*v1.ContextFact
	doc *document
	// n is the resource's number, local the system of its relative references.
	n     ID
	local string
}

// Apply takes one fact in. Calls stand in the order of positions. What cannot be read is a *FaultError and changes nothing; the
// earlier version of the resource then still stands.
func (s *State) Apply(in *v1.ContextFact) error {
	typ := in.GetResourceType()
	if typ == "" {
		return &FaultError{"", "resourceType", "missing"}
	}
	if in.GetResourceId() == "" {
		return &FaultError{typ, typ + ".id", "missing"}
	}
	f := &fact{ContextFact: in, doc: &s.doc, local: s.local(in.GetSource())}
	if in.GetDeleted() {
		s.doc.read("{}")
	} else {
		if !s.doc.read(string(in.GetResource())) || s.doc.kindOf(0) != kindObject {
			return &FaultError{typ, typ, "not a JSON object"}
		}
		if reads(typ) {
			if fault := s.doc.faultIn(typ); fault != nil {
				return fault
			}
		}
	}
	f.n = s.factNumber(in.GetSource(), typ, in.GetResourceId())
	s.stats.count(s.texts.number(0, typ), in.GetEffectiveUs(), s.meet(f.n))
	s.apply(f, typ)
	s.settle()
	return nil
}

func (s *State) apply(f *fact, typ string) {
	switch typ {
	case "Patient":
		s.applyPatient(f)
	case "Practitioner":
		s.applyPractitioner(f)
	case "PractitionerRole":
		s.applyRole(f)
	case "Person":
		s.applyPerson(f)
	case "RelatedPerson":
		s.applyRelated(f)
	case "Organization", "Location", "HealthcareService":
		s.applyDepartment(f, typ)
	case "Schedule":
		s.applySchedule(f)
	case "Slot":
		s.applySlot(f)
	case "WatchListEntry":
		s.applyWatch(f)
	case "BadgeStay":
		s.applyStay(f)
	case "Account", "Coverage":
		s.applyPayers(f, typ)
	case "Manager":
		s.applyManagerOf(f)
	default:
		s.applyCare(f, typ)
	}
}

// reads reports whether a type's times matter.
func reads(typ string) bool { return !ignored[typ] }

// settle makes what is derived from entities right again: the views of those whose nodes, claims or facts changed, and of
// those that name them by number. Views are made of nodes and of what stands on them, never of other views, so one pass is
// enough and the order does not matter.
func (s *State) settle() {
	if len(s.departments.dirty) > 0 {
		last := ID(0)
		for _, n := range s.departments.takeDirty() {
			if head := s.departments.canon[n]; head != last { // the others of a department mostly follow each other
				last = head
				s.rolesOf(n)
			}
		}
	}
	if len(s.staff.dirty)+len(s.patients.dirty) == 0 {
		return
	}
	// What changed about one node changes what all of its entity is to others.
	staff, patients := s.staff.entities(s.staff.takeDirty()), s.patients.entities(s.patients.takeDirty())
	for _, n := range staff {
		s.linked(n)
	}
	for _, n := range patients {
		for _, k := range s.kin.patients[n] {
			s.staff.dirty = append(s.staff.dirty, k.staff)
		}
		s.touchCross(&s.patients, &s.staff, n)
	}
	staff, patients = append(staff, s.staff.takeDirty()...), append(patients, s.patients.takeDirty()...)
	for _, n := range distinct(staff) {
		s.rebuildStaff(n)
		s.changes.member(n)
	}
	for _, n := range distinct(patients) {
		s.rebuildPatient(n)
		s.changes.patient(n)
		s.paysFor(n)
	}
}

func distinct(ids []ID) []ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// linked has those looked at again whom a member of staff manages, and the patients who are, or name as a contact, that
// member.
func (s *State) linked(n ID) {
	s.staff.dirty = append(s.staff.dirty, s.managed[n]...)
	for _, k := range s.kin.staff[n] {
		s.patients.dirty = append(s.patients.dirty, k.staff)
	}
	s.touchCross(&s.staff, &s.patients, n)
	s.relatedTo(s.staff.key[n])
	for _, c := range s.staff.claims[n] {
		s.relatedTo(c.key)
	}
}

// relatedTo has the patient looked at again whose RelatedPerson goes by a key.
func (s *State) relatedTo(k ID) {
	system, part, _ := strings.Cut(s.Text(s.staff.keys.system(k))[1:], "\x00")
	source, ok := strings.CutPrefix(system, "source:")
	if !ok || part != "RelatedPerson/" {
		return
	}
	of := s.texts.find(0, source+"\x00RelatedPerson")
	if f := s.facts.find(of, string(s.staff.keys.text(k))); of != 0 && f != 0 && s.about[f] != 0 {
		s.patients.dirty = append(s.patients.dirty, s.about[f])
	}
}
