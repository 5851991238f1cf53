package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// patientsShown is how many patients of one event a list shows. List screens name thousands; GetEvent has them all.
	patientsShown = 20
	// detailChunk is how many accesses are looked up at a time where their patients are not known before: 100 times
	// patientsShown keys of 20 digits are 40 KB of parameters, far below the megabyte that servers accept.
	detailChunk = 100
)

// cut is the part of a list that one answer shows.
type cut struct {
	at period
	// keep says which accesses are meant; nil: all of them.
	keep  func(*access) bool
	after order
	size  int
	// all: go on behind the page, for totals.
	all bool
}

// lister collects one page of accesses from events that come newest first, and offers every access of the period.
type lister struct {
	cut    cut
	pairs  *pairer
	every  func(*access)
	page   []*access
	run    order
	more   bool
	seen   proto.Position
	events int
}

func newLister(c cut, every func(*access)) *lister {
	l := &lister{cut: c, every: every}
	l.pairs = newPairer(l.take)
	return l
}

// add takes an event; rows of one event that repeat for its patients count once.
func (l *lister) add(r *row) error {
	if r.position == l.seen {
		return nil
	}
	l.seen = r.position
	l.events++
	return l.pairs.add(r)
}

func (l *lister) take(a *access) error {
	if !l.cut.at.holds(a.shown.occurred) || l.cut.keep != nil && !l.cut.keep(a) {
		return nil
	}
	if l.every != nil {
		l.every(a)
	}
	switch {
	case !a.shown.order().after(l.cut.after):
	case len(l.page) < l.cut.size:
		l.page = append(l.page, a)
		l.run = l.pairs.run
	default:
		l.more = true
		if !l.cut.all {
			return store.Stop()
		}
	}
	return nil
}

// filled reports whether the page is complete: an event that comes now is not on it.
func (l *lister) filled() bool { return len(l.page) >= l.cut.size }

// next is the token of the page that follows, "" behind the last one.
func (l *lister) next(p *pin, question [8]byte, page uint64) string {
	if !l.more {
		return ""
	}
	last := l.page[len(l.page)-1].shown
	return PageToken{
		Question: question, Version: p.version, Position: p.position, Page: page + 1,
		AfterOccurred: last.occurred, AfterPosition: last.position, FromOccurred: l.run.occurred, FromPosition: l.run.position,
	}.String()
}

// start is where reading begins: where the token says, else above everything.
func start(t PageToken) order {
	if t.FromPosition == 0 {
		return order{maxTime, proto.Position(^uint64(0))}
	}
	return t.from()
}

// ruled returns the sources whose events pair by rule, packed as the tables hold them, and how far apart.
func ruled(sources []*source) (names []string, within map[string]time.Duration) {
	names, within = []string{}, map[string]time.Duration{}
	for _, s := range sources {
		if d := time.Duration(s.row.PairWithinS) * time.Second; d > 0 {
			names = append(names, projections.Pack(s.row.Name))
			within[s.row.Name] = min(d, maxPairRule)
		}
	}
	return names, within
}

// judge takes what the codes of an event say.
func (r *row) judge(c projections.Codes) {
	r.action, r.readerType, r.patients, r.breakGlass = v1.Action(c.Action), v1.ReaderType(c.ReaderType), c.Patients, c.BreakGlass
	r.outcome, r.mode = v1.Outcome(c.Outcome), v1.AccessMode(c.Mode)
	r.failed = r.outcome > v1.Outcome_OUTCOME_SUCCESS
	r.incidental = r.mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL
}

// pairBy chooses the key by which the event pairs: its request id, else the rule of its source, else none.
func (r *row) pairBy(request, rule, patient uint64, within map[string]time.Duration) {
	switch {
	case request != 0:
		r.pair, r.within = pairKey{key: request, patient: patient}, pairByRequest
	case rule != 0:
		r.pair, r.within = pairKey{key: rule, patient: patient, rule: true}, within[r.source]
	}
}

// byName reports whether the identifier is only the name that a source sent in place of one.
func (i ident) byName() bool {
	const mark = "#name"
	return len(i.system) > len(mark) && i.system[len(i.system)-len(mark):] == mark
}

