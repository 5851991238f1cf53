package detectors

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// storyGap is after how many days without a look a story of one reader and one record is over: what comes later is a new one.
	storyGap = 7
	// mostDaysTold is how many of its days a story tells sentence by sentence.
	mostDaysTold = 8
)

// storyOf is the id under which an alert is sent: that of its day, or that of the story which it goes on with. of is the import that it
// is of, "" for what is live.
func (e *Engine) storyOf(a *Alert, of string) (alertID, *recentAlert) {
	if a.Shape == ShapeSerial {
		return e.seriesStory(a, of)
	}
	return e.storyUnder(e.hard.alias(e, a), a, of)
}

// openStory is the same on the open day, when no other story of the day can have grown into it.
func (e *Engine) openStory(a *Alert) (alertID, *recentAlert) {
	reader, patient := a.subject()
	return e.storyUnder(e.storyID(a.Shape, a.Day, reader, patient), a, "")
}

func (e *Engine) storyUnder(id alertID, a *Alert, of string) (alertID, *recentAlert) {
	if was := e.recent.alerts[id]; was != nil && was.of == of && !was.series() {
		return id, was
	}
	if older, was := e.goesOn(a, of); was != nil && !a.apart {
		return older, was
	}
	return id, nil
}

// toldOf is how many accesses of a day a version cites.
func (e *Engine) toldOf(v *v1.AlertVersion, d day) (n int) {
	for _, c := range v.Accesses {
		if localDay(c.OccurredUs, e.cfg.Zone) == d {
			n++
		}
	}
	return n
}

// goesOn finds the story that an alert goes on with: the same reader in the same record, shown within the last days and not taken back,
// and nothing new in how it looks. It becomes a version of that story: nobody is told the same thing every morning. What was found to be
// misuse and goes on all the same is news. of is the import that it is of, "" for what is live: each tells its own stories.
func (e *Engine) goesOn(a *Alert, of string) (id alertID, story *recentAlert) {
	if a.Shape != ShapePair {
		return id, nil
	}
	reader, patient := e.state.CanonicalStaff(a.Readers[0]), e.state.Canonical(a.Patients[0])
	for other, x := range e.recent.alerts {
		if x.version.Shape != v1.Shape_SHAPE_PAIR || x.of != of || x.open || !x.version.Shown || x.version.Day >= a.Day || a.Day-x.day > storyGap ||
			e.state.CanonicalStaff(x.reader) != reader || e.state.Canonical(x.patient) != patient || e.past.misuse(other) || !nothingNew(x.version, a) {
			continue
		}
		if story == nil || x.day > story.day || x.day == story.day && slices.Compare(other[:], id[:]) < 0 {
			id, story = other, x
		}
	}
	return id, story
}

// nothingNew reports whether an alert says nothing that a version does not say: the same kind of misuse, no other detector, no higher
// grade, and nothing more sensitive. That it happened again is what makes it the same story: by that alone it gets likelier, and the
// story's score with it.
func nothingNew(was *v1.AlertVersion, a *Alert) bool {
	if was.Scenario != a.Scenario || a.severity() > was.Severity {
		return false
	}
	return !slices.ContainsFunc(a.Fired, func(f Fired) bool {
		if f.Scale.Name == repeatedName || f.Scale.Name == serialName {
			return false
		}
		return !slices.ContainsFunc(was.Detectors, func(d *v1.FiredDetector) bool {
			return d.Detector == f.Scale.Name && int(d.Grade) >= int(f.Grade)
		})
	})
}

// severalDays reports whether a version of a story and an alert are about different days.
func (a *recentAlert) severalDays(now *Alert) bool {
	return now.Shape == ShapeSerial || a.version.Shape == v1.Shape_SHAPE_PAIR && (a.version.Day != now.Day || a.day != now.Day)
}

