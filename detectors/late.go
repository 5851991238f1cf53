package detectors

import (
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// What comes late of a day that taught is judged together with what the day's alerts rest on, so that a story is told as a whole. What
// was counted of the day stays as it was counted, and is counted once: where a late access changes the verdict on a pair, as work on the
// record does, neither its reader nor anybody's rates are gone back on.

// markCounted marks what of a day was counted before: pairs that rejoined, pairs that have the day among those without a reason, and
// pairs that came late before; the days of readers who were seen on it or later; records of which a pair was counted.
func (e *Engine) markCounted(c *closed, rejoined map[pairKey]bool) {
	if c.at > e.latest {
		return
	}
	late := e.cameLate[c.at]
	if late == nil {
		late = map[pairKey]struct{}{}
		e.cameLate[c.at] = late
	}
	records := map[facts.ID]bool{}
	for i := range c.readers {
		d := &c.readers[i]
		d.counted = e.judge.seenOn(d.Reader, c.at)
		for k := range d.Pairs {
			p := &d.Pairs[k]
			key := pairKey{p.Reader, p.Patient}
			h := e.judge.historyOf(key)
			before := e.judge.underAny(key, func(k pairKey) bool { _, ok := late[k]; return ok })
			if before || rejoined[key] || h.has(c.at) {
				p.counted, records[p.Patient] = true, true
				continue
			}
			if p.Looks > 0 || p.Signs&SignBreakGlass != 0 {
				late[key] = struct{}{}
			}
		}
	}
	for i := range c.records {
		c.records[i].counted = records[c.records[i].Patient]
	}
}

// seenOn reports whether a reader was seen on a day or later, under one of their numbers.
func (j *judge) seenOn(reader facts.ID, d day) bool {
	return slices.ContainsFunc(numbers(j.state.SameStaff(reader), reader), func(n facts.ID) bool {
		b := j.base[n]
		return b != nil && b.last != 0 && d <= b.last
	})
}

// forgetLate drops the late pairs of days of which no alert rejoins any more, and what was held back of them.
func (e *Engine) forgetLate() {
	horizon := e.through - day(e.settings.Recheck/(24*time.Hour))
	maps.DeleteFunc(e.cameLate, func(d day, _ map[pairKey]struct{}) bool { return d < horizon })
	maps.DeleteFunc(e.heldBack, func(x heldBackDay, _ bool) bool { return x.day < horizon })
}

// uncounted are the records of a reader's day that were not counted before.
func (d *ReaderDay) uncounted() (n peerCount) {
	for k := range d.Pairs {
		p := &d.Pairs[k]
		if p.counted {
			continue
		}
		if p.Looks > 0 {
			n.looked++
			if p.Reasons == 0 && p.Blind == 0 {
				n.alone++
			}
		}
		if p.Signs&SignBreakGlass != 0 {
			n.glass++
		}
	}
	return n
}
