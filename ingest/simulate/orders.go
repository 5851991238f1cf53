package simulate

// orderTests asks for laboratory work, images and consults during a day of a stay.
func (p *plan) orderTests(e *episode, s *stage, a, b int64) {
	d := &p.orderDice
	labs := 750
	if p.h.departments[s.department].unit == intensive {
		labs = 1800
	}
	for range d.times(labs) {
		if t := p.from + d.minutes(6*60, 21*60); t >= a && t < b {
			p.labOrder(e, s, t)
		}
	}
	if t := p.from + d.minutes(8*60, 20*60); d.chance(200) && t >= a && t < b {
		p.imagingOrder(e, s, t)
	}
	if t := p.from + d.minutes(8*60, 15*60); d.chance(110) && t >= a && t < b {
		p.consult(e, s, t)
	}
}

// Orders of an episode are numbered through its days.
const (
	firstOrder   = 1000
	ordersPerDay = 40
)

// request places an order: the attending physician does when there, else a resident or whoever is on call. It depends on
// nothing but the day, so that the order is the same however often the day is lived.
func (p *plan) request(e *episode, s *stage, t int64, k orderKind, performer uint16) (order, bool) {
	enc := e.encounter(s.encounter)
	by := s.attending
	t += int64(p.orderDice.n(60_000))
	if by < 0 || !p.duty.has(s.department, physician, by, t, bundle) {
		if by = p.duty.on(s.department, resident, t, bundle, enc>>7); by < 0 {
			by = p.duty.on(s.department, physician, t, bundle, enc>>7)
		}
	}
	o := order{
		id: object(enc, firstOrder+(p.day-e.day)*ordersPerDay+p.ordered), encounter: enc, patient: e.patient, requester: by,
		performer: performer, kind: k, condition: e.condition, at: t,
	}
	if by < 0 || t < p.from || t >= p.to {
		return o, false
	}
	p.ordered++
	p.orders = append(p.orders, o)
	if l, ok := p.look(t, by, s.department, e.patient, enc); ok {
		l.do(writeOrder, o.id)
	}
	return o, true
}

// labOrder is followed by a result from the laboratory within two hours and a look at it on the ward.
func (p *plan) labOrder(e *episode, s *stage, t int64) {
	dept := uint16(p.h.byUnit[laboratory][0])
	o, ok := p.request(e, s, t, orderLab, dept)
	if !ok {
		return
	}
	d := &p.dice
	ready := t + d.minutes(35, 110)
	if l, ok := p.look(ready, p.carer(dept, technician, ready, bundle, uint64(ready)), dept, e.patient, o.encounter); ok {
		l.do(writeResult, o.id)
		if d.chance(300) {
			l.do(viewResult, o.id)
		}
	}
	for _, r := range []role{nurse, resident} {
		seen := ready + d.minutes(8, 90)
		if !d.chance(550) {
			continue
		}
		if l, ok := p.look(seen, p.carer(s.department, r, seen, bundle, o.encounter), s.department, e.patient, o.encounter); ok {
			l.do(viewResult, o.id)
		}
	}
	// One patient in five with a result looks at it through the portal in the evening.
	if t := p.in(17*60, 23*60); d.chance(200) && t > ready {
		l, _ := p.look(t, -1, dept, e.patient, 0)
		l.use = patientRequest
		l.do(viewResult, o.id)
	}
}

// imagingOrder is followed by the study, the radiologist's reading and report, and a look by who asked.
func (p *plan) imagingOrder(e *episode, s *stage, t int64) {
	dept := uint16(p.h.byUnit[radiology][0])
	o, ok := p.request(e, s, t, orderImaging, dept)
	if !ok {
		return
	}
	d := &p.dice
	taken := t + d.minutes(20, 100)
	l, ok := p.look(taken, p.carer(dept, technician, taken, bundle, uint64(taken)), dept, e.patient, o.encounter)
	if !ok {
		return
	}
	l.do(readEncounter, o.encounter)
	l.do(acquireStudy, o.id)
	l.do(viewStudy, o.id)
	read := taken + d.minutes(12, 90)
	if l, ok := p.look(read, p.carer(dept, physician, read, bundle, uint64(read)), dept, e.patient, o.encounter); ok {
		l.do(openChart, 0)
		for range d.between(1, 4) {
			l.do(viewStudy, o.id)
		}
		l.do(writeReport, o.id)
	}
	seen := read + d.minutes(5, 60)
	if p.duty.has(s.department, p.h.staff[o.requester].role, o.requester, seen, bundle) {
		if l, ok := p.look(seen, o.requester, s.department, e.patient, o.encounter); ok {
			l.do(readReport, o.id)
			if d.chance(500) {
				l.do(viewStudy, o.id)
			}
		}
	}
}

