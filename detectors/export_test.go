package detectors

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What the tests of this package reach inside.
var (
	Log2           = log2
	Exp2           = exp2
	Chance         = chance
	MeansSomething = meansSomething
	RecordNumber   = recordNumber
	WhyOf          = whyOf
	Pace           = pace
	Count          = count
	Exactly        = exactly
	BasedOn        = basedOn
	OrderHash      = orderHash
)

// Walk is the longest walk through record numbers, by the default numbers.
func Walk(accesses []Access) int {
	j := &judge{}
	j.numbers, _ = Chosen(nil).numerals()
	return j.walk(accesses)
}

// Walked is when each record of it was opened, the last one first.
func Walked(accesses []Access) []int64 {
	j := &judge{}
	j.numbers, _ = Chosen(nil).numerals()
	return j.walked(accesses)
}

// Burst is how many attempts were refused within a burst, and at how many records.
type Burst struct{ Attempts, Records int64 }

// RefusedAtOnce are the bursts of one reader's day, by the default numbers.
func RefusedAtOnce(accesses []Access) (most, several Burst) {
	d := ReaderDay{Accesses: accesses}
	for i := range accesses {
		if accesses[i].Any(SignRefused) {
			d.Refused++
		}
	}
	j := &judge{}
	j.numbers, _ = Chosen(nil).numerals()
	b := j.refusedAtOnce(&d)
	return Burst{b.most.attempts, b.most.records}, Burst{b.several.attempts, b.several.records}
}

// Stayed is how long one reader had each record open on a day, -1 where it is not known.
func Stayed(accesses []Access) map[facts.ID]time.Duration {
	d := ReaderDay{Accesses: accesses}
	byPatient := slices.Clone(accesses)
	slices.SortStableFunc(byPatient, func(a, b Access) int { return int(a.Patient) - int(b.Patient) })
	splitPairs(&d, byPatient)
	out := map[facts.ID]time.Duration{}
	for k := range d.Pairs {
		p := &d.Pairs[k]
		p.Of = &d
		stayed, known := p.stayed()
		if out[p.Patient] = stayed; !known {
			out[p.Patient] = -1
		}
	}
	return out
}

// Prior finds the prior of weights.
func Prior(weights []int32) int32 {
	var s spread
	for _, w := range weights {
		s.add(Weight(w))
	}
	return int32(s.prior())
}

// ScenarioFaults says what is wrong with the scenarios that are built in: a detector that there is none of at their key, a grade
// too many, more than all.
func ScenarioFaults() []string {
	var out []string
	set := allDetectors()
	check := func(scales []Scale, all []Scenario) {
		for _, s := range all {
			for name, grades := range s.Grades {
				i := slices.IndexFunc(scales, func(x Scale) bool { return x.Name == name })
				if i < 0 {
					out = append(out, s.Name+": no detector "+name)
					continue
				}
				sum := 0
				for _, g := range grades {
					sum += g
				}
				if len(grades) > len(scales[i].Words) || sum > 1000 {
					out = append(out, s.Name+": grades of "+name)
				}
			}
		}
	}
	check(scalesOf(set.pairs, func(d pairDetector) Scale { return d.Scale }), pairScenarios())
	check(scalesOf(set.readers, func(d readerDetector) Scale { return d.Scale }), readerScenarios())
	check(scalesOf(set.records, func(d recordDetector) Scale { return d.Scale }), recordScenarios())
	return out
}

// Sizes are how many bytes an access and what is usual for a reader take.
func Sizes() (access, reader uintptr) { return unsafe.Sizeof(Access{}), unsafe.Sizeof(baseline{}) }

// Habits are the reasons of one role.
type Habits struct{ r roleWhys }

// Give has a reader give a kind of reason so many times.
func (h *Habits) Give(reader facts.ID, w Why, times uint32) {
	h.r.kinds[w] += times
	h.r.readers[0].add(reader)
}

// Fade halves them, and reports whether anything is left.
func (h *Habits) Fade() bool { return h.r.fade() }

// Others is how often others gave a kind, of how many, and how many others there are; a reader has given it so many times.
func (h *Habits) Others(reader facts.ID, w Why, own uint16) (of, all uint32, readers int) {
	var mine whyCounts
	mine[w] = own
	return h.r.others(w, &mine, []facts.ID{reader})
}

// Counting counts the grades of one scale among peers.
type Counting struct {
	scales []Scale
	rates  *rates
}

// NewCounting makes one with a scale of so many grades.
func NewCounting(grades int) *Counting {
	return &Counting{[]Scale{{Name: "Tested", Peers: PeersGroup, Words: make([]string, grades)}}, newRates()}
}

