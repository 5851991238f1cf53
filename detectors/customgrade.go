package detectors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// custom is a custom detector at work. Its scratch makes it one goroutine's.
type custom struct {
	CustomDetector
	Custom
	scale Scale
	view  AccessView
	fits  []fit
	// window counts fits; counted is the view of an access that a counter is asked about.
	window  window
	counted AccessView
	// faults counts units of which it could not be told what they are.
	faults uint64
}

// fit is an access that counts, and what is counted of it.
type fit struct {
	at   int64
	what facts.ID
}

// customs are the custom detectors, by key.
type customs [3][]*custom

// newCustoms prepares custom detectors. weights are what decisions taught of some of them.
func newCustoms(all []CustomDetector, weights []ScenarioWeights) customs {
	var out customs
	for _, d := range all {
		c := &custom{CustomDetector: d, Custom: d.Custom()}
		c.learned(weights)
		c.scale = Scale{Name: c.Name, Catalogue: "custom", Key: c.Key, Peers: c.Peers, Hard: c.Hard, Needs: c.Needs}
		for _, g := range c.Grades {
			c.scale.Words = append(c.scale.Words, g.Word)
		}
		out[c.Key] = append(out[c.Key], c)
	}
	return out
}

// with adds custom detectors behind those that are built in.
func (s detectorSet) with(all customs) detectorSet {
	for _, c := range all[KeyPair] {
		s.pairs = append(s.pairs, pairDetector{
			Scale: c.scale, normal: c.Normal, grade: c.gradePair,
			tell: func(t *teller, p *Pair, _ Grade) string { return c.tell(c.ofPair(t.judge, p)) },
		})
	}
	for _, c := range all[KeyReader] {
		s.readers = append(s.readers, readerDetector{
			Scale: c.scale, normal: c.Normal, grade: c.gradeReader,
			tell: func(t *teller, d *ReaderDay, _ Grade) string { return c.tell(c.ofReader(t.judge, d)) },
		})
	}
	for _, c := range all[KeyRecord] {
		s.records = append(s.records, recordDetector{Scale: c.scale, grade: c.gradeRecord})
	}
	s.customs = all
	return s
}

// scenarios adds a kind of misuse for each custom detector of a key. Those that are built in leave them their share.
//
// A custom detector expects of the other detectors what all kinds of misuse that are built in have in common: of a pair, that
// nothing documented connects reader and patient, that nothing is written, and so on; of a record, that its readers have no
// reason. A hard one leaves the reason out, so that an explanation does not weigh against it.
func (c customs) scenarios(key Key, built []Scenario) []Scenario {
	share := 0
	for _, d := range c[key] {
		share += d.Share
	}
	out := slices.Clone(built)
	for i := range out {
		out[i].Share = max(out[i].Share*(1000-share)/1000, 1)
	}
	for _, d := range c[key] {
		out = append(out, d.scenario(common(built)))
	}
	return out
}

// scenario is the kind of misuse that a custom detector is about; shared is what all kinds have in common.
func (c *custom) scenario(shared map[string][]int) Scenario {
	s := Scenario{Name: c.Name, Share: c.Share, Grades: map[string][]int{}}
	for name, misuse := range shared {
		if !c.Hard || name != noRelation().Name && name != crowd().Name {
			s.Grades[name] = misuse
		}
	}
	for _, g := range c.Grades {
		s.Grades[c.Name] = append(s.Grades[c.Name], g.Misuse)
	}
	return s
}

// learned puts what dispositions taught in the place of what the site wrote.
func (c *custom) learned(weights []ScenarioWeights) {
	for _, w := range weights {
		if w.Scenario != c.Name {
			continue
		}
		c.Share = w.Share
		c.Grades = slices.Clone(c.Grades)
		for g, misuse := range w.Grades[c.Name] {
			if g < len(c.Grades) {
				c.Grades[g].Misuse = misuse
			}
		}
	}
}

// common is what all kinds of misuse say something of, as the first, the most frequent, says it.
func common(all []Scenario) map[string][]int {
	out := map[string][]int{}
	for name, misuse := range all[0].Grades {
		if !slices.ContainsFunc(all, func(s Scenario) bool { return s.Grades[name] == nil }) {
			out[name] = misuse
		}
	}
	return out
}