// consult asks a physician of another ward, who comes within hours.
func (p *plan) consult(e *episode, s *stage, t int64) {
	d := &p.orderDice
	u := []unit{medicine, surgery, oncology, psychiatry, intensive}[d.n(5)]
	dept := p.h.wardOf(u, d)
	if dept == s.department {
		return
	}
	o, ok := p.request(e, s, t, orderConsult, dept)
	if !ok {
		return
	}
	came := t + p.dice.minutes(30, 240)
	by := p.duty.on(dept, physician, came, bundle, o.id)
	l, ok := p.look(came, by, dept, e.patient, o.encounter)
	if !ok {
		return
	}
	if p.dice.chance(300) {
		l.search()
	}
	p.glass(&l, s.department, o.encounter)
	l.do(openChart, 0)
	for n := range p.dice.between(1, 4) {
		l.do(readNote, object(o.encounter, n))
	}
	l.do(readResults, object(o.encounter, 1))
	l.do(readMedications, 0)
	l.do(writeNote, object(o.encounter, consultNote+floorMod(p.day, 100)))
}

// glass is broken by readers of another department before a protected record opens: half of the time, because the other
// half was asked within the last days. Protected are psychiatry, sensitive labels, colleagues and those whom the town
// knows.
func (p *plan) glass(l *look, ward uint16, _ uint64) {
	if !p.h.protected(l.patient) && p.h.departments[ward].unit != psychiatry || !p.dice.chance(500) {
		return
	}
	l.reason = uint8(1 + p.dice.n(soundReasons))
	if p.dice.chance(150) {
		l.reason = uint8(len(reasons) - p.dice.n(3))
	}
	l.do(breakGlass, 0)
	l.use = brokeGlass
}

func (h *Hospital) protected(i int32) bool {
	p := &h.patients[i]
	return p.vip || p.sensitive > 0 || h.persons[p.person].staff >= 0
}

// afterwards is the office work that an encounter leaves: coding on the next workdays, then the bill, and now and then a
// copy for the patient or a look by the quality office.
func (p *plan) afterwards(e *episode, s *stage) {
	enc := e.encounter(s.encounter)
	d := p.h.roll(forCare, enc, 1)
	ended := p.h.dayOf(s.end)
	office := p.h.byUnit[billing][0]
	coded := p.h.nextWorkday(ended + d.between(1, 3))
	billed := p.h.nextWorkday(coded + d.between(0, 2))
	copied, reviewed := d.chance(12), d.chance(25)
	if p.day == coded {
		t := p.in(8*60, 15*60)
		if l, ok := p.look(t, p.carer(uint16(office), coder, t, bundle, uint64(t)), uint16(office), e.patient, enc); ok {
			l.use = payment
			l.do(readEncounter, enc)
			for n := range p.dice.between(1, 4) {
				l.do(readNote, object(enc, n))
			}
			l.do(writeClaim, object(enc, 0))
		}
	}
	if p.day == billed && d.chance(450) {
		t := p.in(8*60, 15*60)
		if l, ok := p.look(t, p.carer(uint16(office), clerk, t, bundle, uint64(t)), uint16(office), e.patient, enc); ok {
			l.use = payment
			l.do(readClaim, object(enc, 0))
			l.do(readEncounter, enc)
			if copied {
				l.do(printNote, object(enc, 63))
				l.do(exportRecord, 0)
			}
		}
	}
	p.refer(e, s, ended, d.chance(80) && s.booked)
	if p.day == coded && reviewed {
		dept := uint16(p.h.byUnit[quality][0])
		t := p.in(9*60, 15*60)
		if l, ok := p.look(t, p.duty.on(dept, nurse, t, bundle, uint64(t)), dept, e.patient, enc); ok {
			l.use = operations
			l.do(openChart, 0)
			l.do(readNote, object(enc, 63))
			l.do(readResults, object(enc, 2))
		}
	}
}

// dayOf returns the local day of an instant.
func (h *Hospital) dayOf(t int64) int {
	return h.Day(unixMilli(t))
}

func (h *Hospital) nextWorkday(day int) int {
	for !h.workday(day) {
		day++
	}
	return day
}
