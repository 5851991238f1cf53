package simulate

import (
	"cmp"
	"slices"
	"strconv"
)

// Scenarios that labels.csv names.
const (
	ScenarioFamily        = "family"
	ScenarioExPartner     = "ex-partner"
	ScenarioNeighbour     = "neighbour"
	ScenarioCoworker      = "co-worker"
	ScenarioVIP           = "vip"
	ScenarioSelf          = "self"
	ScenarioSensitive     = "sensitive"
	ScenarioDeceased      = "deceased"
	ScenarioBreakGlass    = "break-glass"
	ScenarioSerial        = "serial"
	ScenarioCrowd         = "crowd"
	ScenarioEnumeration   = "enumeration"
	ScenarioCohort        = "cohort"
	ScenarioExport        = "export"
	ScenarioTerminated    = "terminated"
	ScenarioSharedAccount = "shared-account"
	ScenarioVendor        = "vendor"
)

// incident is what truly happened: accesses of one day that belong together.
type incident struct{ scenario, id string }

// scenario is a kind of misuse. Where choose is set, one reader looks at one record, and choose draws such a pair; else
// run does it all.
type scenario struct {
	name    string
	share   int
	repeats bool // the pair may come together again on another day
	choose  func(*Hospital, *dice) (reader, patient int32)
	run     func(*plan, wrong) bool
}

// scenarios and their shares: family comes first in what is found out in hospitals (Protenus, first quarter of 2018: 77 %),
// then co-workers, neighbours and VIPs. Ours gives the rest more room, so that each scenario occurs often enough in 600
// incidents to be measured.
var scenarios = []scenario{
	{ScenarioFamily, 230, true, (*Hospital).chooseFamily, nil},
	{ScenarioExPartner, 85, true, (*Hospital).chooseExPartner, nil},
	{ScenarioNeighbour, 80, true, (*Hospital).chooseNeighbour, nil},
	{ScenarioCoworker, 110, true, (*Hospital).chooseCoworker, nil},
	{ScenarioVIP, 80, false, (*Hospital).chooseVIP, nil},
	{ScenarioSelf, 50, true, (*Hospital).chooseSelf, nil},
	{ScenarioSensitive, 55, false, (*Hospital).chooseSensitive, nil},
	{ScenarioDeceased, 40, false, (*Hospital).chooseDeceased, nil},
	{ScenarioBreakGlass, 50, false, (*Hospital).chooseProtected, nil},
	{ScenarioSerial, 80, false, nil, (*plan).lookOn},
	{ScenarioCrowd, 25, false, nil, (*plan).crowd},
	{ScenarioEnumeration, 20, false, nil, (*plan).enumerate},
	{ScenarioCohort, 20, false, nil, (*plan).harvest},
	{ScenarioExport, 20, false, nil, (*plan).export},
	{ScenarioTerminated, 30, false, nil, (*plan).comeBack},
	{ScenarioSharedAccount, 30, false, nil, (*plan).lend},
	{ScenarioVendor, 25, false, nil, (*plan).overstay},
}

// Places of scenarios in the table that are planned in ways of their own.
const (
	vipScenario    = 4
	glassScenario  = 8
	serialScenario = 9
	exportScenario = 13
)

// Scenarios are the names of the kinds of misuse, in the order of the table.
func Scenarios() []string {
	out := make([]string, len(scenarios))
	for i := range scenarios {
		out[i] = scenarios[i].name
	}
	return out
}

// tries bounds the search for a reader and a patient who fit; then the incident does not happen.
const tries = 400

// misuse adds the labelled incidents of the day, other than the story.
func (p *plan) misuse() {
	for n, w := range p.h.intended(p.day) {
		p.dice = p.h.roll(forMisuse, uint64(int64(p.day)), uint64(n)+2)
		s := &scenarios[w.scenario]
		p.incidents = append(p.incidents, incident{s.name, s.name + "-" + strconv.Itoa(p.day) + "-" + strconv.Itoa(n+1)})
		done := false
		if s.choose != nil {
			done = p.pair(w, s)
		} else {
			done = s.run(p, w)
		}
		if !done {
			p.incidents = p.incidents[:len(p.incidents)-1]
		}
	}
}

// pair lets a reader look at a record. Three in a hundred belong to the reader's own department these days, and are none of
// the reader's business all the same; the others have nothing to do with it.
func (p *plan) pair(w wrong, s *scenario) bool {
	near := p.dice.chance(nearPerMille)
	reader, patient := w.reader, w.patient
	for try := range tries {
		if reader >= 0 && patient >= 0 && p.fits(reader, patient, near && try < tries/2) {
			if _, working := p.h.shift(reader, p.day); working || try == 0 || try > tries/2 || p.dice.chance(100) {
				return p.pry(reader, patient, w.scenario == glassScenario)
			}
		}
		r, v := s.choose(p.h, &p.dice)
		reader = r
		if w.scenario != vipScenario || w.patient < 0 {
			patient = v
		}
	}
	return false
}

const nearPerMille = 30

func (p *plan) fits(reader, patient int32, near bool) bool {
	m := &p.h.staff[reader]
	return p.h.employed(m, p.day) && m.role != contractor && p.h.patients[patient].physician != reader &&
		p.cares(patient, m.department) == near
}

