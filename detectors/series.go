package detectors

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
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
	// own is the alert of its day, told the one that tells it now: that, or a series. shown: it was shown in one of them.
	own, told alertID
	shown     bool
	// accounted: there is a reason for it by now, and no series tells it unless that is withdrawn.
	accounted bool
	// ownDecided and toldDecided: somebody decided on that alert, and did not open it again.
	ownDecided, toldDecided bool
}

// over reports whether no series tells an episode: there is a reason for it, or somebody decided on an alert that tells it. Either may be taken back.
func (x *episode) over() bool { return x.accounted || x.ownDecided || x.toldDecided }

// episodes are those of each reader, by day, under the numbers that reader and record had then.
type episodes struct {
	of map[facts.ID][]episode
	n  int
}

func newEpisodes() episodes { return episodes{of: map[facts.ID][]episode{}} }

func (s *episodes) find(reader, patient facts.ID, d day) (at int, have bool) {
	return slices.BinarySearchFunc(s.of[reader], patient, func(x episode, patient facts.ID) int {
		return cmp.Or(cmp.Compare(x.day, d), cmp.Compare(x.patient, patient))
	})
}

func (s *episodes) has(reader, patient facts.ID, d day) bool {
	_, have := s.find(reader, patient, d)
	return have
}

// add keeps an episode. One of the same record and day takes the place of the one before. It returns how many had to make room.
func (s *episodes) add(reader facts.ID, x *episode) (evicted int) {
	mine := s.of[reader]
	s.n -= len(mine)
	if at, have := s.find(reader, x.patient, x.day); have {
		mine[at] = *x
	} else {
		mine = slices.Insert(mine, at, *x)
	}
	evicted = max(len(mine)-mostEpisodes, 0)
	mine = mine[evicted:]
	s.of[reader], s.n = mine, s.n+len(mine)
	return evicted
}

// drop forgets those for which a condition holds.
func (s *episodes) drop(is func(*episode) bool) {
	for reader, mine := range s.of {
		s.n -= len(mine)
		mine = slices.DeleteFunc(mine, func(x episode) bool { return is(&x) })
		if s.n += len(mine); len(mine) == 0 {
			delete(s.of, reader)
		} else {
			s.of[reader] = mine
		}
	}
}

// dropOne forgets an episode, if there is such a one, and returns it.
func (s *episodes) dropOne(reader, patient facts.ID, d day) (x episode, have bool) {
	mine := s.of[reader]
	at, have := s.find(reader, patient, d)
	if !have {
		return x, false
	}
	x = mine[at]
	if mine = slices.Delete(mine, at, at+1); len(mine) == 0 {
		delete(s.of, reader)
	} else {
		s.of[reader] = mine
	}
	s.n--
	return x, true
}

// dropEpisode forgets what a reader did in a record on a day, under each of their numbers, and returns what was kept of it.
func (e *Engine) dropEpisode(s *episodes, reader, patient facts.ID, d day) (was []episode) {
	for _, n := range numbers(e.state.SameStaff(reader), reader) {
		for _, p := range numbers(e.state.SamePatient(patient), patient) {
			if x, have := s.dropOne(n, p, d); have {
				was = append(was, x)
			}
		}
	}
	return was
}

// forget drops the episodes of days before one, and then those of the oldest days until no more than limit are left. It returns how many
// the limit pushed out.
func (s *episodes) forget(before day, limit int) (evicted uint64) {
	s.drop(func(x *episode) bool { return x.day < before })
	for s.n > limit {
		oldest, some, n := day(0), false, s.n
		for _, mine := range s.of {
			if !some || mine[0].day < oldest {
				oldest, some = mine[0].day, true
			}
		}
		s.drop(func(x *episode) bool { return x.day <= oldest })
		evicted += uint64(n - s.n)
	}
	return evicted
}

// episodesOf are those of live days, or of the import that is judged: each tells its own series.
func (e *Engine) episodesOf(of string) *episodes {
	if of == "" {
		return &e.series
	}
	return &e.imported
}

// seriesDays is how far from each other days of one series are at the most.
func (e *Engine) seriesDays() day { return day(e.judge.numbers[serialDays]) }

