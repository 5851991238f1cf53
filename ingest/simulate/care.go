package simulate

// nursing is how likely a nurse's round is at an hour, per thousand: mornings and evenings are busy, nights are not.
var nursing = [25]int{250, 220, 220, 220, 260, 420, 650, 1000, 980, 900, 800, 760, 780, 760, 740, 740, 740, 700, 720, 950, 900, 760, 560, 330, 250}

// episode adds what an episode causes on this day.
func (p *plan) episode(e *episode) {
	h := p.h
	p.dice, p.ordered, p.kin = p.roll(forCare, e.id), 0, e.kin
	p.orderDice = h.roll(forOrders, e.id, uint64(int64(p.day)))
	for i := range e.n {
		s := &e.stages[i]
		begun := uint64(0)
		if s.start < p.to {
			begun = e.encounter(s.encounter)
		}
		p.care = append(p.care, cared{uint64(e.patient)<<16 | uint64(s.department), begun})
		if s.start < p.to && s.end > p.from {
			p.ill = append(p.ill, e.patient)
			p.beds[s.department] = append(p.beds[s.department], bed{e.patient, e.encounter(s.encounter), s.start, s.end})
			switch u := h.departments[s.department].unit; {
			case s.booked:
				p.visit(e, s)
			case u == emergency:
				p.emergency(e, s)
			default:
				p.stay(e, s)
			}
		}
		if s.end < p.from {
			p.discharged = append(p.discharged, bed{e.patient, e.encounter(s.encounter), s.start, s.end})
		}
		if last := i == e.n-1 || e.stages[i+1].encounter != s.encounter; last && s.end < p.to {
			p.afterwards(e, s)
		}
	}
}

// object names a part of a record by the encounter that it came of and a number below 65,536, so that what is read later
// is what was written before.
func object(encounter uint64, n int) uint64 { return encounter<<16 | uint64(n)&0xffff }

// kept stands for an encounter where something belongs to no encounter of the model: what was on file before.
func kept(patient int32) uint64 { return onFile | uint64(uint32(patient)) }

const onFile = 1 << 46

// visit is an appointment at a clinic.
func (p *plan) visit(e *episode, s *stage) {
	enc, d := e.encounter(s.encounter), &p.dice
	dept := s.department
	if p.orderDice.chance(280) {
		p.labOrder(e, s, s.start+20*minute)
	}
	if p.orderDice.chance(110) {
		p.imagingOrder(e, s, s.start+21*minute)
	}
	if l, ok := p.look(s.start-d.minutes(3, 14), p.carer(dept, clerk, s.start-15*minute, 25*minute, enc), dept, e.patient, enc); ok {
		l.use = operations
		if d.chance(300) {
			l.search()
		}
		l.do(readEncounter, enc)
		l.do(updateEncounter, enc)
	}
	if l, ok := p.look(s.start+d.minutes(0, 4), p.carer(dept, nurse, s.start, bundle+4*minute, enc), dept, e.patient, enc); ok {
		l.do(openChart, 0)
		l.do(readMedications, 0)
		l.do(writeVitals, object(enc, 0))
	}
	l, ok := p.look(s.start+d.minutes(6, 12), s.attending, dept, e.patient, enc)
	if !ok {
		return
	}
	l.do(openChart, 0)
	l.do(readNote, object(enc, 8))
	if d.chance(350) {
		l.do(readNote, object(kept(e.patient), d.n(4)))
	}
	for range d.n(3) {
		l.do(readResults, object(enc, d.n(4)))
	}
	if d.chance(400) {
		l.do(readMedications, 0)
	}
	l.at = s.start + d.minutes(22, 30)
	if p.late(&l, enc) {
		return
	}
	l.do(writeNote, object(enc, 1))
	if d.chance(60) {
		l.do(printNote, object(enc, 1))
	}
}

