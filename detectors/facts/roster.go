package facts

import (
	"slices"
	"strings"
)

func (s *State) rosterAt(n ID) *roster {
	for len(s.rosters) <= int(n) {
		s.rosters = append(s.rosters, &roster{})
	}
	return s.rosters[n]
}

func (s *State) applySchedule(f *fact) {
	sys, rest := s.identify(f.local, "Schedule/"+f.GetResourceId())
	n := s.schedules.number(sys, rest)
	s.setRoster(n, nil, 0)
	s.about[f.n] = n
	if f.GetDeleted() {
		return
	}
	staff, department := s.actors(f, 0)
	s.setRoster(n, staff, department)
}

// actors are whom a Schedule names.
func (s *State) actors(f *fact, i int) (staff []ID, department ID) {
	for a := range f.doc.walk(i, "actor") {
		t := f.doc.target(a, f.local)
		kind := kindOfTarget(&t)
		if kind == isUnknown && t.idValue != "" {
			kind = isStaff // places go by reference or by name
		}
		switch kind {
		case isStaff:
			if n := s.staffNode(f, &t); n != 0 {
				staff = insertID(staff, n)
			}
		case isDepartment, isUnknown:
			if department == 0 {
				department = s.departmentNode(f, &t)
			}
		}
	}
	return staff, department
}

func (s *State) setRoster(n ID, staff []ID, department ID) {
	r := s.rosterAt(n)
	for _, m := range r.staff {
		p := s.person(m)
		p.schedules = slices.DeleteFunc(p.schedules, func(have ID) bool { return have == n })
		s.staff.dirty = append(s.staff.dirty, m)
	}
	r.staff, r.department = staff, department
	r.nameDepartment(s.departments.canon0(department))
	if department != 0 {
		u := s.unit(department)
		u.rosters = insertID(u.rosters, n)
	}
	for _, m := range staff {
		p := s.person(m)
		p.schedules = insertID(p.schedules, n)
		s.staff.dirty = append(s.staff.dirty, m)
	}
}

// applySlot reads a busy Slot: a duty of whoever its Schedule is for. Delimited text brings the Schedule along, contained.
func (s *State) applySlot(f *fact) {
	d := f.doc
	if n := s.about[f.n]; n != 0 {
		s.dropDuty(n, f.n)
	}
	s.about[f.n] = 0
	start, ok1 := instant(d.field(0, "start"), s.cfg.Zone)
	end, ok2 := instant(d.field(0, "end"), s.cfg.Zone)
	if f.GetDeleted() || !ok1 || !ok2 {
		return
	}
	switch d.field(0, "status") {
	case "busy", "busy-tentative", "":
	default:
		return // free, entered in error
	}
	n := s.scheduleOf(f)
	if n == 0 {
		return
	}
	s.about[f.n] = n
	r := s.rosterAt(n)
	duty := Duty{Period: Period{start.From, endOf(end)}, Department: s.departments.canon0(r.department), fact: f.n}
	i, _ := slices.BinarySearchFunc(r.duties, duty, compareDuties)
	if len(r.duties) == cap(r.duties) { // doubling would leave a quarter of all rosters empty
		r.duties = append(make([]Duty, 0, len(r.duties)+max(4, len(r.duties)/8)), r.duties...)
	}
	r.duties = slices.Insert(r.duties, i, duty)
	s.countDuty(duty.Period, 1)
	s.staff.dirty = append(s.staff.dirty, r.staff...)
}

func (s *State) dropDuty(n, fact ID) {
	r := s.rosterAt(n)
	i := slices.IndexFunc(r.duties, func(d Duty) bool { return d.fact == fact })
	if i < 0 {
		return
	}
	s.countDuty(r.duties[i].Period, -1)
	r.duties = slices.Delete(r.duties, i, i+1)
	s.staff.dirty = append(s.staff.dirty, r.staff...)
}

// scheduleOf is the number of a Slot's schedule. A contained one is known by its actors: all slots of a person share it.
func (s *State) scheduleOf(f *fact) ID {
	d := f.doc
	ref := d.field(d.get(0, "schedule"), "reference")
	if !strings.HasPrefix(ref, "#") {
		t := d.target(d.get(0, "schedule"), f.local)
		if t.value == "" {
			return 0
		}
		sys, rest := s.identify(t.system, t.value)
		return s.schedules.number(sys, rest)
	}
	for c := range d.walk(0, "contained") {
		if d.field(c, "id") != ref[1:] {
			continue
		}
		staff, department := s.actors(f, c)
		var key []byte
		for _, n := range append(slices.Clone(staff), -department) {
			key = appendID(key, n)
		}
		n := s.schedules.number(s.system(className, "", "actors"), string(key))
		if r := s.rosterAt(n); len(r.staff) == 0 && len(staff) > 0 {
			s.setRoster(n, staff, department)
		}
		return n
	}
	return 0
}

func appendID(b []byte, n ID) []byte { return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) }

func compareDuties(a, b Duty) int {
	switch {
	case a.Period.From != b.Period.From:
		return compare64(a.Period.From, b.Period.From)
	case a.Period.Until != b.Period.Until:
		return compare64(a.Period.Until, b.Period.Until)
	}
	return int(a.fact) - int(b.fact)
}
