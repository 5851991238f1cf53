package api

import (
	"fmt"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
)

// reports turns the rows of a scope, newest first, into accesses: who each row is about, which rows repeat one, which report
// the same look. Its memory is bounded by the events of a few minutes, as the pairer's is.
type reports struct {
	who    *people
	names  map[reportKey]string
	rules  map[uint64]uint64
	within map[string]time.Duration
	pairs  *pairer
	// first is told of each report, repeated of rows whose event named the patient before.
	first, repeated func(*scopeRow)
	// at is the last event that named each patient, by their number.
	at []proto.Position
	// free are rows that nothing refers to any more.
	free []*scopeRow
}

func newReports(who *people, names map[reportKey]string, rules map[uint64]uint64, within map[string]time.Duration, emit func(*access) error) *reports {
	nothing := func(*scopeRow) {}
	s := &reports{who: who, names: names, rules: rules, within: within, first: nothing, repeated: nothing, at: make([]proto.Position, who.made+1)}
	s.pairs = newPairer(func(a *access) error {
		err := emit(a)
		a.events(func(r *row) { s.free = append(s.free, r.report) })
		return err
	})
	return s
}

// row is an empty row. The stream takes it back once its access was emitted: millions of rows need the memory of those of a few
// minutes.
func (s *reports) row() *scopeRow {
	if n := len(s.free); n > 0 {
		r := s.free[n-1]
		s.free = s.free[:n-1]
		*r = scopeRow{}
		return r
	}
	return &scopeRow{}
}

// take takes the next row.
func (s *reports) take(r *scopeRow) error {
	if r.key == projections.NoPatient {
		return s.addAlone(r)
	}
	return s.add(r)
}

// add takes the next row that names a patient.
func (s *reports) add(r *scopeRow) error {
	if r.who = s.who.of(r.key); r.who == nil {
		packed, ok := s.names[reportKey{uint64(r.position), r.ordinal}]
		if ok {
			r.who = s.who.told(packed)
		}
		if r.who == nil {
			return fmt.Errorf("read scope: the patient of the row at position %d is missing", r.position)
		}
	}
	for len(s.at) <= r.who.number {
		s.at = append(s.at, 0)
	}
	if s.at[r.who.number] == r.position {
		s.repeated(r)
		s.free = append(s.free, r)
		return nil
	}
	s.at[r.who.number] = r.position
	s.first(r)
	request := r.pair.key
	r.pair = pairKey{}
	r.pairBy(request, s.rules[uint64(r.position)], uint64(r.who.number), s.within)
	named := r.packedReader != noReader
	r.rank = readerRank(r.readerType, named, named)
	return s.pairs.add(&r.row)
}

// addAlone takes a row that pairs with nothing.
func (s *reports) addAlone(r *scopeRow) error {
	r.pair = pairKey{}
	return s.pairs.add(&r.row)
}

// noReader is how a row packs that nobody was named.
const noReader = "\x1f"

func (s *reports) finish() error { return s.pairs.finish() }

// reportAt is the place of a report among those of a scope: newest first, those of one event by the patient's number. The zero value stands
// before all.
type reportAt struct {
	order
	ordinal uint16
}

// before reports whether a row comes behind that place.
func (at reportAt) before(r *scopeRow) bool {
	now := r.order()
	return now.after(at.order) || now == at.order && r.ordinal > at.ordinal
}