// Add counts n units of a department.
func (c *Counting) Add(department int32, grade Grade, n int) {
	for range n {
		c.rates.observe(c.scales, Counting{}.at(department), &grades{grade}, true, whole)
	}
}

func (Counting) at(department int32) situation {
	return situation{group: group{department: department}}
}

// Usual is how many of a million units of a department have a grade, the unit itself among them or not.
func (c *Counting) Usual(department int32, grade Grade, own bool) uint64 {
	c.rates.settle()
	n := uint32(0)
	if own {
		n = whole
	}
	return c.rates.usual(c.scales, 0, c.at(department), grade, n)
}

// Shares learns the shares of two scenarios that are configured alike, and returns that of the first in per mille.
func Shares(found [2]uint64) uint64 {
	m := newModel(nil, []Scenario{{Name: "a", Share: 500}, {Name: "b", Share: 500}})
	m.share([]uint64{found[0] * million, found[1] * million})
	return m.shares[0] / 1000
}

// NewCalendar returns a function that tells the local day of a time and its hour of the week.
func NewCalendar(zone *time.Location) func(us int64) (day int32, hourOfWeek int) {
	c := calendar{zone: zone}
	return func(us int64) (int32, int) { return c.day(us), c.hourOfWeek(us) }
}

// Spilled writes the parts of a day into a file of dir one after the other, and reads back all of it, with what is still in memory.
func Spilled(dir string, parts [][]Access, memory []Access) ([]Access, error) {
	s, p := &spill{dir: dir, fresh: map[string]struct{}{}}, &page{}
	for _, part := range parts {
		p.accesses = slices.Clone(part)
		if err := s.write("test", p); err != nil {
			return nil, err
		}
	}
	return s.read(&p.file, memory)
}

// Past is what people decided, on alerts of a reader and a record each.
type Past struct {
	o     outcomes
	limit int
}

// NewPast remembers so many alerts at the most.
func NewPast(limit int) *Past { return &Past{newOutcomes(), limit} }

// Know tells it of an alert, by a number, and returns how many were dropped for it.
func (p *Past) Know(n byte, d int32, reader, patient facts.ID) uint64 {
	return p.o.know(alertID{n}, &Alert{Candidate: Candidate{Day: d, Readers: []facts.ID{reader}, Patients: []facts.ID{patient}}}, p.limit)
}

// Misuse decides that an alert is misuse.
func (p *Past) Misuse(n byte, d int32) {
	id := alertID{n}
	p.o.decide(&v1.AlertDecision{AlertId: id[:], Disposition: v1.Disposition_DISPOSITION_MISUSE}, d)
}

// Boosts are what it says of a reader and a record.
func (p *Past) Boosts(d int32, reader, patient facts.ID, s *facts.State) []string {
	all := []Candidate{{Day: d, Readers: []facts.ID{reader}, Patients: []facts.ID{patient}}}
	p.o.boost(all, d, s)
	return all[0].Boosts
}

// Histories are what earlier days left of readers and records.
type Histories struct{ j *judge }

// NewHistories returns empty ones over what is known.
func NewHistories(s *facts.State) *Histories {
	return &Histories{&judge{state: s, history: map[pairKey]pairHistory{}, base: map[facts.ID]*baseline{}}}
}

// Alone leaves days on which a reader opened a record without a reason.
func (h *Histories) Alone(reader, patient facts.ID, days ...int32) {
	x := h.j.history[pairKey{reader, patient}]
	b := h.j.baseline(reader)
	for _, d := range days {
		x.aloneOn(d)
		b.alone++
		b.looked++
	}
	h.j.history[pairKey{reader, patient}] = x
}

// Days is on how many days a reader opened a record without a reason.
func (h *Histories) Days(reader, patient facts.ID) int {
	x := h.j.historyOf(pairKey{reader, patient})
	return x.aloneDays()
}

// Records is how many records a reader opened without a reason in all.
func (h *Histories) Records(reader facts.ID) int {
	return int(h.j.looks(reader, h.j.baseline(reader)).alone)
}

// VerdictsOn are the messages of verdicts on some accesses, each explained by a resource of its own.
func VerdictsOn(s *facts.State, resources []facts.ID) (out []*v1.Findings) {
	e := &Engine{state: s, judge: &judge{}}
	e.out.to(func(o Output) error {
		out = append(out, o.Findings)
		return nil
	})
	rows := make([]row, len(resources))
	for i, r := range resources {
		rows[i] = row{
			at: proto.At(uint64(i+1), 0), verdict: v1.Verdict_VERDICT_EXPLAINED, reason: v1.Explanation_EXPLANATION_ATTENDING,
			document: document{resource: r},
		}
	}
	e.sendRows(standing{}, rows)
	_ = e.out.end()
	return out
}

