package simulate

// working draws somebody who has a shift on the day with at least two hours of it before midnight.
func (p *plan) working() (int32, shift, bool) {
	for range tries {
		i := p.h.somebody(&p.dice)
		if s, ok := p.h.shift(i, p.day); ok && s.start+2*hour < min(s.end, p.to) {
			return i, s, true
		}
	}
	return -1, shift{}, false
}

// lookOn is serial snooping: one more record of somebody whom the reader has nothing to do with.
func (p *plan) lookOn(w wrong) bool {
	for range tries {
		reader := w.reader
		if reader < 0 || !p.h.employed(&p.h.staff[reader], p.day) {
			reader = p.h.somebody(&p.dice)
		}
		patient := int32(p.dice.n(len(p.h.patients)))
		if len(p.ill) > 0 && p.dice.chance(500) {
			patient = p.ill[p.dice.n(len(p.ill))]
		}
		if p.fits(reader, patient, false) {
			return p.pry(reader, patient, false)
		}
	}
	return false
}

// crowd is a record that everybody talks about: an accident, a colleague in the emergency department. People of all
// departments look, each for a moment, through one working day.
func (p *plan) crowd(wrong) bool {
	d := &p.dice
	if len(p.ill) == 0 {
		return false
	}
	patient := p.ill[d.n(len(p.ill))]
	if _, colleague := p.h.chooseSelf(d); d.chance(350) && colleague >= 0 {
		patient = colleague
	}
	readers := map[int32]bool{}
	from := d.between(7*60, 12*60)
	want := d.between(8, 22)
	for range tries {
		if len(readers) == want {
			break
		}
		reader, s, ok := p.working()
		t := p.in(from, from+8*60)
		if !ok || readers[reader] || t < s.start || t+bundle > s.end || !p.fits(reader, patient, false) {
			continue
		}
		l, ok := p.look(t, reader, p.h.staff[reader].department, patient, 0)
		if !ok {
			continue
		}
		readers[reader] = true
		l.incident = int32(len(p.incidents))
		if d.chance(400) {
			l.search()
		}
		l.encounter = p.opened(patient)
		l.do(openChart, 0)
		p.readOn(&l, d.n(3))
	}
	return len(readers) > 0
}

// take begins a theft by somebody at work: who was intended, else (-1) somebody.
func (p *plan) take(intended int32) (look, bool) {
	reader, _, ok := p.working()
	if !ok {
		return look{}, false
	}
	if intended >= 0 {
		reader = intended
	}
	l := p.snoop(reader, -1)
	l.client = false
	return l, true
}

// enumerate opens one record after the other, in the order of their numbers, a few seconds each.
func (p *plan) enumerate(w wrong) bool {
	l, ok := p.take(w.reader)
	if !ok {
		return false
	}
	first := p.dice.n(len(p.h.patients) - 200)
	for range p.dice.between(25, 80) {
		l.patient = p.h.byRecordNumber(first)
		l.encounter = p.opened(l.patient)
		first += 1 + p.dice.n(2)*p.dice.n(3)
		l.do(openChart, 0)
		l.at -= int64(p.dice.between(0, 2_500))
		p.cover(&l, 0, 2)
	}
	return true
}

// harvest collects those who have one thing in common: the newborns' mothers, for somebody who sells insurance, or those
// who came in after an accident, for somebody who knows a lawyer.
func (p *plan) harvest(wrong) bool {
	u := maternity
	if p.dice.chance(400) {
		u = emergency
	}
	var all []bed
	for _, k := range p.h.byUnit[u] {
		all = append(all, p.beds[k]...)
	}
	reader, _, ok := p.working()
	for range tries {
		if ok && p.h.departments[p.h.staff[reader].department].unit != u {
			break
		}
		reader, _, ok = p.working()
	}
	if !ok || len(all) < 2 {
		return false
	}
	l := p.snoop(reader, -1)
	l.client = false
	first := p.dice.n(len(all))
	for k := range min(len(all), p.dice.between(10, 30)) {
		b := &all[(first+k)%len(all)]
		if b.start > l.at {
			continue
		}
		l.patient, l.encounter = b.patient, p.opened(b.patient)
		l.do(openChart, 0)
		if p.dice.chance(300) {
			l.do(readNote, object(b.encounter, p.dice.n(3)))
		}
	}
	return true
}