// faults are the units, by detector, of which one could not tell what they are.
func (c customs) faults() map[string]uint64 {
	out := map[string]uint64{}
	for _, key := range c {
		for _, d := range key {
			if d.faults > 0 {
				out[d.Name] = d.faults
			}
		}
	}
	return out
}

// forget begins to count faults anew.
func (c customs) forget() {
	for _, key := range c {
		for _, d := range key {
			d.faults = 0
		}
	}
}

// any reports whether there are some.
func (c customs) any() bool { return len(c[KeyPair])+len(c[KeyReader])+len(c[KeyRecord]) > 0 }

// find is the custom detector whose kind of misuse that is; nil when it is a built-in one.
func (c customs) find(key Key, scenario string) *custom {
	for _, d := range c[key] {
		if d.Name == scenario {
			return d
		}
	}
	return nil
}

// counted is how much was found in a unit.
type counted struct {
	n     int
	blind bool
	err   error
}

func (c *custom) grade(n counted) Grade {
	switch {
	case errors.Is(n.err, errPart):
		return Blind
	case n.err != nil:
		c.faults++
		return Blind
	case n.blind:
		return Blind
	}
	g := Quiet
	for i := range c.Grades {
		if n.n >= c.Grades[i].AtLeast {
			g = Grade(i + 1)
		}
	}
	return g
}

func (c *custom) gradePair(j *judge, p *Pair) Grade        { return c.grade(c.ofPair(j, p)) }
func (c *custom) gradeReader(j *judge, d *ReaderDay) Grade { return c.grade(c.ofReader(j, d)) }
func (c *custom) gradeRecord(j *judge, d *RecordDay) Grade { return c.grade(c.ofRecord(j, d)) }

// cannotSay: the detector asks for the verdict, and there is none.
func (c *custom) cannotSay(p *Pair) bool { return c.Verdict && p.notAssessable() }

// notAssessable: whether there is a reason cannot be told.
func (p *Pair) notAssessable() bool { return p.Reasons == 0 && p.Blind != 0 }

func (c *custom) ofPair(j *judge, p *Pair) counted {
	if c.cannotSay(p) {
		return counted{blind: true}
	}
	c.fits = c.fits[:0]
	if err := c.addPair(j, p); err != nil {
		return counted{err: err}
	}
	return counted{n: c.most()}
}

// addPair collects the accesses of a pair that count.
func (c *custom) addPair(j *judge, p *Pair) error {
	for i := range p.Accesses {
		a := &p.Accesses[i]
		c.view = AccessView{j, a, p.Of, p, c}
		if err := c.add(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *custom) add(a *Access) error {
	ok, err := c.Fits(&c.view)
	if err != nil || !ok {
		return err //nolint:wrapcheck // it is counted, not told
	}
	if f, counts := fitOf(a, c.Counted); counts {
		c.fits = append(c.fits, f)
	}
	return nil
}

// fitOf is what counts of an access that fits. What was reported again is no other access, and nobody and no record are not different ones.
func fitOf(a *Access, of Counted) (f fit, counts bool) {
	f.at = a.Occurred
	switch of {
	case CountAccesses:
		return f, !a.Has(SignAgain)
	case CountRecords:
		f.what = a.Patient
	case CountReaders:
		f.what = a.Reader
	}
	return f, f.what != 0
}

func (c *custom) ofReader(j *judge, d *ReaderDay) counted {
	c.fits = c.fits[:0]
	for i := range d.Accesses {
		a := &d.Accesses[i]
		p := d.pairOf(a.Patient)
		if p != nil && c.cannotSay(p) {
			continue
		}
		c.view = AccessView{j, a, d, p, c}
		if err := c.add(a); err != nil {
			return counted{err: err}
		}
	}
	return counted{n: c.most()}
}

// pairOf finds the pair of a record; pairs stand by patient.
func (d *ReaderDay) pairOf(patient facts.ID) *Pair {
	i, found := slices.BinarySearchFunc(d.Pairs, patient, func(p Pair, id facts.ID) int { return cmp.Compare(p.Patient, id) })
	if !found {
		return nil
	}
	return &d.Pairs[i]
}

func (c *custom) ofRecord(j *judge, d *RecordDay) counted {
	c.fits = c.fits[:0]
	for _, p := range d.all() {
		if c.cannotSay(p) {
			continue
		}
		if err := c.addPair(j, p); err != nil {
			return counted{err: err}
		}
	}
	slices.SortFunc(c.fits, func(a, b fit) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.what, b.what)) })
	return counted{n: c.most()}
}

