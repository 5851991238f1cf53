package detectors

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

type alertID proto.EventID

// recents are the alerts that may still change: those of open days, and those of days closed lately, whose accesses a late fact may
// explain.
type recents struct {
	alerts map[alertID]*recentAlert
	// kept counts the accesses that are held.
	kept int
	// patients and staff are whom something was said of since alerts were held against it.
	patients, staff map[facts.ID]struct{}
}

// recentAlert is an alert that may still change.
type recentAlert struct {
	// day is the latest that it is about; a story of one reader in one record may have begun before.
	day             day
	reader, patient facts.ID
	// key says which model weighed it.
	key  Key
	kept []keptPair
	// open: it was raised on the open day by a hard sign, and the day is not closed yet.
	open bool
	// of is the import that it is of, "" for what is live. An import's are held while it is judged, and only as stories.
	of string
	// decided: somebody decided on it, and did not open it again. gone are records on days that a series does not cite any more.
	decided bool
	gone    map[recordOn]struct{}
	// shown: it was shown before it was taken back.
	shown bool
	// cites are the accesses that the version cites, under the numbers that reader and record had when they were looked at; of alerts with which
	// a series may go on.
	cites []Cited
	// places are the days in whose budget it has a place, as far back as a series goes.
	places []day
	// version is the latest that was sent.
	version *v1.AlertVersion
}

func newRecents() recents {
	return recents{alerts: map[alertID]*recentAlert{}, patients: map[facts.ID]struct{}{}, staff: map[facts.ID]struct{}{}}
}

// changed remembers of whom something was said.
func (e *Engine) changed(patients, staff []facts.ID) {
	e.recent.changed(patients, staff)
	e.revise.changed(patients, staff)
}

// changed remembers of whom something was said. While there is no alert, nobody asks.
func (r *recents) changed(patients, staff []facts.ID) {
	if len(r.alerts) == 0 {
		return
	}
	for _, id := range patients {
		r.patients[id] = struct{}{}
	}
	for _, id := range staff {
		r.staff[id] = struct{}{}
	}
}

// canonical brings the numbers to those that their entities go by now.
func canonical(ids map[facts.ID]struct{}, of func(facts.ID) facts.ID) map[facts.ID]struct{} {
	out := make(map[facts.ID]struct{}, len(ids))
	for id := range ids {
		out[of(id)] = struct{}{}
	}
	return out
}

// ids are those of all recent alerts, in their order.
func (r *recents) ids() []alertID {
	return slices.SortedFunc(maps.Keys(r.alerts), func(a, b alertID) int { return slices.Compare(a[:], b[:]) })
}

// queue ranks the candidates of a day, those of each queue of sites on their own, and sends their versions.
func (e *Engine) queue(d day, all []Candidate, priors [3]Weight, of *importing) error {
	e.past.boost(all, d, e.state)
	as := sentAs{backfill: of}
	q := e.settings.Queue.rank(all, priors, func(stories []Candidate) { e.gather(d, stories, as.of()) }, e.place(as.of()))
	if of == nil {
		e.keepShown(d, q)
	} else {
		e.dropImported(d)
	}
	if e.cfg.Observer.Queue != nil {
		if err := e.cfg.Observer.Queue(d, q); err != nil {
			return err
		}
	}
	ids := make([]alertID, len(q))
	for i := range q {
		if ids[i] = e.raise(&q[i], as); q[i].Shape == ShapeSerial {
			e.retold(&q[i], ids[i], as.of())
		}
	}
	e.keepEpisodes(all, e.tellers(q, ids), as.of())
	return nil
}

// sentAs says how an alert is sent.
type sentAs struct {
	// backfill is the import that it is of, nil for what is live.
	backfill            *importing
	hard, sampled, open bool
}

// of is the import's id, "" for what is live.
func (as sentAs) of() string {
	if as.backfill == nil {
		return ""
	}
	return as.backfill.id
}

