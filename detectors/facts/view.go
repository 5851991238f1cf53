package facts

import (
	"cmp"
	"slices"
	"strings"
)

// rebuildPatient makes what is known about the entity of a node anew. Of one node it is the record itself; of several, a
// merged copy.
func (s *State) rebuildPatient(n ID) {
	canon := s.patients.canon[n]
	if canon != n {
		delete(s.mergedPatients, n)
	}
	group := s.patients.members(n)
	staff := s.staffOf(group)
	if len(group) == 1 {
		delete(s.mergedPatients, n)
		if int(n) < len(s.records) && s.records[n] != nil || staff != 0 {
			s.linkPatient(&s.record(n).Patient, staff)
		}
		return
	}
	merged := Patient{Birth: NoDay}
	for _, m := range s.ordered(&s.patients, group) {
		if int(m) >= len(s.records) || s.records[m] == nil {
			continue
		}
		p := &s.records[m].Patient
		merged.Known = merged.Known || p.Known
		merged.Names = union(merged.Names, p.Names)
		merged.Homes = union(merged.Homes, p.Homes)
		merged.Phones = union(merged.Phones, p.Phones)
		merged.Contacts = append(merged.Contacts, p.Contacts...)
		merged.Labels |= p.Labels
		if merged.Birth == NoDay {
			merged.Birth = p.Birth
		}
		if merged.Deceased == 0 || p.Deceased != 0 && p.Deceased < merged.Deceased {
			merged.Deceased = p.Deceased
		}
	}
	slices.Sort(merged.Phones)
	sortContacts(merged.Contacts)
	s.linkPatient(&merged, staff)
	s.mergedPatients[canon] = &merged
}

func (s *State) linkPatient(p *Patient, staff ID) {
	p.Staff = staff
	for i := range p.Contacts {
		c := &p.Contacts[i]
		c.Staff = s.memberOf(c.person)
	}
}

// memberOf is the member of staff who goes by a key; 0 while no Practitioner was read of them.
func (s *State) memberOf(k ID) ID {
	if n := s.staff.lookup(k); n != 0 && s.isKnownStaff(n) {
		return n
	}
	return 0
}

// isKnownStaff reports whether a Practitioner was read of an entity.
func (s *State) isKnownStaff(n ID) bool {
	for _, m := range s.staff.members(n) {
		if int(m) < len(s.people) && s.people[m] != nil && s.people[m].Known {
			return true
		}
	}
	return false
}

