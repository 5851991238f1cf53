package facts

import (
	"slices"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (s *State) applyRelated(f *fact) {
	key := s.keyOf(&s.staff, f.local, "RelatedPerson/"+f.GetResourceId())
	s.payeesOf(key)
	if n := s.about[f.n]; n != 0 {
		r := s.record(n)
		r.Contacts = slices.DeleteFunc(r.Contacts, func(c Contact) bool { return c.fact == f.n })
		s.patients.dirty = append(s.patients.dirty, n)
	}
	s.about[f.n] = 0
	t := f.doc.target(f.doc.get(0, "patient"), f.local)
	n := s.patientNode(f, &t)
	if n == 0 {
		return
	}
	s.about[f.n] = n
	if c, ok := s.contact(f, 0); ok {
		c.person = key
		r := s.record(n)
		r.Contacts = append(r.Contacts, c)
		sortContacts(r.Contacts)
	}
	s.patients.dirty = append(s.patients.dirty, n)
}

// applyPerson reads Person.link: the practitioners, roles and related persons that it names are one member of staff, and the
// patients that it names are them.
func (s *State) applyPerson(f *fact) {
	var staff, patients []ID // keys
	for _, l := range f.GetLinks() {
		if l.GetKind() != v1.IdentityLink_KIND_PERSON {
			continue
		}
		to := l.GetTo()
		switch typ, _, _ := strings.Cut(to.GetValue(), "/"); typ {
		case "Patient":
			patients = append(patients, s.keyOf(&s.patients, to.GetSystem(), to.GetValue()))
		case "Practitioner", "PractitionerRole", "RelatedPerson":
			staff = append(staff, s.keyOf(&s.staff, to.GetSystem(), to.GetValue()))
		}
	}
	for i := range f.doc.walk(0, "link", "target") {
		t := f.doc.target(i, f.local)
		switch t.typ {
		case "Patient":
			if k := s.targetKey(f, &s.patients, &t); k != 0 {
				patients = append(patients, k)
			}
		case "Practitioner", "PractitionerRole", "RelatedPerson":
			if k := s.targetKey(f, &s.staff, &t); k != 0 {
				staff = append(staff, k)
			}
		}
	}
	slices.Sort(staff)
	slices.Sort(patients)
	staff, patients = slices.Compact(staff), slices.Compact(patients)
	if n := s.about[f.n]; n != 0 {
		s.linked(n) // those of before, while they still are
		s.staff.claim(n, f.n, nil)
	}
	s.about[f.n] = 0
	var node ID
	var people []ID
	if len(staff) > 0 {
		node = s.staff.mention(staff[0])
		s.about[f.n] = node
		s.staff.claim(node, f.n, staff[1:])
		for _, k := range patients {
			people = append(people, s.patients.mention(k))
		}
	}
	oldStaff, touched := s.kin.set(f.n, node, people)
	s.patients.dirty = append(s.patients.dirty, touched...)
	for _, n := range [...]ID{oldStaff, node} {
		if n != 0 {
			s.staff.dirty = append(s.staff.dirty, n)
		}
	}
}
