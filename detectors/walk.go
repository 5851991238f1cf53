package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// walks follow one reader through record numbers: records whose numbers rise, or fall, by small steps, one soon after the other. A look at a
// record whose number is elsewhere belongs to another walk, mostly one of a single record, so that looks in between break nothing (Xu 2023:
// covering accesses). One whose number is in the neighbourhood, but no step on, ends the walk. So a ward whose records were numbered in
// one week is no walk by chance: among looks in any order a long chain that may leave records out is common, and a long run is not.
type walks struct {
	// opened are the records opened within the last hour, the latest last: to open one of them again is no step.
	opened []opening
	// under are the walks that may go on.
	under []walk
	// told is how long the longest was when the reader's day was looked at.
	told int
}

type opening struct {
	patient facts.ID
	at      int64
}

// walk is where one is now: at this number, after so many steps up or down.
type walk struct {
	number, at int64
	up, down   int
}

// mostOpened and mostWalks bound what is kept of one reader, to 16 and 32 bytes each. Within a pause of five minutes nobody opens so many
// records by hand; a program that does loses the shortest walk, not the one that it hides.
const mostOpened, mostWalks = 64, 64

// neighbourhood is how many steps away a number is elsewhere.
const neighbourhood = 10

// records is how many records a walk has.
func (x walk) records() int { return max(x.up, x.down) }

// step takes in an access and returns the walk that it continues, or begins; none where it is no step.
func (w *walks) step(a *Access, n *numerals) walk {
	if a.Number == 0 || !a.Any(SignLook) || w.again(a) {
		return walk{}
	}
	var before walk // the latest in the neighbourhood
	w.under = slices.DeleteFunc(w.under, func(x walk) bool {
		over := a.Occurred-x.at > n.minutes(walkMinutes)
		here := max(a.Number-x.number, x.number-a.Number) <= neighbourhood*n[walkGap]
		if here && !over && x.at >= before.at {
			before = x
		}
		return here || over
	})
	now := walk{a.Number, a.Occurred, 1, 1}
	switch gone := a.Number - before.number; {
	case before.number == 0 || gone == 0 || max(gone, -gone) > n[walkGap]:
	case gone > 0:
		now.up = before.up + 1
	default:
		now.down = before.down + 1
	}
	w.begin(now)
	return now
}

// again reports whether the record was opened within the hour, and remembers that it is now.
func (w *walks) again(a *Access) bool {
	const hour = hourMicros
	at := slices.IndexFunc(w.opened, func(o opening) bool { return o.patient == a.Patient })
	known := at >= 0 && a.Occurred-w.opened[at].at <= hour
	switch {
	case at >= 0:
		w.opened = slices.Delete(w.opened, at, at+1)
	case len(w.opened) == mostOpened:
		w.opened = slices.Delete(w.opened, 0, 1)
	}
	w.opened = append(w.opened, opening{a.Patient, a.Occurred})
	return known
}

// begin adds a walk; where there are too many, the shortest is given up, of several the one that rests longest.
func (w *walks) begin(x walk) {
	if len(w.under) < mostWalks {
		w.under = append(w.under, x)
		return
	}
	out := 0
	for i := range w.under {
		was, now := &w.under[out], &w.under[i]
		if a, b := was.records(), now.records(); b < a || b == a && now.at < was.at {
			out = i
		}
	}
	w.under[out] = x
}

// walk is the longest walk of a reader's day, in records.
func (j *judge) walk(accesses []Access) int {
	best, w := 0, walks{}
	for i := range accesses {
		best = max(best, w.step(&accesses[i], &j.numbers).records())
	}
	return best
}

// walked is when each record of that walk was opened, the last one first.
func (j *judge) walked(accesses []Access) []int64 {
	steps, last, w := make([]walk, len(accesses)), 0, walks{}
	for i := range accesses {
		if steps[i] = w.step(&accesses[i], &j.numbers); steps[i].records() > steps[last].records() {
			last = i
		}
	}
	now := steps[last]
	sign, of := int64(1), func(x walk) int { return x.up }
	if now.down > now.up {
		sign, of = -1, func(x walk) int { return x.down }
	}
	out := []int64{now.at}
	for i := last - 1; i >= 0; i-- {
		// Of two that could be the step before, the later one is it: being so near, it ended the walk of the other.
		if gone := sign * (now.number - steps[i].number); steps[i].number != 0 && gone > 0 && gone <= j.numbers[walkGap] && of(steps[i]) == of(now)-1 {
			now = steps[i]
			out = append(out, now.at)
		}
	}
	return out
}