// raise sends the next version of an alert: the first one, or one in which more is known. It returns the alert's id; the zero one where
// nobody wants it.
func (e *Engine) raise(a *Alert, as sentAs) (id alertID) {
	reader, patient := a.subject()
	var was *recentAlert
	if as.open {
		id, was = e.openStory(a)
	} else {
		e.stats.alerts(a.Shown)
		id, was = e.storyOf(a, as.of())
	}
	switch {
	case was != nil:
	case as.backfill != nil && e.out.out == nil:
		return alertID{}
	case as.backfill != nil:
		id = e.storyApart(a.Shape, a.Day, reader, patient, "import "+as.backfill.id)
	case e.toldBefore(id, a.Day):
		id = e.storyApart(a.Shape, a.Day, reader, patient, "cause "+e.out.cause.String())
	}
	v := e.version(a)
	v.AlertId, v.Version, v.State = bytesOf(id), 1, v1.AlertState_ALERT_STATE_RAISED
	v.Backfill, v.Hard, v.Sampled = as.backfill != nil, as.hard, as.sampled
	now := &recentAlert{day: a.Day, reader: reader, patient: patient, key: a.key, kept: a.kept, open: as.open, of: as.of(), version: v}
	now.cites = slices.Clone(a.Accesses[:min(len(a.Accesses), mostAccesses)])
	goesOn := was != nil && was.severalDays(a)
	if was != nil {
		v.Version, v.State = was.version.Version+1, v1.AlertState_ALERT_STATE_UPDATED
		v.Hard = v.Hard || was.version.Hard
		switch {
		case goesOn && a.Shape == ShapeSerial:
			e.extend(v, now, was)
		case goesOn:
			e.tell(v, was.version, a.Day)
			now.cites = e.citesOf(now, was, a.Day)
		}
		if goesOn {
			e.keepDays(now, was, a.Day)
			now.day, now.open = max(was.day, a.Day), false
		}
		now.decided, now.gone, now.places = was.decided, was.gone, was.places
		e.recent.release(was)
	}
	now.takePlace(a.Day, e.through-e.seriesDays())
	switch {
	case now.series():
		e.cite(v, a.Patients, now.cites)
	case !now.mayBegin():
		now.cites = nil
	}
	e.keepOthers(now, a)
	e.againTold(now, a)
	e.stats.EvictedKnown += e.past.know(id, a, e.cfg.Limits.Known)
	e.out.alert(v)
	if len(now.kept) > 0 || as.open || goesOn || a.Shape == ShapeSerial && v.Shown || v.Shown && (now.of != "" && a.Shape == ShapePair || now.mayBegin()) {
		e.recent.hold(id, now, e.cfg.Limits.Kept, &e.stats)
	} else {
		delete(e.recent.alerts, id)
	}
	return id
}

// toldBefore reports whether an alert of this id may have been told, though it is held no more.
func (e *Engine) toldBefore(id alertID, d day) bool {
	return e.past.alerts[id] != nil || d < e.through-day(e.settings.Recheck/(24*time.Hour))
}

func bytesOf(id alertID) []byte { return append([]byte(nil), id[:]...) }

// hold remembers an alert. Beyond the limit, the accesses of the oldest days go first: a late fact cannot take those back any more.
func (r *recents) hold(id alertID, a *recentAlert, limit int, stats *Stats) {
	for _, p := range a.kept {
		r.kept += len(p.accesses)
	}
	r.alerts[id] = a
	for r.kept > limit {
		oldest := a.day
		for _, x := range r.alerts {
			if !x.open && len(x.kept) > 0 {
				oldest = min(oldest, x.day)
			}
		}
		freed := false
		for id, x := range r.alerts {
			if x.day == oldest && !x.open {
				r.release(x)
				stats.EvictedAlerts++
				delete(r.alerts, id)
				freed = true
			}
		}
		if !freed {
			return
		}
	}
}

// dropImported drops what is held of an import, of stories that are over on a day.
func (e *Engine) dropImported(d day) {
	e.stats.EvictedEpisodes += e.imported.forget(d-e.seriesDays(), e.cfg.Limits.Episodes)
	for id, a := range e.recent.alerts {
		if a.of != "" && (a.day < d-storyGap && !a.series() && !a.mayBegin() || a.day < d-e.seriesDays()) {
			e.recent.release(a)
			delete(e.recent.alerts, id)
		}
	}
}

