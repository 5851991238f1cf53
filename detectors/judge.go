package detectors

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// pairKey is a reader and a record.
type pairKey struct{ reader, patient facts.ID }

// judge closes days: it makes their units, explains and grades them, and counts what is learned from them.
type judge struct {
	state    *facts.State
	zone     *time.Location
	calendar calendar
	coverage coverage

	tables *tables
	// rates3 and spreads stand one a key.
	rates3  [3]*rates
	spreads [3]*spread
	// credits are how much of the misuse found is of each scenario, by the priors held.
	credits [3][]uint64
	held    [3]Weight
	// apart: what is weighed is not among the rates.
	apart bool
	// least is the evidence below which nothing becomes a candidate.
	least Weight
	// numbers are what detectors count to.
	numbers numerals
	// exemptions are those of the rule set.
	exemptions Exemptions
	// pairs, readers and records are the models, one a key.
	pairs, readers, records *model
	dets                    detectorSet

	// base and history are what earlier days left, per reader and per pair.
	base  map[facts.ID]*baseline
	peers map[group]*peerCount
	// wards are the looks at records of patients who are in a department.
	wards map[facts.ID]*peerCount
	// whys are for which reasons those of a role break the glass.
	whys    map[facts.ID]*roleWhys
	history map[pairKey]pairHistory

	// benches says where each workstation stands.
	benches map[facts.ID]*workstation
	// addresses says who comes from each network address, networks which networks they are in.
	addresses map[facts.ID]*address
	networks  map[netip.Prefix]*network
	// everybody is the sum of the peers.
	everybody peerCount

	// book gives the days around the one that is closed, for what was done on a record later.
	wrote func(day, pairKey) bool

	// consent and taskType are the texts of those types.
	consent, taskType facts.ID

	// hands are how many work on the units of a day at the same time; workers are their judges, which share all but scratch.
	hands   int
	workers []*judge

	scratch
}

// scratch is what a hand has for itself.
type scratch struct {
	// set and care are for one pair, order for one reader's day.
	set   careSet
	care  []facts.Care
	order []uint64
	// inHour counts the looks at each record within an hour.
	inHour map[facts.ID]int
	// kept is where pairs of a day keep what is documented near them.
	kept []phased
	// wholes remembers, by number, which departments are the hospital as such.
	wholes []answer
}

// answer is one to a question that may not have been asked yet.
type answer uint8

const (
	notAsked answer = iota
	answerYes
	answerNo
)

// coverage says which kinds of context there are, and are not too old.
type coverage struct {
	have Needs
	// abstaining are the reasons that cannot be tried without what is missing.
	abstaining reasons
}

func covered(have Needs) coverage { return coverage{have, abstaining(have)} }

// lacks reports whether something of what is needed is missing.
func (c coverage) lacks(needed Needs) bool { return needed&^c.have != 0 }

// missing are the kinds of context that are absent or too old.
func (c coverage) missing() Needs { return allNeeds &^ c.have }

// closed are the units of a closed day.
type closed struct {
	at      day
	readers []ReaderDay
	records []RecordDay
	// then are the numbers under which it was accessed, where readers and records go by others now.
	then thenNumbers
	// exemptions are those of the day.
	exemptions []exemptDay
	// extent is how much of the day it is; countings are what the counters of custom detectors say of it.
	extent    extent
	countings countings
}

// close makes and grades the units of a day.
func (j *judge) close(at day, all []Access) *closed {
	c := j.explained(at, all)
	j.graded(c)
	return c
}

// explained makes the units of a day and tries the explanations. Readers' days do not touch each other, so any number of hands can
// share them out.
func (j *judge) explained(at day, all []Access) *closed {
	all, then := j.now(all)
	sortAccesses(all)
	c := &closed{at: at, readers: splitReaders(at, all), then: then}
	for i := range c.readers {
		c.readers[i].in, c.readers[i].Base = c, j.baseline(c.readers[i].Reader)
	}
	j.shareOut(len(c.readers), func(hand *judge, i int) { hand.readerDay(&c.readers[i]) })
	j.findResets(c)
	c.records = j.recordDays(c)
	return c
}

// graded lets the detectors grade the units of a day.
func (j *judge) graded(c *closed) {
	j.findBursts(c)
	c.exemptions = j.exemptionsOn(c.at)
	j.shareOut(len(c.readers), func(hand *judge, i int) { hand.gradeDay(&c.readers[i]) })
	if j.dets.customs.any() {
		for i := range c.readers { // a custom detector works for one at a time
			j.dets.gradeCustom(j, &c.readers[i])
		}
	}
	for i := range c.records {
		j.dets.gradeRecord(j, &c.records[i])
	}
}

// gradeDay lets the built-in detectors grade a reader's day and its pairs.
func (j *judge) gradeDay(d *ReaderDay) {
	for i := range d.Pairs {
		p := &d.Pairs[i]
		p.History = j.historyOf(pairKey{p.Reader, p.Patient})
		j.dets.gradePair(j, p)
	}
	j.dets.gradeReader(j, d)
	j.holdBack(d)
}

