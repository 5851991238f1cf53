package facts

import (
	"math"
	"slices"
)

// Care is who cares, cared or will care for a patient, by Period.From, that of merged records together.
func (s *State) Care(p ID) []Care { return s.AppendCare(nil, p) }

// AppendCare is Care without an allocation: it appends to a slice of the caller's.
func (s *State) AppendCare(out []Care, p ID) []Care {
	return s.AppendCareNear(out, p, Period{math.MinInt64, Forever})
}

// AppendCareNear is AppendCare of what touches a period, both ends included, and of general practitioners. A record of years is read
// through, but not written out.
func (s *State) AppendCareNear(out []Care, p ID, near Period) []Care {
	if p <= 0 || p > s.patients.size() {
		return out
	}
	begin := len(out)
	group := s.patients.members(p)
	reasons := 0 // that Conditions have
	for _, m := range group {
		var r row
		for rest := s.rowsOf(m); s.forms.next(&rest, &r); {
			if r.kind != CareGeneral {
				if r.from > near.Until {
					break // by from: nothing behind it is near
				}
				if r.until < near.From {
					continue
				}
			}
			c := s.careOf(&r)
			if n := len(out); n > begin && out[n-1] == c {
				continue // a ward and its location, said by one encounter
			}
			if out = append(out, c); c.Reason < 0 {
				reasons++
			}
		}
	}
	if reasons > 0 {
		s.nameReasons(out[begin:], group)
	}
	if len(group) > 1 {
		slices.SortStableFunc(out[begin:], func(a, b Care) int { return compare64(a.Period.From, b.Period.From) })
	}
	return out
}

// rowsOf are the rows of a node.
func (s *State) rowsOf(n ID) rows {
	if int(n) >= len(s.records) || s.records[n] == nil {
		return ""
	}
	return s.records[n].care
}

// nameReasons puts the diagnosis that a Condition of the same patient states in the place of the Condition; 0 while it is not known.
func (s *State) nameReasons(care []Care, group []ID) {
	for _, m := range group {
		var r row
		for rest := s.rowsOf(m); s.forms.next(&rest, &r); {
			if r.reason <= 0 {
				continue
			}
			for i := range care {
				if care[i].Reason == -r.fact {
					care[i].Reason = r.reason
				}
			}
		}
	}
	for i := range care {
		care[i].Reason = max(care[i].Reason, 0)
	}
}

func (s *State) careOf(r *row) Care {
	c := Care{
		Kind: r.kind, Class: r.class, Period: Period{r.from, r.until}, Reason: r.reason, Type: r.typ, Resource: r.fact,
		Doubt: r.doubt,
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

// roleDepartment is the department of a PractitionerRole that was referred to itself; 0 for a Practitioner.
func (s *State) roleDepartment(n ID) ID {
	if k := s.staff.key[n]; int(k) < len(s.roleUnits) {
		return s.departments.canon0(s.roleUnits[k])
	}
	return 0
}
