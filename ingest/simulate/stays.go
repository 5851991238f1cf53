package simulate

import (
	"cmp"
	"slices"
)

// What happens at the doors. All of it is assumed: nobody publishes how often a door is held open.
const (
	// tailgating is how often, in per mille, somebody comes in behind a colleague, so that the stay is missing altogether.
	tailgating = 50
	// sideDoor is how many of a thousand people come in by a door without a reader, sideDoorDays how often they do.
	sideDoor, sideDoorDays = 40, 800
	// forgotten is how often, in per mille, nobody badges out, so that the stay has no end.
	forgotten = 20
	// longVisit is how long somebody must be there to go out in between: for lunch, in per mille, and on an errand.
	longVisit     = 5 * hour
	lunch, errand = 250, 100
	// oneVisit is how long after the last sign of somebody they are still there when another one follows.
	oneVisit = 90 * minute
	// lentOut is how often, in per mille, the owner of an account that two people use is out of the house meanwhile.
	lentOut = 450
)

// visit is a stretch in which somebody is in the house: on duty, or at work in it.
type visit struct{ from, to int64 }

// presence is when one of the staff was in the house: visits, stretches of misuse of their account by others, and the times at which
// they worked.
type presence struct {
	visits, lent []visit
	at           []int64
}

// stays are the door badges: who came in when, and left. What people do follows from their shifts and from what they do in the house, so
// the days are planned once more; the chances at the door are of their own.
func (h *Hospital) stays() [][]string {
	there := h.whoIsThere()
	rows := [][]string{{"EMPLOYEE_ID", "BADGE_IN", "BADGE_OUT", "SITE"}}
	for i := range there {
		for _, v := range joined(there[i].visits) {
			rows = h.atTheDoor(rows, int32(i), &there[i], v)
		}
	}
	return rows
}

// whoIsThere collects when each of the staff was in the house. Accounts of those who had left are used by others, and so is one that is lent.
func (h *Hospital) whoIsThere() []presence {
	there := make([]presence, len(h.staff))
	for day := range h.cfg.Days {
		p := h.plan(day, 0)
		for _, s := range p.duty.all {
			if s.start >= p.from && !s.onCall && !h.homeOffice(s.staff) {
				there[s.staff].visits = append(there[s.staff].visits, visit{from: s.start, to: s.end})
			}
		}
		for k := range p.accesses {
			a := &p.accesses[k]
			if a.staff < 0 || a.remote || a.app || !h.employed(&h.staff[a.staff], day) {
				continue
			}
			t := &there[a.staff]
			if a.incident > 0 && p.incidents[a.incident-1].scenario == ScenarioSharedAccount {
				t.lent = extended(t.lent, a.at)
				continue
			}
			t.at = append(t.at, a.at)
			t.visits = extended(t.visits, a.at)
		}
	}
	return there
}

// extended adds a moment to visits: to the last one, when that is not long ago.
func extended(all []visit, at int64) []visit {
	if n := len(all); n > 0 && at >= all[n-1].from && at <= all[n-1].to+oneVisit {
		all[n-1].to = max(all[n-1].to, at)
		return all
	}
	return append(all, visit{from: at, to: at})
}

// joined makes one of visits that are close together.
func joined(all []visit) []visit {
	slices.SortFunc(all, func(a, b visit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	out := all[:0]
	for _, v := range all {
		if n := len(out); n > 0 && v.from <= out[n-1].to+oneVisit {
			out[n-1].to = max(out[n-1].to, v.to)
			continue
		}
		out = append(out, v)
	}
	return out
}

// atTheDoor appends what the doors tell of one visit.
func (h *Hospital) atTheDoor(rows [][]string, i int32, t *presence, v visit) [][]string {
	habit := h.roll(forBadges, uint64(i), 0)
	d := h.roll(forBadges, uint64(i), uint64(v.from))
	in, out := v.from-d.minutes(2, 15), v.to+d.minutes(2, 20)
	missing := tailgating
	if habit.chance(sideDoor) {
		missing = sideDoorDays
	}
	tell := func(from, to int64) {
		if d.chance(missing) || to <= from {
			return
		}
		end := h.rfc3339(to)
		if d.chance(forgotten) {
			end = ""
		}
		rows = append(rows, []string{h.staffNumber(i), h.rfc3339(from), end, hospitalName})
	}
	for _, a := range h.absences(&d, t, v) {
		tell(in, a.from)
		in = a.to
	}
	tell(in, out)
	return rows
}

// absences are when somebody is out of the house during a visit, in order: while their account is lent, for lunch, on an errand. The last
// one lasts until the end when they went home early and left the account to somebody.
func (h *Hospital) absences(d *dice, t *presence, v visit) []visit {
	var out []visit
	for _, l := range t.lent {
		if l.from < v.from || l.to > v.to || !d.chance(lentOut) {
			continue
		}
		away := visit{from: max(v.from, l.from-d.minutes(20, 70)), to: min(v.to, l.to+d.minutes(5, 40))}
		if d.chance(500) {
			away.to = v.to + hour
		}
		out = append(out, away)
	}
	if v.to-v.from < longVisit {
		return out
	}
	for _, o := range [...]struct{ chance, least, most int }{{lunch, 20, 45}, {errand, 10, 20}} {
		if !d.chance(o.chance) {
			continue
		}
		for range 4 { // somebody who finds no time for it stays
			from := v.from + hour + int64(d.n(int(v.to-v.from-2*hour)))
			a := visit{from: from, to: from + d.minutes(o.least, o.most)}
			if t.worked(a) || slices.ContainsFunc(out, func(b visit) bool { return a.from <= b.to && b.from <= a.to }) {
				continue
			}
			out = append(out, a)
			break
		}
	}
	slices.SortFunc(out, func(a, b visit) int { return cmp.Compare(a.from, b.from) })
	return out
}

// worked reports whether somebody was at work in the house in a stretch of time.
func (t *presence) worked(v visit) bool {
	n, _ := slices.BinarySearch(t.at, v.from)
	return n < len(t.at) && t.at[n] <= v.to
}
