package detectors

import (
	"cmp"
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// fadeDays is after how many closed days all counts are halved, and lessons forget their older half: what was usual half a year
	// ago hardly counts any more, and counts stay bounded.
	fadeDays = 28
	// historyDays is how long a pair without a reason is remembered.
	historyDays = 120
	// mostCounted bounds a count of grades, in sixteenths of units; beyond it all are halved.
	mostCounted = 1 << 31
)

// fade halves what was counted. What readers did is halved together with what their peers did, because the one is taken out of the
// other.
func (j *judge) fade() {
	for key := range j.rates3 {
		j.rates3[key].fade()
		j.spreads[key].fade()
		for i := range j.credits[key] {
			j.credits[key][i] /= 2
		}
	}
	for g, p := range j.peers {
		if p.fade(); p.looked == 0 {
			delete(j.peers, g)
		}
	}
	for at, w := range j.wards {
		if w.fade(); w.looked == 0 {
			delete(j.wards, at)
		}
	}
	j.everybody.fade()
	for role, r := range j.whys {
		if !r.fade() {
			delete(j.whys, role)
		}
	}
	for _, b := range j.base {
		b.looked, b.alone, b.aloneDays, b.glass = b.looked/2, b.alone/2, b.aloneDays/2, b.glass/2
		b.whys.fade()
		for h := range b.hours {
			b.hours[h] /= 2
		}
		for i := range b.places {
			b.places[i].days /= 2
		}
		b.faded += b.days - b.days/2
		b.days /= 2
	}
	for w, b := range j.benches {
		if !b.fade() {
			delete(j.benches, w)
		}
	}
	j.fadeAddresses()
}

func (r *rates) fade() {
	r.all.fade()
	for t := range r.any {
		r.any[t].fade()
	}
	for at, c := range r.peers {
		if c.fade() == 0 {
			delete(r.peers, at)
		}
	}
}

// fade halves counts, and returns what is left.
func (c *counts) fade() (left uint64) {
	for i := range c {
		for g := range c[i] {
			c[i][g] /= 2
			left += uint64(c[i][g])
		}
	}
	return left
}

func (s *spread) fade() {
	s.total = 0
	for i := range s.bins {
		s.bins[i] /= 2
		s.total += s.bins[i]
	}
}

// forgetCustom has those custom detectors counted anew that stand where others stood before.
func (j *judge) forgetCustom(before [3][]string) {
	set := allDetectors()
	now := j.dets.customs.names()
	for key, built := range [...]int{len(set.pairs), len(set.readers), len(set.records)} {
		for i := range max(len(before[key]), len(now[key])) {
			if i < len(before[key]) && i < len(now[key]) && before[key][i] == now[key][i] {
				continue
			}
			r, at := j.rates3[key], built+i
			if at >= maxScales {
				continue
			}
			r.all[at] = [maxGrades]uint32{}
			for t := range r.any {
				r.any[t][at] = [maxGrades]uint32{}
			}
			for _, c := range r.peers {
				c[at] = [maxGrades]uint32{}
			}
		}
		j.rates3[key].settle()
	}
}

// names are the custom detectors in their order.
func (c customs) names() (out [3][]string) {
	for key := range c {
		for _, d := range c[key] {
			out[key] = append(out[key], d.Name)
		}
	}
	return out
}

// forgetReaders drops what is usual for those who were not seen for the longest time, down to a limit, and returns how many.
func (j *judge) forgetReaders(limit int) int {
	more := len(j.base) - limit
	if more <= 0 {
		return 0
	}
	all := slices.SortedFunc(maps.Keys(j.base), func(a, b facts.ID) int {
		return cmp.Or(cmp.Compare(j.base[a].last, j.base[b].last), cmp.Compare(a, b))
	})
	for _, id := range all[:more] {
		delete(j.base, id)
	}
	return more
}

// forgetHistories drops pairs whose last day without a reason is long ago, and the oldest of the others down to a limit. It returns
// how many of the others.
func (j *judge) forgetHistories(today day, limit int) int {
	for key, h := range j.history {
		if h.latest() < today-historyDays {
			delete(j.history, key)
		}
	}
	more := len(j.history) - limit
	if more <= 0 {
		return 0
	}
	all := slices.SortedFunc(maps.Keys(j.history), func(a, b pairKey) int {
		return cmp.Or(cmp.Compare(j.history[a].latest(), j.history[b].latest()), cmp.Compare(a.reader, b.reader),
			cmp.Compare(a.patient, b.patient))
	})
	for _, key := range all[:more] {
		delete(j.history, key)
	}
	return more
}

// latest is the last day without a reason.
func (h pairHistory) latest() day {
	out := day(0)
	for _, d := range h.alone {
		out = max(out, d)
	}
	return out
}