// gather makes series of the stories of a day whose readers opened other records without a reason on other days: of as many records as make a
// series, or beside another one that was shown, so that nobody is told the next one apart. A reader has one series a day.
func (e *Engine) gather(d day, stories []Candidate, of string) {
	likeliest := map[facts.ID]int{}
	for i := range stories {
		c := &stories[i]
		if !c.serial() || of == "" && (e.hard.open[d][e.hard.alias(e, &Alert{Candidate: *c})] || e.decidedOn(c)) {
			continue
		}
		reader := e.state.CanonicalStaff(c.Readers[0])
		if k, have := likeliest[reader]; !have || c.Score > stories[k].Score {
			likeliest[reader] = i
		}
	}
	for _, i := range slices.Sorted(maps.Values(likeliest)) {
		if c := &stories[i]; len(e.episodesOf(of).of) > 0 {
			if others := e.others(d, c, of); e.isSeries(c, others) {
				e.tellSeries(c, others)
			}
		}
	}
}

// serial reports whether a story is of records without a reason, by a reader who opens more of them than peers do, and nothing else is in it.
func (c *Candidate) serial() bool {
	return c.key == KeyPair && c.Shape != ShapeRecordDay && c.alone && aimless(c.Scenario) &&
		slices.ContainsFunc(c.Fired, func(f Fired) bool { return f.Scale.Name == serialName }) &&
		!slices.ContainsFunc(c.Fired, func(f Fired) bool { return f.Scale.Key != KeyPair })
}

// aimless reports whether a kind of misuse says of nobody in particular why their record was opened: it is told with others of its kind.
func aimless(scenario string) bool {
	return scenario == serialScenario || scenario == curiosityScenario
}

// others are the episodes of a story's reader on other days, by day; one a record and day, whatever numbers the record had.
func (e *Engine) others(d day, c *Candidate, of string) []episode {
	reader := c.Readers[0]
	var out []episode
	for _, n := range numbers(e.state.SameStaff(reader), reader) {
		for _, x := range e.episodesOf(of).of[n] {
			if x.day != d && !x.over() && max(x.day-d, d-x.day) <= e.seriesDays() {
				x.patient = e.state.Canonical(x.patient)
				out = append(out, x)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b episode) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.patient, b.patient)) })
	return joinEpisodes(out)
}

// joinEpisodes makes one of those of one record and day, which are beside each other: the record had several numbers then, or the reader.
func joinEpisodes(all []episode) (out []episode) {
	for i := range all {
		x := &all[i]
		if len(out) == 0 || out[len(out)-1].day != x.day || out[len(out)-1].patient != x.patient {
			out = append(out, *x)
			continue
		}
		one := &out[len(out)-1]
		one.looks, one.labels, one.signs = one.looks+x.looks, one.labels|x.labels, one.signs|x.signs
		one.cited = slices.Concat(one.cited, x.cited)
		slices.SortStableFunc(one.cited, func(a, b Cited) int { return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Nth, b.Nth)) })
		if x.shown && !one.shown {
			one.told, one.shown = x.told, true
		}
	}
	return out
}

// parts are the episodes that one of others is made of, and the number that the reader had then.
func (e *Engine) parts(reader facts.ID, o *episode, of string) iter.Seq2[facts.ID, *episode] {
	return func(yield func(facts.ID, *episode) bool) {
		s := e.episodesOf(of)
		for _, n := range numbers(e.state.SameStaff(reader), reader) {
			for k := range s.of[n] {
				if x := &s.of[n][k]; x.day == o.day && !x.over() && e.state.Canonical(x.patient) == o.patient && !yield(n, x) {
					return
				}
			}
		}
	}
}

// isSeries reports whether another record was opened on another day, and whether they are enough, or that one was shown.
func (e *Engine) isSeries(c *Candidate, others []episode) bool {
	own := map[facts.ID]bool{}
	for _, p := range c.Patients {
		own[e.state.Canonical(p)] = true
	}
	all, shown := maps.Clone(own), false
	for i := range others {
		all[others[i].patient] = true
		shown = shown || others[i].shown && !own[others[i].patient]
	}
	return shown || len(all) > len(own) && len(all) >= int(e.judge.numbers[serialRecords])
}

