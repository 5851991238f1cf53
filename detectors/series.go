package detectors

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	goproto "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A series is what one reader did over days: records that were opened without a reason, few of which say much alone. Nearly 15 % of what is
// missed is that (Bluesight). It is told once, as one alert that grows, and cites all of them.

const (
	// mostEpisodes is how many records of one reader are kept to be told as a series: the latest.
	mostEpisodes = 64
	// mostOfEpisode is how many accesses of a record of another day a series cites; the candidate of its own day cites all of them.
	mostOfEpisode = 4
)

// episode is a record that was opened on a day without a reason, and looked more like misuse than like everyday work: a candidate of its
// day, shown or not.
type episode struct {
	day     day
	patient facts.ID
	looks   int32
	labels  facts.Label
	signs   Sign
	cited   []Cited
	// told is the alert that tells it, which was shown or not.
	told  alertID
	shown bool
}

// episodes are those of each reader, by day, under the numbers that reader and record had then.
type episodes struct {
	of map[facts.ID][]episode
	n  int
}

func newEpisodes() episodes { return episodes{of: map[facts.ID][]episode{}} }

// add keeps an episode. One of the same record and day takes the place of the one before.
func (s *episodes) add(reader facts.ID, x *episode) {
	mine := s.of[reader]
	s.n -= len(mine)
	at, have := slices.BinarySearchFunc(mine, x, func(a episode, b *episode) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.patient, b.patient))
	})
	if have {
		mine[at] = *x
	} else {
		mine = slices.Insert(mine, at, *x)
	}
	mine = mine[max(len(mine)-mostEpisodes, 0):]
	s.of[reader], s.n = mine, s.n+len(mine)
}

// drop forgets those for which a condition holds.
func (s *episodes) drop(is func(facts.ID, *episode) bool) {
	for reader, mine := range s.of {
		s.n -= len(mine)
		mine = slices.DeleteFunc(mine, func(x episode) bool { return is(reader, &x) })
		if s.n += len(mine); len(mine) == 0 {
			delete(s.of, reader)
		} else {
			s.of[reader] = mine
		}
	}
}

// forget drops the episodes of days before one, and then those of the oldest days until no more than limit are left. It returns how many
// the limit pushed out.
func (s *episodes) forget(before day, limit int) (evicted uint64) {
	s.drop(func(_ facts.ID, x *episode) bool { return x.day < before })
	for s.n > limit {
		oldest, n := day(0), s.n
		for _, mine := range s.of {
			if oldest == 0 || mine[0].day < oldest {
				oldest = mine[0].day
			}
		}
		s.drop(func(_ facts.ID, x *episode) bool { return x.day <= oldest })
		evicted += uint64(n - s.n)
	}
	return evicted
}

// dropOne forgets an episode, if there is such a one, and returns the alert that told it.
func (s *episodes) dropOne(reader, patient facts.ID, d day) (told alertID) {
	mine := s.of[reader]
	i := slices.IndexFunc(mine, func(x episode) bool { return x.day == d && x.patient == patient })
	if i < 0 {
		return told
	}
	told = mine[i].told
	if mine = slices.Delete(mine, i, i+1); len(mine) == 0 {
		delete(s.of, reader)
	} else {
		s.of[reader] = mine
	}
	s.n--
	return told
}

// explained takes an episode out of its series: what became known later explains it. The next version of the alert does not cite it.
func (e *Engine) explained(k *keptPair) {
	a := e.recent.alerts[e.series.dropOne(k.reader, k.patient, k.day)]
	if a == nil || !a.series() {
		return
	}
	gone := map[uint64]bool{}
	for i := range k.accesses {
		gone[uint64(k.accesses[i].Position)] = true
	}
	v := goproto.CloneOf(a.version)
	v.Accesses = slices.DeleteFunc(v.Accesses, func(c *v1.CitedAccess) bool { return gone[c.Position] })
	a.version = v
}

// decided forgets the episodes that an alert told on which somebody decided: the next series tells what came after it.
func (e *Engine) decided(d *v1.AlertDecision) {
	if len(d.GetAlertId()) != len(alertID{}) {
		return
	}
	id, final := alertID(d.GetAlertId()), false
	switch d.GetDisposition() {
	case v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE:
		final = true
		e.series.drop(func(_ facts.ID, x *episode) bool { return x.told == id })
	}
	if a := e.recent.alerts[id]; a != nil {
		a.decided = final
	}
}

