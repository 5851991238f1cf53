package facts

import (
	"slices"
	"strings"
)

// payer is somebody who pays for a patient or has them insured, as an Account or a Coverage says.
type payer struct {
	// Contact is how the resource itself names them, by a display or a contained resource; its fact is the Account or Coverage.
	Contact
	// record is the key of their own record among patients, related the number of their RelatedPerson among facts; 0: none is named.
	record, related ID
	// insures: they have the patient insured, else they pay.
	insures bool
}

// maxNamed bounds the people whom one Account, Coverage or Consent names, for each of its patients: a small one can name a million of them by
// naming many of both. An account says no more then, a consent nothing; it is counted in Coverage.Evicted.
const maxNamed = 1000

// payShape says where a resource type names who pays.
type payShape struct {
	patient, period string
	pays, insures   [][]string
}

// payShapes are the resource types that say who pays for a patient, R4 and R5 shapes side by side.
var payShapes = map[string]payShape{
	"Account": {patient: "subject", period: "servicePeriod", pays: [][]string{{"guarantor", "party"}}},
	"Coverage": {
		patient: "beneficiary", period: "period",
		pays:    [][]string{{"payor"}, {"paymentBy", "party"}},
		insures: [][]string{{"policyHolder"}, {"subscriber"}},
	},
}

// applyPayers reads who pays for a patient. Whoever pays is known by what is known of them when it is asked, so that their record may
// come later, and be merged.
func (s *State) applyPayers(f *fact, typ string) {
	s.dropPayers(f.n)
	if f.GetDeleted() {
		return
	}
	shape, d := payShapes[typ], f.doc
	all := s.payersIn(f, &shape)
	if len(all) == 0 {
		return
	}
	left := maxNamed
	for i := range d.walk(0, shape.patient) {
		t := d.target(i, f.local)
		if t.typ != "" && t.typ != "Patient" {
			continue
		}
		if left -= len(all); left < 0 {
			s.evicted++
			return
		}
		if n := s.patientNode(f, &t); n != 0 {
			s.putPayers(f, n, all)
		}
	}
}

// payersIn lists the people whom a resource names. What was withdrawn or is a draft names nobody; nor does a guarantor who is on hold.
func (s *State) payersIn(f *fact, shape *payShape) []payer {
	d := f.doc
	period := s.period(d, d.get(0, shape.period))
	switch d.field(0, "status") {
	case "entered-in-error", "cancelled", "draft":
		return nil
	case "inactive":
		if period.Until == Forever { // it held until the version that says so, at least
			period.Until = max(period.From+1, f.GetEffectiveUs())
		}
	}
	var out []payer
	read := func(path []string, insures bool) {
		last := len(path) - 1
		for parent := range d.walk(0, path[:last]...) {
			if d.kindOf(d.get(parent, "onHold")) == kindTrue {
				continue
			}
			holds := period
			if last > 0 {
				holds = s.period(d, d.get(parent, "period")).orElse(period)
			}
			for i := range d.items(d.get(parent, path[last])) {
				if p, ok := s.payer(f, i); ok && holds.From < holds.Until {
					p.insures, p.Period = insures, holds
					out = append(out, p)
				}
			}
		}
	}
	for _, path := range shape.pays {
		read(path, false)
	}
	for _, path := range shape.insures {
		if path[0] != "subscriber" || d.concept(d.get(0, "relationship")) != "self" {
			read(path, true)
		}
	}
	return out
}

// orElse takes what a period does not state from another one.
func (p Period) orElse(other Period) Period {
	if p.From == 0 {
		p.From = other.From
	}
	if p.Until == Forever {
		p.Until = other.Until
	}
	return p
}

// payer reads a reference to whoever pays; false for organisations. By a name alone it is somebody of that name, as a contact is.
func (s *State) payer(f *fact, i int) (payer, bool) {
	d := f.doc
	t := d.target(i, f.local)
	p := payer{Contact: Contact{Birth: NoDay}}
	switch t.typ {
	case "":
		if t.value != "" || t.idSystem != "" { // whoever goes by it: an organisation does not
			p.record, p.person = s.targetKey(f, &s.patients, &t), s.targetKey(f, &s.staff, &t)
		}
	case "Patient":
		p.record = s.targetKey(f, &s.patients, &t)
	case "RelatedPerson":
		if id, ok := strings.CutPrefix(t.value, "RelatedPerson/"); ok && t.system == f.local {
			p.related = s.factNumber(f.GetSource(), "RelatedPerson", id)
		}
		p.person = s.targetKey(f, &s.staff, &t)
	case "Practitioner", "PractitionerRole":
		p.person = s.targetKey(f, &s.staff, &t)
	default:
		return payer{}, false
	}
	if id, ok := strings.CutPrefix(d.field(i, "reference"), "#"); ok {
		if c := d.containedAt(id); c != none {
			person := p.person
			p.Contact, _ = s.contact(f, c)
			p.person = person
		}
	} else if family, given := splitName(t.display); given != "" {
		p.Name = Name{Family: s.textOf(family), Given: s.textOf(given)}
	}
	p.fact = f.n
	return p, p.record != 0 || p.person != 0 || p.Name != (Name{}) || p.Phone != 0
}

