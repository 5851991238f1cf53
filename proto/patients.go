package proto

import (
	"math"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// searchedPatients is how many patients are compared one by one before they are indexed.
const searchedPatients = 16

// DistinctPatients appends the event's patients without repetitions, in the event's order. A patient's place among them is its number,
// by which verdicts and rows say whom of an event they are about: whoever numbers patients, numbers them by this function. Two patients
// are the same when the event keys them by the same identifier, or names both by the same text and nothing else; an entry that names
// nobody has no number. What is learned of identities later (links, merges) changes no number.
func DistinctPatients(into []*v1.Patient, e *v1.AccessEvent) []*v1.Patient {
	first := len(into)
	var known map[patientName]struct{}
	for _, p := range e.GetPatients() {
		name, ok := nameOf(p)
		if !ok {
			continue
		}
		so := into[first:]
		if known == nil && len(so) < searchedPatients {
			if !named(so, name) {
				into = append(into, p)
			}
			continue
		}
		if known == nil {
			known = make(map[patientName]struct{}, len(e.Patients))
			for _, q := range so {
				n, _ := nameOf(q)
				known[n] = struct{}{}
			}
		}
		if _, repeated := known[name]; !repeated {
			known[name] = struct{}{}
			into = append(into, p)
		}
	}
	return into
}

// PatientNumber is a place among an event's distinct patients as it is stored. Those beyond the 65,535th share a number.
func PatientNumber(place int) uint16 { return uint16(min(place, math.MaxUint16)) }

// Resolved reports whether an event keys a patient by an identifier: it is not known by text only.
func Resolved(p *v1.Patient) bool {
	return len(p.GetIdentifiers()) > 0 && p.Identifiers[0].GetValue() != ""
}

// patientName is what tells an event's patients apart. It holds an identifier: keep it out of logs.
type patientName struct {
	system, value, text string
	resolved            bool
}

// nameOf tells whom an entry names; false: nobody.
func nameOf(p *v1.Patient) (patientName, bool) {
	if Resolved(p) {
		return patientName{system: p.Identifiers[0].System, value: p.Identifiers[0].Value, resolved: true}, true
	}
	return patientName{text: p.GetText()}, p.GetText() != "" || len(p.GetIdentifiers()) > 0
}

func named(among []*v1.Patient, name patientName) bool {
	for _, p := range among {
		if n, _ := nameOf(p); n == name {
			return true
		}
	}
	return false
}
