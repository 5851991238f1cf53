package simulate

import (
	"slices"
	"strconv"
)

// Scenarios that labels.csv names.
const (
	ScenarioFamily      = "family"
	ScenarioCoworker    = "co-worker"
	ScenarioNeighbour   = "neighbour"
	ScenarioVIP         = "vip"
	ScenarioSelf        = "self"
	ScenarioBreakGlass  = "break-glass"
	ScenarioEnumeration = "enumeration"
	ScenarioTerminated  = "terminated"
	ScenarioExPartner   = "ex-partner"
)

// incident is what truly happened: accesses of one day that belong together.
type incident struct{ scenario, id string }

// scenarios and their shares: family is three quarters of what is found out in hospitals, then co-workers, neighbours and
// VIPs (Protenus, first quarter of 2018); the rest is rarer and kept frequent enough to be seen.
var scenarios = []struct {
	name  string
	share int
	run   func(*plan) bool
}{
	{ScenarioFamily, 40, (*plan).snoopOnFamily},
	{ScenarioCoworker, 16, (*plan).snoopOnCoworker},
	{ScenarioNeighbour, 10, (*plan).snoopOnNeighbour},
	{ScenarioVIP, 10, (*plan).snoopOnVIP},
	{ScenarioSelf, 10, (*plan).snoopOnSelf},
	{ScenarioBreakGlass, 6, (*plan).abuseBreakGlass},
	{ScenarioEnumeration, 4, (*plan).enumerate},
	{ScenarioTerminated, 4, (*plan).comeBack},
}

// misuse adds the labelled incidents of the day, other than the story.
func (p *plan) misuse() {
	if p.h.cfg.Incidents < 0 {
		return
	}
	d := p.h.roll(forMisuse, uint64(int64(p.day)), 0)
	weights := make([]int, len(scenarios))
	for i := range scenarios {
		weights[i] = scenarios[i].share
	}
	for n := range d.times(p.h.cfg.Incidents * 1000 / 28) {
		p.dice = p.h.roll(forMisuse, uint64(int64(p.day)), uint64(n)+1)
		s := &scenarios[d.pick(weights)]
		p.incidents = append(p.incidents, incident{s.name, s.name + "-" + strconv.Itoa(p.day) + "-" + strconv.Itoa(n+1)})
		if !s.run(p) {
			p.incidents = p.incidents[:len(p.incidents)-1]
		}
	}
}

// tries bounds the search for a reader and a patient who fit; then the incident does not happen.
const tries = 400

// pry is a look without a need: the reader searches the name, opens, reads on. It happens during a shift of the day, or
// in the evening from outside when there is none.
func (p *plan) pry(reader, patient int32) bool {
	d := &p.dice
	if p.cares(patient, p.h.staff[reader].department) {
		return false
	}
	l := p.snoop(reader, patient)
	l.search()
	l.do(openChart, 0)
	for n := range d.between(1, 4) {
		l.do(readNote, object(kept(patient), n))
	}
	if d.chance(500) {
		l.do(readResults, object(kept(patient), 0))
	}
	if d.chance(150) {
		l.do(printNote, object(kept(patient), 0))
	}
	return true
}

// snoop begins a labelled look at a time that the reader would choose.
func (p *plan) snoop(reader, patient int32) look {
	d := &p.dice
	m := &p.h.staff[reader]
	t, remote := p.in(20*60+15, 23*60+20), false
	s, ok := p.h.shift(reader, p.day)
	if ok && d.chance(750) {
		t = s.start + 30*minute + int64(d.n(int(min(s.end, p.to)-s.start-45*minute)))
	} else {
		remote = true
		p.add(access{at: t - minute, staff: reader, department: m.department, patient: -1, kind: logIn, remote: true})
	}
	l, _ := p.look(t, reader, m.department, patient, 0)
	l.client, l.remote = false, remote
	l.incident = int32(len(p.incidents))
	return l
}

// cares reports whether a department has to do with a patient these days.
func (p *plan) cares(patient int32, dept uint16) bool {
	if p.care == nil {
		p.h.active(p.day, func(e *episode) {
			for i := range e.n {
				p.care = append(p.care, uint64(e.patient)<<16|uint64(e.stages[i].department))
			}
		})
		slices.Sort(p.care)
	}
	_, found := slices.BinarySearch(p.care, uint64(patient)<<16|uint64(dept))
	return found
}

