package simulate

import "time"

// takeOver is the beginning of a nurse's shift: the charts of those whom they will look after, one after the other.
func (p *plan) takeOver(s *shift) {
	d := &p.dice
	there := p.beds[s.department]
	if len(there) == 0 {
		return
	}
	t := s.start + d.minutes(6, 18)
	k := d.n(len(there))
	for range min(d.between(2, 5), len(there)) {
		b := &there[k]
		if k++; k == len(there) {
			k = 0
		}
		if t < b.start || t >= b.end {
			continue
		}
		l, ok := p.look(t, s.staff, s.department, b.patient, b.encounter)
		if !ok {
			continue
		}
		l.do(openChart, 0)
		l.do(readNote, object(b.encounter, d.n(3)))
		t = l.at
	}
}

// late is a note that is not written when the patient is there: it is written in the evening from home, or on the next
// workday (see afterwards). It reports whether the note is late.
func (p *plan) late(l *look, enc uint64) bool {
	n := mix(enc) % 100
	if n >= latePercent {
		return false
	}
	if n >= latePercent/2 {
		return true // the next workday
	}
	l.at, l.remote, l.client = p.in(18*60+40, 22*60+40), true, false
	p.add(access{at: l.at - minute, staff: l.staff, department: l.department, patient: -1, kind: logIn, remote: true})
	l.do(openChart, 0)
	l.do(readNote, object(enc, 8))
	l.do(writeNote, object(enc, 1))
	return true
}

const latePercent = 16

// catchUp writes the notes that were left the workday before.
func (p *plan) catchUp(e *episode, s *stage) {
	enc := e.encounter(s.encounter)
	if n := mix(enc) % 100; !s.booked || n < latePercent/2 || n >= latePercent {
		return
	}
	t := p.in(8*60, 15*60)
	if l, ok := p.look(t, s.attending, s.department, e.patient, enc); ok && p.duty.has(s.department, physician, s.attending, t, bundle) {
		l.do(openChart, 0)
		l.do(readNote, object(enc, 8))
		l.do(writeNote, object(enc, 1))
	}
}

// referral is the clinic to which a visit may lead.
func (h *Hospital) referral(e *episode, s *stage) uint16 {
	all := h.byUnit[clinic]
	return uint16(all[mix(e.encounter(s.encounter)^1)%uint64(len(all))])
}

// refer asks another clinic to see the patient, who looks at the papers on the workday after the visit, before there is
// an appointment.
func (p *plan) refer(e *episode, s *stage, ended int, referred bool) {
	enc, to := e.encounter(s.encounter), p.h.referral(e, s)
	if s.booked && p.day == p.h.nextWorkday(ended+1) {
		p.catchUp(e, s)
	}
	if !referred || to == s.department {
		return
	}
	if p.day == ended {
		p.request(e, s, s.start+23*minute, orderConsult, to)
		return
	}
	if p.day != p.h.nextWorkday(ended+1) {
		return
	}
	for _, r := range [2]role{clerk, physician} {
		t := p.in(8*60+30, 15*60)
		l, ok := p.look(t, p.carer(to, r, t, bundle, enc), to, e.patient, 0)
		if !ok {
			continue
		}
		if r == clerk {
			l.search()
		}
		l.do(openChart, 0)
		l.do(readNote, object(enc, 1))
		if r == physician {
			l.do(readResults, object(enc, 0))
		}
	}
}

// booked is for how many days ahead appointments are made.
const booked = 14

// tomorrow is what a clinic does the day before: clerks check the papers, and physicians read the charts, half of them at
// home.
func (p *plan) tomorrow() {
	h := p.h
	day := p.day + 1
	for i := range h.begins(day) {
		e, ok := h.episode(day, i)
		if !ok || !e.stages[0].booked {
			continue
		}
		s := &e.stages[0]
		p.dice, p.kin = p.roll(forCare, e.id^1<<60), e.kin
		d := &p.dice
		if t := p.in(9*60, 15*60); d.chance(200) {
			if l, ok := p.look(t, p.carer(s.department, clerk, t, bundle, e.id), s.department, e.patient, 0); ok {
				l.do(openChart, 0)
			}
		}
		if !d.chance(220) {
			continue
		}
		t := p.in(12*60, 15*60+30)
		l, ok := p.look(t, s.attending, s.department, e.patient, 0)
		if !ok || s.attending < 0 {
			continue
		}
		if !p.duty.has(s.department, physician, s.attending, t, bundle) || d.chance(500) {
			l.at, l.remote, l.client = p.in(19*60, 22*60+30), true, false
			p.add(access{at: l.at - minute, staff: l.staff, department: l.department, patient: -1, kind: logIn, remote: true})
		}
		l.do(openChart, 0)
		l.do(readNote, object(kept(e.patient), d.n(4)))
		l.do(readResults, object(kept(e.patient), 0))
	}
}

