package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

const hoursOfWeek = 7 * 24

// baseline is what is usual for one reader: bounded, 600 bytes a reader.
type baseline struct {
	// hours counts the days on which the reader was active in an hour of the week.
	hours [hoursOfWeek]uint16
	// days is how many days were counted, last the latest of them. faded is how many were taken out of days by fading: the ring goes
	// on where it was.
	days, last, faded day
	// returned is the latest day that came after a long silence; 0: none did.
	returned day
	// records are the latest daily counts of different records, and peaks the most of any hour, in rings.
	records, peaks ring
	// places are the workstations used most, by count.
	places [8]place
	// alone counts records without any reason, and the days on which there was one.
	alone, aloneDays uint32
	looked           uint32
	// seats has a bit for each of the days up to last, that one the lowest, on which the reader was at a workstation with a home.
	seats uint64
	// glass counts the records whose glass was broken, and whys those by kind of reason.
	glass uint32
	whys  whyCounts
}

// ring are the counts of the latest days.
type ring [28]uint16

type place struct {
	workstation facts.ID
	days        uint16
}

// observe adds a closed day. silent is how many days without any event are a long silence.
func (b *baseline) observe(d *ReaderDay, silent int64, hourOfWeek func(int64) int, seated bool) {
	n := d.uncounted()
	b.looked += uint32(n.looked)
	b.alone += uint32(n.alone)
	if n.alone > 0 && !d.counted {
		b.aloneDays++
	}
	b.glass += uint32(n.glass)
	for k := range d.Pairs {
		if w := d.Pairs[k].why(); w != WhyUnknown && !d.Pairs[k].counted {
			b.whys.add(w)
		}
	}
	if b.last != 0 && d.Day <= b.last {
		return // what came late of a day that was counted
	}
	seen := [hoursOfWeek]bool{}
	var used []facts.ID
	for i := range d.Accesses {
		a := &d.Accesses[i]
		seen[hourOfWeek(a.Occurred)] = true
		if a.Workstation != 0 && !slices.Contains(used, a.Workstation) {
			used = append(used, a.Workstation)
		}
	}
	for h, yes := range seen {
		if yes && b.hours[h] < 1<<16-1 {
			b.hours[h]++
		}
	}
	for _, w := range used {
		b.use(w)
	}
	at := int(b.days+b.faded) % len(b.records)
	b.records[at], b.peaks[at] = uint16(min(d.Records, 1<<16-1)), uint16(min(d.Peak, 1<<16-1))
	if b.seats <<= uint64(d.Day - b.last); seated {
		b.seats |= 1
	}
	if b.days++; b.last != 0 && int64(d.Day-b.last) >= silent {
		b.returned = d.Day
	}
	b.last = d.Day
}

// seatedOn reports whether the reader was at a workstation with a home on a day of the last 64.
func (b *baseline) seatedOn(d day) bool {
	ago := b.last - d
	return ago >= 0 && ago < 64 && b.seats>>uint64(ago)&1 != 0
}

// use counts a workstation; a new one takes the place of the least used.
func (b *baseline) use(w facts.ID) {
	least := 0
	for i := range b.places {
		switch p := &b.places[i]; {
		case p.workstation == w:
			p.days++
			return
		case p.days < b.places[least].days:
			least = i
		}
	}
	b.places[least] = place{w, b.places[least].days + 1} // the count of the evicted one, as in a space-saving sketch (Metwally 2005)
}

// uses is on how many days the reader was at a workstation.
func (b *baseline) uses(w facts.ID) int {
	for _, p := range b.places {
		if p.workstation == w {
			return int(p.days)
		}
	}
	return 0
}

// usualRecords are the median and the median absolute deviation of the daily records.
func (b *baseline) usualRecords() (median, deviation int) { return b.usual(&b.records) }

// usualPeak are those of the most records of any hour of a day.
func (b *baseline) usualPeak() (median, deviation int) { return b.usual(&b.peaks) }

func (b *baseline) usual(counts *ring) (median, deviation int) {
	n := min(int(b.days+b.faded), len(counts))
	if n == 0 {
		return 0, 0
	}
	var values [len(counts)]int
	for i := range n {
		values[i] = int(counts[i])
	}
	median = middle(values[:n])
	for i := range n {
		values[i] = max(values[i]-median, median-values[i])
	}
	return median, middle(values[:n])
}

func middle(values []int) int {
	slices.Sort(values)
	return values[len(values)/2]
}

// pairHistory is what other days say of a reader and a record, once there was a day without any reason.
type pairHistory struct {
	// alone are the days on which there was no reason, at most eight.
	alone [8]day
}

// has reports whether a day is among them.
func (h *pairHistory) has(d day) bool { return slices.Contains(h.alone[:], d) }

func (h *pairHistory) aloneOn(d day) {
	for i := range h.alone {
		if h.alone[i] == d {
			return
		}
		if h.alone[i] == 0 {
			h.alone[i] = d
			return
		}
	}
	copy(h.alone[:], h.alone[1:])
	h.alone[len(h.alone)-1] = d
}

// first is the first day without a reason that is kept; 0: there is none.
func (h *pairHistory) first() (out day) {
	for _, d := range h.alone {
		if d != 0 && (out == 0 || d < out) {
			out = d
		}
	}
	return out
}

// aloneDays counts the days without a reason.
func (h *pairHistory) aloneDays() int {
	n := 0
	for _, d := range h.alone {
		if d != 0 {
			n++
		}
	}
	return n
}
