package api

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Bounds of what is kept of readers: 2,000 summaries of about 1 KB are 2 MB. Beyond them a reader is only counted, in 8
// bytes; a reader of thousands of departments or purposes shows the first ones met.
const (
	maxReaders  = 2000
	maxFeatures = 30
)

// tally counts the accesses to a record. Accesses come newest first, so the readers kept are those with the latest ones.
type tally struct {
	sum     v1.WhoViewedTotals
	byIdent map[ident]*readerSummary
	order   []*readerSummary
	// others are hashes of the readers beyond maxReaders.
	others map[uint64]struct{}
	// bounded is true when readers stay apart though links might join them.
	bounded bool
	hours   weekHours
}

// readerSummary is a summary under the identifier that keys its events.
type readerSummary struct {
	*v1.ReaderSummary
	ident ident
}

func newTally(zone *time.Location) *tally {
	return &tally{byIdent: map[ident]*readerSummary{}, others: map[uint64]struct{}{}, hours: weekHours{zone: zone}}
}

func (t *tally) add(a *access) {
	events := uint64(1 + len(a.others))
	t.sum.Accesses++
	t.sum.Events += events
	t.hours.add(a.shown.occurred)
	failed, incidental, breakGlass := a.failed(), a.incidental(), a.breakGlass()
	count(&t.sum.Failed, failed)
	count(&t.sum.Incidental, incidental)
	count(&t.sum.BreakGlass, breakGlass)
	r := a.shown
	if r.reader.value == "" {
		t.sum.UnnamedReader++
		return
	}
	s := t.byIdent[r.reader]
	if s == nil {
		if len(t.order) == maxReaders {
			t.others[xxhash.Sum64String(r.reader.packed())] = struct{}{}
			return
		}
		s = &readerSummary{newSummary(r), r.reader}
		t.byIdent[r.reader] = s
		t.order = append(t.order, s)
	}
	s.Accesses++
	s.Events += events
	s.FirstUs, s.LastUs = min(s.FirstUs, r.occurred), max(s.LastUs, r.occurred)
	s.BreakGlass = s.BreakGlass || breakGlass
	count(&s.Failed, failed)
	count(&s.Incidental, incidental)
	a.events(func(r *row) {
		s.Actions = include(s.Actions, r.action, r.action != v1.Action_ACTION_UNSPECIFIED)
		for _, p := range r.purposes {
			s.Purposes = include(s.Purposes, p, p != "")
		}
	})
	s.Departments = include(s.Departments, r.department, r.department != "")
	complete(s.Reader, r.readerName, r.department, r.readerType, r.role.proto())
}

// idents are the readers listed.
func (t *tally) idents() []ident {
	out := make([]ident, len(t.order))
	for i, s := range t.order {
		out[i] = s.ident
	}
	return out
}

func newSummary(r *row) *v1.ReaderSummary {
	s := &v1.ReaderSummary{Reader: &v1.Reader{}, FirstUs: r.occurred, LastUs: r.occurred}
	if !r.reader.byName() {
		s.Reader.Identifiers = []*v1.Identifier{r.reader.proto()}
	}
	return s
}

func count(n *uint64, yes bool) {
	if yes {
		*n++
	}
}

// include adds a value that is not there yet, up to a bound.
func include[T comparable](list []T, value T, say bool) []T {
	if !say || len(list) >= maxFeatures || slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

func (t *tally) totals() *v1.WhoViewedTotals {
	return &v1.WhoViewedTotals{
		Readers: uint64(len(t.order) + len(t.others)), Accesses: t.sum.Accesses, Events: t.sum.Events, Failed: t.sum.Failed,
		Incidental: t.sum.Incidental, BreakGlass: t.sum.BreakGlass, UnnamedReader: t.sum.UnnamedReader,
	}
}

// summaries returns the readers, latest access first; their lists are sorted.
func (t *tally) summaries() []*v1.ReaderSummary {
	out := make([]*v1.ReaderSummary, len(t.order))
	for i, s := range t.order {
		slices.Sort(s.Actions)
		slices.Sort(s.Departments)
		slices.Sort(s.Purposes)
		out[i] = s.ReaderSummary
	}
	return out
}

// weekHours counts accesses by hour of the week in a zone.
type weekHours struct {
	zone  *time.Location
	count [7 * 24]uint64
	some  bool
}

func (h *weekHours) add(occurred int64) {
	at := time.UnixMicro(occurred).In(h.zone)
	monday := (int(at.Weekday()) + 6) % 7 // Go's weeks begin on Sunday
	h.count[monday*24+at.Hour()]++
	h.some = true
}

// list is empty when there were no accesses.
func (h *weekHours) list() []uint64 {
	if !h.some {
		return nil
	}
	return h.count[:]
}