// gather brings many people to one patient: a resuscitation, or a conference on cancer.
func (p *plan) gather(e *episode, s *stage, a, b int64) {
	d := &p.orderDice
	perTenThousand := 14
	u := p.h.departments[s.department].unit
	if u == intensive {
		perTenThousand = 60
	}
	if t := a + int64(d.n(int(max(1, b-a)))); d.n(10_000) < perTenThousand && t+hour < b {
		p.code(e, s, t)
	}
	if noon := p.in(12*60, 12*60+20); u == oncology && time.UnixMilli(p.from).In(p.h.cfg.Zone).Weekday() == time.Thursday &&
		d.chance(350) && noon >= a && noon < b {
		p.board(e, s, noon)
	}
}

// code is a resuscitation: whoever hears the call comes, from the ward and from elsewhere, and reads; half of them write
// something. The call itself is an order to intensive care and one to emergency.
func (p *plan) code(e *episode, s *stage, t int64) {
	enc := e.encounter(s.encounter)
	icu, ed := p.h.wardOf(intensive, &p.orderDice), p.h.wardOf(emergency, &p.orderDice)
	p.request(e, s, t, orderConsult, icu)
	p.request(e, s, t+20*second, orderConsult, ed)
	d := &p.dice
	drugs, images := uint16(p.h.byUnit[pharmacy][0]), uint16(p.h.byUnit[radiology][0])
	came := []struct {
		dept uint16
		role role
		n    int
	}{
		{s.department, nurse, 4},
		{s.department, resident, 2},
		{s.department, physician, 1},
		{icu, nurse, 2},
		{icu, physician, 1},
		{icu, resident, 1},
		{ed, physician, 1},
		{drugs, pharmacist, 1},
		{images, technician, 1},
		{s.department, clerk, 1},
	}
	for _, c := range came {
		for k := range c.n {
			at := t + d.minutes(1, 45)
			l, ok := p.look(at, p.duty.on(c.dept, c.role, at, bundle, enc^uint64(k)<<50), c.dept, e.patient, enc)
			if !ok {
				continue
			}
			l.do(openChart, 0)
			l.do(readResults, object(enc, 0))
			if d.chance(500) && c.role != clerk {
				l.do(writeNote, object(enc, freeNotes+int(at/minute%65_000)))
			}
		}
	}
}

// board is a conference: surgery, radiology and pathology are asked for an opinion, and everybody opens the record.
func (p *plan) board(e *episode, s *stage, noon int64) {
	enc := e.encounter(s.encounter)
	images, pathology := uint16(p.h.byUnit[radiology][0]), uint16(p.h.byUnit[laboratory][0])
	knife := p.h.wardOf(surgery, &p.orderDice)
	d := &p.dice
	for _, dept := range [4]uint16{s.department, knife, images, pathology} {
		if dept != s.department {
			p.request(e, s, p.from+9*hour, orderConsult, dept)
		}
		for k := range uint64(2) {
			t := noon + d.minutes(0, 30)
			if l, ok := p.look(t, p.duty.on(dept, physician, t, bundle, uint64(p.day)^k), dept, e.patient, enc); ok {
				l.do(openChart, 0)
				l.do(readNote, object(enc, d.n(4)))
			}
		}
	}
}

// mortality is the review of those who died in the last months.
func (p *plan) mortality(s *shift) {
	d := &p.dice
	if !d.chance(300) || len(p.h.dead) == 0 {
		return
	}
	for range d.between(1, 3) {
		patient := p.h.dead[d.n(len(p.h.dead))]
		if died := int(p.h.patients[patient].died); died > p.day || died < p.day-120 {
			continue
		}
		t := s.start + d.minutes(30, 400)
		if l, ok := p.look(t, s.staff, s.department, patient, 0); ok {
			l.use = operations
			l.do(openChart, 0)
			for n := range d.between(1, 4) {
				l.do(readNote, object(kept(patient), n))
			}
		}
	}
}

// ticket is a call for help to somebody from outside: on three workdays of five, for two to five hours.
type ticket struct {
	staff    int32
	day      int
	from, to int64
}

// ticket returns the one that an engineer has on a day.
func (h *Hospital) ticket(staff int32, day int) (ticket, bool) {
	m := &h.staff[staff]
	d := h.roll(forPlans, uint64(staff), uint64(int64(day)))
	if m.role != contractor || !h.employed(m, day) || !d.chance(600) || !h.workday(day) && !d.chance(200) {
		return ticket{}, false
	}
	from := h.at(day, d.between(7*60, 18*60))
	return ticket{staff, day, from, from + d.minutes(120, 300)}, true
}

