package detectors

import (
	"cmp"
	"net/netip"

	"github.com/readtrail/readtrail/detectors/facts"
)

// usual writes what is known of what is usual.
func (w *writer) usual(j *judge) {
	for key := range j.rates3 {
		w.rates(j.rates3[key])
		for _, n := range j.spreads[key].bins {
			w.Uint(n)
		}
		w.Uint(j.spreads[key].total)
		w.ID(int32(j.held[key]))
		w.numbers(j.credits[key])
		w.numbers([3]*model{j.pairs, j.readers, j.records}[key].shares)
	}
	sorted(w, j.base, byNumber, func(id facts.ID, b *baseline) {
		w.ID(id)
		w.baseline(b)
	})
	sorted(w, j.peers, byGroup, func(g group, p *peerCount) {
		w.ID(g.department)
		w.ID(g.role)
		w.peer(p)
	})
	sorted(w, j.wards, byNumber, func(at facts.ID, p *peerCount) {
		w.ID(at)
		w.peer(p)
	})
	w.peer(&j.everybody)
	sorted(w, j.whys, byNumber, func(role facts.ID, r *roleWhys) {
		w.ID(role)
		for _, n := range r.kinds {
			w.Uint(uint64(n))
		}
		w.list(r.readers[0][:])
		w.list(r.readers[1][:])
	})
	sorted(w, j.benches, byNumber, func(id facts.ID, b *workstation) {
		w.ID(id)
		w.bench(&b.bench)
		w.ID(b.last)
	})
	sorted(w, j.addresses, byNumber, func(id facts.ID, a *address) {
		w.ID(id)
		for _, n := range [...]uint32{a.days, a.accounts, a.staff} {
			w.Uint(uint64(n))
		}
		w.ID(a.last)
		w.bench(&a.desks)
		w.bench(&a.sites)
	})
	sorted(w, j.networks, netip.Prefix.Compare, func(p netip.Prefix, n *network) {
		w.text(p.String())
		w.Uint(uint64(n.staff))
		w.ID(n.last)
	})
	sorted(w, j.history, byPair, func(k pairKey, h pairHistory) {
		w.key(k)
		w.list(h.alone[:])
	})
}

func (w *writer) bench(b *bench) {
	for i := range b.departments {
		w.ID(b.departments[i])
		w.Uint(uint64(b.days[i]))
	}
	w.Uint(uint64(b.all))
}

func (w *writer) numbers(all []uint64) {
	w.Count(len(all))
	for _, n := range all {
		w.Uint(n)
	}
}

func (w *writer) peer(p *peerCount) {
	w.Uint(p.looked)
	w.Uint(p.alone)
	w.Uint(p.glass)
}

func (w *writer) rates(r *rates) {
	w.counts(&r.all)
	for t := range r.any {
		w.counts(&r.any[t])
	}
	order := func(a, b situation) int { return cmp.Or(byGroup(a.group, b.group), cmp.Compare(a.tie, b.tie)) }
	sorted(w, r.peers, order, func(s situation, c *counts) {
		w.ID(s.department)
		w.ID(s.role)
		w.Uint(uint64(s.tie))
		w.counts(c)
	})
}

func (w *writer) counts(c *counts) {
	for i := range c {
		for _, n := range c[i] {
			w.Uint(uint64(n))
		}
	}
}

func (w *writer) baseline(b *baseline) {
	for _, n := range b.hours {
		w.Uint(uint64(n))
	}
	for _, d := range [...]day{b.days, b.last, b.faded, b.returned} {
		w.ID(d)
	}
	for i := range b.records {
		w.Uint(uint64(b.records[i]))
		w.Uint(uint64(b.peaks[i]))
	}
	for _, p := range b.places {
		w.ID(p.workstation)
		w.Uint(uint64(p.days))
	}
	for _, n := range [...]uint32{b.alone, b.aloneDays, b.looked, b.glass} {
		w.Uint(uint64(n))
	}
	for _, n := range b.whys {
		w.Uint(uint64(n))
	}
	w.Uint(b.seats)
}