// all are the pairs of a record's day.
func (d *RecordDay) all() []*Pair { return append(slices.Clip(d.Readers), d.explained...) }

// most is the largest count within a stretch of the day; fits stand by time.
func (c *custom) most() int {
	if c.Counted == CountAccesses && c.Over == 0 {
		return len(c.fits)
	}
	w, best := c.window.begin(c.Counted, c.Over), 0
	for _, f := range c.fits {
		w.add(f)
		best = max(best, w.until(f.at))
	}
	return best
}

// tell is the sentence of the note.
func (c *custom) tell(n counted) string {
	noun := countedNouns[c.Counted][1]
	if n.n == 1 {
		noun = countedNouns[c.Counted][0]
	}
	if c.Over == 0 {
		return fmt.Sprintf("%s That was so for %s %s on this day.", c.About, number(n.n), noun)
	}
	return fmt.Sprintf("%s That was so for %s %s within %s.", c.About, number(n.n), noun, inWords(c.Over))
}

// cites reports whether an access of a pair counts.
func (c *custom) cites(j *judge, p *Pair) bool {
	c.fits = c.fits[:0]
	return !c.cannotSay(p) && c.addPair(j, p) == nil && len(c.fits) > 0
}

// mayCount reports whether an access of a pair counts, or whether that cannot be told.
func (c *custom) mayCount(j *judge, p *Pair) bool {
	c.fits = c.fits[:0]
	return j.coverage.lacks(c.Needs) || c.cannotSay(p) || c.addPair(j, p) != nil || len(c.fits) > 0
}

// stillSpeaks reports whether a custom detector that an explanation does not silence, that spoke for an alert and that looks at more than one pair, may
// count something of the pair yet: what it said of the whole cannot be told from the pair.
func (e *Engine) stillSpeaks(a *recentAlert, p *Pair) bool {
	for _, key := range e.judge.dets.customs {
		for _, c := range key {
			spoke := func(f *v1.FiredDetector) bool { return f.GetDetector() == c.Name }
			if c.Hard && (c.Key != KeyPair || len(c.Counters) > 0) && slices.ContainsFunc(a.version.GetDetectors(), spoke) && c.mayCount(e.judge, p) {
				return true
			}
		}
	}
	return false
}

// recordCandidate tells of the readers of a record whose accesses count.
func (c *custom) recordCandidate(j *judge, d *RecordDay, of Candidate) Candidate {
	of.Readers, of.Accesses = nil, nil
	t := j.teller()
	n := &Note{}
	var who []string
	for _, p := range d.all() {
		if c.cites(j, p) {
			of.Readers = append(of.Readers, p.Reader)
			of.Accesses = cite(of.Accesses, p.Accesses)
			who = append(who, fmt.Sprintf("%s at %s.", t.who(p.Reader, p.Post), t.clock(p.First())))
		}
	}
	n.Title = fmt.Sprintf("%s in the record of %s", count(len(of.Readers), "reader"), t.record(d.Patient))
	n.What = append(n.What, fmt.Sprintf("On %s, %s opened the record of %s.",
		t.date(d.Day), count(len(of.Readers), "reader"), t.record(d.Patient)))
	n.What = append(n.What, who[:min(len(who), 5)]...)
	if more := len(who) - 5; more > 0 {
		n.What = append(n.What, fmt.Sprintf("And %s more.", number(more)))
	}
	n.Why = append(n.Why, c.tell(c.ofRecord(j, d)))
	n.Normal = append(n.Normal, c.Normal)
	of.Note = n
	return of
}

// inWords is a duration as people say it.
func inWords(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return count(int(d/time.Minute), "minute")
	}
	return d.String()
}
