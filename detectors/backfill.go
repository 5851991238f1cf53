package detectors

import (
	"context"
	"net/netip"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Study is a stretch of days that is judged at its end, as a backfill is: all context is known, and what is learned is learned
// from the same days.
type Study struct {
	cfg   Config
	state *facts.State
	book  *Book
	judge *judge
	// Progress is told how many of the passes over the days are done; nil is allowed.
	Progress func(done, total int)
	// Judged is told the verdict on every look, and what documents it; nil is allowed.
	Judged func(a *Access, v Verdict, why, by string)
	// Found is told of every grade above quiet; nil is allowed.
	Found func(Finding)
	tally Tally
	// units are told of each day's units when all is known; nil is allowed.
	units func(c *closed) error
	// ranked, when set, ranks the candidates of a day in the place of the study.
	ranked func(day int32, all []Candidate, priors [3]Weight) error
	// lessons are what was learned from the days; keep is the first day whose candidates keep what they may be judged by again.
	lessons *lessons
	keep    day
}

// Tally is what a study counted.
type Tally struct {
	Days                                 int
	Accesses                             uint64
	Looks, Explained, Unexplained, Blind uint64 // looks by their verdict
	Reasons                              [reasonCount]uint64
	// Findings are grades above quiet, by detector.
	Findings map[string]uint64
	// Missing are the kinds of context that were absent.
	Missing Needs
	// Faults are the units of which a custom detector could not tell what they are, by detector.
	Faults map[string]uint64
}

// Verdict on an access.
type Verdict uint8

// Verdicts.
const (
	Unexplained Verdict = iota
	Explained
	NotAssessable
)

// Finding is one detector's claim about one unit.
type Finding struct {
	Day             int32
	Reader, Patient facts.ID // 0 where the unit has none
	Scale           *Scale
	Grade           Grade
}

// NewStudy prepares the judgement of a book.
func NewStudy(cfg Config, state *facts.State, book *Book) (*Study, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Study{cfg: cfg.withDefaults(), state: state, book: book}
	s.judge = newJudge(s.cfg, state)
	s.judge.wrote = book.wrote
	s.judge.coverage = covered(contextOf(state))
	return s, nil
}

// newJudge makes a judge who has learned nothing yet.
func newJudge(cfg Config, state *facts.State) *judge {
	j := &judge{
		state: state, zone: cfg.Zone, tables: &tables{},
		base: map[facts.ID]*baseline{}, peers: map[group]*peerCount{}, wards: map[facts.ID]*peerCount{}, whys: map[facts.ID]*roleWhys{},
		benches: map[facts.ID]*workstation{}, addresses: map[facts.ID]*address{}, networks: map[netip.Prefix]*network{},
		history: map[pairKey]pairHistory{}, consent: state.TextID("Consent"), taskType: state.TextID("Task"), calendar: calendar{zone: cfg.Zone},
		rates3: newRatesOfKeys(), spreads: [3]*spread{{}, {}, {}},
	}
	j.workBy(cfg)
	j.held = [3]Weight{firstPrior, firstPrior, firstPrior}
	return j
}

// workBy has a judge work by a configuration from now on.
func (j *judge) workBy(cfg Config) {
	found := j.found()
	own := newCustoms(cfg.Custom, cfg.Weights)
	j.numbers, _ = cfg.Numbers.numerals() // validated before
	j.exemptions = cfg.Exemptions
	j.dets, j.least, j.hands = allDetectors().with(own), cfg.Queue.Least, cfg.Hands
	j.pairs = newModel(scalesOf(j.dets.pairs, func(d pairDetector) Scale { return d.Scale }),
		own.scenarios(KeyPair, learned(pairScenarios(), cfg.Weights)))
	j.readers = newModel(scalesOf(j.dets.readers, func(d readerDetector) Scale { return d.Scale }),
		own.scenarios(KeyReader, learned(readerScenarios(), cfg.Weights)))
	j.records = newModel(scalesOf(j.dets.records, func(d recordDetector) Scale { return d.Scale }),
		own.scenarios(KeyRecord, learned(recordScenarios(), cfg.Weights)))
	if j.credits = j.noCredits(); found != nil {
		for key, m := range [3]*model{j.pairs, j.readers, j.records} {
			for s := range m.scenarios {
				j.credits[key][s] = found[m.scenarios[s].Name]
			}
		}
		j.share()
	}
}

// found is how much misuse of each kind was found; nil before there are kinds.
func (j *judge) found() map[string]uint64 {
	if j.pairs == nil {
		return nil
	}
	out := map[string]uint64{}
	for key, m := range [3]*model{j.pairs, j.readers, j.records} {
		for s := range m.scenarios {
			out[m.scenarios[s].Name] = j.credits[key][s]
		}
	}
	return out
}

// Run judges the days and hands each day's queue to emit, in order of the days.
func (s *Study) Run(ctx context.Context, emit func(day int32, queue []Alert) error) (Tally, error) {
	j := s.judge
	days := s.book.days()
	total, done := passes*len(days), 0
	judged := func(f func(c *closed) error) error {
		for _, d := range days {
			if err := ctx.Err(); err != nil {
				return err //nolint:wrapcheck // says enough
			}
			accesses, err := s.book.load(d)
			if err != nil {
				return err
			}
			j.forgetWholes()
			if err := f(j.close(d, accesses)); err != nil {
				return err
			}
			if done++; s.Progress != nil {
				s.Progress(done, total)
			}
		}
		return nil
	}
	each := func(f func(c *closed)) error {
		return judged(func(c *closed) error {
			f(c)
			return nil
		})
	}
	// First how departments work together, then what is usual, then what is not.
	l := newLessons()
	if err := each(func(c *closed) { j.learn(c, l) }); err != nil {
		return Tally{}, err
	}
	j.tables, s.lessons = l.tables(), l
	if err := each(func(c *closed) { j.remember(c) }); err != nil {
		return Tally{}, err
	}
	counted := newRatesOfKeys()
	if err := each(func(c *closed) { j.observe(c, counted, nil) }); err != nil {
		return Tally{}, err
	}
	// What may be misuse is taken out of what is usual, as far as it may be: expectation maximisation, with the days as its data.
	priors := [3]Weight{firstPrior, firstPrior, firstPrior}
	for range refinements {
		j.use(counted, priors)
		next := newRatesOfKeys()
		if err := each(func(c *closed) {
			j.weigh(c)
			j.observe(c, next, &priors)
		}); err != nil {
			return Tally{}, err
		}
		counted, priors = next, s.priors()
		if s.cfg.Queue.Prior == 0 { // a prior that is given comes with the shares that are
			j.share()
		}
	}
	j.use(counted, priors)
	s.tally = Tally{Days: len(days), Accesses: s.book.number, Findings: map[string]uint64{}, Missing: j.coverage.missing()}
	j.dets.customs.forget()
	queues := make([][]Candidate, 0, len(days))
	if err := judged(func(c *closed) error {
		s.count(c)
		j.weigh(c)
		if s.units != nil {
			if err := s.units(c); err != nil {
				return err
			}
		}
		all := j.candidates(c)
		for i := range all {
			all[i].detach(c.at >= s.keep, c.then)
		}
		queues = append(queues, all)
		return nil
	}); err != nil {
		return Tally{}, err
	}
	s.tally.Faults = j.dets.customs.faults()
	priors = s.priors()
	for i, d := range days {
		if s.ranked != nil {
			if err := s.ranked(d, queues[i], priors); err != nil {
				return Tally{}, err
			}
			continue
		}
		if err := emit(d, s.cfg.Queue.rank(queues[i], priors, nil, nil)); err != nil {
			return Tally{}, err
		}
	}
	return s.tally, nil
}

// refinements is how often what is usual is counted again; more change nothing that is shown.
const refinements = 2

// passes is how often Run goes over the days.
const passes = 4 + refinements

// priors are how common misuse is by the weights counted, or as configured.
func (s *Study) priors() [3]Weight {
	var out [3]Weight
	for key := range out {
		if out[key] = s.cfg.Queue.Prior; out[key] == 0 {
			out[key] = s.judge.spreads[key].prior()
		}
	}
	return out
}

func newRatesOfKeys() [3]*rates { return [3]*rates{newRates(), newRates(), newRates()} }

// count adds a day to the tally.
func (s *Study) count(c *closed) {
	for i := range c.readers {
		d := &c.readers[i]
		s.findings(s.judge.readers.scales, &d.grades, Finding{Day: c.at, Reader: d.Reader})
		for k := range d.Pairs {
			p := &d.Pairs[k]
			if p.Looks == 0 {
				continue
			}
			n := uint64(p.Looks)
			s.tally.Looks += n
			r, explained := p.Reasons.strongest()
			s.tell(p)
			switch {
			case explained:
				s.tally.Explained += n
				s.tally.Reasons[r] += n
			case p.Blind != 0:
				s.tally.Blind += n
			default:
				s.tally.Unexplained += n
			}
			s.findings(s.judge.pairs.scales, &p.grades, Finding{Day: c.at, Reader: p.Reader, Patient: p.Patient})
		}
	}
	for i := range c.records {
		s.findings(s.judge.records.scales, &c.records[i].grades, Finding{Day: c.at, Patient: c.records[i].Patient})
	}
}

// tell says the verdict on a pair's looks.
func (s *Study) tell(p *Pair) {
	if s.Judged == nil {
		return
	}
	v, why, by := Unexplained, "", ""
	switch r, ok := p.Reasons.strongest(); {
	case ok:
		v, why, by = Explained, r.String(), s.judge.by(p)
	case p.Blind != 0:
		v = NotAssessable
	}
	for i := range p.Accesses {
		if a := &p.Accesses[i]; a.Any(SignLook) {
			s.Judged(a, v, why, by)
		}
	}
}

func (s *Study) findings(scales []Scale, g *grades, of Finding) {
	for i := range scales {
		if g[i] == Quiet || g[i] == Blind {
			continue
		}
		s.tally.Findings[scales[i].Name]++
		if s.Found != nil {
			of.Scale, of.Grade = &scales[i], g[i]
			s.Found(of)
		}
	}
}

// ReasonCounts names what explained how many looks.
func (t Tally) ReasonCounts() map[string]uint64 {
	out := map[string]uint64{}
	for r, n := range t.Reasons {
		if n > 0 {
			out[Reason(r).String()] = n
		}
	}
	return out
}

// String is the word for it.
func (v Verdict) String() string { return [...]string{"unexplained", "explained", "not assessable"}[v] }