// tellSeries makes a story the latest part of a series. How likely it is is what the latest says: SerialLooks has counted the others.
func (e *Engine) tellSeries(c *Candidate, others []episode) {
	before := *c
	c.plain = &before
	c.Note = (&teller{e.judge, e.cfg.Zone}).series(c, others)
	c.Shape, c.Scenario, c.others = ShapeSerial, serialScenario, others
	named := map[facts.ID]bool{}
	for _, p := range c.Patients {
		named[e.state.Canonical(p)] = true
	}
	c.ownRecords = len(c.Patients)
	c.Patients, c.Accesses = slices.Clone(c.Patients), slices.Clone(c.Accesses)
	for i := range others {
		x := &others[i]
		if !named[x.patient] {
			named[x.patient] = true
			c.Patients = append(c.Patients, x.patient)
		}
		c.Accesses = append(c.Accesses, x.cited...)
		c.labels, c.signs = c.labels|x.labels, c.signs|x.signs
	}
	slices.SortStableFunc(c.Accesses, func(a, b Cited) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Nth, b.Nth))
	})
}

// keepEpisodes remembers the day's candidates that a later series may tell. told are the alerts that tell them: what was shown as another
// kind of misuse is told as what it is.
func (e *Engine) keepEpisodes(all []Candidate, told map[pairKey]tellingAlert, of string) {
	s := e.episodesOf(of)
	for i := range all {
		c := &all[i]
		if c.Shape != ShapePair || !c.alone {
			continue
		}
		reader, patient := c.Readers[0], c.Patients[0]
		by, tells := told[pairKey{reader, patient}]
		x := episode{
			day: c.Day, patient: patient, looks: c.looks, labels: c.labels, signs: c.signs,
			cited: slices.Clone(c.Accesses[:min(len(c.Accesses), mostOfEpisode)]), own: by.id, told: by.id, shown: by.shown,
		}
		for _, was := range e.dropEpisode(s, reader, patient, c.Day) {
			if was.told != by.id && !was.toldDecided {
				e.leaves(was.told, patient, c.Day) // another alert tells it now, or none
			}
			if by.shape == ShapeSerial { // a day that is judged again is told by its series: whoever has the record's own alert still decides on that
				x.own, x.ownDecided = was.own, was.ownDecided
			}
		}
		if !tells {
			continue
		}
		if len(c.kept) == 1 { // under the numbers of then
			reader, x.patient = c.kept[0].reader, c.kept[0].patient
		}
		for k := range x.cited {
			x.cited[k].Reader, x.cited[k].Patient = reader, x.patient
		}
		if a := e.recent.alerts[by.id]; a != nil && a.decided {
			x.toldDecided = true
			x.ownDecided = x.ownDecided || x.own == by.id
		}
		e.stats.EvictedEpisodes += uint64(s.add(reader, &x))
	}
}

// tellingAlert is an alert that tells a pair.
type tellingAlert struct {
	id    alertID
	shown bool
	shape Shape
}

// before reports whether a pair is told by one alert rather than by another one: by one that was shown, and of the reader.
func (a tellingAlert) before(b tellingAlert) bool {
	if crowd := a.shape == ShapeRecordDay; crowd != (b.shape == ShapeRecordDay) {
		return !crowd
	}
	return a.shown && !b.shown
}

// tellers are, of the pairs that the alerts of a day tell, the alerts, but for those that are shown as another kind of misuse.
func (e *Engine) tellers(q []Alert, ids []alertID) map[pairKey]tellingAlert {
	out, apart := map[pairKey]tellingAlert{}, map[pairKey]bool{}
	for i := range q {
		one, patients := tellingAlert{ids[i], q[i].Shown || e.wasShown(ids[i]), q[i].Shape}, q[i].Patients
		if q[i].Shape == ShapeSerial {
			patients = patients[:q[i].ownRecords]
		}
		for _, r := range q[i].Readers {
			for _, p := range patients {
				key := pairKey{r, p}
				if was, have := out[key]; !have || one.before(was) {
					out[key] = one
				}
				apart[key] = apart[key] || q[i].Shown && !aimless(q[i].Scenario)
			}
		}
	}
	maps.DeleteFunc(out, func(key pairKey, _ tellingAlert) bool { return apart[key] })
	return out
}

// wasShown reports whether a version of an alert was shown.
func (e *Engine) wasShown(id alertID) bool {
	a := e.recent.alerts[id]
	return a != nil && a.version.Shown
}

// retold has what a series tells be told by it.
func (e *Engine) retold(a *Alert, id alertID, of string) {
	shown := a.Shown || e.wasShown(id)
	for i := range a.others {
		for _, x := range e.parts(a.Readers[0], &a.others[i], of) {
			x.told, x.shown = id, shown || x.shown
		}
	}
}