// putPayers stores who pays for a patient, but for the patient themself.
func (s *State) putPayers(f *fact, n ID, all []payer) {
	list := s.payers[n]
	if len(list)+len(all) > maxNamed {
		s.evicted++
		return
	}
	for _, p := range all {
		if p.record == s.patients.key[n] {
			continue
		}
		list = append(list, p)
		for _, k := range p.keys() {
			s.payees[k] = add(s.payees[k], said{n, f.n})
		}
	}
	if len(list) == len(s.payers[n]) {
		return
	}
	slices.SortStableFunc(list, func(a, b payer) int { return int(a.fact) - int(b.fact) })
	s.payers[n] = list
	s.isAbout(f.n, n)
	s.changes.patient(n)
}

// dropPayers removes what the version before said.
func (s *State) dropPayers(fact ID) {
	n := s.about[fact]
	if n == 0 {
		return
	}
	for _, m := range append([]ID{n}, s.spread[fact]...) {
		kept := s.payers[m][:0:0]
		for _, p := range s.payers[m] {
			if p.fact != fact {
				kept = append(kept, p)
				continue
			}
			for _, k := range p.keys() {
				if s.payees[k] = remove(s.payees[k], said{m, fact}); len(s.payees[k]) == 0 {
					delete(s.payees, k)
				}
			}
		}
		if s.payers[m] = kept; len(kept) == 0 {
			delete(s.payers, m)
		}
		s.changes.patient(m)
	}
	delete(s.spread, fact)
	s.about[fact] = 0
}

// keys are what payees are listed by: the key of a RelatedPerson or a member of staff, and minus that of a record.
func (p *payer) keys() []ID {
	var out []ID
	if p.person != 0 {
		out = append(out, p.person)
	}
	if p.record != 0 {
		out = append(out, -p.record)
	}
	return out
}

// paysFor has it told that something changed for those for whom a patient pays.
func (s *State) paysFor(n ID) {
	if len(s.payees) == 0 {
		return
	}
	s.payeesOf(-s.patients.key[n])
	for _, c := range s.patients.claims[n] {
		s.payeesOf(-c.key)
	}
}

func (s *State) payeesOf(k ID) {
	if len(s.payees[k]) > maxNamed {
		return // an insurer, which is nobody's relative
	}
	for _, of := range s.payees[k] {
		s.changes.patient(of.staff)
	}
}

// payersOf grades whether the reader pays for the patient, or has them insured.
func (s *State) payersOf(k *Kinship, staff, patient ID, r *Staff, at int64) {
	if len(s.payers) == 0 {
		return
	}
	for _, m := range s.patients.members(patient) {
		for i := range s.payers[m] {
			p := &s.payers[m][i]
			if !p.Holds(at) {
				continue // who paid once is no former partner
			}
			g := s.payerGrade(p, staff, patient, r, at)
			if p.insures {
				k.Insures = max(k.Insures, g)
			} else {
				k.Pays = max(k.Pays, g)
			}
		}
	}
}

// payerGrade grades whether whoever pays is the reader: by their record, else by their RelatedPerson, else by what the Account or
// Coverage says of them.
func (s *State) payerGrade(p *payer, staff, patient ID, r *Staff, at int64) Grade {
	if n := s.patients.lookup(p.record); n == patient {
		return 0 // the patient themself
	} else if of := s.Patient(n); of.Known || of.Staff != 0 {
		return s.recordGrade(of, staff, r, at)
	}
	c := p.Contact
	if n := s.about[p.related]; p.related != 0 && n != 0 && int(n) < len(s.records) && s.records[n] != nil {
		of := s.records[n].Contacts
		if i := slices.IndexFunc(of, func(c Contact) bool { return c.fact == p.related }); i >= 0 {
			c = of[i]
		}
	}
	c.Staff = s.memberOf(p.person)
	return s.contactGrade(&c, staff, r)
}

// recordGrade grades whether a record is the reader's, by what a contact is graded by and by their homes.
func (s *State) recordGrade(p *Patient, staff ID, r *Staff, at int64) Grade {
	switch {
	case p.Staff == staff:
		return gradeStated
	case p.Staff != 0 && s.isKnownStaff(p.Staff):
		return 0
	}
	var k Kinship
	s.homesInCommon(&k, r, p, at)
	return s.listedGrade(p.Names, p.Birth, p.Phones, k.Household > 0, r)
}