// seriesSince is the first day that a series told on a day looks back to.
func (e *Engine) seriesSince(d day) day { return d - day(e.judge.numbers[serialDays]) }

// gather makes series of the stories of a day whose readers opened other records without a reason on other days: of as many as make a series,
// or of one that was shown, so that nobody is told the next one apart.
func (e *Engine) gather(d day, stories []Candidate) {
	for i := range stories {
		c := &stories[i]
		if !c.serial() || e.hard.open[d][e.hard.alias(e, &Alert{Candidate: *c})] {
			continue
		}
		others := e.others(d, c)
		enough := 1+len(others) >= int(e.judge.numbers[serialRecords])
		if enough || slices.ContainsFunc(others, func(x episode) bool { return x.shown }) {
			e.tellSeries(c, others)
		}
	}
}

// serial reports whether a story is of records without a reason, by a reader who opens more of them than peers do.
func (c *Candidate) serial() bool {
	return c.key == KeyPair && c.Shape != ShapeRecordDay && c.alone && aimless(c.Scenario) &&
		slices.ContainsFunc(c.Fired, func(f Fired) bool { return f.Scale.Name == serialName })
}

// aimless reports whether a kind of misuse says of nobody in particular why their record was opened: it is told with others of its kind.
func aimless(scenario string) bool {
	return scenario == serialScenario || scenario == curiosityScenario
}

// others are the episodes of a story's reader on other days, by day.
func (e *Engine) others(d day, c *Candidate) []episode {
	reader := c.Readers[0]
	var out []episode
	for _, n := range numbers(e.state.SameStaff(reader), reader) {
		for _, x := range e.series.of[n] {
			if x.day != d && x.day >= e.seriesSince(d) {
				out = append(out, x)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b episode) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.patient, b.patient)) })
	return out
}

// tellSeries makes a story the latest part of a series. How likely it is is what the latest says: SerialLooks has counted the others.
func (e *Engine) tellSeries(c *Candidate, others []episode) {
	c.Note = (&teller{e.judge, e.cfg.Zone}).series(c, others)
	c.Shape = ShapeSerial
	have := map[facts.ID]bool{}
	for _, p := range c.Patients {
		have[e.state.Canonical(p)] = true
	}
	c.Patients, c.Accesses = slices.Clone(c.Patients), slices.Clone(c.Accesses)
	for i := range others {
		x := &others[i]
		if p := e.state.Canonical(x.patient); !have[p] {
			have[p] = true
			c.Patients = append(c.Patients, p)
		}
		for _, a := range x.cited {
			a.Reader, a.Patient = c.Readers[0], e.state.Canonical(a.Patient)
			c.Accesses = append(c.Accesses, a)
		}
		c.labels, c.signs = c.labels|x.labels, c.signs|x.signs
	}
	slices.SortStableFunc(c.Accesses, func(a, b Cited) int { return cmp.Compare(a.Position, b.Position) })
	c.others, c.Scenario = others, serialScenario
}

// keepEpisodes remembers the day's candidates that a later series may tell. told are the alerts that tell them: what was shown as another
// kind of misuse is told as what it is.
func (e *Engine) keepEpisodes(all []Candidate, told map[pairKey]tellingAlert) {
	for i := range all {
		c := &all[i]
		if c.Shape != ShapePair || !c.alone {
			continue
		}
		by, tells := told[pairKey{c.Readers[0], c.Patients[0]}]
		if !tells {
			e.series.dropOne(c.Readers[0], c.Patients[0], c.Day)
			continue
		}
		x := &episode{
			day: c.Day, patient: c.Patients[0], looks: c.looks, labels: c.labels, signs: c.signs,
			cited: slices.Clone(c.Accesses[:min(len(c.Accesses), mostOfEpisode)]), told: by.id, shown: by.shown,
		}
		e.series.add(c.Readers[0], x)
	}
}

// seriesStory is the alert that a series goes on with: the reader's series, or an alert that was shown of a part of it; else a new one.
func (e *Engine) seriesStory(a *Alert, of string) (id alertID, story *recentAlert) {
	reader := e.state.CanonicalStaff(a.Readers[0])
	for other, x := range e.recent.alerts {
		if !x.series() || x.of != of || !e.undecided(other, x) || x.day < e.seriesSince(a.Day) ||
			e.state.CanonicalStaff(x.reader) != reader {
			continue
		}
		if story == nil || x.day > story.day || x.day == story.day && slices.Compare(other[:], id[:]) < 0 {
			id, story = other, x
		}
	}
	if story != nil {
		return id, story
	}
	if id, story = e.shownOf(a.others, of); story != nil {
		return id, story
	}
	return e.storyID(ShapeSerial, a.Day, a.Readers[0], 0), nil
}