// AddressesAgain writes what is known of addresses and networks, reads it, and writes what was read.
func AddressesAgain() (written, again []byte, err error) {
	cfg := EngineConfig{Zone: time.UTC, Parse: func(*v1.RuleSet) (Settings, error) { return Settings{}, nil }}
	one, err := NewEngine(cfg)
	if err != nil {
		return nil, nil, err
	}
	a := &address{days: 3, accounts: 7, staff: 5, last: 20_500}
	a.desks.add(4)
	a.sites.add(9)
	one.judge.addresses[12] = a
	for n, text := range []string{"10.1.2.0/24", "2001:db8:0:1::/64"} {
		one.judge.networks[netip.MustParsePrefix(text)] = &network{staff: uint32(n + 1), last: day(20_500 + n)}
	}
	usual := func(e *Engine) []byte {
		var out bytes.Buffer
		err = errors.Join(err, e.part("usual", func(w *writer) { w.usual(e.judge) }).Write(&out))
		return out.Bytes()
	}
	written = usual(one)
	other, failed := NewEngine(cfg)
	if failed != nil {
		return nil, nil, failed
	}
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(written)), nil }
	err = errors.Join(err, readPart("usual", open, func(r *reader) error { r.usual(other.judge); return nil }))
	return written, usual(other), err
}

// Taught is how many closed days taught, and of how many records of a department the lessons know that its people opened them.
func Taught(e *Engine, department string) (days int, looked uint64) {
	return e.taught, e.lessons.workOf(e.state.Department(department)).looked
}

// InNetwork is how many days of readers are counted in a network when two days were, and something comes late of the first one, from an
// address that nobody used.
func InNetwork() uint32 {
	cfg := EngineConfig{Zone: time.UTC, Parse: func(*v1.RuleSet) (Settings, error) { return Settings{}, nil }}
	e, err := NewEngine(cfg)
	if err != nil {
		return 0
	}
	for i, text := range []string{"10.1.2.3", "10.1.2.4", "10.1.2.5"} {
		e.judge.rememberAddresses(&ReaderDay{
			Reader: 1, Day: [...]day{20_500, 20_501, 20_500}[i], counted: i == 2, Accesses: []Access{{Network: e.state.TextID(text)}},
		})
	}
	return e.judge.networks[netip.MustParsePrefix("10.1.2.0/24")].staff
}

// Rate counts looks, and those of them without a reason.
type Rate struct{ Looked, Alone uint64 }

// UsualThere is how many of a million looks have no reason where a record's patient is, the record's own left out; ward 0: in nobody's care.
func UsualThere(hospital Rate, wards map[facts.ID]Rate, ward facts.ID, readers, others int) uint64 {
	j := &judge{everybody: peerCount{looked: hospital.Looked, alone: hospital.Alone}, wards: map[facts.ID]*peerCount{}}
	for id, r := range wards {
		j.wards[id] = &peerCount{looked: r.Looked, alone: r.Alone}
	}
	return j.usualThere(&RecordDay{ward: ward, Readers: make([]*Pair, readers), Others: others})
}

// QueueOf is the queue of an alert that rests on accesses at some sites.
func QueueOf(all SiteQueues, sites ...string) (string, error) {
	state, err := facts.New(facts.Config{Zone: time.UTC, Systems: func(string) (patient, reader string) { return "", "" }})
	if err != nil {
		return "", err
	}
	q := Settings{Queues: all}.queues()
	name := ""
	for range 2 { // the second time, all sites are known
		name = q.name(q.bySites(state, func(count func(facts.ID)) {
			for _, site := range sites {
				count(state.TextID(site))
			}
		}))
	}
	return name, nil
}

// JoinedWhy is what a note of several records of one reader says of why they are unusual; each record by itself says why.
func JoinedWhy(records []string, why [][]string) []string {
	pairs := make([]*Candidate, len(records))
	for i, r := range records {
		pairs[i] = &Candidate{Shape: ShapePair, Score: certainly, Note: &Note{record: r, Why: why[i]}}
	}
	return join(nil, pairs)[0].Note.Why
}

// Observed is how much of readers' days is counted of a detector among peers, whatever its grades.
func (e *Engine) Observed(detector string) (n uint64) {
	at := slices.IndexFunc(e.judge.readers.scales, func(s Scale) bool { return s.Name == detector })
	for _, mine := range e.judge.rates3[KeyReader].any {
		n += sum(mine[at][:])
	}
	return n
}
