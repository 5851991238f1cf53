package facts

import (
	"encoding/binary"
	"slices"
	"time"
)

const (
	// openStay is how long a stay lasts at the most whose end was not told: a double shift of two times eight hours. Ours.
	openStay = 16 * time.Hour
	// mostStays bounds how many stays of one person are kept: two months of two a day, which is more than the 14 days from which detectors learn
	// who badges, and the longest periods of grace and of recheck. Ours.
	mostStays = 128
	// knownNear is how far from a time, each way, somebody has a stay of whom the badges tell anything: a week, so that days off and a
	// long weekend hide nobody, and leave does. Ours.
	knownNear = 7 * 24 * time.Hour
	// fedBefore and fedAfter are within how many hours before and after a time somebody comes in where the feed works: a house that opens
	// on workdays has a morning behind it, and one ahead that may be behind a long weekend. Ours.
	fedBefore, fedAfter = 24, 96
)

// Presence says whether somebody is in the building, by the door badges.
type Presence uint8

// Presences.
const (
	// PresenceUnknown: there are no badges of that person in the week around, or they are kept no more, or there are none of anybody near that
	// time: the feed lags, or failed.
	PresenceUnknown Presence = iota
	// Present: within a stay, give or take some slack.
	Present
	// Absent: in none, although the person badges and the feed tells of that time.
	Absent
)

// Stay is a stretch that somebody spent in the building, by their badge. Open: its end was not told, and is put 16 hours after its
// beginning.
type Stay struct {
	Period
	Open bool
}

// stay is a Stay as it is read, in seconds since 1970 UTC; until 0 is open.
type stay struct {
	from, until int64
	fact        ID
}

// end is when the stay is over at the latest.
func (v *stay) end() int64 {
	if v.until == 0 {
		return v.from + int64(openStay/time.Second)
	}
	return v.until
}

// stays are those of one node of staff in the order of compareStays, packed: each as its distance from the one before. One takes some 9
// bytes, and the collector has nothing to look for in them.
type stays string

func compareStays(a, b stay) int {
	switch {
	case a.from != b.from:
		return compare64(a.from, b.from)
	case a.until != b.until:
		return compare64(a.until, b.until)
	}
	return int(a.fact) - int(b.fact)
}

func packStays(all []stay) stays {
	var out []byte
	var before stay
	for _, v := range all {
		out = binary.AppendUvarint(out, uint64(v.from-before.from))
		length := uint64(0)
		if v.until != 0 {
			length = uint64(v.until-v.from) + 1
		}
		out = binary.AppendUvarint(out, length)
		out = binary.AppendVarint(out, int64(v.fact)-int64(before.fact))
		before = v
	}
	return stays(out)
}

// next takes the first stay off: v is the one before it, and then that one. It returns false when there is none, or none that can be read,
// as in a snapshot that was changed.
func (of *stays) next(v *stay) bool {
	from, n := uvarint(rows(*of))
	length, m := uvarint(rows((*of)[n:]))
	fact, k := uvarint(rows((*of)[n+m:]))
	if n == 0 || m == 0 || k == 0 {
		return false
	}
	v.from += int64(from)
	v.until = 0
	if length != 0 {
		v.until = v.from + int64(length) - 1
	}
	v.fact += ID(int64(fact>>1) ^ -int64(fact&1))
	*of = (*of)[n+m+k:]
	return true
}

func (of stays) all() (out []stay) {
	var v stay
	for of.next(&v) {
		out = append(out, v)
	}
	return out
}

