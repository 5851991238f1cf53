package facts

import "slices"

// Care is who cares, cared or will care for a patient, by Period.From, that of merged records together.
func (s *State) Care(p ID) []Care { return s.AppendCare(nil, p) }

// AppendCare is Care without an allocation: it appends to a slice of the caller's.
func (s *State) AppendCare(out []Care, p ID) []Care {
	if p <= 0 || p > s.patients.size() {
		return out
	}
	begin := len(out)
	group := s.patients.members(p)
	pending := false
	for _, m := range group {
		if int(m) >= len(s.records) || s.records[m] == nil {
			continue
		}
		rows := s.records[m].care
		for i := range rows {
			c := s.careOf(&rows[i])
			if n := len(out); n > begin && out[n-1] == c {
				continue // a ward and its location, said by one encounter
			}
			out = append(out, c)
			pending = pending || rows[i].reason < 0
		}
	}
	if pending {
		s.findReasons(out[begin:])
	}
	if len(group) > 1 {
		slices.SortStableFunc(out[begin:], func(a, b Care) int { return compare64(a.Period.From, b.Period.From) })
	}
	return out
}

func (s *State) careOf(r *row) Care {
	c := Care{
		Kind: r.kind, Class: s.classes[r.class], Period: Period{r.from, r.until}, Reason: r.reason,
		Type: s.careTypes[r.typ], Resource: r.fact,
	}
	switch {
	case r.who > 0:
		c.Staff = s.staff.canon[r.who]
		c.Department = s.roleDepartment(r.who)
	case r.who < 0:
		c.Department = s.departments.canon[-r.who]
	}
	return c
}

// findReasons fills in the diagnoses that are Conditions of the same patient.
func (s *State) findReasons(care []Care) {
	for i := range care {
		if care[i].Reason >= 0 {
			continue
		}
		condition := -care[i].Reason
		care[i].Reason = 0
		for j := range care {
			if care[j].Resource == condition && care[j].Reason > 0 {
				care[i].Reason = care[j].Reason
				break
			}
		}
	}
}

// roleDepartment is the department of a PractitionerRole that was referred to itself; 0 for a Practitioner.
func (s *State) roleDepartment(n ID) ID {
	if k := s.staff.key[n]; int(k) < len(s.roleUnits) {
		return s.departments.canon0(s.roleUnits[k])
	}
	return 0
}