// export takes records out of the house, a few weeks before the reader leaves it or for no reason that anybody knows. Most
// have nothing to do with the reader any more.
func (p *plan) export(w wrong) bool {
	l, ok := p.take(w.reader)
	if !ok {
		return false
	}
	own := p.dice.chance(100)
	for range p.dice.between(20, 70) {
		l.patient = int32(p.dice.n(len(p.h.patients)))
		if there := p.beds[l.department]; own && len(there) > 0 {
			l.patient = there[p.dice.n(len(there))].patient
		}
		l.encounter = p.opened(l.patient)
		if p.dice.chance(300) {
			l.do(openChart, 0)
		}
		l.do(exportRecord, 0)
	}
	return true
}

// comeBack uses an account whose owner has left: from home, or at a machine of the old department in the middle of a day.
func (p *plan) comeBack(wrong) bool {
	d := &p.dice
	for range tries * 40 {
		reader := int32(d.n(len(p.h.staff)))
		m := &p.h.staff[reader]
		if int32(p.day) < m.left || p.h.employed(m, p.day) || m.role == contractor {
			continue
		}
		t, remote := p.in(17*60, 23*60), true
		if d.chance(350) {
			t, remote = p.in(7*60+30, 18*60), false
		}
		n := int32(len(p.incidents))
		p.add(access{at: t - minute, staff: reader, department: m.department, patient: -1, kind: logIn, incident: n, remote: remote})
		l, _ := p.look(t, reader, m.department, -1, 0)
		l.incident, l.client, l.remote = n, false, remote
		there := p.beds[m.department]
		for range d.between(1, 7) {
			l.patient = int32(d.n(len(p.h.patients)))
			if len(there) > 0 && d.chance(80) {
				l.patient = there[d.n(len(there))].patient
			}
			if d.chance(300) {
				l.search()
			}
			l.encounter = p.opened(l.patient)
			l.do(openChart, 0)
			p.readOn(&l, d.n(3))
		}
		return true
	}
	return false
}

// lend is an account that two people use at once: its owner on their own ward, and somebody on another, who looks after
// the patients there.
func (p *plan) lend(wrong) bool {
	d := &p.dice
	for range tries {
		if len(p.accesses) == 0 {
			break
		}
		a := p.accesses[d.n(len(p.accesses))]
		if a.staff < 0 || a.remote || a.incident > 0 || a.kind == logIn || a.kind == logOut {
			continue
		}
		m := &p.h.staff[a.staff]
		s, ok := p.h.shift(a.staff, p.day)
		dept := uint16(d.n(len(p.h.departments)))
		there := p.beds[dept]
		clinical := m.role == nurse || m.role == physician || m.role == resident || m.role == clerk || m.role == technician
		if !ok || !clinical || dept == m.department || dept == a.department || len(there) < 3 || a.at+hour > s.end {
			continue
		}
		l, _ := p.look(a.at+int64(d.between(-90_000, 150_000)), a.staff, dept, -1, 0)
		l.client, l.incident = false, int32(len(p.incidents))
		for range d.between(2, 6) {
			b := &there[d.n(len(there))]
			if b.start > l.at || b.end < l.at || p.h.patients[b.patient].person == m.person || p.cares(b.patient, m.department) {
				continue
			}
			l.patient, l.encounter = b.patient, b.encounter
			l.do(openChart, 0)
			p.readOn(&l, d.between(0, 2))
			l.at += d.minutes(0, 4)
		}
		if l.patient >= 0 {
			return true
		}
	}
	return false
}

// overstay is somebody from outside who looks without a ticket, or after the contract has ended.
func (p *plan) overstay(wrong) bool {
	d := &p.dice
	all := p.h.departments[p.h.byUnit[outside][0]].staff[contractor]
	for range tries {
		reader := all[d.n(len(all))]
		m := &p.h.staff[reader]
		t := p.in(7*60, 22*60)
		ended := !p.h.employed(m, p.day)
		k, has := p.h.ticket(reader, p.day)
		if has && t > k.from-3*hour && t < k.to+3*hour || ended && int32(p.day) > m.left+60 || len(p.ill) == 0 {
			continue
		}
		n := int32(len(p.incidents))
		p.add(access{at: t - minute, staff: reader, department: m.department, patient: -1, kind: logIn, incident: n, remote: true})
		l, _ := p.look(t, reader, m.department, -1, 0)
		l.incident, l.client, l.remote = n, false, true
		for range d.between(1, 9) {
			l.patient = p.ill[d.n(len(p.ill))]
			l.encounter = p.opened(l.patient)
			l.do(openChart, 0)
			p.readOn(&l, d.n(3))
			l.at += d.minutes(0, 6)
		}
		return true
	}
	return false
}
