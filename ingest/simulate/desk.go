package simulate

import "time"

func unixMilli(t int64) time.Time { return time.UnixMilli(t) }

// deskDepartment is patient registration.
func (p *plan) deskDepartment() uint16 { return uint16(p.h.byUnit[registration][0]) }

// desk is a clerk of patient registration who is there, or -1.
func (p *plan) desk(t int64) int32 {
	return p.carer(p.deskDepartment(), clerk, t, bundle, uint64(t/minute))
}

// desks adds what people do by virtue of their job and not for one encounter: signing in, lists, the telephone,
// registries, tickets.
func (p *plan) desks() {
	for i := range p.duty.all {
		s := &p.duty.all[i]
		p.dice = p.roll(forDesk, uint64(s.staff)<<1|b2u(s.onCall))
		if s.start >= p.from {
			p.signIn(s)
		}
		if s.end < p.to {
			p.one(s, logOut, s.end-p.dice.minutes(1, 4))
		}
		p.lists(s)
		switch u := p.h.departments[s.department].unit; {
		case s.start < p.from:
		case u == registration:
			p.telephone(s)
		case u == research:
			p.registry(s, researchUse, p.dice.between(6, 18))
		case u == quality:
			p.registry(s, operations, p.dice.between(3, 9))
			p.mortality(s)
		case u == informatics:
			p.registry(s, administration, p.dice.n(3))
		case s.role == nurse && inpatient(u):
			p.takeOver(s)
			p.helpOut(s)
		case s.role == clerk && u == billing:
			p.release(s)
		case s.role == nurse && u == clinic:
			p.advise(s)
		case s.role == physician || s.role == resident:
			p.aside(s)
		}
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// one adds a single event without a patient.
func (p *plan) one(s *shift, k kind, t int64) {
	a := access{at: t, staff: s.staff, department: s.department, patient: -1, kind: k, source: kindTable[k].source, remote: p.h.homeOffice(s.staff)}
	p.add(a)
}

// signIn mistypes the password three times in a hundred, and one in eight of those again.
func (p *plan) signIn(s *shift) {
	t := s.start + int64(p.dice.between(20, 400))*second
	for range p.dice.times(35) * p.dice.between(1, 2) {
		p.add(access{at: t, staff: s.staff, department: s.department, patient: -1, kind: logIn, outcome: failed, remote: p.h.homeOffice(s.staff)})
		t += int64(p.dice.between(6, 25)) * second
	}
	p.one(s, logIn, t)
}

// lists are opened all through a shift; a fifth of them show patients with details, which touches their records without
// anyone having meant them.
func (p *plan) lists(s *shift) {
	many := [roles]int{nurse: 4, physician: 6, resident: 7, clerk: 8, technician: 6, pharmacist: 7, student: 2, coder: 4, analyst: 1, researcher: 2}
	d := &p.dice
	for range many[s.role] {
		t := s.start + 10*minute + int64(d.n(int(s.end-s.start-20*minute)))
		if t < p.from || t >= p.to || s.onCall && !d.chance(500) {
			continue
		}
		a := access{at: t, staff: s.staff, department: s.department, patient: -1, kind: listUnit, use: useOf[s.role], remote: p.h.homeOffice(s.staff)}
		if there := p.beds[s.department]; d.chance(200) && len(there) > 0 {
			first := d.n(len(there))
			a.kind, a.object, a.patient = listPatients, uint64(first), there[first].patient
			a.others = uint8(min(d.between(3, 9), len(there)-first-1))
		}
		p.add(a)
	}
}

// telephone is what the front desk does between arrivals: a patient calls, is found by name, their address is put right.
// Nine in ten have an appointment soon; for the others no encounter explains the look.
func (p *plan) telephone(s *shift) {
	d := &p.dice
	for range d.between(3, 8) {
		t := s.start + 15*minute + int64(d.n(int(s.end-s.start-30*minute)))
		if hour := (t - p.from) / hour; hour < 7 || hour > 20 {
			continue
		}
		l, ok := p.look(t, s.staff, s.department, p.caller(d), 0)
		if !ok {
			continue
		}
		l.search()
		l.encounter = p.opened(l.patient)
		l.do(openChart, 0)
		if d.chance(600) {
			l.do(updatePatient, 0)
		}
	}
}

// caller is who rings up: nearly always somebody with an appointment in the next two weeks.
func (p *plan) caller(d *dice) int32 {
	day := p.day + d.between(1, booked)
	if e, ok := p.h.episode(day, d.n(max(1, p.h.begins(day)))); ok && e.stages[0].booked && d.chance(940) {
		return e.patient
	}
	if d.chance(700) && len(p.ill) > 0 {
		return p.ill[d.n(len(p.ill))]
	}
	return int32(d.n(len(p.h.patients)))
}

// registry is a batch of records that a study, a quality measure or a support ticket asks for. Studies follow patients
// with one of some conditions, in order of registration; all but one in twenty have agreed. One batch in four
// leaves the house as a file.
func (p *plan) registry(s *shift, u use, n int) {
	d := &p.dice
	if n == 0 {
		return
	}
	t := s.start + d.minutes(20, 240)
	export := u != administration && d.chance(250)
	condition := uint8(int(p.h.staff[s.staff].rank) % 4)
	i := d.n(len(p.h.patients))
	for range n {
		patient := int32(i)
		if u == researchUse {
			lax := d.chance(50)
			for range 400 {
				if p.h.patients[i].condition%4 == condition && (lax || p.h.consents(int32(i))) {
					break
				}
				i = (i + 1) % len(p.h.patients)
			}
			patient = int32(i)
			i = (i + 1) % len(p.h.patients)
		} else if len(p.ill) > 0 {
			patient = p.ill[d.n(len(p.ill))]
		}
		l, ok := p.look(t, s.staff, s.department, patient, 0)
		if !ok {
			continue
		}
		l.use = u
		l.do(openChart, 0)
		if u != administration {
			l.do(readResults, object(kept(patient), 3))
			l.do(readNote, object(kept(patient), 3))
		}
		if export {
			l.do(exportRecord, 0)
		}
		if t = l.at + int64(d.between(40, 600))*second; t+bundle > s.end {
			return
		}
	}
}
