package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// learn counts what is new of what a closed day teaches: how departments work together.
func (j *judge) learn(c *closed, l *lessons) {
	for i := range c.readers {
		d := &c.readers[i]
		for k := range d.Pairs {
			p := &d.Pairs[k]
			if p.Looks == 0 || p.counted {
				continue
			}
			l.observe(&lesson{c.at, p.Post.Department, p.Reader, p.Patient, p.Reasons == 0 && p.Signs&SignWrite == 0, p.byWindow()}, &p.near)
		}
	}
}

// remember leaves what later days need to know, of what was not counted before.
func (j *judge) remember(c *closed) {
	for i := range c.readers {
		d := &c.readers[i]
		d.Base.observe(d, j.numbers[silentDays], j.calendar.hourOfWeek, j.seated(d))
		j.bench(d)
		j.rememberAddresses(d)
		if n := d.uncounted(); n != (peerCount{}) {
			peer := j.peers[d.group()]
			if peer == nil {
				peer = &peerCount{}
				j.peers[d.group()] = peer
			}
			peer.add(n)
			j.everybody.add(n)
		}
		for k := range d.Pairs {
			p := &d.Pairs[k]
			if p.counted {
				continue
			}
			j.rememberWhy(p)
			j.rememberWard(p)
			if p.Looks == 0 || p.Reasons != 0 || p.Blind != 0 {
				continue
			}
			key := c.then.of(p)
			h := j.history[key]
			h.aloneOn(c.at)
			j.history[key] = h
		}
	}
}

// rememberWhy counts for which kind of reason somebody of a role broke the glass.
func (j *judge) rememberWhy(p *Pair) {
	w := p.why()
	if w == WhyUnknown || p.Post.Role == 0 {
		return
	}
	r := j.whys[p.Post.Role]
	if r == nil {
		r = &roleWhys{}
		j.whys[p.Post.Role] = r
	}
	r.kinds[w]++
	r.readers[0].add(p.Reader)
}

// bench counts the reader's workstations of the day for their department.
func (j *judge) bench(d *ReaderDay) {
	at := d.Post.at()
	if at == 0 {
		return
	}
	seen := map[facts.ID]bool{0: true} // once a day, or who goes back and forth would make the place their own
	for i := range d.Accesses {
		w := d.Accesses[i].Workstation
		if seen[w] {
			continue
		}
		seen[w] = true
		b := j.benches[w]
		if b == nil {
			b = &workstation{}
			j.benches[w] = b
		}
		if d.counted && d.Day <= b.last {
			continue // somebody was counted there on that day or later
		}
		b.add(at)
		b.last = max(b.last, d.Day)
	}
}
