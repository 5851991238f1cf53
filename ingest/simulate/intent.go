package simulate

import (
	"cmp"
	"slices"
)

// wrong is one incident that is going to happen. Who and whose record may be left open (-1) until the day.
type wrong struct {
	day      int32
	scenario uint8
	reader   int32
	patient  int32
}

// news is a day on which the town hears of somebody whom it knows.
type news struct {
	patient int32
	day     int32
}

// intend plans the incidents of all days: each scenario has its share, rounded so that they sum up. Some people come back:
// the same pair on other days, one reader with one record after the other, many readers in the days after the news.
func (h *Hospital) intend() {
	total := max(0, h.cfg.Incidents)
	weights := h.cfg.weights()
	sum := 0
	for _, w := range weights {
		sum += w
	}
	if sum == 0 || total == 0 {
		return
	}
	h.hear(total * weights[vipScenario] / sum)
	for i, n := range apportion(total, weights, sum) {
		d := h.roll(forMisuse, uint64(i), 0)
		for n > 0 {
			n -= h.campaign(&d, i, n)
		}
	}
	slices.SortStableFunc(h.wrongs, func(a, b wrong) int { return cmp.Compare(a.day, b.day) })
	h.takeAlong()
}

// takeAlong has two in five of those who export records leave the hospital within the quarter, if there is somebody who does.
func (h *Hospital) takeAlong() {
	for n := range h.wrongs {
		w := &h.wrongs[n]
		if w.scenario != exportScenario {
			continue
		}
		if d := h.roll(forNotice, uint64(n), 1); d.chance(400) {
			w.reader = h.leaver(&d, w.day)
		}
	}
}

// apportion divides a total in proportion to weights: whole parts first, the rest to the largest remainders.
func apportion(total int, weights []int, sum int) []int {
	out, order := make([]int, len(weights)), make([]int, len(weights))
	left := total
	for i, w := range weights {
		out[i], order[i] = total*w/sum, i
		left -= out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(total*weights[b]%sum, total*weights[a]%sum) })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

// hear picks the days on which somebody is in the news: one for a dozen of those who will look.
func (h *Hospital) hear(looks int) {
	d := h.roll(forMisuse, 0, 1)
	for range (looks + 11) / 12 {
		if len(h.vips) > 0 {
			h.news = append(h.news, news{h.vips[d.n(len(h.vips))], int32(d.n(h.cfg.Days))})
		}
	}
}

// campaign plans what belongs together, at most n incidents, and returns how many.
func (h *Hospital) campaign(d *dice, scenario, n int) int {
	w := wrong{scenario: uint8(scenario), reader: -1, patient: -1, day: int32(d.n(h.cfg.Days))}
	many := 1
	s := &scenarios[scenario]
	switch {
	case scenario == serialScenario:
		return h.slowly(d, w, n)
	case scenario == vipScenario && len(h.news) > 0 && d.chance(800):
		heard := h.news[d.n(len(h.news))]
		w.patient, w.day = heard.patient, min(heard.day+int32(d.pick([]int{50, 30, 12, 8})), int32(h.cfg.Days-1))
		w.reader, _ = s.choose(h, d)
	case s.choose != nil:
		w.reader, w.patient = s.choose(h, d)
		if s.repeats && d.chance(300) {
			many = d.between(2, 5)
		}
	}
	many = min(many, n)
	for range many {
		w.day = h.convenient(d, w)
		h.wrongs = append(h.wrongs, w)
		if scenario != vipScenario {
			w.day = int32(d.n(h.cfg.Days))
		}
	}
	return many
}

// slowly is somebody who reads a few unrelated records a week, for weeks.
func (h *Hospital) slowly(d *dice, w wrong, n int) int {
	w.reader = h.somebody(d)
	n = min(n, d.between(6, 14))
	w.day = int32(d.n(max(1, h.cfg.Days-n*2)))
	for range n {
		w.day = min(w.day, int32(h.cfg.Days-1))
		w.day = h.convenient(d, w)
		h.wrongs = append(h.wrongs, w)
		w.day += int32(d.between(1, 4))
	}
	return n
}

// convenient moves an incident to a day on which the reader works, if one is found soon: most of it happens at work.
func (h *Hospital) convenient(d *dice, w wrong) int32 {
	if w.reader < 0 {
		return w.day
	}
	day := w.day
	for range 8 {
		if _, ok := h.shift(w.reader, int(day)); ok {
			return day
		}
		if day++; int(day) == h.cfg.Days || w.scenario == vipScenario && day > w.day+2 {
			day = int32(d.n(h.cfg.Days))
			if w.scenario == vipScenario {
				return w.day
			}
		}
	}
	return w.day
}

// intended are the incidents of a day.
func (h *Hospital) intended(day int) []wrong {
	from, _ := slices.BinarySearchFunc(h.wrongs, day, func(w wrong, day int) int { return cmp.Compare(int(w.day), day) })
	to, _ := slices.BinarySearchFunc(h.wrongs, day+1, func(w wrong, day int) int { return cmp.Compare(int(w.day), day) })
	return h.wrongs[from:to]
}
