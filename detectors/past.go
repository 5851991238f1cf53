package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Boosts that past outcomes give.
const (
	boostOffender = "repeat_offender"
	boostTargeted = "targeted_patient"
	// mostBoost bounds what past outcomes add: misuse becomes four times as likely, and no more.
	mostBoost = 2 * bit
	// outcomeDays is how long an outcome counts.
	outcomeDays = 365
	// mostNamed is how many readers and records of an alert an outcome is about: a crowd is no offender. A series is about every record that it tells,
	// up to mostEpisodes: each was opened without a reason.
	mostNamed = 4
)

// outcomes are what people decided on alerts (D22): who was found to misuse records, and whose records were misused.
type outcomes struct {
	// alerts are those that can still be decided on.
	alerts    map[alertID]*decided
	offenders map[facts.ID]outcome
	targeted  map[facts.ID]outcome
}

// decided is whom an alert is about, and how it was judged last.
type decided struct {
	readers, patients []facts.ID
	day               day
	misuse            bool
}

// outcome counts how often misuse was found, and when last.
type outcome struct {
	n    int32
	last day
}

func newOutcomes() outcomes {
	return outcomes{alerts: map[alertID]*decided{}, offenders: map[facts.ID]outcome{}, targeted: map[facts.ID]outcome{}}
}

// know remembers whom an alert is about, and returns how many older alerts had to make room.
func (o *outcomes) know(id alertID, a *Alert, limit int) (dropped uint64) {
	d := o.alerts[id]
	if d == nil {
		for len(o.alerts) >= limit {
			n := o.dropOldest()
			if n == 0 {
				return dropped + 1 // all of them were found to be misuse: nobody decides on the new one
			}
			dropped += n
		}
		d = &decided{}
		o.alerts[id] = d
	}
	if d.misuse {
		return dropped // what was decided was decided on these
	}
	d.day, d.readers, d.patients = a.Day, nil, nil
	if len(a.Readers) <= mostNamed {
		d.readers = slices.Clone(a.Readers)
	}
	if a.Shape == ShapeSerial {
		d.patients = a.recordsCited()
	} else if len(a.Patients) <= mostNamed {
		d.patients = slices.Clone(a.Patients)
	}
	return dropped
}

// recordsCited are the records whose looks a series cites, under the numbers that they had then, in the order of the looks.
func (a *Alert) recordsCited() (out []facts.ID) {
	seen := map[facts.ID]bool{0: true}
	for i := range a.Accesses {
		if p := a.Accesses[i].Patient; !seen[p] && len(out) < mostEpisodes {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// dropOldest makes room: the alerts of the day that is longest ago, but for those that were found to be misuse. They are the least
// likely to be decided on yet.
func (o *outcomes) dropOldest() (dropped uint64) {
	oldest, some := day(0), false
	for _, d := range o.alerts {
		if !d.misuse && (!some || d.day < oldest) {
			oldest, some = d.day, true
		}
	}
	for id, d := range o.alerts {
		if some && !d.misuse && d.day == oldest {
			delete(o.alerts, id)
			dropped++
		}
	}
	return dropped
}

// decide takes a decision in; the latest one holds.
func (o *outcomes) decide(d *v1.AlertDecision, today day) {
	if len(d.GetAlertId()) != len(alertID{}) {
		return
	}
	of := o.alerts[alertID(d.GetAlertId())]
	misuse := d.GetDisposition() == v1.Disposition_DISPOSITION_MISUSE
	if of == nil || of.misuse == misuse {
		return
	}
	of.misuse = misuse
	by := int32(-1)
	if misuse {
		by = 1
	}
	add := func(to map[facts.ID]outcome, ids []facts.ID) {
		for _, id := range ids {
			x := to[id]
			if x.n += by; x.n <= 0 {
				delete(to, id)
				continue
			}
			x.last = max(x.last, today)
			to[id] = x
		}
	}
	add(o.offenders, of.readers)
	add(o.targeted, of.patients)
}

// boost raises the scores of those who were found to misuse records before, and of those whose records were. They go by the numbers that
// they have now: who was found out under one of two accounts is the same person when these are known to be one, and no more when they
// are taken apart again.
func (o *outcomes) boost(all []Candidate, d day, s *facts.State) {
	if len(o.offenders)+len(o.targeted) == 0 {
		return
	}
	offenders, targeted := merged(o.offenders, s.CanonicalStaff), merged(o.targeted, s.Canonical)
	add := func(c *Candidate, from map[facts.ID]outcome, ids []facts.ID, of func(facts.ID) facts.ID, name string) {
		n := int32(0)
		for _, id := range ids {
			if x := from[of(id)]; d-x.last <= outcomeDays {
				n = max(n, x.n)
			}
		}
		if n > 0 {
			c.boost = min(c.boost+Weight(n)*bit, mostBoost)
			c.Boosts = append(c.Boosts, name)
		}
	}
	for i := range all {
		c := &all[i]
		if len(c.Readers) <= mostNamed {
			add(c, offenders, c.Readers, s.CanonicalStaff, boostOffender)
		}
		if len(c.Patients) <= mostNamed {
			add(c, targeted, c.Patients, s.Canonical, boostTargeted)
		}
	}
}

// merged puts together the outcomes of those who go by one number now.
func merged(by map[facts.ID]outcome, canonical func(facts.ID) facts.ID) map[facts.ID]outcome {
	out := make(map[facts.ID]outcome, len(by))
	for id, x := range by {
		of := canonical(id)
		sum := out[of]
		out[of] = outcome{sum.n + x.n, max(sum.last, x.last)}
	}
	return out
}

// forget drops what does not count any more.
func (o *outcomes) forget(today day) {
	for id, a := range o.alerts {
		if a.day < today-outcomeDays {
			delete(o.alerts, id)
		}
	}
	for _, m := range []map[facts.ID]outcome{o.offenders, o.targeted} {
		for id, x := range m {
			if x.last < today-outcomeDays {
				delete(m, id)
			}
		}
	}
}
