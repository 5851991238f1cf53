package api

import (
	"container/heap"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// How far apart two reports of one access may have occurred. Client and server clocks that keep time agree within
// seconds; a minute leaves room for a slow request, and is short enough that a request id used twice pairs nothing else.
// A source's own rule may not reach further than maxPairRule: beyond five minutes a second look is a second access.
const (
	pairByRequest = time.Minute
	maxPairRule   = 5 * time.Minute
	maxPair       = maxPairRule
)

// pairKey is what two reports of one access share: the request id, or what their source's rule compares, and the
// patient. The zero key pairs with nothing.
type pairKey struct {
	key, patient uint64
	rule         bool
}

// ruleSeed keeps who sends events from choosing two that pair.
var ruleSeed = maphash.MakeSeed()

// ruleKey is by what an event pairs that states no request id and whose source has a rule: reader, action, and the values, types and systems
// of its objects. It is the same for equal ones as long as this process runs, and never 0.
func ruleKey(r *row, objects string, values []string) uint64 {
	var h maphash.Hash
	h.SetSeed(ruleSeed)
	add := func(texts ...string) {
		for _, text := range texts {
			_, _ = h.WriteString(strconv.Itoa(len(text)) + " " + text)
		}
	}
	add(r.source, r.reader.system, r.reader.value, strconv.Itoa(int(r.action)), strconv.Itoa(len(values)))
	add(values...)
	f := fields(objects)
	for i := range values {
		add(f(objectFields*i), f(objectFields*i+1)) // type, system
	}
	return max(h.Sum64(), 1)
}

// row is what pairing and counting need of one event.
type row struct {
	position proto.Position
	occurred int64
	actor
	pair pairKey
	// within is how far apart a report that pairs with this one may have occurred.
	within time.Duration
	action v1.Action
	// rank is how specific the reader is, higher is more; see readerRank.
	rank int

	readerType                     v1.ReaderType
	purposes                       []string
	failed, incidental, breakGlass bool
	// patient is the key of the event's first patient, or of one of them where the event was found by object.
	patient uint64
	// patients is how many distinct patients the event names.
	patients uint16
	// received is when the journal received it: the parts of the tables are by received time.
	received int64
	// part is the part of the patient-first table that the event was found in; "" when that is not known.
	part string
	// report and packedReader are of rows of a scope: the row itself, and who did it as the table packs it.
	report       *scopeRow
	packedReader string
	outcome      v1.Outcome
	mode         v1.AccessMode
	// named are the keys of the patients that the event names, in order, where they are read: all, or as many as a list shows.
	named []uint64
	// profiled is what the event adds to the profile of a reader.
	profiled *profiledEvent
	// full is the event as a page shows it, and importKey the import that brought it, when it was listed with all that.
	full      *v1.Access
	importKey uint64
}

// coding is a code as a map key would be; the zero one is none.
type coding struct{ system, code, display string }

func (c coding) proto() *v1.Coding {
	if c.code == "" && c.display == "" {
		return nil
	}
	return &v1.Coding{System: c.system, Code: c.code, Display: c.display}
}

func (r *row) order() order { return order{r.occurred, r.position} }

// access is one act of looking: the events that report it, the one that is shown first.
type access struct {
	shown *row
	// others are the further reports, newest first.
	others []*row
	anchor int64
	within time.Duration
	class  actionClass
	// index is where the access stands in the pairer's heap.
	index int
}

// events calls f with every report.
func (a *access) events(f func(*row)) {
	f(a.shown)
	for _, o := range a.others {
		f(o)
	}
}

// failed is true when no report speaks of success, incidental when none says that the record was opened on purpose.
func (a *access) failed() bool     { return a.all(func(r *row) bool { return r.failed }) }
func (a *access) incidental() bool { return a.all(func(r *row) bool { return r.incidental }) }
func (a *access) breakGlass() bool { return !a.all(func(r *row) bool { return !r.breakGlass }) }

func (a *access) any(ok func(*row) bool) bool {
	return !a.all(func(r *row) bool { return !ok(r) })
}

func (a *access) all(ok func(*row) bool) bool {
	result := true
	a.events(func(r *row) { result = result && ok(r) })
	return result
}

// pairer turns events, newest first, into accesses, newest first. Its memory is bounded by the events of a few minutes:
// an access leaves as soon as nothing can join or precede it.
type pairer struct {
	emit func(*access) error
	// open holds the accesses that later (older) events may still join, by pairing key.
	open map[pairKey]*access
	// waiting orders what has not left yet.
	waiting accessHeap
	// run is the newest event of the current run: no gap as wide as maxPair lies between it and the last event.
	run  order
	last int64
	any  bool
}

func newPairer(emit func(*access) error) *pairer {
	return &pairer{emit: emit, open: map[pairKey]*access{}}
}

// add takes the next event. Events come newest first by (occurred, position).
func (p *pairer) add(r *row) error {
	if p.any && p.last-r.occurred > maxPair.Microseconds() {
		if err := p.finish(); err != nil {
			return err
		}
	}
	if !p.any {
		p.run, p.any = r.order(), true
	}
	p.last = r.occurred
	p.join(r)
	// An access that began more than maxPair above this event cannot change any more, and nothing overtakes it: others
	// only move down when a better report joins them.
	for len(p.waiting) > 0 && p.waiting[0].anchor-r.occurred > maxPair.Microseconds() {
		if err := p.pop(); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairer) join(r *row) {
	if r.pair != (pairKey{}) {
		a := p.open[r.pair]
		if a != nil && a.anchor-r.occurred <= min(a.within, r.within).Microseconds() && a.class.takes(r.action) {
			if better(r, a.shown) {
				r, a.shown = a.shown, r
				heap.Fix(&p.waiting, a.index)
			}
			a.others = append(a.others, r)
			a.class = a.class.with(r.action)
			return
		}
	}
	a := &access{shown: r, anchor: r.occurred, within: r.within, class: classOf(r.action)}
	if r.pair != (pairKey{}) {
		p.open[r.pair] = a
	}
	heap.Push(&p.waiting, a)
}

// finish lets everything go: the run is over, or the list is.
func (p *pairer) finish() error {
	for len(p.waiting) > 0 {
		if err := p.pop(); err != nil {
			return err
		}
	}
	clear(p.open)
	p.any = false
	return nil
}

func (p *pairer) pop() error {
	a, _ := heap.Pop(&p.waiting).(*access)
	if key := a.shown.pair; p.open[key] == a {
		delete(p.open, key)
	}
	return p.emit(a)
}

// better decides which report of an access is shown: the most specific reader, else the one journaled first.
func better(r, shown *row) bool {
	if r.rank != shown.rank {
		return r.rank > shown.rank
	}
	return r.position < shown.position
}

// readerRank says how specific a reader is: a human with an identifier, a human by name, an identifier of no stated
// kind, an organisation, an application, nobody.
func readerRank(typ v1.ReaderType, hasID, hasName bool) int {
	switch typ {
	case v1.ReaderType_READER_TYPE_APPLICATION:
		return named(hasID, hasName, 1)
	case v1.ReaderType_READER_TYPE_ORGANIZATION:
		return named(hasID, hasName, 3)
	case v1.ReaderType_READER_TYPE_UNSPECIFIED:
		return named(hasID, hasName, 5)
	}
	return named(hasID, hasName, 7)
}

func named(hasID, hasName bool, rank int) int {
	switch {
	case hasID:
		return rank + 1
	case hasName:
		return rank
	}
	return 0
}

// actionClass is a set of actions that client and server use for one and the same thing.
type actionClass uint8

const (
	classAny actionClass = iota
	classLook
	classGive
	classChange
	classDelete
	classSession
)

func classOf(a v1.Action) actionClass {
	switch a {
	case v1.Action_ACTION_READ, v1.Action_ACTION_SEARCH, v1.Action_ACTION_EXECUTE:
		return classLook
	case v1.Action_ACTION_PRINT, v1.Action_ACTION_EXPORT, v1.Action_ACTION_DISCLOSE:
		return classGive
	case v1.Action_ACTION_CREATE, v1.Action_ACTION_UPDATE:
		return classChange
	case v1.Action_ACTION_DELETE:
		return classDelete
	case v1.Action_ACTION_LOGIN, v1.Action_ACTION_LOGOUT:
		return classSession
	}
	return classAny
}

func (c actionClass) takes(a v1.Action) bool {
	other := classOf(a)
	return c == classAny || other == classAny || c == other
}

func (c actionClass) with(a v1.Action) actionClass {
	if c == classAny {
		return classOf(a)
	}
	return c
}

// accessHeap keeps the access that is shown newest on top.
type accessHeap []*access

func (h accessHeap) Len() int           { return len(h) }
func (h accessHeap) Less(i, j int) bool { return h[j].shown.order().after(h[i].shown.order()) }
func (h accessHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *accessHeap) Push(x any) {
	a, _ := x.(*access)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *accessHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}