func union[T comparable](all, more []T) []T {
	for _, v := range more {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// staffOf is the member of staff that patients are, by Person or by an identifier in common; the smallest of several.
func (s *State) staffOf(patients []ID) ID {
	out := ID(0)
	for _, n := range patients {
		for _, k := range s.kin.patients[n] {
			out = s.smaller(&s.staff, out, s.staff.canon[k.staff])
		}
		for _, c := range s.patients.claims[n] {
			if k := s.crossKey(&s.patients, &s.staff, c.key); k != 0 && s.staff.first[k] != 0 {
				out = s.smaller(&s.staff, out, s.staff.lookup(k))
			}
		}
	}
	return out
}

// patientOf is the record of a member of staff.
func (s *State) patientOf(staff []ID) ID {
	out := ID(0)
	for _, n := range staff {
		for _, k := range s.kin.staff[n] {
			out = s.smaller(&s.patients, out, s.patients.canon[k.staff])
		}
		for _, c := range s.staff.claims[n] {
			if k := s.crossKey(&s.staff, &s.patients, c.key); k != 0 && s.patients.first[k] != 0 {
				out = s.smaller(&s.patients, out, s.patients.lookup(k))
			}
		}
	}
	return out
}

// smaller is the entity of two whose identifier comes first: numbers would depend on who was mentioned first.
func (s *State) smaller(sp *space, a, b ID) ID {
	if a == 0 || a == b {
		return b
	}
	if b == 0 {
		return a
	}
	x, y := s.identifierOf(sp, a), s.identifierOf(sp, b)
	if cmp.Or(strings.Compare(x.GetSystem(), y.GetSystem()), strings.Compare(x.GetValue(), y.GetValue())) > 0 {
		return b
	}
	return a
}

// crossKey is the key of one space that another space has too, when it is an identifier of people: a national number. Those
// that a source numbers itself, and those of readers, are not: their numbers repeat those of patients.
func (s *State) crossKey(from, to *space, k ID) ID {
	system := from.keys.system(k)
	text := s.texts.text(system)
	if text[0] != classIdentifier || len(text) > 8 && string(text[1:8]) == "source:" || len(text) < 3 {
		return 0
	}
	return to.keys.find(system, string(from.keys.text(k)))
}

// touchCross has those of the other space looked at again that share an identifier with a node.
func (s *State) touchCross(from, to *space, n ID) {
	for _, c := range from.claims[n] {
		if k := s.crossKey(from, to, c.key); k != 0 {
			if f := to.first[k]; f != 0 {
				to.dirty = append(to.dirty, f)
				to.dirty = append(to.dirty, to.more[k]...)
			}
		}
	}
}

// rebuildStaff makes what is known about the entity of a node anew.
func (s *State) rebuildStaff(n ID) {
	canon := s.staff.canon[n]
	if canon != n {
		delete(s.mergedStaff, n)
	}
	group := s.staff.members(n)
	view := Staff{Birth: NoDay, Patient: s.patientOf(group)}
	some := view.Patient != 0
	for _, m := range s.ordered(&s.staff, group) {
		if int(m) >= len(s.people) || s.people[m] == nil {
			continue
		}
		some = true
		s.addPerson(&view, s.people[m])
	}
	if !some {
		delete(s.mergedStaff, canon)
		return
	}
	if len(group) > 1 {
		slices.SortFunc(view.Roles, compareRoles)
		slices.SortFunc(view.Duties, compareDuties)
		view.Duties = slices.Compact(view.Duties)
		slices.Sort(view.Phones)
	}
	s.mergedStaff[canon] = &view
}

func (s *State) addPerson(view *Staff, p *person) {
	view.Known = view.Known || p.Known
	view.Names = union(view.Names, p.Names)
	view.Homes = union(view.Homes, p.Homes)
	view.Phones = union(view.Phones, p.Phones)
	if view.Birth == NoDay {
		view.Birth = p.Birth
	}
	for _, r := range p.Roles {
		if p.ended != 0 && r.Period.Until > p.ended {
			r.Period.Until = max(p.ended, r.Period.From)
		}
		r.Department = s.departments.canon0(r.Department)
		r.Vendor = s.isVendor(r)
		if !slices.ContainsFunc(view.Roles, func(o Role) bool { // an organisation and its location
			return o.fact == r.fact && o.Department == r.Department && o.Code == r.Code && o.Period == r.Period
		}) {
			view.Roles = append(view.Roles, r)
		}
	}
	switch {
	case len(p.schedules) == 1 && view.Duties == nil:
		view.Duties = slices.Clip(s.rosters[p.schedules[0]].duties) // shared; clipped, so that an append copies
	default:
		for _, n := range p.schedules {
			view.Duties = append(view.Duties, s.rosters[n].duties...)
		}
		slices.SortFunc(view.Duties, compareDuties)
	}
	for _, m := range p.managers {
		view.Manager = s.smaller(&s.staff, view.Manager, s.staff.canon[m.staff])
	}
	for _, t := range p.tickets {
		view.Tickets = append(view.Tickets, Ticket{t.Period, t.fact, t.patient})
	}
}

func (s *space) canon0(n ID) ID {
	if n == 0 {
		return 0
	}
	return s.canon[n]
}

// isVendor tells roles of outsiders: by code, or because the type of the organisation is none that treats patients.
func (s *State) isVendor(r Role) bool {
	switch s.Text(r.Code) {
	case "vendor", "contractor", "supplier", "external", "third-party", "third party", "consultant":
		return true
	}
	if r.Department == 0 {
		return false
	}
	for _, m := range s.departments.members(r.Department) {
		if int(m) < len(s.units) && s.units[m] != nil && s.units[m].vendor {
			return true
		}
	}
	return false
}
