package simulate

import (
	"cmp"
	"slices"
)

// plan is everything that happens on one day, before it is written out.
type plan struct {
	h        *Hospital
	day      int
	pass     uint64 // 0: the day itself; more: the same day with other chances, for the live stream
	from, to int64
	duty     *duty

	accesses  []access
	orders    []order
	incidents []incident
	// ill are patients who came today or stay, in all and by department, for those who look in lists and registries.
	ill   []int32
	illIn [][]int32
	// care holds who cares for whom these days, patient<<16 | department, sorted; made when misuse asks.
	care []uint64

	ordered   int  // orders of the present episode so far
	orderDice dice // the same in every pass, so that orders are
	dice      dice
}

// plan computes a day. Every access in it lies within the day; they are sorted by time, then by the order of making.
func (h *Hospital) plan(day int, pass uint64) *plan {
	p := &plan{h: h, day: day, pass: pass, from: h.at(day, 0), to: h.at(day+1, 0), duty: h.duty(day)}
	p.accesses = make([]access, 0, h.perDay*80)
	p.illIn = make([][]int32, len(h.departments))
	if pass == 0 {
		// First, so that the ids of the story need nothing else of the day.
		p.tell()
		p.misuse()
	}
	h.active(day, p.episode)
	p.desks()
	slices.SortFunc(p.accesses, func(a, b access) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ordinal, b.ordinal))
	})
	return p
}

// roll starts the chances of one thing on this day.
func (p *plan) roll(what purpose, id uint64) dice {
	return p.h.roll(what, id, uint64(int64(p.day))^mix(p.pass))
}

// bundle is the longest that one look takes: a reader is asked only when they are still there after it.
const bundle = 10 * minute

// look is one reader in one record: what is added shares reader, patient, encounter and time going on.
type look struct {
	p      *plan
	access // the template
}

// look begins one. It is false for nobody (staff below 0) and for people's own records, which they leave to colleagues.
func (p *plan) look(t int64, staff int32, dept uint16, patient int32, encounter uint64) (look, bool) {
	l := look{p: p, access: access{at: t, staff: staff, department: dept, patient: patient, encounter: encounter, use: treatment}}
	if staff >= 0 {
		// Who walks the wards carries the app: physicians, residents and every third nurse.
		r := p.h.staff[staff].role
		l.client = (r == physician || r == resident || r == nurse && staff%3 == 0) && p.dice.chance(200)
	}
	return l, staff >= 0 && (patient < 0 || p.h.patients[patient].person != p.h.staff[staff].person)
}

// do adds one access and lets some seconds pass.
func (l *look) do(k kind, object uint64) {
	a := l.access
	a.kind, a.object = k, object
	a.source = kindTable[k].source
	if a.source != ehr {
		a.client = false
	}
	d := &l.p.dice
	if k < writeVitals && d.chance(5) {
		// Five reads in a thousand are refused or find nothing, and are tried again.
		bad := a
		bad.outcome = refused
		l.p.add(bad)
		l.at += int64(d.between(2_000, 9_000))
		a.at = l.at
	}
	l.p.add(a)
	l.at += int64(d.between(3_000, 45_000))
}

// add keeps an access that lies within the day; the app reports some a moment after the server.
func (p *plan) add(a access) {
	if a.at < p.from || a.at >= p.to {
		return
	}
	a.ordinal = uint32(len(p.accesses))
	p.accesses = append(p.accesses, a)
	if !a.client || a.app {
		return
	}
	b := a
	b.app = true
	b.at += int64(p.dice.between(40, 900))
	b.object = a.object
	if b.at < p.to {
		// Both reports name the ordinal of the server's: it is their request id.
		p.accesses = append(p.accesses, b)
	}
}

// in returns an instant between two minutes of the day.
func (p *plan) in(lo, hi int) int64 {
	return p.from + int64(p.dice.between(lo*60_000, hi*60_000))
}
