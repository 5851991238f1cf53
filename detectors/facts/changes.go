package facts

// changes collects whom facts changed.
type changes struct {
	wanted          bool
	patients, staff []ID
}

func (c *changes) patient(n ID) {
	if c.wanted {
		c.patients = append(c.patients, n)
	}
}

func (c *changes) member(n ID) {
	if c.wanted {
		c.staff = append(c.staff, n)
	}
}

// Changes returns the patients and the staff of whom something is known now that was not known when it was asked last, or no more:
// who they are, where they work, who cares for them. The first call begins to collect. Numbers may repeat, and be those of one of
// several that are one; what it returns holds until the next Apply.
func (s *State) Changes() (patients, staff []ID) {
	patients, staff = s.changes.patients, s.changes.staff
	s.changes = changes{wanted: true, patients: patients[:0], staff: staff[:0]}
	return patients, staff
}
