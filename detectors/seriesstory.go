package detectors

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// series reports whether an alert is one.
func (a *recentAlert) series() bool { return a.version.Shape == v1.Shape_SHAPE_SERIAL }

// mayBegin reports whether a series may go on with an alert: it was shown, of one reader's records, and says of nobody in particular why.
func (a *recentAlert) mayBegin() bool {
	return a.version.Shown && a.key == KeyPair && a.version.Shape != v1.Shape_SHAPE_RECORD_DAY && aimless(a.version.Scenario)
}

// seriesStory is the alert that a series goes on with: the reader's series that was shown, or an alert that was shown of a part of it; of one that is
// not shown, the reader's that was not either; else a new one.
func (e *Engine) seriesStory(a *Alert, of string) (id alertID, story *recentAlert) {
	reader := e.state.CanonicalStaff(a.Readers[0])
	if id, story = e.latestSeries(reader, a.Day, of, true); story != nil {
		return id, story
	}
	for i := range a.others {
		id := a.others[i].told
		if x := e.recent.alerts[id]; x != nil && x.of == of && x.mayBegin() && e.undecided(id, x) && e.state.CanonicalStaff(x.reader) == reader {
			return id, x
		}
	}
	if !a.Shown {
		if id, story = e.latestSeries(reader, a.Day, of, false); story != nil {
			return id, story
		}
	}
	id = e.storyID(ShapeSerial, a.Day, a.Readers[0], 0)
	if x := e.recent.alerts[id]; x != nil && x.series() && x.of == of && e.undecided(id, x) {
		return id, x // it was not shown, and its day is judged again
	}
	return id, nil
}

// latestSeries is a reader's latest series, of those that were shown or of those that were not, that a day may belong to.
func (e *Engine) latestSeries(reader facts.ID, d day, of string, shown bool) (id alertID, story *recentAlert) {
	for other, x := range e.recent.alerts {
		if !x.series() || x.version.Shown != shown || x.of != of || !e.undecided(other, x) || x.day < d-e.seriesDays() ||
			e.state.CanonicalStaff(x.reader) != reader {
			continue
		}
		if story == nil || x.day > story.day || x.day == story.day && slices.Compare(other[:], id[:]) < 0 {
			id, story = other, x
		}
	}
	return id, story
}

// undecided reports whether nobody decided on an alert, and it was not taken back: a series goes on with it.
func (e *Engine) undecided(id alertID, a *recentAlert) bool {
	return !a.open && !a.decided && a.version.State != v1.AlertState_ALERT_STATE_RETRACTED && !e.past.misuse(id)
}

// decided marks the episodes that an alert tells on which somebody decided: the next series tells what came after it. When it is opened again, they
// go on.
func (e *Engine) decided(d *v1.AlertDecision) {
	if len(d.GetAlertId()) != len(alertID{}) {
		return
	}
	id, final := alertID(d.GetAlertId()), false
	switch d.GetDisposition() {
	case v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE:
		final = true
	}
	a := e.recent.alerts[id]
	if a != nil {
		a.decided = final
	}
	for reader, mine := range e.series.of {
		// What somebody else did who was taken for the reader was not decided on.
		theirs := a != nil && a.series() && e.state.CanonicalStaff(reader) != e.state.CanonicalStaff(a.reader)
		for k := range mine {
			x := &mine[k]
			if x.told == id && !theirs {
				x.toldDecided = final
			}
			if x.own != id {
				continue
			}
			if x.ownDecided = final; x.told != id && final {
				e.leaves(x.told, x.patient, x.day)
			} else if x.told != id {
				e.returns(x.told, x.patient, x.day)
			}
		}
	}
}

// recordOn is a record on a day, under the number that it had when it was looked at.
type recordOn struct {
	day     day
	patient facts.ID
}

// leaves has the next version of a series not cite a record of a day any more.
func (e *Engine) leaves(id alertID, patient facts.ID, d day) {
	a := e.recent.alerts[id]
	if a == nil || !a.series() {
		return
	}
	if a.gone == nil {
		a.gone = map[recordOn]struct{}{}
	}
	a.gone[recordOn{d, patient}] = struct{}{}
}

