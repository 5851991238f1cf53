package detectors

import (
	"cmp"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

// Shape is the form of a story.
type Shape uint8

// Shapes.
const (
	ShapePair      Shape = iota // a reader and a record on a day
	ShapeReaderDay              // a reader's day, many records
	ShapeRecordDay              // a record's day, many readers
	ShapeSerial                 // a reader's records over days
)

// String is the word of the design for it.
func (s Shape) String() string { return [...]string{"pair", "reader-day", "record-day", "serial"}[s] }

// Cited is an access that a story rests on.
type Cited struct {
	Position        proto.Position
	Occurred        int64
	Reader, Patient facts.ID
	Object, Site    facts.ID
	Signs           Sign
	// Nth is the patient's number in the event.
	Nth uint16
}

// Fired is a detector that speaks for a story.
type Fired struct {
	Scale *Scale
	Grade Grade
	// Weight is its share of the evidence.
	Weight Weight
}

// Candidate is what findings collapse to: one story. It is kept and searchable whether or not it is shown.
type Candidate struct {
	Day      day
	Shape    Shape
	Scenario string
	// Weight is the evidence; Score the logarithm of the odds, in 1/256 bits, once the prior is known.
	Weight, Score Weight
	Readers       []facts.ID
	Patients      []facts.ID
	Accesses      []Cited
	Fired         []Fired

	// Note tells the story.
	Note *Note

	key Key
	// refused are attempts that the story of a reader's day counts, beside what was opened, and told the first of them; see withRefused.
	refused []Cited
	told    Evidence
	// boost is what past outcomes add to the score, and Boosts their names.
	boost  Weight
	Boosts []string
	// posts are where each of the readers worked; labels and signs those of everything that is cited.
	posts  []post
	labels facts.Label
	signs  Sign
	// alone: the story is of one record without a reason, of which looks is how often it was opened. others are those of other days that
	// a series tells as well.
	alone  bool
	looks  int32
	others []episode
	// ownRecords is how many of Patients, at their beginning, a series tells of its own day.
	ownRecords int
	// plain is what a series was before it was told as one. apart: it stands by itself, because its day has no place for what it goes on with.
	plain *Candidate
	apart bool
	// kept are the pairs that the story rests on, to be judged again when a late fact comes.
	kept []keptPair
	// pair is the pair that the story is about first.
	pair *Pair
	of   *ReaderDay
	on   *RecordDay
}

// candidates makes the stories of a day whose units are weighed.
func (j *judge) candidates(c *closed) []Candidate {
	var out []Candidate
	for i := range c.records {
		d := &c.records[i]
		own := j.dets.customs.find(KeyRecord, j.records.scenarios[d.scenario].Name)
		if d.Weight >= j.least && (len(d.Readers) > 1 || own != nil) {
			out = append(out, j.recordCandidate(d))
		}
	}
	for i := range c.readers {
		out = j.readerCandidates(out, &c.readers[i])
	}
	return out
}

// suspicious reports whether a pair is a story.
func (j *judge) suspicious(p *Pair) bool {
	return p.Weight >= j.least && (p.Looks > 0 || p.Signs&SignBreakGlass != 0)
}

// readerCandidates makes the stories of one reader's day and its pairs.
func (j *judge) readerCandidates(out []Candidate, d *ReaderDay) []Candidate {
	var suspicious []*Pair
	for k := range d.Pairs {
		if p := &d.Pairs[k]; j.suspicious(p) {
			suspicious = append(suspicious, p)
		}
	}
	slices.SortStableFunc(suspicious, func(a, b *Pair) int { return cmp.Compare(b.Weight, a.Weight) })
	if j.readers.certain(j.rates3[KeyReader], &d.grades) {
		d.Weight = max(d.Weight, certainly)
	}
	if d.counts() && d.Weight >= j.least {
		out = append(out, j.readerCandidate(d, suspicious))
	}
	for _, p := range suspicious {
		out = append(out, j.pairCandidate(p))
	}
	return out
}

// counts reports whether there is anything to weigh: a look, or attempts that were refused.
func (d *ReaderDay) counts() bool { return d.Records > 0 || d.Refused > 0 }

// fired are the detectors that speak for a unit: those that weigh for the kind of misuse that it looks like most, and hard signs of the
// highest grade, which are a matter of record whatever it looks like.
func (j *judge) fired(key Key, m *model, at situation, u *grades) []Fired {
	var how weighing
	j.weighUnit(key, m, at, u, &how)
	var out []Fired
	for i := range m.scales {
		s := &m.scales[i]
		if u[i] != Quiet && u[i] != Blind && (how.parts[i] > 0 || s.Hard && int(u[i]) == len(s.Words)) {
			out = append(out, Fired{s, u[i], max(how.parts[i], 0)})
		}
	}
	slices.SortStableFunc(out, func(a, b Fired) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// citable reports whether a story rests on an access.
func (a *Access) citable() bool {
	return a.Any(SignLook|SignBreakGlass|SignWrite|SignPrint|SignExport|SignListed) && a.Patient != 0
}

func (a *Access) cited() Cited {
	return Cited{a.Position, a.Occurred, a.Reader, a.Patient, a.Object, a.Site, a.Signs, a.Nth}
}

func cite(into []Cited, accesses []Access) []Cited {
	for i := range accesses {
		a := &accesses[i]
		if a.citable() {
			into = append(into, a.cited())
		}
	}
	return into
}

// refusals are the attempts that were refused, and the records that they were about: what a day rests on that opened nothing.
func refusals(accesses []Access) (patients []facts.ID, out []Cited) {
	seen := map[facts.ID]bool{0: true}
	for i := range accesses {
		a := &accesses[i]
		if !a.Any(SignRefused) {
			continue
		}
		out = append(out, a.cited())
		if !seen[a.Patient] {
			seen[a.Patient] = true
			patients = append(patients, a.Patient)
		}
	}
	return patients, out
}

func (j *judge) pairCandidate(p *Pair) Candidate {
	c := Candidate{
		Day: p.Day, Shape: ShapePair, Scenario: j.pairs.scenarios[p.scenario].Name, Weight: p.Weight, key: KeyPair,
		Readers: []facts.ID{p.Reader}, Patients: []facts.ID{p.Patient}, Accesses: cite(nil, p.Accesses),
		Fired: j.fired(KeyPair, j.pairs, p.situation(), &p.grades), pair: p, of: p.Of, alone: p.Reasons == 0 && p.Blind == 0, looks: int32(p.Looks),
	}
	c.Note = j.teller().pair(p, c.Fired)
	c.Note.Evidence = j.teller().evidence(&c)
	return c
}

func (j *judge) teller() *teller { return &teller{j, j.zone} }

// wholeAccount are the kinds of misuse in which everything that the account did is in question.
var wholeAccount = []string{"left account", "shared account", "shared between sites", "guessed account", "vendor"}

// readerCandidate cites what has no reason; where the whole account is in question, everything.
func (j *judge) readerCandidate(d *ReaderDay, suspicious []*Pair) Candidate {
	c := Candidate{
		Day: d.Day, Shape: ShapeReaderDay, Scenario: j.readers.scenarios[d.scenario].Name, Weight: d.Weight, key: KeyReader,
		Readers: []facts.ID{d.Reader}, Fired: j.fired(KeyReader, j.readers, d.situation(), &d.grades), of: d,
	}
	everything := slices.Contains(wholeAccount, c.Scenario)
	own := j.dets.customs.find(KeyReader, c.Scenario)
	for k := range d.Pairs {
		p := &d.Pairs[k]
		if own != nil && own.cites(j, p) || everything && p.Looks > 0 || own == nil && p.Looks > 0 && p.Reasons == 0 ||
			len(suspicious) > 0 && j.suspicious(p) || c.Scenario == "bulk export" && p.Signs&(SignPrint|SignExport) != 0 {
			c.Patients = append(c.Patients, p.Patient)
			c.Accesses = cite(c.Accesses, p.Accesses)
		}
	}
	if d.Records == 0 {
		c.Patients, c.Accesses = refusals(d.Accesses)
	} else {
		c.refused = j.refusedIn(d, &c)
	}
	if len(suspicious) > 0 {
		c.pair = suspicious[0]
	}
	c.Note = j.teller().readerDay(d, &c)
	c.Note.Evidence = j.teller().evidence(&c)
	c.told = j.teller().refusals(c.refused)
	return c
}

func (j *judge) recordCandidate(d *RecordDay) Candidate {
	c := Candidate{
		Day: d.Day, Shape: ShapeRecordDay, Scenario: j.records.scenarios[d.scenario].Name, Weight: d.Weight, key: KeyRecord,
		Patients: []facts.ID{d.Patient}, Fired: j.fired(KeyRecord, j.records, situation{}, &d.grades), on: d,
	}
	if own := j.dets.customs.find(KeyRecord, c.Scenario); own != nil {
		return own.recordCandidate(j, d, c)
	}
	for _, p := range d.Readers {
		c.Readers = append(c.Readers, p.Reader)
		c.Accesses = cite(c.Accesses, p.Accesses)
	}
	c.Note = j.teller().recordDay(d)
	c.Note.Evidence = j.teller().evidence(&c)
	return c
}

// Chance is how likely misuse is, in per mille, by the score.
func (c *Candidate) Chance() int32 { return chance(c.Score) }