// shownOf is the first alert that was shown of one of some episodes, and on which nobody decided.
func (e *Engine) shownOf(episodes []episode, of string) (alertID, *recentAlert) {
	for i := range episodes {
		id := episodes[i].told
		x := e.recent.alerts[id]
		if x != nil && x.of == of && x.key == KeyPair && x.version.Shape != v1.Shape_SHAPE_RECORD_DAY && x.version.Shown && e.undecided(id, x) {
			return id, x
		}
	}
	return alertID{}, nil
}

// keepOthers adds to what is kept of a series what the alerts of its other records keep of them, so that it is judged again when they are.
func (e *Engine) keepOthers(now *recentAlert, a *Alert) {
	if len(now.kept) == 0 {
		return // of an import, nothing is judged again
	}
	for i := range a.others {
		o := &a.others[i]
		same := func(k keptPair) bool { return k.day == o.day && k.patient == o.patient }
		if x := e.recent.alerts[o.told]; x != nil && !slices.ContainsFunc(now.kept, same) {
			if k := slices.IndexFunc(x.kept, same); k >= 0 {
				now.kept = append(now.kept, x.kept[k])
			}
		}
	}
	slices.SortStableFunc(now.kept, func(a, b keptPair) int { return cmp.Compare(a.day, b.day) })
}

// undecided reports whether nobody decided on an alert, and it was not taken back: a series goes on with it.
func (e *Engine) undecided(id alertID, a *recentAlert) bool {
	return !a.open && !a.decided && a.version.State != v1.AlertState_ALERT_STATE_RETRACTED && !e.past.misuse(id)
}

// extend puts what a version said before into the next version of a series, which tells all that is held of it. What is held no more stays
// cited.
func extend(v, story *v1.AlertVersion) {
	v.Day, v.Rank = story.Day, story.Rank
	v.Shown, v.Sampled, v.Backfill = v.Shown || story.Shown, v.Sampled || story.Sampled, v.Backfill && story.Backfill
	v.Severity = max(v.Severity, story.Severity)
	if story.Score > v.Score {
		v.Score, v.Chance = story.Score, story.Chance
	}
	cited := map[uint64]bool{}
	for _, c := range v.Accesses {
		cited[c.Position] = true
	}
	patients := map[uint32]uint32{0: 0}
	for _, c := range story.Accesses {
		if cited[c.Position] || len(v.Accesses) >= mostAccesses {
			continue
		}
		if _, known := patients[c.Patient]; !known {
			patients[c.Patient] = patientOf(v, story.Patients[c.Patient-1])
		}
		v.Accesses = append(v.Accesses, &v1.CitedAccess{Position: c.Position, OccurredUs: c.OccurredUs, Reader: min(c.Reader, 1), Patient: patients[c.Patient]})
	}
	slices.SortStableFunc(v.Accesses, func(a, b *v1.CitedAccess) int { return cmp.Compare(a.Position, b.Position) })
	for _, d := range story.Detectors {
		if !slices.ContainsFunc(v.Detectors, func(x *v1.FiredDetector) bool { return x.Detector == d.Detector }) {
			v.Detectors = append(v.Detectors, d)
		}
	}
	for _, b := range story.Boosts {
		if !slices.Contains(v.Boosts, b) {
			v.Boosts = append(v.Boosts, b)
		}
	}
}

// patientOf is the number of a patient of a version, who is added where they are not among its patients.
func patientOf(v *v1.AlertVersion, p *v1.AlertPatient) uint32 {
	i := slices.IndexFunc(v.Patients, func(x *v1.AlertPatient) bool { return goproto.Equal(x.Identifier, p.Identifier) })
	if i < 0 {
		i = len(v.Patients)
		v.Patients = append(v.Patients, p)
	}
	return uint32(i + 1)
}

// tellingAlert is an alert that tells a pair.
type tellingAlert struct {
	id    alertID
	shown bool
}