// endImported drops all that is held of imports: what is judged is told.
func (e *Engine) endImported() {
	e.imported = newEpisodes()
	for id, a := range e.recent.alerts {
		if a.of != "" {
			e.recent.release(a)
			delete(e.recent.alerts, id)
		}
	}
}

func (r *recents) release(a *recentAlert) {
	for _, p := range a.kept {
		r.kept -= len(p.accesses)
	}
	a.kept = nil
}

// rejoin adds to accesses that came late of a closed day those that its alerts rest on, so that a story is told as a whole; but for what a series
// told on which somebody decided, which is over. It returns the pairs whose they are, by the numbers that they have now, and whether there was
// anything to count of each.
func (e *Engine) rejoin(d day, late []Access) ([]Access, map[pairKey]bool) {
	readers, records := map[facts.ID]bool{}, map[facts.ID]bool{}
	for i := range late {
		readers[e.state.CanonicalStaff(late[i].Reader)], records[e.state.Canonical(late[i].Patient)] = true, true
	}
	over := map[pairKey]bool{}
	for _, a := range e.recent.alerts {
		for i := range a.kept {
			if p := &a.kept[i]; a.decided && a.series() && p.day == d {
				over[pairKey{e.state.CanonicalStaff(p.reader), e.state.Canonical(p.patient)}] = true
			}
		}
	}
	rejoined, held := map[pairKey]bool{}, map[accessKey]bool{}
	out := late
	for _, id := range e.recent.ids() {
		a := e.recent.alerts[id]
		if a.open {
			continue
		}
		for _, p := range a.kept {
			key := pairKey{e.state.CanonicalStaff(p.reader), e.state.Canonical(p.patient)}
			if p.day != d || !readers[key.reader] && !records[key.patient] {
				continue
			}
			rejoined[key] = rejoined[key] || slices.ContainsFunc(p.accesses, func(a Access) bool { return a.Any(SignLook | SignBreakGlass) })
			if over[key] {
				continue
			}
			for i := range p.accesses { // several alerts may rest on it
				if a := &p.accesses[i]; !held[a.key()] {
					held[a.key()] = true
					out = append(out, *a)
				}
			}
		}
	}
	return out, rejoined
}

// forget drops what is too old to matter, and what goes beyond the limits.
func (e *Engine) forget() {
	horizon := e.through - day(e.settings.Recheck/(24*time.Hour))
	for id, a := range e.recent.alerts {
		switch {
		case a.day >= horizon, a.open:
		case (a.series() && a.version.Shown || a.mayBegin()) && a.day >= e.through-e.seriesDays():
			e.recent.release(a) // it may go on, when it was decided on after it is opened again
		default:
			e.recent.release(a)
			delete(e.recent.alerts, id)
		}
	}
	around := day(e.judge.numbers[noteDays]) + 1
	for d := range e.wroteThen {
		if d < min(e.through-around, horizon-around) {
			delete(e.wroteThen, d)
		}
	}
	e.forgetLate()
	e.stats.EvictedReaders += uint64(e.judge.forgetReaders(e.cfg.Limits.Readers))
	e.stats.EvictedHistories += uint64(e.judge.forgetHistories(e.through, e.cfg.Limits.Histories))
	e.stats.EvictedAddresses += uint64(e.judge.forgetAddresses(e.cfg.Limits.Addresses))
	e.past.forget(e.today())
	e.stats.EvictedEpisodes += e.series.forget(e.through-e.seriesDays(), e.cfg.Limits.Episodes)
}