// applyStay reads a stretch that somebody spent in the building, as their badge says.
func (s *State) applyStay(f *fact) {
	if n := s.about[f.n]; n != 0 {
		s.setStays(n, slices.DeleteFunc(s.person(n).stays.all(), func(v stay) bool { return v.fact == f.n }))
	}
	s.about[f.n] = 0
	d := f.doc
	start, ok := instant(d.field(d.get(0, "period"), "start"), s.cfg.Zone)
	if status := d.field(0, "status"); f.GetDeleted() || !ok || start.From <= 0 || status == "entered-in-error" || status == "cancelled" {
		return
	}
	v := stay{from: start.From / 1_000_000, fact: f.n}
	if end, ok := instant(d.field(d.get(0, "period"), "end"), s.cfg.Zone); ok && endOf(end) >= start.From {
		v.until = (endOf(end) + 999_999) / 1_000_000
	}
	for i := range d.walk(0, "practitioner") {
		t := d.target(i, f.local)
		if kind := kindOfTarget(&t); kind != isStaff && kind != isUnknown {
			continue
		}
		if n := s.staffNode(f, &t); n != 0 {
			s.about[f.n] = n
			all := s.person(n).stays.all()
			at, _ := slices.BinarySearchFunc(all, v, compareStays)
			s.setStays(n, slices.Insert(all, at, v))
			return
		}
	}
}

// setStays keeps the latest stays of a node, and counts the hours in which people came. By number and not by age: a row whose clock is years
// ahead takes the place of one, and not of all.
func (s *State) setStays(n ID, all []stay) {
	p := s.person(n)
	var v stay
	for rest := p.stays; rest.next(&v); {
		bump(s.arrivals, hourNumber(v.from), -1)
	}
	for ; len(all) > mostStays; all = all[1:] {
		p.staysSince = max(p.staysSince, all[0].end())
		s.evictedStays++
	}
	p.stays = packStays(all)
	s.countStays(p)
	s.changes.member(n)
}

func (s *State) countStays(p *person) {
	var v stay
	for rest := p.stays; rest.next(&v); {
		bump(s.arrivals, hourNumber(v.from), 1)
	}
}

func hourNumber(seconds int64) int32 { return int32(min(seconds/3600, 1<<30)) }

// AppendStays appends the stays of somebody that touch a period, in no order.
func (s *State) AppendStays(to []Stay, staff ID, near Period) []Stay {
	if staff <= 0 || staff > s.staff.size() {
		return to
	}
	for _, m := range s.staff.members(staff) {
		if int(m) >= len(s.people) || s.people[m] == nil {
			continue
		}
		var v stay
		for rest := s.people[m].stays; rest.next(&v); {
			if p := (Period{v.from * 1_000_000, v.end() * 1_000_000}); p.From < near.Until && near.From <= p.Until {
				to = append(to, Stay{p, v.until == 0})
			}
		}
	}
	return to
}

// PresentAt says whether somebody was in the building at a time, give or take some slack.
func (s *State) PresentAt(staff ID, at int64, slack time.Duration) Presence {
	if staff <= 0 || staff > s.staff.size() {
		return PresenceUnknown
	}
	near, give, second := int64(knownNear/time.Second), int64(slack/time.Second), at/1_000_000
	known, since := false, int64(0)
	for _, m := range s.staff.members(staff) {
		if int(m) >= len(s.people) || s.people[m] == nil {
			continue
		}
		since = max(since, s.people[m].staysSince)
		var v stay
		for rest := s.people[m].stays; rest.next(&v); {
			if v.from-give <= second && second <= v.end()+give {
				return Present
			}
			known = known || v.from-near <= second && second <= v.end()+near
		}
	}
	if !known || second-give <= since || !s.badgesTell(second) {
		return PresenceUnknown
	}
	return Absent
}

// badgesTell reports whether the badges tell of a time: somebody came in not long before it, and somebody came after it. A feed that lags
// has nothing after it, one that failed nothing before it.
func (s *State) badgesTell(second int64) bool {
	hour := hourNumber(second)
	before, after := false, false
	for i := range int32(fedBefore) {
		before = before || s.arrivals[hour-i] > 0
	}
	for i := range int32(fedAfter) {
		after = after || s.arrivals[hour+1+i] > 0
	}
	return before && after
}