// returns has the next version of a series cite a record of a day again that had left it.
func (e *Engine) returns(id alertID, patient facts.ID, d day) {
	if a := e.recent.alerts[id]; a != nil {
		maps.DeleteFunc(a.gone, func(r recordOn, _ struct{}) bool {
			return r.day == d && e.state.Canonical(r.patient) == e.state.Canonical(patient)
		})
	}
}

// hasLeft reports whether a record of a day left a series, under whichever number it goes by now.
func (e *Engine) hasLeft(a *recentAlert, patient facts.ID, d day) bool {
	patient = e.state.Canonical(patient)
	for r := range a.gone {
		if r.day == d && e.state.Canonical(r.patient) == patient {
			return true
		}
	}
	return false
}

// accountedFor takes out of their series the pairs of a day that was judged again for which there is a reason now.
func (e *Engine) accountedFor(c *closed) {
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			if p := &c.readers[i].Pairs[k]; p.Reasons != 0 {
				e.accounted(p.Reader, p.Patient, c.at)
			}
		}
	}
}

// againTold takes back that records of a day left a series which tells them again.
func (e *Engine) againTold(now *recentAlert, a *Alert) {
	maps.DeleteFunc(now.gone, func(r recordOn, _ struct{}) bool {
		return r.day == a.Day && slices.ContainsFunc(a.Patients[:a.ownRecords], func(p facts.ID) bool {
			return e.state.Canonical(p) == e.state.Canonical(r.patient)
		})
	})
}

// decidedOn reports whether somebody decided on an alert that rests on a part of a story: that part is told in no other series.
func (e *Engine) decidedOn(c *Candidate) bool {
	patients, readers := map[facts.ID]bool{}, map[facts.ID]bool{}
	for _, p := range c.Patients {
		patients[e.state.Canonical(p)] = true
	}
	for _, r := range c.Readers {
		readers[e.state.CanonicalStaff(r)] = true
	}
	for _, x := range e.recent.alerts {
		if x.decided && slices.ContainsFunc(x.kept, func(k keptPair) bool {
			return k.day == c.Day && patients[e.state.Canonical(k.patient)] && readers[e.state.CanonicalStaff(k.reader)]
		}) {
			return true
		}
	}
	return false
}

// left reports whether a series still cites what nothing accounts for.
func (e *Engine) left(a *recentAlert) bool {
	return slices.ContainsFunc(a.cites, func(c Cited) bool { return !e.hasLeft(a, c.Patient, localDay(c.Occurred, e.cfg.Zone)) })
}

// keepOthers adds to what is kept of a series what the alerts of its other records keep of them, so that it is judged again when they are.
func (e *Engine) keepOthers(now *recentAlert, a *Alert) {
	if len(now.kept) == 0 {
		return // of an import, nothing is judged again
	}
	for i := range a.others {
		for n, x := range e.parts(a.Readers[0], &a.others[i], now.of) {
			same := func(k keptPair) bool { return k.day == x.day && k.patient == x.patient && k.reader == n }
			if slices.ContainsFunc(now.kept, same) {
				continue
			}
			for _, id := range [...]alertID{x.own, x.told} {
				if was := e.recent.alerts[id]; was == nil {
					continue
				} else if k := slices.IndexFunc(was.kept, same); k >= 0 {
					now.kept = append(now.kept, was.kept[k])
					break
				}
			}
		}
	}
	slices.SortStableFunc(now.kept, func(a, b keptPair) int { return cmp.Compare(a.day, b.day) })
}

