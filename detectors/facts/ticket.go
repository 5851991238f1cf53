package facts

import "slices"

func (s *State) dropTickets(fact ID) {
	n := s.about[fact]
	if n == 0 || int(n) >= len(s.people) || s.people[n] == nil {
		return
	}
	p := s.people[n]
	before := len(p.tickets)
	if p.tickets = slices.DeleteFunc(p.tickets, func(t ticket) bool { return t.fact == fact }); len(p.tickets) < before {
		s.staff.dirty = append(s.staff.dirty, n)
	}
}

// Nobody is the patient of a ticket that names somebody who is not known: no record is theirs.
const Nobody ID = -1

// ticketPatients are those that a ticket names: its subject, patient or, of a Task, its focus. One who is named and not known is Nobody, and
// whom a Task is for who is no patient that is known; a Task for one who is belongs to their care. 0: it names none.
func (s *State) ticketPatients(f *fact, patients []ID) []ID {
	d := f.doc
	unknown := d.get(0, "for") != none
	for _, member := range [...]string{"subject", "patient", "focus"} {
		for i := range d.walk(0, member) {
			t := d.target(i, f.local)
			if t.typ != "Patient" && (t.typ != "" || member != "patient") {
				continue
			}
			if t.isZero() { // by a display alone
				unknown = true
				continue
			}
			if n := s.patientNode(f, &t); n != 0 {
				patients = insertID(patients, n)
			} else {
				unknown = true
			}
		}
	}
	switch {
	case len(patients) > 0:
		return patients
	case unknown:
		return []ID{Nobody}
	}
	return []ID{0}
}

// maxTicketed bounds the patients of one ticket: each look of a vendor's is held against all of them. It accounts for no more.
const maxTicketed = 200

// applyTicket reads a vendor's ticket or contract, about some patients.
func (s *State) applyTicket(f *fact, patients []ID) {
	d := f.doc
	period := Period{0, Forever}
	for _, path := range [...][]string{{"executionPeriod"}, {"restriction", "period"}, {"period"}, {"applies"}} {
		if i := d.first(0, path...); i != none {
			period = s.period(d, i)
			break
		}
	}
	if period == (Period{0, Forever}) {
		return // without a time it would cover everything
	}
	for _, path := range [...][]string{{"owner"}, {"assignee"}, {"practitioner"}, {"staff"}, {"signer", "party"}} {
		for i := range d.walk(0, path...) {
			t := d.target(i, f.local)
			n := ID(0)
			if kind := kindOfTarget(&t); kind == isStaff || kind == isUnknown {
				n = s.staffNode(f, &t)
			}
			if n == 0 {
				continue
			}
			s.about[f.n] = n
			p := s.person(n)
			if len(patients) > maxTicketed {
				s.evicted++
				patients = patients[:maxTicketed]
			}
			for _, patient := range patients {
				p.tickets = append(p.tickets, ticket{period, f.n, patient})
			}
			slices.SortFunc(p.tickets, func(a, b ticket) int {
				if a.From != b.From {
					return compare64(a.From, b.From)
				}
				return compare2(a.fact, b.fact, a.patient, b.patient)
			})
			s.staff.dirty = append(s.staff.dirty, n)
			return
		}
	}
}
