package detectors

import (
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Lists that come after the access: what a batch says of people is held against what they did, and what was done to their records, on the
// days that are open.

// watchFact remembers of whom a fact says that they left, or that their record is watched. What is only documented of care makes no hard sign,
// and most facts are that.
func (e *Engine) watchFact(resourceType string, patients, staff []facts.ID) {
	switch resourceType {
	case "Patient", "Person", "WatchListEntry":
		e.hard.patients = append(e.hard.patients, patients...)
	case "Practitioner", "PractitionerRole", "VendorTicket", "Task", "Ticket", "Contract":
		e.hard.staff = append(e.hard.staff, staff...)
	}
}

// watchChanged looks again at what readers did on the open days of whom the batch says something, and at who opened such a record.
func (e *Engine) watchChanged() {
	patients, staff := map[facts.ID]struct{}{}, map[facts.ID]struct{}{}
	for _, n := range e.hard.patients {
		if n = e.state.Canonical(n); e.watched(n) {
			patients[n] = struct{}{}
		}
	}
	for _, n := range e.hard.staff {
		staff[e.state.CanonicalStaff(n)] = struct{}{}
	}
	e.hard.patients, e.hard.staff = e.hard.patients[:0], e.hard.staff[:0]
	if len(patients)+len(staff) == 0 {
		return
	}
	for _, d := range e.book.days() {
		p := e.book.pages[d]
		if p.open == nil || !e.inForce || e.over(d) {
			continue
		}
		if len(staff) > 0 {
			e.touchReaders(p, staff)
		}
		if len(patients) > 0 {
			e.touchPairs(p, patients)
		}
	}
}

// touchReaders has the day of each of the staff looked at again who did something when they were not employed, or for a vendor.
func (e *Engine) touchReaders(p *page, staff map[facts.ID]struct{}) {
	for _, reader := range slices.Sorted(maps.Keys(p.open.readers)) {
		if _, ok := staff[e.state.CanonicalStaff(reader)]; !ok {
			continue
		}
		role, employed := e.state.RoleAt(reader, p.accesses[p.open.readers[reader].last].Occurred)
		if role.Vendor || !employed && len(e.state.Staff(reader).Roles) > 0 {
			e.hard.touched = append(e.hard.touched, touch{p, reader, 0})
		}
	}
}

// touchPairs has each pair looked at again in which one of the records was opened.
func (e *Engine) touchPairs(p *page, patients map[facts.ID]struct{}) {
	seen := map[pairKey]bool{}
	for i := range p.accesses {
		a := &p.accesses[i]
		if a.Patient == 0 || a.Reader == 0 || !a.Any(SignLook) || a.Any(SignSystem|SignPatient) {
			continue
		}
		if _, ok := patients[e.state.Canonical(a.Patient)]; !ok || seen[pairKey{a.Reader, a.Patient}] || !e.marked(a) {
			continue
		}
		seen[pairKey{a.Reader, a.Patient}] = true
		e.hard.touched = append(e.hard.touched, touch{p, a.Reader, a.Patient})
	}
}

// watched reports whether a record is one that is watched, or may be that of one of the staff.
func (e *Engine) watched(patient facts.ID) bool {
	p := e.state.Patient(patient)
	return p.Labels&facts.LabelVIP != 0 || p.Staff != 0 || len(e.state.Watches(patient)) > 0
}
