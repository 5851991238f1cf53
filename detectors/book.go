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
	clock calendar
	view  viewer
	pages map[day]*page
	// scratch is reused between events.
	scratch []Access
	// number counts the accesses.
	number uint64
	// spill is where days go that do not fit in memory; nil: all of them do.
	spill *spill
	// name tells the files of several books apart.
	name string
	// last is the day of the last access, and its page: events come by time, more or less.
	last     day
	lastPage *page
}

// page is one local day.
type page struct {
	at       day
	accesses []Access
	wrote    map[pairKey]struct{}
	// file has the accesses that came first, where there were too many.
	file spilled
	// open finds a reader's accesses while the day goes on; nil where nobody asks.
	open *openDay
	// judged is the day on which what is held to be judged again was judged last.
	judged day
}

// NewBook makes an empty book for a site.
func NewBook(state *facts.State, zone *time.Location) *Book {
	return &Book{zone: zone, clock: calendar{zone: zone}, view: viewer{state: state}, pages: map[day]*page{}}
}

// Add writes an event into the book. free is what people typed, where the caller may open it; received is when the journal had
// it.
func (b *Book) Add(at proto.Position, received int64, e *v1.AccessEvent, free *v1.FreeText) {
	b.scratch = b.view.view(b.scratch[:0], at, received, e, free)
	for i := range b.scratch {
		b.put(&b.scratch[i])
	}
}

// put writes an access into its day.
func (b *Book) put(a *Access) *page {
	p := b.page(b.clock.day(a.Occurred))
	p.accesses = append(p.accesses, *a)
	if a.Any(SignWrite) && !a.Any(SignSystem|SignRefused) {
		p.wrote[pairKey{a.Reader, a.Patient}] = struct{}{}
	}
	b.number++
	return p
}

// page is that of a day, a new one where there is none.
func (b *Book) page(d day) *page {
	if b.lastPage != nil && b.last == d {
		return b.lastPage
	}
	p := b.pages[d]
	if p == nil {
		p = &page{at: d, wrote: map[pairKey]struct{}{}, accesses: make([]Access, 0, b.expect(d))}
		b.pages[d] = p
	}
	b.last, b.lastPage = d, p
	return p
}

// expect is how many accesses a day will have, as far as it is known: a day that follows on the one before has about as many.
func (b *Book) expect(d day) int {
	before := b.pages[d-1]
	if before == nil || before != b.lastPage {
		return 0
	}
	return len(before.accesses)
}

// Accesses is how many there are.
func (b *Book) Accesses() uint64 { return b.number }

// days are the days of the book, in order.
func (b *Book) days() []day { return slices.Sorted(maps.Keys(b.pages)) }

// load brings all accesses of a day into memory, to be sorted by whoever closes it.
func (b *Book) load(d day) ([]Access, error) {
	p := b.pages[d]
	if p.file.accesses == 0 {
		return p.accesses, nil
	}
	return b.spill.read(&p.file, p.accesses)
}

// each hands over all accesses of a day, one by one: those in its file first.
func (b *Book) each(d day, take func(*Access) error) error {
	p := b.pages[d]
	if p.file.accesses > 0 {
		if err := b.spill.each(&p.file, take); err != nil {
			return err
		}
	}
	for i := range p.accesses {
		if err := take(&p.accesses[i]); err != nil {
			return err
		}
	}
	return nil
}

// take moves days into a book of their own.
func (b *Book) take(days []day) *Book {
	out := &Book{zone: b.zone, clock: b.clock, view: b.view, pages: map[day]*page{}, spill: b.spill, name: b.name}
	for _, d := range days {
		p := b.pages[d]
		out.pages[d] = p
		n := uint64(len(p.accesses)) + uint64(p.file.accesses)
		out.number += n
		b.number -= n
		delete(b.pages, d)
	}
	b.lastPage = nil
	return out
}

// inMemory counts the accesses that are held in memory.
func (b *Book) inMemory() int {
	n := 0
	for _, p := range b.pages {
		n += len(p.accesses)
	}
	return n
}

// wrote reports whether a reader worked on a record on a day.
func (b *Book) wrote(d day, key pairKey) bool {
	p := b.pages[d]
	if p == nil {
		return false
	}
	_, ok := p.wrote[key]
	return ok
}
