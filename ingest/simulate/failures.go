package simulate

// failures adds attempts to sign in that are refused: passwords that expired, a device that a ward shares, and those who guess before they
// get in. It comes last and has dice of its own, so that all else of a day is the same as without it.
func (p *plan) failures() {
	for i := range p.duty.all {
		if s := &p.duty.all[i]; s.start >= p.from {
			p.dice = p.roll(forFailures, uint64(s.staff)<<1|b2u(s.onCall))
			p.expired(s)
			if s.role == nurse && inpatient(p.h.departments[s.department].unit) {
				p.atWardDevice(s)
			}
		}
	}
	for k := range p.h.departments {
		if inpatient(p.h.departments[k].unit) {
			p.dice = p.roll(forFailures, 1<<40|uint64(k))
			p.stuckKey(uint16(k))
		}
	}
	p.guesses()
}

// sign is an attempt to sign in, or what follows it, at a place.
func (p *plan) sign(k kind, o outcome, t int64, staff int32, dept uint16, at place) {
	p.add(access{at: t, staff: staff, department: dept, patient: -1, kind: k, outcome: o, place: at, remote: p.h.homeOffice(staff) && at == 0})
}

// expired is a password that ran out while a screen was locked: several attempts, then the help desk resets it.
func (p *plan) expired(s *shift) {
	d := &p.dice
	if !d.chance(expiredPerMille) {
		return
	}
	t := s.start + d.minutes(15, 200)
	for range d.between(3, 7) {
		p.sign(logIn, failed, t, s.staff, s.department, 0)
		t += int64(d.between(6, 35)) * second
	}
	p.sign(logIn, success, t+d.minutes(3, 12), s.staff, s.department, 0)
}

// expiredPerMille is in how many shifts a password expires: each every 90 days, and most people change it in time.
const expiredPerMille = 6

// atWardDevice is a look at the ward's list at the device that all of the ward share.
func (p *plan) atWardDevice(s *shift) {
	d := &p.dice
	if !d.chance(250) {
		return
	}
	t := s.start + d.minutes(20, 300)
	for range d.times(80) * d.between(1, 2) {
		p.sign(logIn, failed, t, s.staff, s.department, wardDevice)
		t += int64(d.between(6, 25)) * second
	}
	for _, k := range []kind{logIn, listUnit, logOut} {
		p.sign(k, success, t, s.staff, s.department, wardDevice)
		t += int64(d.between(20, 90)) * second
	}
}

// stuckKey is a keyboard of the ward's device with a key that sticks: at a change of shift one after the other fails, and gets in.
func (p *plan) stuckKey(dept uint16) {
	d := &p.dice
	if !d.chance(stuckPerMille) {
		return
	}
	t, want := p.in(7*60, 7*60+20), d.between(3, 6)
	for i := range p.duty.all {
		s := &p.duty.all[i]
		if want == 0 || s.department != dept || s.onCall || s.start > t || s.end < t+30*minute {
			continue
		}
		want--
		for range d.between(1, 3) {
			p.sign(logIn, failed, t, s.staff, dept, wardDevice)
			t += int64(d.between(6, 25)) * second
		}
		p.sign(logIn, success, t, s.staff, dept, wardDevice)
		t += int64(d.between(15, 90)) * second
	}
}

// stuckPerMille is on how many days of a ward that happens.
const stuckPerMille = 15

// guesses lets some of those who use another's account, or one of somebody who left, guess its password first; some of them try the accounts
// of others of the department before it.
func (p *plan) guesses() {
	first := make([]int32, len(p.incidents)) // by incident, the access that begins it, plus one
	for i := range p.accesses {
		if n := p.accesses[i].incident; n > 0 && (first[n-1] == 0 || p.accesses[i].at < p.accesses[first[n-1]-1].at) {
			first[n-1] = int32(i) + 1
		}
	}
	for n, at := range first {
		if s := p.incidents[n].scenario; at > 0 && (s == ScenarioSharedAccount || s == ScenarioTerminated) {
			p.dice = p.h.roll(forFailures, uint64(int64(p.day)), 1<<41|uint64(n))
			p.guess(p.accesses[at-1])
		}
	}
}

// guess ends a moment before an account is used.
func (p *plan) guess(use access) {
	d := &p.dice
	if !d.chance(guessPerMille) {
		return
	}
	at := use.where()
	try := func(staff int32, o outcome, t int64) {
		p.add(access{at: t, staff: staff, department: use.department, patient: -1, kind: logIn, outcome: o, place: at, remote: use.remote, incident: use.incident})
	}
	t := use.at - int64(d.between(4, 15))*second
	try(use.staff, success, t)
	for range d.between(3, 14) {
		t -= int64(d.between(5, 30)) * second
		try(use.staff, failed, t)
	}
	if !d.chance(sprayPerMille) {
		return
	}
	colleagues := p.h.departments[p.h.staff[use.staff].department].staff
	for range d.between(4, 9) {
		r := d.pick([]int{400, 300, 100, 200}) // nurses, physicians, residents, clerks
		if of := colleagues[r]; len(of) > 0 {
			t -= int64(d.between(8, 60)) * second
			try(of[d.n(len(of))], failed, t)
		}
	}
}

// guessPerMille is how many of them guess, sprayPerMille how many of those try others first. Ours: most borrow a session that is open, or
// know the password.
const guessPerMille, sprayPerMille = 350, 400
