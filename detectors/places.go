package detectors

import "slices"

// The budget of a queue of sites is a ceiling on all that is shown of a day in it: what is new, and what was shown before and goes on. Places are given in that
// turn: to what has one already, at an earlier closing or on the open day; to what goes on; to what is new. Within each, the likelier goes first.

// claim is what a story of a queue has on a place.
type claim uint8

const (
	claimNew  claim = iota // nothing like it was shown
	claimOn                // it goes on with what was shown on other days
	claimHeld              // it has a place of this day
)

// takePlace has an alert that is shown take a place in the budget of a day; those of days before one are forgotten.
func (a *recentAlert) takePlace(d, before day) {
	a.places = slices.DeleteFunc(slices.Clone(a.places), func(d day) bool { return d < before })
	if a.version.Shown && !a.hasPlace(d) {
		a.places = append(a.places, d)
		slices.Sort(a.places)
	}
}

// hasPlace reports whether an alert has a place in the budget of a day.
func (a *recentAlert) hasPlace(d day) bool { return a.version.Shown && slices.Contains(a.places, d) }

// keepShown gives the places of a day, queue by queue. What comes late of a day has no budget of its own. What goes on and finds no place is no version of
// what was shown, but stands by itself, and is not shown.
func (e *Engine) keepShown(d day, q []Alert) {
	held := map[alertID]*recentAlert{}
	for id, a := range e.recent.alerts {
		if a.of == "" && a.hasPlace(d) {
			held[id] = a
		}
	}
	claims, some := make([]claim, len(q)), len(held) > 0
	shown := map[string]int{}
	for i := range q {
		if claims[i] = e.claim(&q[i], held); claims[i] != claimNew {
			some, q[i].Shown = true, true
		}
		if q[i].Shown {
			shown[q[i].Queue]++
		}
	}
	if !some {
		return
	}
	for _, a := range held { // those that are no story any more are taken back, when they are of the open day
		if !a.open {
			shown[a.version.Queue]++
		}
	}
	for _, gives := range [...]claim{claimNew, claimOn} {
		for i := len(q) - 1; i >= 0; i-- {
			a := &q[i]
			if shown[a.Queue] <= e.queues.budget[a.Queue] || !a.Shown || claims[i] != gives || a.exceeds() {
				continue
			}
			a.Shown = false
			shown[a.Queue]--
			if gives != claimOn {
				continue
			}
			if a.standApart(); e.claim(a, held) == claimHeld { // its own alert has a place, which is counted
				a.Shown, claims[i] = true, claimHeld
			}
		}
	}
}

// claim is what a story has on a place of its day. held are the alerts that have one; what a story has is taken out of them.
func (e *Engine) claim(a *Alert, held map[alertID]*recentAlert) claim {
	id, was := e.storyOf(a, "")
	switch {
	case held[id] != nil:
		delete(held, id)
		return claimHeld
	case was != nil && was.version.Shown:
		return claimOn
	}
	return claimNew
}

// standApart has a story not go on with what was shown: a series is what it was before it was told as one.
func (a *Alert) standApart() {
	if a.plain != nil {
		score := a.Score
		a.Candidate = *a.plain
		a.Score = score
	}
	a.apart = true
}
