package simulate

import "iter"

// Visits is the part of Context that tells who was there and who will come, without planning what happened on the days.
func (h *Hospital) Visits() iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		f := &facts{h: h, yield: yield}
		f.histories()
		for day := -horizon; day < h.cfg.Days; day++ {
			f.first = day == -horizon
			h.active(day, func(e *episode) {
				for n := uint8(0); int(n) < e.n && !f.done; n++ {
					f.encounter(e, n, day, h.at(h.cfg.Days, 0))
				}
			})
		}
		for r := range h.ahead(h.cfg.Days - 1) {
			if f.done || !yield(r) {
				return
			}
		}
	}
}