// recheck holds recent alerts against what became known since. Verdicts that changed are sent again; an alert that nothing is left
// of is taken back, with the reason, and told again when that reason is withdrawn.
func (e *Engine) recheck() {
	if len(e.recent.alerts) == 0 || e.learning || len(e.recent.patients)+len(e.recent.staff) == 0 {
		return
	}
	e.recent.patients = canonical(e.recent.patients, e.state.Canonical)
	e.recent.staff = canonical(e.recent.staff, e.state.CanonicalStaff)
	defer func() {
		clear(e.recent.patients)
		clear(e.recent.staff)
	}()
	e.judge.coverage = e.coverage()
	e.judge.forgetWholes()
	horizon := e.through - day(e.settings.Recheck/(24*time.Hour))
	type changed struct {
		day  day
		rows []row
	}
	var all []changed
	for _, id := range e.recent.ids() {
		a := e.recent.alerts[id]
		if a.open || a.day < horizon || !e.concerned(a) {
			continue
		}
		now := e.again(id, a, func(d day, rows []row) { all = append(all, changed{d, rows}) })
		switch back := a.version.State == v1.AlertState_ALERT_STATE_RETRACTED; {
		case back && now.left && len(now.withdrawn) > 0:
			e.tellAgain(a, now.withdrawn)
		case !back && !now.left && now.turned && (!a.series() || !e.left(a)):
			e.retract(a, becauseOf(now.reasons))
		}
	}
	slices.SortStableFunc(all, func(a, b changed) int { return cmp.Compare(a.day, b.day) })
	for i := 0; i < len(all); {
		var rows []row
		d := all[i].day
		for ; i < len(all) && all[i].day == d; i++ {
			rows = append(rows, all[i].rows...)
		}
		slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.patient, b.patient)) })
		rows = slices.Compact(rows) // a pair can stand in two stories
		e.stats.Reversed += uint64(len(rows))
		e.sendRows(standing{day: d, closed: true}, rows)
	}
}

// concerned reports whether something was said of somebody whom the alert is about.
func (e *Engine) concerned(a *recentAlert) bool {
	return slices.ContainsFunc(a.kept, func(p keptPair) bool {
		_, patient := e.recent.patients[e.state.Canonical(p.patient)]
		_, reader := e.recent.staff[e.state.CanonicalStaff(p.reader)]
		return patient || reader
	})
}

// judgedAgain is what came of judging an alert anew.
type judgedAgain struct {
	// left: something in it is not accounted for. turned: a verdict changed.
	left, turned bool
	// reasons account for it, withdrawn did so before.
	reasons, withdrawn map[Reason]bool
}

// again judges the pairs of an alert anew, and tells the verdicts that changed, by day.
func (e *Engine) again(id alertID, a *recentAlert, turned func(day, []row)) judgedAgain {
	now := judgedAgain{reasons: map[Reason]bool{}, withdrawn: map[Reason]bool{}}
	// Of a story that began too long ago to be judged again, something is left.
	now.left = !a.series() && len(a.kept) > 0 && a.version.Day < a.kept[0].day
	for i := range a.kept {
		k := &a.kept[i]
		c := e.judge.explained(k.day, slices.Clone(k.accesses))
		c.extent = keptOfIt
		e.judge.graded(c)
		if len(c.readers) == 0 || len(c.readers[0].Pairs) == 0 {
			now.left = true
			continue
		}
		d := &c.readers[0]
		p := &d.Pairs[0]
		v, r := p.verdict()
		if v != k.verdict || v == Explained && r != k.reason {
			switch {
			case v == Explained && k.verdict != Explained:
				now.reasons[r] = true
				e.accounted(k.reader, k.patient, k.day)
				if a.series() {
					e.leaves(id, k.patient, k.day)
				}
			case k.verdict == Explained && v != Explained:
				now.withdrawn[k.reason] = true
				e.unaccounted(k.reader, k.patient, k.day)
			}
			if v != k.verdict {
				now.turned = true
				turned(k.day, p.appendRows(nil, p.Accesses))
			}
			k.verdict, k.reason = v, r
		}
		switch {
		case v != Explained && a.series() && e.hasLeft(a, k.patient, k.day): // somebody decided on its own alert
		case v != Explained, e.judge.hardSign(d, p), e.stillSpeaks(a, p):
			now.left = true
		default:
			now.reasons[r] = true
		}
	}
	return now
}

// hardSign reports whether something speaks that an explanation does not silence.
func (j *judge) hardSign(d *ReaderDay, p *Pair) bool {
	for i := range j.pairs.scales {
		// A watched record that is opened in the course of care is not misuse.
		if s := &j.pairs.scales[i]; s.Hard && s.Name != watchedName && p.grades[i] != Quiet && p.grades[i] != Blind {
			return true
		}
	}
	for i := range j.readers.scales {
		if s := &j.readers.scales[i]; s.Hard && s.hardAt(d.grades[i]) {
			return true
		}
	}
	return false
}