// emergency is the time in the emergency department, from the desk to the discharge or the ward.
func (p *plan) emergency(e *episode, s *stage) {
	enc, d, dept := e.encounter(s.encounter), &p.dice, s.department
	if l, ok := p.look(s.start, p.desk(s.start), p.deskDepartment(), e.patient, enc); ok {
		l.use = operations
		l.search()
		l.do(updatePatient, 0)
		l.do(updateEncounter, enc)
	}
	if p.orderDice.chance(700) {
		p.labOrder(e, s, s.start+20*minute)
	}
	if p.orderDice.chance(420) {
		p.imagingOrder(e, s, s.start+22*minute)
	}
	span := int(s.end - s.start)
	for k := range 4 {
		t := s.start + 4*minute + int64(k*span/5) + int64(d.n(span/6))
		p.round(t, p.carer(dept, nurse, t, bundle, enc), dept, e, enc)
	}
	for k := range 3 {
		t := s.start + 15*minute + int64(k*span/4) + int64(d.n(span/6))
		r := physician
		if k == 1 {
			r = resident
		}
		l, ok := p.look(t, p.carer(dept, r, t, bundle, enc), dept, e.patient, enc)
		if !ok {
			continue
		}
		p.glass(&l, dept, enc)
		l.do(openChart, 0)
		if k < 2 {
			l.do(readNote, object(enc, 9))
			if d.chance(400) {
				l.do(readNote, object(kept(e.patient), d.n(4)))
			}
		}
		if k > 0 {
			l.do(readResults, object(enc, 0))
			l.do(writeNote, object(enc, k+4*(p.day-e.day)))
		}
		if k == 2 && d.chance(260) {
			l.do(printNote, object(enc, 2))
		}
	}
}

// stay is the part of a stay on a ward that falls on this day.
func (p *plan) stay(e *episode, s *stage) {
	enc, d, dept := e.encounter(s.encounter), &p.dice, s.department
	a, b := max(s.start, p.from), min(s.end, p.to)
	u := p.h.departments[dept].unit
	tries := int64(9)
	if u == intensive {
		tries = 15
	}
	for range tries*(b-a)/(24*hour) + 1 {
		t := a + int64(d.n(int(b-a)))
		if !d.chance(nursing[(t-p.from)/hour]) {
			continue
		}
		// A patient keeps their nurse through the shift, but for one round in five.
		salt := enc
		if d.chance(200) {
			salt = uint64(d.n(1 << 20))
		}
		p.round(t, p.carer(dept, nurse, t, bundle, salt), dept, e, enc)
	}
	p.doctors(e, s, a, b, enc)
	p.others(e, a, b, dept, u, enc)
	p.orderTests(e, s, a, b)
	p.gather(e, s, a, b)
	if s.end < p.to && s.end > p.from {
		p.leave(e, s, enc)
	}
}

// round is a nurse at the bed: chart, drugs, vital signs.
func (p *plan) round(t int64, staff int32, dept uint16, e *episode, enc uint64) {
	l, ok := p.look(t, staff, dept, e.patient, enc)
	if !ok {
		return
	}
	d := &p.dice
	if d.chance(4) {
		p.slip(&l)
	}
	// Above the numbers that notes of other kinds have.
	n := freeNotes + int(t/minute%65_000)
	l.do(openChart, 0)
	if d.chance(700) {
		l.do(readMedications, 0)
		l.do(writeMedication, object(enc, n))
	}
	if d.chance(750) {
		l.do(writeVitals, object(enc, n))
	}
	if d.chance(250) {
		l.do(readResults, object(enc, 0))
	}
	if d.chance(200) {
		l.do(writeNote, object(enc, n))
	}
}

// slip is a click on the wrong line: another patient, closed after seconds.
func (p *plan) slip(l *look) {
	there := p.beds[l.department]
	if len(there) == 0 {
		return
	}
	patient, enc := l.patient, l.encounter
	l.patient, l.encounter = there[p.dice.n(len(there))].patient, 0
	l.do(openChart, 0)
	l.patient, l.encounter = patient, enc
}