// readerDay makes one reader's day and tries its explanations.
func (j *judge) readerDay(d *ReaderDay) {
	d.Staff = j.state.Staff(d.Reader)
	d.Post = j.postAt(d.Staff, &d.Accesses[0])
	markAgain(d.Accesses)
	// Each reader's day needs its accesses in two orders; the second is kept as long as its pairs.
	splitPairs(d, j.byPatient(d.Accesses))
	for i := range d.Pairs {
		j.pair(d, &d.Pairs[i])
		if d.Pairs[i].Signs&SignBreakGlass != 0 {
			d.Glass++
		}
	}
	d.Peak = j.peak(d.Accesses)
	for i := range d.Accesses {
		a := &d.Accesses[i]
		d.hours |= 1 << (j.calendar.hourOfWeek(a.Occurred) % 24)
		switch {
		case i > 0 && a.Position == d.Accesses[i-1].Position: // one event of several patients
		case a.Any(SignAgain):
		case a.Any(SignRefused):
			d.Refused++
		case a.Any(SignExport):
			d.Exports += int(max(a.Count, 1))
		case a.Any(SignPrint):
			d.Prints++
		}
	}
}

// byPatient is a copy of a reader's day, sorted by patient and else in the order that it has. What is sorted is a number an access,
// because an access is ten times as long.
func (j *judge) byPatient(accesses []Access) []Access {
	j.order = j.order[:0]
	for i := range accesses {
		j.order = append(j.order, uint64(uint32(accesses[i].Patient))<<32|uint64(uint32(i)))
	}
	slices.Sort(j.order)
	out := slices.Grow([]Access(nil), len(accesses))
	for _, at := range j.order {
		out = append(out, accesses[uint32(at)])
	}
	return out
}

// pair explains one pair.
func (j *judge) pair(d *ReaderDay, p *Pair) {
	p.Of, p.Base = d, d.Base
	p.Record = j.state.Patient(p.Patient)
	p.Labels |= p.Record.Labels
	p.Post = d.Post
	if len(d.Staff.Roles) > 1 || len(d.Staff.Duties) > 0 {
		p.Post = j.postAt(d.Staff, &p.Accesses[0])
	}
	p.Kin = j.state.Kinship(p.Reader, p.Patient, p.First())
	j.explain(p)
	if p.Looks > 0 {
		d.Records++
		switch {
		case p.Reasons != 0:
		case p.Blind != 0:
			d.Blind++
		default:
			d.Unexplained++
		}
	}
}

// recordDays collects who looked at each record without a reason.
func (j *judge) recordDays(c *closed) []RecordDay {
	at := map[facts.ID]int{}
	var out []RecordDay
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			p := &c.readers[i].Pairs[k]
			if p.Looks == 0 {
				continue
			}
			n, ok := at[p.Patient]
			if !ok {
				n = len(out)
				at[p.Patient] = n
				out = append(out, RecordDay{Patient: p.Patient, Day: c.at})
			}
			if out[n].ward == 0 {
				out[n].ward = p.ward()
			}
			switch {
			case p.Reasons != 0:
				out[n].Others++
				if len(j.dets.customs[KeyRecord]) > 0 {
					out[n].explained = append(out[n].explained, p)
				}
			case p.Blind != 0: // not assessable is neither explained nor suspicious
				out[n].Blind++
			default:
				out[n].Readers = append(out[n].Readers, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b RecordDay) int { return cmp.Compare(a.Patient, b.Patient) })
	return out
}

func (j *judge) baseline(reader facts.ID) *baseline {
	b := j.base[reader]
	if b == nil {
		b = &baseline{}
		j.base[reader] = b
	}
	return b
}

// localDay is the local day of a time.
func localDay(us int64, zone *time.Location) day {
	c := calendar{zone: zone}
	return c.day(us)
}

// observe counts how usual the grades are, each unit that was not counted before, as far as it is everyday work by the priors; without
// priors, all of them wholly.
func (j *judge) observe(c *closed, into [3]*rates, priors *[3]Weight) {
	share := func(key Key, w Weight) uint32 {
		if priors == nil {
			return whole
		}
		return uint32(whole - int(chance(w+priors[key]))*whole/1000)
	}
	for i := range c.readers {
		d := &c.readers[i]
		if d.counts() && !d.counted {
			into[KeyReader].observe(j.readers.scales, d.situation(), &d.grades, true, share(KeyReader, d.Weight))
		}
		for k := range d.Pairs {
			if p := &d.Pairs[k]; p.Looks > 0 && !p.counted {
				into[KeyPair].observe(j.pairs.scales, p.situation(), &p.grades, p.Reasons&personal != 0, share(KeyPair, p.Weight))
			}
		}
	}
	for i := range c.records {
		if d := &c.records[i]; !d.counted {
			into[KeyRecord].observe(j.records.scales, situation{}, &d.grades, true, share(KeyRecord, d.Weight))
		}
	}
}