// someone draws a member of staff who is employed.
func (p *plan) someone() int32 {
	for {
		i := int32(p.dice.n(len(p.h.staff)))
		if p.h.employed(&p.h.staff[i], p.day) {
			return i
		}
	}
}

func (p *plan) snoopOnFamily() bool {
	for range tries {
		reader := p.someone()
		who := p.h.staff[reader].person
		hh := &p.h.households[p.h.persons[who].household]
		other := hh.first + int32(p.dice.n(int(hh.size)))
		if patient := p.h.persons[other].patient; other != who && patient >= 0 && p.pry(reader, patient) {
			return true
		}
	}
	return false
}

func (p *plan) snoopOnCoworker() bool {
	for range tries {
		reader, other := p.someone(), p.someone()
		patient := p.h.persons[p.h.staff[other].person].patient
		same := p.h.staff[reader].department == p.h.staff[other].department
		if reader != other && same && patient >= 0 && p.pry(reader, patient) {
			return true
		}
	}
	return false
}

// doors is how far apart two numbers of a street are when those behind them know each other.
const doors = 4

func (p *plan) snoopOnNeighbour() bool {
	for range tries {
		reader := p.someone()
		home := &p.h.households[p.h.persons[p.h.staff[reader].person].household]
		start := p.dice.n(len(p.h.households))
		for k := range p.h.households {
			hh := &p.h.households[(start+k)%len(p.h.households)]
			near := hh.street == home.street && hh.first != home.first && absolute(int(hh.number)-int(home.number)) <= doors
			if !near {
				continue
			}
			if patient := p.h.persons[hh.first].patient; patient >= 0 && p.pry(reader, patient) {
				return true
			}
			break
		}
	}
	return false
}

func absolute(x int) int { return max(x, -x) }

func (p *plan) snoopOnVIP() bool {
	if len(p.h.vips) == 0 {
		return false
	}
	for range tries {
		if p.pry(p.someone(), p.h.vips[p.dice.n(len(p.h.vips))]) {
			return true
		}
	}
	return false
}

func (p *plan) snoopOnSelf() bool {
	for range tries {
		reader := p.someone()
		if patient := p.h.persons[p.h.staff[reader].person].patient; patient >= 0 && p.pry(reader, patient) {
			return true
		}
	}
	return false
}

// abuseBreakGlass gives a reason that says nothing, and no note or order follows.
func (p *plan) abuseBreakGlass() bool {
	for range tries {
		reader, patient := p.someone(), int32(p.dice.n(len(p.h.patients)))
		if !p.h.protected(patient) || p.cares(patient, p.h.staff[reader].department) {
			continue
		}
		l := p.snoop(reader, patient)
		l.search()
		l.reason = uint8(len(reasons) - p.dice.n(2))
		l.do(breakGlass, 0)
		l.use = brokeGlass
		l.do(openChart, 0)
		for n := range p.dice.between(2, 5) {
			l.do(readNote, object(kept(patient), n))
		}
		return true
	}
	return false
}

// enumerate opens one record after the other, in the order of their numbers, a few seconds each.
func (p *plan) enumerate() bool {
	reader := p.someone()
	first := p.dice.n(len(p.h.patients) - 200)
	l := p.snoop(reader, -1)
	for n := range p.dice.between(40, 120) {
		l.patient = p.h.byRecordNumber(first + n)
		l.do(openChart, 0)
		l.at -= int64(p.dice.between(0, 2_500))
	}
	return true
}

// comeBack uses an account whose owner has left.
func (p *plan) comeBack() bool {
	for range tries * 4 {
		reader := int32(p.dice.n(len(p.h.staff)))
		m := &p.h.staff[reader]
		if int32(p.day) < m.left {
			continue
		}
		t := p.in(18*60, 23*60)
		p.add(access{at: t - minute, staff: reader, department: m.department, patient: -1, kind: logIn, incident: int32(len(p.incidents)), remote: true})
		l, _ := p.look(t, reader, m.department, -1, 0)
		l.incident, l.client, l.remote = int32(len(p.incidents)), false, true
		for range p.dice.between(3, 9) {
			l.patient = int32(p.dice.n(len(p.h.patients)))
			l.do(openChart, 0)
			l.do(readNote, object(kept(l.patient), 0))
		}
		return true
	}
	return false
}
