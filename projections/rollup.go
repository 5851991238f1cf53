package projections

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/proto"
)

// maxTouches bounds what the rollups hold before they are inserted: 200,000 touches of 40 bytes are 8 MB, and sorting
// them three times takes a tenth of a second.
const maxTouches = 200_000

// rollup adds up messages for the rollup tables. What it holds is idempotent: folding a message twice changes nothing
// once the rows have merged.
type rollup struct {
	// hours is by the hour it occurred in, months by the month it was received in.
	hours, months map[extentKey]extentRow
	counts        *block
	touches       []touchRow
	live          bool // an access came by no import
	end           proto.Position
	// received is the received time of the last message.
	received int64
}

type extentKey struct {
	source string
	at     int64
}

func newRollup() *rollup {
	return &rollup{hours: map[extentKey]extentRow{}, months: map[extentKey]extentRow{}, counts: newBlock(tables[sourceCounts])}
}

func (r *rollup) full() bool { return len(r.touches) >= maxTouches }

func (r *rollup) empty() bool { return r.end == 0 }

// add folds one message in. Messages come in order.
func (r *rollup) add(f *folded) {
	r.end, r.received, r.live = f.end, f.received, r.live || f.live
	r.touches = append(r.touches, f.touches...)
	for _, x := range f.extents {
		w := r.counts.begin()
		w.text(x.source)
		w.hour(x.hour)
		w.u64(f.sequence)
		w.u16(x.events)
		w.u16(x.patientless)
		w.u16(x.unresolved)
		w.u16(x.breaking)
		w.u16(x.failed)
		w.end()
		x.firstReceived, x.lastReceived = f.received, f.received
		widen(r.hours, extentKey{x.source, x.hour}, x)
		widen(r.months, extentKey{x.source, monthOf(f.received)}, x)
	}
}

// widen keeps the first and last of everything; the counts of an extentRow are not used here.
func widen(extents map[extentKey]extentRow, key extentKey, x extentRow) {
	old, ok := extents[key]
	if !ok {
		extents[key] = x
		return
	}
	old.firstOccurred, old.lastOccurred = min(old.firstOccurred, x.firstOccurred), max(old.lastOccurred, x.lastOccurred)
	old.firstPosition, old.lastPosition = min(old.firstPosition, x.firstPosition), max(old.lastPosition, x.lastPosition)
	old.lastReceived = x.lastReceived
	extents[key] = old
}

// monthOf is the first instant of the UTC month, in microseconds.
func monthOf(us int64) int64 {
	year, month, _ := time.UnixMicro(us).UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

// blocks returns the rows of every rollup table, ordered by their keys.
func (r *rollup) blocks() []*block {
	out := []*block{
		extentBlock(sourceHours, r.hours, (*rowWriter).hour), extentBlock(sourceExtents, r.months, (*rowWriter).day), r.counts,
		r.readerDays(), r.patientDays(), r.firstSeen(),
	}
	return slices.DeleteFunc(out, func(b *block) bool { return b.rows == 0 })
}

func extentBlock(id tableID, extents map[extentKey]extentRow, writeKey func(*rowWriter, int64)) *block {
	keys := slices.SortedFunc(maps.Keys(extents), func(a, b extentKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.at, b.at))
	})
	out := newBlock(tables[id])
	for _, key := range keys {
		x := extents[key]
		w := out.begin()
		w.text(key.source)
		writeKey(w, key.at)
		w.time(x.firstOccurred)
		w.time(x.lastOccurred)
		w.time(x.firstReceived)
		w.time(x.lastReceived)
		w.u64(x.firstPosition)
		w.u64(x.lastPosition)
		w.end()
	}
	return out
}

func dayOf(us int64) int64 { return min(max(us/dayMicros, 0), maxDay) }

// maxDay is the last day that Date holds.
const maxDay = 65_535

func (r *rollup) readerDays() *block {
	slices.SortFunc(r.touches, func(a, b touchRow) int {
		switch {
		case a.day != b.day:
			return cmp.Compare(a.day, b.day)
		case a.reader != b.reader:
			return cmp.Compare(a.reader, b.reader)
		}
		return cmp.Compare(a.patient, b.patient)
	})
	out := newBlock(tables[readerDays])
	same := func(a, b *touchRow) bool { return a.reader == b.reader && a.day == b.day }
	for group := range groups(r.touches, same) {
		if group[0].reader == NoReader {
			continue
		}
		breakGlass := uint8(0)
		set := make([]uint32, 0, len(group))
		for _, t := range group {
			breakGlass |= uint8(one(t.breakGlass))
			if id := uint32(t.patient); t.patient > UnresolvedPatient && !slices.Contains(set[max(0, len(set)-1):], id) {
				set = append(set, id)
			}
		}
		w := out.begin()
		w.day(group[0].occurred)
		w.u64(group[0].reader)
		w.u32s(set...)
		w.u8(breakGlass)
		w.end()
	}
	return out
}

func (r *rollup) patientDays() *block {
	slices.SortFunc(r.touches, func(a, b touchRow) int {
		switch {
		case a.day != b.day:
			return cmp.Compare(a.day, b.day)
		case a.patient != b.patient:
			return cmp.Compare(a.patient, b.patient)
		}
		return cmp.Compare(a.reader, b.reader)
	})
	out := newBlock(tables[patientDays])
	same := func(a, b *touchRow) bool { return a.patient == b.patient && a.day == b.day }
	for group := range groups(r.touches, same) {
		if group[0].patient <= UnresolvedPatient {
			continue
		}
		set := make([]uint32, 0, len(group))
		for _, t := range group {
			if id := uint32(t.reader); t.reader != NoReader && !slices.Contains(set[max(0, len(set)-1):], id) {
				set = append(set, id)
			}
		}
		w := out.begin()
		w.day(group[0].occurred)
		w.u64(group[0].patient)
		w.u32s(set...)
		w.end()
	}
	return out
}

func (r *rollup) firstSeen() *block {
	slices.SortFunc(r.touches, func(a, b touchRow) int {
		switch {
		case a.reader != b.reader:
			return cmp.Compare(a.reader, b.reader)
		case a.patient != b.patient:
			return cmp.Compare(a.patient, b.patient)
		}
		return cmp.Compare(a.occurred, b.occurred)
	})
	out := newBlock(tables[firstSeen])
	same := func(a, b *touchRow) bool { return a.reader == b.reader && a.patient == b.patient }
	for group := range groups(r.touches, same) {
		if group[0].reader == NoReader || group[0].patient <= UnresolvedPatient {
			continue
		}
		first := group[0].position
		for _, t := range group {
			first = min(first, t.position)
		}
		w := out.begin()
		w.u64(group[0].reader)
		w.u64(group[0].patient)
		w.time(group[0].occurred)
		w.u64(first)
		w.end()
	}
	return out
}

// groups yields the runs of equal neighbours.
func groups(rows []touchRow, same func(a, b *touchRow) bool) func(yield func([]touchRow) bool) {
	return func(yield func([]touchRow) bool) {
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && same(&rows[0], &rows[n]) {
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}