// tell puts what an alert says of its day into a version of the story so far. What the story said of that day before is replaced.
func (e *Engine) tell(v, story *v1.AlertVersion, today day) {
	v.Day, v.Rank = story.Day, story.Rank
	v.Shown, v.Sampled, v.Backfill = v.Shown || story.Shown, v.Sampled || story.Sampled, v.Backfill && story.Backfill
	v.Severity = max(v.Severity, story.Severity)
	if story.Score > v.Score {
		v.Score, v.Chance = story.Score, story.Chance
	}
	var accesses []*v1.CitedAccess
	for _, c := range story.Accesses {
		if localDay(c.OccurredUs, e.cfg.Zone) != today {
			accesses = append(accesses, c)
		}
	}
	accesses = append(accesses, v.Accesses...)
	slices.SortStableFunc(accesses, func(a, b *v1.CitedAccess) int { return cmp.Compare(a.Position, b.Position) })
	v.Accesses = accesses[max(len(accesses)-mostAccesses, 0):]
	for _, d := range story.Detectors {
		i := slices.IndexFunc(v.Detectors, func(x *v1.FiredDetector) bool { return x.Detector == d.Detector })
		switch {
		case i < 0:
			v.Detectors = append(v.Detectors, d)
		case v.Detectors[i].Grade < d.Grade:
			v.Detectors[i] = d
		}
	}
	for _, b := range story.Boosts {
		if !slices.Contains(v.Boosts, b) {
			v.Boosts = append(v.Boosts, b)
		}
	}
	v.Note = inOrder(story.Note, v.Note, (&teller{zone: e.cfg.Zone}).date(today))
	if v.Note != nil {
		v.Note.More = uint32(max(len(accesses)-len(v.Note.Evidence), 0))
	}
}

// citesOf are what a story cites with a day told anew, as tell has it.
func (e *Engine) citesOf(now, was *recentAlert, today day) []Cited {
	var cites []Cited
	for _, c := range was.cites {
		if localDay(c.Occurred, e.cfg.Zone) != today {
			cites = append(cites, c)
		}
	}
	cites = append(cites, now.cites...)
	slices.SortStableFunc(cites, func(a, b Cited) int { return cmp.Compare(a.Position, b.Position) })
	return cites[max(len(cites)-mostAccesses, 0):]
}

// inOrder tells each day's sentences of what happened, the first day's first; the rest is as the latest day tells it.
func inOrder(story, now *v1.AlertNote, today string) *v1.AlertNote {
	if story == nil || now == nil {
		return now
	}
	what := slices.DeleteFunc(slices.Clone(story.What), func(s string) bool { return strings.Contains(s, today) })
	what = append(what, now.What...)
	if over := len(what) - mostDaysTold; over > 0 {
		what = slices.Delete(what, 1, 1+over)
	}
	now.What = what
	return now
}

// keepDays adds to what is kept of an alert what its story keeps of other days, as far back as a late fact is waited for.
func (e *Engine) keepDays(now, story *recentAlert, today day) {
	horizon := e.through - day(e.settings.Recheck/(24*time.Hour))
	reader := e.state.CanonicalStaff(now.reader)
	for _, k := range story.kept {
		told := k.day == today
		if now.series() { // another record of the day may have been told before, and somebody else have been taken for the reader
			if e.state.CanonicalStaff(k.reader) != reader {
				continue
			}
			told = slices.ContainsFunc(now.kept, func(x keptPair) bool {
				return x.day == k.day && e.state.CanonicalStaff(x.reader) == reader && e.state.Canonical(x.patient) == e.state.Canonical(k.patient)
			})
		}
		if !told && k.day >= horizon {
			now.kept = append(now.kept, k)
		}
	}
	slices.SortStableFunc(now.kept, func(a, b keptPair) int { return cmp.Compare(a.day, b.day) })
}

// misuse reports whether an alert was found to be misuse.
func (o *outcomes) misuse(id alertID) bool {
	d := o.alerts[id]
	return d != nil && d.misuse
}
