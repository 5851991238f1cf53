package simulate

import "time"

// shift is a stretch of duty of one member of staff in one department.
type shift struct {
	staff      int32
	department uint16
	role       role
	onCall     bool
	start, end int64 // Unix milliseconds
}

// rota is how a kind of job is spread over days and hours.
type rota uint8

const (
	office   rota = iota // workdays, about eight to half past four
	ward                 // workdays, half past seven to half past five, and on call
	twelves              // two days, two nights, eight days round
	eights               // two early, two late, one night, nine days round
	byTicket             // no roster: those from outside come when they are asked
)

func rotaOf(u unit, m *member) rota {
	switch {
	case u == outside:
		return byTicket
	case u == emergency, u == floatPool, m.role == nurse && inpatient(u):
		return twelves
	case u == registration && m.rank%2 == 0:
		return twelves
	case m.role == technician || m.role == pharmacist:
		return eights
	case (m.role == physician || m.role == resident) && (inpatient(u) || u == radiology):
		return ward
	}
	return office
}

func inpatient(u unit) bool { return u >= intensive && u <= psychiatry }

// A ward's day for physicians, in minutes.
const (
	wardStart   = 7*60 + 30
	wardMinutes = 10 * 60
)

// officeHours are eight and a half hours; people come between half past seven and half past eight.
func officeHours(m *member) (from, minutes int) { return 7*60 + 30 + int(m.rank%4)*20, 8*60 + 30 }

// handover is how long the old and the new shift are both there.
const handover = 15

// shift returns when somebody works on a day, on call apart. A night shift belongs to the day it begins.
func (h *Hospital) shift(i int32, day int) (shift, bool) {
	m := &h.staff[i]
	s := shift{staff: i, department: m.department, role: m.role}
	if !h.employed(m, day) || h.away(i, day) {
		return s, false
	}
	from, minutes := 0, 0
	switch u := h.departments[m.department].unit; rotaOf(u, m) {
	case twelves:
		switch floorMod(day+int(m.rank)*5, 8) {
		case 0, 1:
			from, minutes = 7*60, 12*60+handover
		case 4, 5:
			from, minutes = 19*60, 12*60+handover
		}
		if u == floatPool {
			s.department = h.floatsTo(i, day)
		}
	case eights:
		switch floorMod(day+int(m.rank)*4, 9) {
		case 0, 1:
			from, minutes = 7*60, 8*60+handover
		case 3, 4:
			from, minutes = 15*60, 8*60+handover
		case 6:
			from, minutes = 23*60, 8*60+handover
		}
	case ward:
		if h.workday(day) {
			from, minutes = wardStart, wardMinutes
		}
	case office:
		if h.workday(day) {
			from, minutes = officeHours(m)
		}
	case byTicket:
	}
	if minutes == 0 {
		return s, false
	}
	s.start, s.end = h.at(day, from), h.at(day, from+minutes)
	return s, true
}

func (h *Hospital) employed(m *member, day int) bool {
	return int32(day) >= m.hired && int32(day) < m.left || int32(day) >= m.back
}

// away is a week of leave, sickness or training: about one in fourteen.
func (h *Hospital) away(i int32, day int) bool {
	d := h.roll(forRoster, uint64(i), uint64(int64(floorDiv(day, 7))))
	return d.chance(70)
}

// floatsTo is the ward that somebody of the float pool helps out on.
func (h *Hospital) floatsTo(i int32, day int) uint16 {
	d := h.roll(forRoster, uint64(i)|1<<40, uint64(int64(day)))
	u := []unit{emergency, intensive, medicine, medicine, surgery, surgery, oncology, maternity, psychiatry}[d.n(9)]
	return uint16(h.byUnit[u][d.n(len(h.byUnit[u]))])
}

// calls appends who is on call for a department on a day: the night, and the day where nobody has a day shift.
func (h *Hospital) calls(dept int, day int, out []shift) []shift {
	u := h.departments[dept].unit
	if !inpatient(u) && u != radiology {
		return out
	}
	for _, r := range []role{physician, resident} {
		all := h.departments[dept].staff[r]
		if i := h.caller(all, day, 0); i >= 0 {
			out = append(out, shift{i, uint16(dept), r, true, h.at(day, 17*60), h.at(day, 32*60)})
		}
		if h.workday(day) {
			continue
		}
		if i := h.caller(all, day, 1); i >= 0 {
			out = append(out, shift{i, uint16(dept), r, true, h.at(day, 8*60), h.at(day, 17*60)})
		}
	}
	return out
}

func (h *Hospital) caller(all []int32, day, turn int) int32 {
	for k := range all {
		i := all[floorMod(day*(turn*2+1)+turn+k, len(all))]
		if h.employed(&h.staff[i], day) && !h.away(i, day) {
			return i
		}
	}
	return -1
}

// roster appends every shift that begins on a day, in a fixed order.
func (h *Hospital) roster(day int, out []shift) []shift {
	for i := range h.staff {
		if s, ok := h.shift(int32(i), day); ok {
			out = append(out, s)
		}
	}
	for dept := range h.departments {
		out = h.calls(dept, day, out)
	}
	return out
}

// workday is Monday to Friday without the holidays of the United States on which clinics close.
func (h *Hospital) workday(day int) bool {
	t := h.cfg.Start
	date := time.Date(t.Year(), t.Month(), t.Day()+day, 0, 0, 0, 0, time.UTC)
	switch date.Weekday() {
	case time.Saturday, time.Sunday:
		return false
	case time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday:
	}
	return !holiday(date)
}

func holiday(t time.Time) bool {
	nth := (t.Day()-1)/7 + 1
	switch t.Month() {
	case time.January:
		return t.Day() == 1
	case time.May: // Memorial Day: the last Monday
		return t.Weekday() == time.Monday && t.Day() > 24
	case time.July:
		return t.Day() == 4
	case time.September: // Labor Day
		return t.Weekday() == time.Monday && nth == 1
	case time.November: // Thanksgiving
		return t.Weekday() == time.Thursday && nth == 4
	case time.December:
		return t.Day() == 25
	case time.February, time.March, time.April, time.June, time.August, time.October:
	}
	return false
}

// duty is who is there during one day, by department and role.
type duty struct {
	lists [][]shift // department * roles + role
	all   []shift
}

// duty collects the shifts that touch a day: those that begin on it and the nights before.
func (h *Hospital) duty(day int) *duty {
	d := &duty{lists: make([][]shift, len(h.departments)*int(roles))}
	d.all = h.roster(day, h.roster(day-1, make([]shift, 0, len(h.staff))))
	for _, s := range d.all {
		k := int(s.department)*int(roles) + int(s.role)
		d.lists[k] = append(d.lists[k], s)
	}
	return d
}

// on returns somebody of a role who is in a department from t to t+span milliseconds, or -1. The same salt finds the same
// person as long as they are there.
func (d *duty) on(dept uint16, r role, t int64, span int64, salt uint64) int32 {
	list := d.lists[int(dept)*int(roles)+int(r)]
	if len(list) == 0 {
		return -1
	}
	k := int(mix(salt) % uint64(len(list)))
	for range list {
		if s := &list[k]; s.start <= t && t+span < s.end {
			return s.staff
		}
		if k++; k == len(list) {
			k = 0
		}
	}
	return -1
}

// has reports whether one person is on duty in a department from t to t+span.
func (d *duty) has(dept uint16, r role, staff int32, t int64, span int64) bool {
	for _, s := range d.lists[int(dept)*int(roles)+int(r)] {
		if s.staff == staff && s.start <= t && t+span < s.end {
			return true
		}
	}
	return false
}
