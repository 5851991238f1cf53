package facts

import "strings"

type targetKind uint8

const (
	isUnknown targetKind = iota
	isStaff
	isDepartment
	isOther
)

func kindOfTarget(t *target) targetKind {
	switch t.typ {
	case "Practitioner", "PractitionerRole":
		return isStaff
	case "Organization", "Location", "HealthcareService":
		return isDepartment
	case "":
		return isUnknown
	}
	return isOther
}

// targetKey is the key by which a reference is known best: the literal one, else its identifier. 0 when it has neither.
func (s *State) targetKey(f *fact, sp *space, t *target) ID {
	if t.value != "" {
		return s.keyOf(sp, t.system, t.value)
	}
	if t.idValue == "" {
		return 0
	}
	if t.idSystem == "" {
		t.idSystem = s.bare(f.GetSource(), sp == &s.patients)
	}
	return s.keyOf(sp, t.idSystem, t.idValue)
}

// patientNode is the node of the patient that a reference names; 0 for a text alone: identities are never guessed.
func (s *State) patientNode(f *fact, t *target) ID {
	if k := s.targetKey(f, &s.patients, t); k != 0 {
		return s.patients.mention(k)
	}
	return 0
}

// staffNode is the node of the member of staff that a reference names. A name alone is somebody of that name within the
// source, as it is for readers.
func (s *State) staffNode(f *fact, t *target) ID {
	if k := s.targetKey(f, &s.staff, t); k != 0 {
		return s.staff.mention(k)
	}
	if name := fold(t.display, ""); name != "" {
		return s.staff.mention(s.staff.keyOf(s.system(className, f.GetSource(), ""), name))
	}
	return 0
}

// departmentNode is the node of the department that a reference names, by its name when there is nothing better.
func (s *State) departmentNode(f *fact, t *target) ID {
	if k := s.targetKey(f, &s.departments, t); k != 0 {
		return s.departments.mention(k)
	}
	return s.departmentNamed(t.display)
}

func (s *State) departmentNamed(text string) ID {
	folded := fold(text, "")
	if folded == "" {
		return 0
	}
	return s.departments.mention(s.departments.keyOf(s.system(className, "", ""), folded))
}

func (s *State) applyWatch(f *fact) {
	if n := s.about[f.n]; n != 0 {
		kept := s.watches[n][:0:0]
		for _, w := range s.watches[n] {
			if w.fact != f.n {
				kept = append(kept, w)
			}
		}
		if s.watches[n] = kept; len(kept) == 0 {
			delete(s.watches, n)
		}
	}
	s.about[f.n] = 0
	if f.GetDeleted() {
		return
	}
	d := f.doc
	w := Watch{Period: s.period(d, d.get(0, "period")), fact: f.n}
	w.List, w.Reason = s.textPlain(fold(d.field(0, "list"), "")), s.textPlain(strings.TrimSpace(d.field(0, "reason")))
	w.Owner = s.textPlain(strings.TrimSpace(d.field(0, "owner")))
	t := d.target(d.get(0, "subject"), f.local)
	if kindOfTarget(&t) == isStaff {
		return // records are watched, and not readers
	}
	n := s.patientNode(f, &t)
	if n == 0 {
		return
	}
	w.Patient, s.about[f.n] = n, n
	s.watches[n] = append(s.watches[n], w)
	s.changes.patient(n)
}
