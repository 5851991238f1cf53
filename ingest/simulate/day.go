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
	ill  []int32
	beds [][]bed
	// discharged are those who went home in the last weeks.
	discharged []bed
	// kin is a relative of the present episode's patient who works in the house, or -1.
	kin int32
	// care holds who has cared for whom in the last weeks; it is sorted when misuse asks.
	care        []cared
	caresSorted bool

	ordered   int  // orders of the present episode so far
	orderDice dice // the same in every pass, so that orders are
	dice      dice
}

// bed is somebody's time in a department.
type bed struct {
	patient    int32
	encounter  uint64
	start, end int64
}

// plan computes a day. Every access in it lies within the day; they are sorted by time, then by the order of making.
func (h *Hospital) plan(day int, pass uint64) *plan {
	p := &plan{h: h, day: day, pass: pass, from: h.at(day, 0), to: h.at(day+1, 0), duty: h.duty(day)}
	p.accesses = make([]access, 0, h.perDay*80)
	p.beds = make([][]bed, len(h.departments))
	if pass == 0 {
		// First, so that the ids of the story need nothing else of the day.
		p.tell()
	}
	h.active(day, p.episode)
	p.tomorrow()
	p.desks()
	p.tickets()
	if pass == 0 {
		// Late, because some of it hides among what others do.
		p.misuse()
	}
	p.failures()
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

// look begins one. It is false for nobody (staff below 0) and for records that people leave to colleagues: their own, and
// most of those of their own department.
func (p *plan) look(t int64, staff int32, dept uint16, patient int32, encounter uint64) (look, bool) {
	l := look{p: p, access: access{at: t, staff: staff, department: dept, patient: patient, encounter: encounter, use: treatment}}
	if staff < 0 {
		return l, false
	}
	// Who walks the wards carries the app: physicians, residents and every third nurse.
	m := &p.h.staff[staff]
	l.client = (m.role == physician || m.role == resident || m.role == nurse && staff%3 == 0) && p.dice.chance(200)
	l.use = useOf[m.role]
	if p.h.homeOffice(staff) {
		l.remote = true
	}
	if patient < 0 {
		return l, true
	}
	who := &p.h.persons[p.h.patients[patient].person]
	if who.staff < 0 {
		return l, true
	}
	// Of the colleagues of the same department most are left to others; the rest nobody else can see to.
	near := who.staff != staff && p.h.staff[who.staff].department == m.department
	return l, who.staff != staff && (!near || mix(uint64(who.staff)<<32^uint64(staff)^encounter)%100 < colleaguePercent)
}

// homeOffice is where two in five coders work.
func (h *Hospital) homeOffice(staff int32) bool { return h.staff[staff].role == coder && staff%5 < 2 }

const colleaguePercent = 34

// useOf is the purpose that a role's screens state where nothing else is asked for.
var useOf = [roles]use{
	nurse: treatment, physician: treatment, resident: treatment, clerk: operations, technician: treatment, pharmacist: treatment,
	student: treatment, coder: payment, analyst: administration, researcher: researchUse, contractor: administration,
}

// carer is who of a department takes up a task: somebody who is there, and rather the patient's own relative among them,
// whom families ask for.
func (p *plan) carer(dept uint16, r role, t, span int64, salt uint64) int32 {
	if p.kin >= 0 && p.h.staff[p.kin].role == r && salt%10 < kinTenths && p.duty.has(dept, r, p.kin, t, span) {
		return p.kin
	}
	return p.duty.on(dept, r, t, span, salt)
}

const kinTenths = 10

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