// doctors are the attending physician and the resident by day, whoever is on call at night, and students.
func (p *plan) doctors(e *episode, s *stage, a, b int64, enc uint64) {
	d, dept := &p.dice, s.department
	day := int(p.from / (24 * hour))
	visits := []struct {
		role     role
		lo, hi   int
		perMille int
	}{
		{physician, 7*60 + 35, 16*60 + 30, 1200},
		{resident, 7*60 + 35, 17 * 60, 1500},
		{physician, 17 * 60, 23*60 + 40, 160},
		{resident, 17 * 60, 23*60 + 40, 350},
		{resident, 5, 7 * 60, 220},
		{student, 8 * 60, 15 * 60, 300},
	}
	for _, v := range visits {
		for range d.times(v.perMille) {
			t := p.in(v.lo, v.hi)
			if t < a || t >= b {
				continue
			}
			staff := p.carer(dept, v.role, t, bundle, enc>>7)
			if v.role == physician && s.attending >= 0 && p.duty.has(dept, physician, s.attending, t, bundle) {
				staff = s.attending
			}
			l, ok := p.look(t, staff, dept, e.patient, enc)
			if !ok {
				continue
			}
			l.remote = v.role == physician && v.lo >= 17*60 && s.attending != staff && d.chance(450)
			l.client = l.client && !l.remote
			l.do(openChart, 0)
			l.do(readNote, object(enc, d.n(3)))
			if d.chance(120) {
				l.do(readNote, object(kept(e.patient), d.n(4)))
			}
			if v.role == student {
				continue
			}
			l.do(readResults, object(enc, 0))
			if d.chance(350) {
				l.do(readMedications, 0)
			}
			if d.chance(650) {
				l.do(writeNote, object(enc, 10+day%50))
			}
		}
	}
}

// others are the ward clerk and the pharmacy.
func (p *plan) others(e *episode, a, b int64, dept uint16, u unit, enc uint64) {
	d := &p.dice
	if t := p.in(8*60, 16*60); t >= a && t < b && d.chance(350) {
		if l, ok := p.look(t, p.carer(dept, clerk, t, bundle, enc), dept, e.patient, enc); ok {
			l.use = operations
			l.do(readEncounter, enc)
			if d.chance(90) {
				l.do(printNote, object(enc, 1))
			}
		}
	}
	drugs := p.h.byUnit[pharmacy][0]
	many := 500
	if u == oncology || u == intensive {
		many = 1100
	}
	for range d.times(many) {
		t := p.in(6*60, 22*60)
		if t < a || t >= b {
			continue
		}
		if l, ok := p.look(t, p.carer(uint16(drugs), pharmacist, t, bundle, uint64(t)), uint16(drugs), e.patient, enc); ok {
			l.do(openChart, 0)
			l.do(readMedications, 0)
			if d.chance(400) {
				l.do(readResults, object(enc, 0))
			}
		}
	}
}

// Numbers of notes of a stay: those of doctors' rounds lie below, those of nurses and others above.
const (
	transferNote  = 60 // and the stage that ends
	dischargeNote = 63
	consultNote   = 128 // and the day
	freeNotes     = 256 // and the minute
)

// leave is the discharge or the transfer.
func (p *plan) leave(e *episode, s *stage, enc uint64) {
	d, dept := &p.dice, s.department
	last := dischargeNote
	for i := range e.n {
		if s == &e.stages[i] && i+1 < e.n && e.stages[i+1].encounter == s.encounter {
			last = transferNote + i
		}
	}
	t := s.end - d.minutes(40, 120)
	if l, ok := p.look(t, p.carer(dept, resident, t, bundle, enc), dept, e.patient, enc); ok {
		l.do(openChart, 0)
		l.do(readNote, object(enc, 1))
		l.do(writeNote, object(enc, last))
		l.do(updateEncounter, enc)
	}
	t = s.end - d.minutes(12, 35)
	if l, ok := p.look(t, p.carer(dept, nurse, t, bundle, enc), dept, e.patient, enc); ok {
		l.do(openChart, 0)
		if d.chance(420) {
			l.do(printNote, object(enc, last))
		}
		l.do(updateEncounter, enc)
	}
}

// search finds a patient by name before the record is opened: the search itself names no patient.
func (l *look) search() {
	a := l.access
	a.kind, a.object, a.encounter = searchName, uint64(uint32(l.patient)), 0
	a.patient, a.client = -1, false
	l.p.add(a)
	l.at += int64(l.p.dice.between(3_000, 15_000))
}