// details loads the shown events of a page. keys are the patient keys that the events stand under.
func (p *pin) details(ctx context.Context, keys []uint64, page []*access) ([]*v1.Access, error) {
	if len(page) == 0 {
		return nil, nil
	}
	full, imports, ok := whole(page)
	if !ok {
		var err error
		full, imports, err = p.readDetails(ctx, keys, page, partsOf(page))
		if err == nil && len(full) < len(page) {
			// A merge has moved rows to another part since they were listed.
			full, imports, err = p.readDetails(ctx, keys, page, []string{})
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.markBackfill(ctx, imports); err != nil {
		return nil, err
	}
	out := make([]*v1.Access, 0, len(page))
	for _, a := range page {
		d := full[uint64(a.shown.position)]
		if d == nil {
			return nil, fmt.Errorf("read accesses: row at position %d is missing", a.shown.position)
		}
		a.complete(d)
		out = append(out, d)
	}
	return out, nil
}

// whole are the rows of a page that was listed in full, as readDetails reads them; false when one of them was not.
func whole(page []*access) (map[uint64]*v1.Access, map[uint64][]*v1.Access, bool) {
	full, imports := make(map[uint64]*v1.Access, len(page)), map[uint64][]*v1.Access{}
	for _, a := range page {
		r := a.shown
		if r.full == nil {
			return nil, nil, false
		}
		full[uint64(r.position)] = r.full
		if r.importKey != 0 {
			imports[r.importKey] = append(imports[r.importKey], r.full)
		}
	}
	return full, imports, true
}

// readDetails reads the rows of a page, by position, and which of them came with which import. parts are the only ones that
// are searched, unless there are none.
func (p *pin) readDetails(ctx context.Context, keys []uint64, page []*access, parts []string) (map[uint64]*v1.Access, map[uint64][]*v1.Access, error) {
	params := places(page)
	params["keys"], params["parts"] = keys, parts
	full, imports := make(map[uint64]*v1.Access, len(page)), map[uint64][]*v1.Access{}
	err := p.query(ctx, "access_details", params, func(r store.Row) error { return scanDetail(r, full, imports) })
	if err != nil {
		return nil, nil, fmt.Errorf("read accesses: %w", err)
	}
	return full, imports, nil
}

// partsOf are the parts that a page's rows were found in; none when that is not known of all.
func partsOf(page []*access) []string {
	parts := map[string]bool{}
	for _, a := range page {
		parts[a.shown.part] = true
	}
	if parts[""] {
		return []string{}
	}
	return slices.Sorted(maps.Keys(parts))
}

// detailsOfReaders is details for events that were found by reader or place; readers has the reader key of each.
func (p *pin) detailsOfReaders(ctx context.Context, readers []uint64, page []*access) ([]*v1.Access, error) {
	var out []*v1.Access
	for chunk := range slices.Chunk(page, detailChunk) {
		keys, err := p.patientsOf(ctx, readers, chunk)
		if err != nil {
			return nil, err
		}
		part, err := p.details(ctx, keys, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// patientsOf returns the patient keys of a page. An event with one patient said it itself, and one that was listed with its patients;
// the others are asked for.
func (p *pin) patientsOf(ctx context.Context, readers []uint64, page []*access) ([]uint64, error) {
	var several []*access
	known := map[uint64]bool{}
	for _, a := range page {
		known[a.shown.patient] = true
		for _, key := range a.shown.named[:min(len(a.shown.named), patientsShown)] {
			known[key] = true
		}
		if a.shown.patients > 1 && a.shown.named == nil {
			several = append(several, a)
		}
	}
	if len(several) > 0 {
		params := places(several)
		params["readers"] = readers
		err := p.query(ctx, "access_patients", params, func(r store.Row) error {
			var key uint64
			err := r.Scan(&key)
			known[key] = true
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find patients of accesses: %w", err)
		}
	}
	return slices.Collect(maps.Keys(known)), nil
}

// places are the parameters by which the statements find the shown events of a page.
func places(page []*access) store.Params {
	positions, lo, hi := make([]uint64, len(page)), page[0].shown.occurred, page[0].shown.occurred
	received := make([]time.Time, len(page))
	for i, a := range page {
		positions[i] = uint64(a.shown.position)
		lo, hi = min(lo, a.shown.occurred), max(hi, a.shown.occurred)
		received[i] = time.UnixMicro(a.shown.received).UTC()
	}
	slices.SortFunc(received, time.Time.Compare)
	return store.Params{
		"positions": positions, "from": lo, "until": hi + 1, "received": slices.Compact(received),
		"patients_shown": uint16(patientsShown),
	}
}

// complete adds what the other reports of the access say.
func (a *access) complete(d *v1.Access) {
	d.BreakGlass = d.BreakGlass || a.breakGlass()
	for _, o := range a.others {
		d.Paired = append(d.Paired, &v1.PairedEvent{Position: uint64(o.position), Source: o.source, OccurredUs: o.occurred})
		for _, purpose := range o.purposes {
			if !slices.Contains(d.Purposes, purpose) {
				d.Purposes = append(d.Purposes, purpose)
			}
		}
	}
}