// tellers are, of the pairs that the alerts of a day tell, the alerts, but for those that are shown as another kind of misuse.
func tellers(q []Alert, ids []alertID) map[pairKey]tellingAlert {
	out, apart := map[pairKey]tellingAlert{}, map[pairKey]bool{}
	for i := range q {
		for _, r := range q[i].Readers {
			for _, p := range q[i].Patients {
				key := pairKey{r, p}
				out[key] = tellingAlert{ids[i], q[i].Shown || out[key].shown}
				apart[key] = apart[key] || q[i].Shown && !aimless(q[i].Scenario)
			}
		}
	}
	maps.DeleteFunc(out, func(key pairKey, _ tellingAlert) bool { return apart[key] })
	return out
}

// retold has what a series tells be told by it.
func (e *Engine) retold(a *Alert, id alertID) {
	for i := range a.others {
		o := &a.others[i]
		for _, n := range numbers(e.state.SameStaff(a.Readers[0]), a.Readers[0]) {
			for k := range e.series.of[n] {
				if x := &e.series.of[n][k]; x.day == o.day && x.patient == o.patient {
					x.told, x.shown = id, a.Shown || x.shown
				}
			}
		}
	}
}

// left reports whether a series still tells an episode that is not among the pairs that are judged again.
func (e *Engine) left(a *recentAlert, id alertID) bool {
	for _, n := range numbers(e.state.SameStaff(a.reader), a.reader) {
		if slices.ContainsFunc(e.series.of[n], func(x episode) bool {
			return x.told == id && !slices.ContainsFunc(a.kept, func(k keptPair) bool { return k.day == x.day && k.patient == x.patient && k.reader == n })
		}) {
			return true
		}
	}
	return false
}

// series tells a story and the episodes of other days that belong to it.
func (t *teller) series(c *Candidate, others []episode) *Note {
	n := *c.Note
	days, records := map[day]bool{c.Day: true}, map[facts.ID]bool{}
	for _, p := range c.Patients {
		records[t.judge.state.Canonical(p)] = true
	}
	first, last := c.Day, c.Day
	for i := range others {
		x := &others[i]
		days[x.day], records[t.judge.state.Canonical(x.patient)] = true, true
		first, last = min(first, x.day), max(last, x.day)
	}
	n.Title = fmt.Sprintf("%s in %s on %s", n.who, count(len(records), "record"), count(len(days), "day"))
	what := []string{fmt.Sprintf("From %s to %s, %s opened %s without a known reason, on %s.",
		t.dateOf(first), t.dateOf(last), n.who, count(len(records), "record"), count(len(days), "day"))}
	what = append(what, n.What...)
	told := others[max(len(others)-mostTold, 0):]
	for _, x := range slices.Backward(told) {
		what = append(what, fmt.Sprintf("On %s, the record of %s was opened %s.", t.dateOf(x.day), t.record(x.patient), times(int(x.looks))))
	}
	if more := len(others) - len(told); more > 0 {
		what = append(what, fmt.Sprintf("And %s more.", count(more, "record")))
	}
	n.What = what
	n.Tried = append(slices.Clone(n.Tried), "For the records of the other days the same reasons were tried, and none was found.")
	n.Evidence = t.evidenceOf(c, others)
	return &n
}

// evidenceOf tells one access of each record of a series, the latest ones, with their days.
func (t *teller) evidenceOf(c *Candidate, others []episode) (e Evidence) {
	var firsts []Cited
	seen := map[facts.ID]bool{}
	for _, a := range c.Accesses {
		if !seen[a.Patient] && a.Signs&SignAgain == 0 {
			seen[a.Patient] = true
			firsts = append(firsts, a)
		}
	}
	all := len(c.Accesses)
	for i := range others {
		firsts = append(firsts, others[i].cited[0])
		all += len(others[i].cited)
	}
	slices.SortStableFunc(firsts, func(a, b Cited) int { return cmp.Compare(a.Occurred, b.Occurred) })
	firsts = firsts[max(len(firsts)-mostCited, 0):]
	for i := range firsts {
		a := &firsts[i]
		e.Lines = append(e.Lines, fmt.Sprintf("%s %s %s of %s",
			t.dateOf(localDay(a.Occurred, t.zone)), t.clock(a.Occurred), t.act(a), t.record(a.Patient)))
	}
	e.More = all - len(e.Lines)
	return e
}

// series reports whether it is one.
func (a *recentAlert) series() bool { return a.version.Shape == v1.Shape_SHAPE_SERIAL }
