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
	// mostNamed is how many readers and records of an alert an outcome is about: a crowd is no offender.
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

// know remembers whom an alert is about.
func (o *outcomes) know(id alertID, a *Alert, limit int) {
	d := o.alerts[id]
	if d == nil {
		if len(o.alerts) >= limit {
			return
		}
		d = &decided{}
		o.alerts[id] = d
	}
	if d.misuse {
		return // what was decided was decided on these
	}
	d.day, d.readers, d.patients = a.Day, nil, nil
	if len(a.Readers) <= mostNamed {
		d.readers = slices.Clone(a.Readers)
	}
	if len(a.Patients) <= mostNamed {
		d.patients = slices.Clone(a.Patients)
	}
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

// boost raises the scores of those who were found to misuse records before, and of those whose records were.
func (o *outcomes) boost(all []Candidate, d day) {
	if len(o.offenders)+len(o.targeted) == 0 {
		return
	}
	add := func(c *Candidate, from map[facts.ID]outcome, ids []facts.ID, name string) {
		n := int32(0)
		for _, id := range ids {
			if x := from[id]; d-x.last <= outcomeDays {
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
			add(c, o.offenders, c.Readers, boostOffender)
		}
		if len(c.Patients) <= mostNamed {
			add(c, o.targeted, c.Patients, boostTargeted)
		}
	}
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
