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

// applyTicket reads a task that is about no patient: a vendor's ticket or contract.
func (s *State) applyTicket(f *fact) {
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
			p.tickets = append(p.tickets, ticket{period, f.n})
			slices.SortFunc(p.tickets, func(a, b ticket) int {
				if a.From != b.From {
					return compare64(a.From, b.From)
				}
				return int(a.fact) - int(b.fact)
			})
			s.staff.dirty = append(s.staff.dirty, n)
			return
		}
	}
}
