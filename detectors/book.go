package detectors

import (
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Book holds the accesses of the days that are not closed.
type Book struct {
	zone  *time.Location
	view  viewer
	pages map[day]*page
	// scratch is reused between events.
	scratch []Access
	// number counts the accesses.
	number uint64
}

// page is one local day.
type page struct {
	accesses []Access
	wrote    map[pairKey]struct{}
}

// NewBook makes an empty book for a site.
func NewBook(state *facts.State, zone *time.Location) *Book {
	return &Book{zone: zone, view: viewer{state}, pages: map[day]*page{}}
}

// Add writes an event into the book. free is what people typed, where the caller may open it; received is when the journal had
// it.
func (b *Book) Add(at proto.Position, received int64, e *v1.AccessEvent, free *v1.FreeText) {
	b.scratch = b.view.view(b.scratch[:0], at, received, e, free)
	for _, a := range b.scratch {
		d := localDay(a.Occurred, b.zone)
		p := b.pages[d]
		if p == nil {
			p = &page{wrote: map[pairKey]struct{}{}}
			b.pages[d] = p
		}
		p.accesses = append(p.accesses, a)
		if a.Any(SignWrite) && !a.Any(SignSystem|SignRefused) {
			p.wrote[pairKey{a.Reader, a.Patient}] = struct{}{}
		}
		b.number++
	}
}

// Accesses is how many there are.
func (b *Book) Accesses() uint64 { return b.number }

// days are the days of the book, in order.
func (b *Book) days() []day { return slices.Sorted(maps.Keys(b.pages)) }

// wrote reports whether a reader worked on a record on a day.
func (b *Book) wrote(d day, key pairKey) bool {
	p := b.pages[d]
	if p == nil {
		return false
	}
	_, ok := p.wrote[key]
	return ok
}