// pry is a look without a need. It looks like others: half of the time the name is searched, some only open the chart,
// some read on, few print.
func (p *plan) pry(reader, patient int32, glass bool) bool {
	d := &p.dice
	l := p.snoop(reader, patient)
	p.cover(&l, 3, 7)
	if d.chance(520) {
		l.search()
	}
	l.encounter = p.opened(patient)
	if glass || p.h.protected(patient) && d.chance(200) {
		l.reason = uint8(1 + d.n(len(reasons)))
		l.do(breakGlass, 0)
		l.use = brokeGlass
	}
	l.do(openChart, 0)
	p.cover(&l, 0, 2)
	p.readOn(&l, d.pick([]int{200, 270, 200, 150, 100, 80}))
	if d.chance(80) {
		l.do(printNote, object(kept(patient), 0))
	}
	p.cover(&l, 3, 7)
	return true
}

// readOn reads n parts of a record: of the last stay or visit where there is one, else of what is on file.
func (p *plan) readOn(l *look, n int) {
	d := &p.dice
	for range n {
		from := kept(l.patient)
		if enc, ok := p.recent(l.patient); ok && d.chance(650) {
			from = enc
		}
		switch d.pick([]int{500, 230, 110, 80, 50, 30}) {
		case 0:
			l.do(readNote, object(from, d.n(4)))
		case 1:
			l.do(readResults, object(from, 0))
		case 2:
			l.do(readMedications, 0)
		case 3:
			if from != kept(l.patient) {
				l.do(readEncounter, from)
			} else {
				l.do(readNote, object(from, d.n(4)))
			}
		case 4:
			l.do(viewResult, object(from, firstOrder+d.n(8)))
		case 5:
			l.do(viewStudy, object(from, firstOrder+d.n(8)))
		}
	}
}

// opened is the encounter that a chart opens with where nobody comes from a list: mostly the last one, or none.
func (p *plan) opened(patient int32) uint64 {
	if !p.dice.chance(700) {
		return 0
	}
	if enc, ok := p.recent(patient); ok {
		return enc
	}
	if _, ok := p.h.lastVisit(patient); ok {
		return kept(patient)
	}
	return 0
}

// cover looks at a few records that the reader has to do with, where misuse is to be hidden, and lets the target's follow among them. It
// needs a department with patients, and a shift.
func (p *plan) cover(l *look, least, most int) {
	if !p.h.cfg.Covering {
		return
	}
	d := &p.dice
	there := p.beds[l.department]
	s, ok := p.h.shift(l.staff, p.day)
	if l.remote || !ok || len(there) == 0 {
		return
	}
	for range d.between(least, most) {
		b := &there[d.n(len(there))]
		if b.start > l.at || b.end < l.at || l.at < s.start || l.at+2*minute > s.end {
			continue
		}
		c, ok := p.look(l.at, l.staff, l.department, b.patient, b.encounter)
		if !ok {
			continue
		}
		c.client = false
		c.do(openChart, 0)
		p.readOn(&c, d.n(3))
		l.at = c.at
	}
}

// snoop begins a labelled look at a time that the reader would choose: nearly always during a shift of the day; else from
// home in the evening, or at work before or after the shift.
func (p *plan) snoop(reader, patient int32) look {
	d := &p.dice
	m := &p.h.staff[reader]
	t, remote := p.in(18*60+30, 23*60+20), true
	if start, end, ok := p.at(reader); ok && !d.chance(60) {
		switch {
		case d.chance(60) && start > p.from:
			t = start - d.minutes(4, 45)
		case d.chance(60) && end < p.to:
			t = end + d.minutes(2, 50)
		default:
			t = start + 5*minute + int64(d.n(int(max(minute, end-start-20*minute))))
		}
		remote = false
	}
	t = max(p.from+minute, min(t, p.to-12*minute))
	if remote {
		p.add(access{at: t - minute, staff: reader, department: m.department, patient: -1, kind: logIn, remote: true})
	}
	l, _ := p.look(t, reader, m.department, patient, 0)
	l.client, l.remote = l.client && !remote, remote
	l.incident = int32(len(p.incidents))
	return l
}

// at is when somebody works on the day: from or to midnight, if that is in the middle of a night shift; of two stretches
// one by chance.
func (p *plan) at(reader int32) (start, end int64, ok bool) {
	before, late := p.h.shift(reader, p.day-1)
	if late && before.end > p.from+hour && p.dice.chance(500) {
		return p.from, before.end, true
	}
	s, ok := p.h.shift(reader, p.day)
	if !ok && late && before.end > p.from+hour {
		return p.from, before.end, true
	}
	return s.start, min(s.end, p.to), ok
}

// cared is that a department has had to do with a patient in the last weeks.
type cared struct {
	key       uint64 // patient<<16 | department
	encounter uint64 // 0 while it lies ahead
}

// sorted is what the departments have had to do with; it is sorted when it is first asked for.
func (p *plan) sorted() []cared {
	if !p.caresSorted {
		p.caresSorted = true
		slices.SortFunc(p.care, func(a, b cared) int {
			return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.encounter, b.encounter))
		})
	}
	return p.care
}

// recent returns an encounter of the last weeks.
func (p *plan) recent(patient int32) (uint64, bool) {
	all := p.sorted()
	i, _ := slices.BinarySearchFunc(all, uint64(patient)<<16, func(c cared, key uint64) int { return cmp.Compare(c.key, key) })
	for ; i < len(all) && all[i].key>>16 == uint64(patient); i++ {
		if all[i].encounter != 0 {
			return all[i].encounter, true
		}
	}
	return 0, false
}

// cares reports whether a department has to do with a patient these days; a central one has with everybody in care.
func (p *plan) cares(patient int32, dept uint16) bool {
	if p.h.central(dept) {
		_, found := p.recent(patient)
		return found
	}
	_, found := slices.BinarySearchFunc(p.sorted(), uint64(patient)<<16|uint64(dept), func(c cared, key uint64) int {
		return cmp.Compare(c.key, key)
	})
	return found
}