// weigh weighs all units of a day, and counts the weights and what they look like of those that were not counted before.
func (j *judge) weigh(c *closed) {
	for i := range c.records {
		d := &c.records[i]
		d.Weight, d.scenario = j.orOnly(j.weighed, d.counted)(KeyRecord, j.records, situation{}, &d.grades)
	}
	j.shareOut(len(c.readers), func(hand *judge, i int) { hand.weighDay(&c.readers[i], hand.weighed) })
}

// weighDay weighs a reader's day and its pairs.
func (j *judge) weighDay(d *ReaderDay, by weigher) {
	for k := range d.Pairs {
		if p := &d.Pairs[k]; p.Looks > 0 || p.Signs&SignBreakGlass != 0 {
			p.Weight, p.scenario = j.orOnly(by, p.counted)(KeyPair, j.pairs, p.situation(), &p.grades)
		}
	}
	if d.counts() {
		d.Weight, d.scenario = j.orOnly(by, d.counted)(KeyReader, j.readers, d.situation(), &d.grades)
	}
}

// weigher weighs one unit.
type weigher func(Key, *model, situation, *grades) (Weight, int)

// orOnly weighs as a weigher does; what was counted before, without counting it.
func (j *judge) orOnly(by weigher, counted bool) weigher {
	if counted {
		return j.weighedOnly
	}
	return by
}

// weighed weighs one unit, and counts its weight and what it looks like.
func (j *judge) weighed(key Key, m *model, at situation, u *grades) (Weight, int) {
	var how weighing
	w, scenario := j.weighUnit(key, m, at, u, &how)
	j.spreads[key].add(w)
	m.credit(j.credits[key], &how, w, j.held[key])
	return w, scenario
}

// weighedOnly weighs one unit and counts nothing: its day goes on, or it was counted before.
func (j *judge) weighedOnly(key Key, m *model, at situation, u *grades) (Weight, int) {
	return j.weighUnit(key, m, at, u, nil)
}

// weighUnit weighs one unit. Where it was counted among the rates itself, as in a study, what weighs something is weighed again
// without what it was counted; a day that is closed by itself is counted when it has been weighed.
func (j *judge) weighUnit(key Key, m *model, at situation, u *grades, how *weighing) (Weight, int) {
	w, scenario := m.weigh(j.rates3[key], at, u, 0, how)
	if w <= 0 || j.apart {
		return w, scenario
	}
	own := uint32(whole - int(chance(w+j.held[key]))*whole/1000)
	return m.weigh(j.rates3[key], at, u, own, how)
}

// use weighs by what was counted from now on, with the priors held, and begins to count weights anew.
func (j *judge) use(counted [3]*rates, priors [3]Weight) {
	for _, r := range counted {
		r.settle()
	}
	j.rates3 = counted
	j.spreads, j.held = [3]*spread{{}, {}, {}}, priors
	j.credits = j.noCredits()
}

func (j *judge) noCredits() [3][]uint64 {
	return [3][]uint64{
		make([]uint64, len(j.pairs.scenarios)), make([]uint64, len(j.readers.scenarios)), make([]uint64, len(j.records.scenarios)),
	}
}

// share learns the shares of the scenarios from what was counted.
func (j *judge) share() {
	for key, m := range [3]*model{j.pairs, j.readers, j.records} {
		m.share(j.credits[key])
	}
}

// peerCount is how many records a peer group looked at, how many of them without any reason, and of how many the glass was broken.
type peerCount struct{ looked, alone, glass uint64 }

// add counts what is new of a reader's day.
func (p *peerCount) add(n peerCount) {
	p.looked, p.alone, p.glass = p.looked+n.looked, p.alone+n.alone, p.glass+n.glass
}

// fade halves what was counted.
func (p *peerCount) fade() { p.looked, p.alone, p.glass = p.looked/2, p.alone/2, p.glass/2 }

// less is what is left without one reader.
func (p *peerCount) less(b *baseline) peerCount {
	return p.without(peerCount{uint64(b.looked), uint64(b.alone), uint64(b.glass)})
}

// without is what is left without some of it.
func (p *peerCount) without(n peerCount) peerCount {
	return peerCount{p.looked - min(p.looked, n.looked), p.alone - min(p.alone, n.alone), p.glass - min(p.glass, n.glass)}
}

// drawn is how many records everybody is worth beside the peers.
const drawn = 400

// usualAlone is how many of a million records peers look at without a reason, one reader left out: a small group is drawn to
// everybody.
func (j *judge) usualAlone(g group, without *baseline) uint64 {
	return j.usualAmong(g, without, func(p *peerCount) uint64 { return p.alone })
}

// usualGlass is of how many of a million records peers break the glass, one reader left out.
func (j *judge) usualGlass(g group, without *baseline) uint64 {
	return j.usualAmong(g, without, func(p *peerCount) uint64 { return p.glass })
}

func (j *judge) usualAmong(g group, without *baseline, counted func(*peerCount) uint64) uint64 {
	everybody := j.everybody.less(without)
	all := (counted(&everybody) + 1) * million / (everybody.looked + 1)
	p := j.peers[g]
	if p == nil {
		return all
	}
	peers := p.less(without)
	return (counted(&peers)*million + drawn*all) / (peers.looked + drawn)
}