// extend puts what a version said before into the next version of a series, which tells all that is held of it. What is held no more stays
// cited; what left does not, nor what another reader did for whom this one was taken.
func (e *Engine) extend(v *v1.AlertVersion, now, was *recentAlert) {
	story := was.version
	v.Day, v.Rank = story.Day, story.Rank
	v.Shown, v.Sampled, v.Backfill = v.Shown || story.Shown, v.Sampled || story.Sampled, v.Backfill && story.Backfill
	v.Severity = max(v.Severity, story.Severity)
	if story.Score > v.Score {
		v.Score, v.Chance = story.Score, story.Chance
	}
	now.cites = e.stillCited(now, was)
	if v.Note != nil {
		v.Note.More = uint32(max(len(now.cites)-len(v.Note.Evidence), 0))
	}
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

// stillCited are what a series cites now, and what it cited before and is not told anew: what the reader did, by what is known now of who had
// which account, in records that did not leave it. Each access is cited once.
func (e *Engine) stillCited(now, was *recentAlert) []Cited {
	cites, cited := slices.Clone(now.cites), map[accessKey]bool{}
	for i := range cites {
		cited[cites[i].key()] = true
	}
	reader := e.state.CanonicalStaff(now.reader)
	for _, c := range was.cites {
		if len(cites) < mostAccesses && !cited[c.key()] && e.state.CanonicalStaff(c.Reader) == reader &&
			!e.hasLeft(was, c.Patient, localDay(c.Occurred, e.cfg.Zone)) {
			cites = append(cites, c)
		}
	}
	slices.SortStableFunc(cites, func(a, b Cited) int { return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Nth, b.Nth)) })
	return cites
}

// cite has a version of a series, which names patients, cite accesses, each as one of the record that it is a part of now; who is not named is
// added.
func (e *Engine) cite(v *v1.AlertVersion, patients []facts.ID, cites []Cited) {
	named := map[facts.ID]uint32{0: 0}
	for i, p := range patients {
		named[e.state.Canonical(p)] = uint32(i + 1)
	}
	v.Accesses = v.Accesses[:0]
	for i := range cites {
		c := &cites[i]
		record := e.state.Canonical(c.Patient)
		if _, have := named[record]; !have {
			v.Patients = append(v.Patients, &v1.AlertPatient{Identifier: e.state.Identifier(record), Display: e.state.DisplayPatient(record)})
			named[record] = uint32(len(v.Patients))
		}
		v.Accesses = append(v.Accesses, &v1.CitedAccess{Position: uint64(c.Position), OccurredUs: c.Occurred, Reader: 1, Patient: named[record]})
	}
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
		days[x.day], records[x.patient] = true, true
		first, last = min(first, x.day), max(last, x.day)
	}
	n.Title = fmt.Sprintf("%s in %s on %s", n.who, count(len(records), "record"), count(len(days), "day"))
	what := []string{fmt.Sprintf("From %s to %s, %s opened %s without a known reason, on %s.",
		t.dateOf(first), t.dateOf(last), n.who, count(len(records), "record"), count(len(days), "day"))}
	what = append(what, n.What...)
	told := others[max(len(others)-mostTold, 0):]
	for i := range told {
		what = append(what, t.episode(&told[len(told)-1-i]))
	}
	for i := range told {
		delete(records, told[i].patient)
	}
	for _, p := range c.Patients {
		delete(records, t.judge.state.Canonical(p))
	}
	if more := len(records); more > 0 {
		what = append(what, fmt.Sprintf("And %s more.", count(more, "record")))
	}
	n.What = what
	n.Tried = append(slices.Clone(n.Tried), "For the records of the other days the same reasons were tried, and none was found.")
	n.Evidence = t.evidenceOf(c, others)
	return &n
}

// episode tells a record of another day.
func (t *teller) episode(x *episode) string {
	if x.looks == 0 {
		return fmt.Sprintf("On %s, the glass of the record of %s was broken.", t.dateOf(x.day), t.record(x.patient))
	}
	return fmt.Sprintf("On %s, the record of %s was opened %s.", t.dateOf(x.day), t.record(x.patient), times(int(x.looks)))
}

// evidenceOf tells one access of each record of a series, the latest ones, with their days.
func (t *teller) evidenceOf(c *Candidate, others []episode) (e Evidence) {
	var firsts []Cited
	seen, all := map[facts.ID]bool{}, 0
	for _, a := range c.Accesses {
		if a.Signs&SignAgain != 0 {
			continue
		}
		all++
		if !seen[a.Patient] {
			seen[a.Patient] = true
			firsts = append(firsts, a)
		}
	}
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