// tickets are worked on from outside.
func (p *plan) tickets() {
	for _, i := range p.h.departments[p.h.byUnit[outside][0]].staff[contractor] {
		t, ok := p.h.ticket(i, p.day)
		if !ok {
			continue
		}
		p.dice = p.roll(forDesk, uint64(i)|1<<41)
		d := &p.dice
		at := t.from + d.minutes(5, 40)
		dept := p.h.staff[i].department
		p.add(access{at: at - minute, staff: i, department: dept, patient: -1, kind: logIn, remote: true})
		for range d.between(3, 20) {
			if at+bundle > t.to || len(p.ill) == 0 {
				break
			}
			if l, ok := p.look(at, i, dept, p.ill[d.n(len(p.ill))], 0); ok {
				l.remote, l.client = true, false
				l.do(openChart, 0)
				if d.chance(400) {
					l.do(readResults, object(kept(l.patient), 0))
				}
			}
			at += d.minutes(3, 20)
		}
		p.add(access{at: at + minute, staff: i, department: dept, patient: -1, kind: logOut, remote: true})
	}
}

// aside is advice that a colleague asks for in the corridor: no order says so, and half of the time no note.
func (p *plan) aside(s *shift) {
	d := &p.dice
	t := s.start + 30*minute + int64(d.n(int(max(minute, s.end-s.start-hour))))
	if !d.chance(220) || t >= p.to || s.onCall {
		return
	}
	there := p.beds[p.h.wardOf([]unit{medicine, surgery, intensive, oncology, maternity}[d.n(5)], d)]
	if len(there) == 0 {
		return
	}
	b := &there[d.n(len(there))]
	l, ok := p.look(t, s.staff, s.department, b.patient, 0)
	if !ok || t < b.start || t > b.end {
		return
	}
	if d.chance(450) {
		l.search()
	}
	l.encounter = p.opened(b.patient)
	if p.h.protected(b.patient) {
		p.glass(&l, s.department, 0)
	}
	l.do(openChart, 0)
	p.readOn(&l, d.between(0, 3))
	if d.chance(500) {
		l.encounter = b.encounter
		l.do(writeNote, object(b.encounter, freeNotes+int(l.at/minute%65_000)))
	}
}

// advise is a nurse of a clinic on the telephone with somebody whom the clinic knows from long ago, or does not know yet.
func (p *plan) advise(s *shift) {
	d := &p.dice
	for range d.times(700) {
		patient := int32(d.n(len(p.h.patients)))
		if p.h.patients[patient].died <= int32(p.day) {
			continue
		}
		t := s.start + 30*minute + int64(d.n(int(max(minute, s.end-s.start-hour))))
		l, ok := p.look(t, s.staff, s.department, patient, 0)
		if !ok {
			continue
		}
		l.search()
		l.encounter = p.opened(patient)
		l.do(openChart, 0)
		p.readOn(&l, d.n(3))
		if d.chance(550) {
			l.do(writeNote, object(kept(patient), freeNotes+int(l.at/minute%65_000)))
		}
	}
}

// helpOut is a nurse who is lent to the next ward for an hour, which no roster says.
func (p *plan) helpOut(s *shift) {
	d := &p.dice
	u := p.h.departments[s.department].unit
	all := p.h.byUnit[u]
	if len(all) < 2 || !d.chance(40) {
		return
	}
	dept := uint16(all[d.n(len(all))])
	there := p.beds[dept]
	t := s.start + hour + int64(d.n(int(max(minute, s.end-s.start-3*hour))))
	if dept == s.department || len(there) == 0 || t >= p.to {
		return
	}
	for range d.between(1, 4) {
		b := &there[d.n(len(there))]
		if t < b.start || t > b.end {
			continue
		}
		l, ok := p.look(t, s.staff, dept, b.patient, b.encounter)
		if !ok {
			continue
		}
		n := freeNotes + int(t/minute%65_000)
		l.do(openChart, 0)
		l.do(readMedications, 0)
		if d.chance(700) {
			l.do(writeMedication, object(b.encounter, n))
		}
		t = l.at + d.minutes(2, 12)
	}
}

// release is what the records office sends out: copies that patients, insurers and courts have asked for.
func (p *plan) release(s *shift) {
	d := &p.dice
	for range d.between(1, 5) {
		if len(p.discharged) == 0 {
			return
		}
		t := s.start + 20*minute + int64(d.n(int(max(minute, s.end-s.start-hour))))
		b := &p.discharged[d.n(len(p.discharged))]
		l, ok := p.look(t, s.staff, s.department, b.patient, b.encounter)
		if !ok {
			continue
		}
		l.search()
		l.do(openChart, 0)
		for range d.between(1, 4) {
			l.do(readNote, object(b.encounter, d.n(4)))
		}
		l.do(exportRecord, 0)
	}
}
