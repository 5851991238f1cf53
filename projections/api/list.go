package api

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	at    period
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
	if !l.cut.at.holds(a.shown.occurred) {
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

// ruled returns the sources whose events pair by rule, and how far apart.
func ruled(sources []*source) (names []string, within map[string]time.Duration) {
	names, within = []string{}, map[string]time.Duration{}
	for _, s := range sources {
		if d := time.Duration(s.row.PairWithinS) * time.Second; d > 0 {
			names = append(names, s.row.Name)
			within[s.row.Name] = min(d, maxPairRule)
		}
	}
	return names, within
}

// recordEvents streams the events about a record's identifiers to add, newest first.
func (p *pin) recordEvents(ctx context.Context, ids []ident, at period, from order, sources []*source, add func(*row) error) error {
	if len(ids) == 0 {
		return nil
	}
	keys, texts := keysOf(ids)
	names, within := ruled(sources)
	lo, hi := at.bounds(maxPair.Microseconds())
	params := store.Params{
		"keys": keys, "texts": texts, "rules": len(names) > 0, "ruled": names, "from": lo, "until": hi,
		"start_occurred": from.occurred, "start_position": uint64(from.position),
	}
	return p.query(ctx, "record_events", params, func(sr store.Row) error {
		r := &row{}
		var position, pair, rule uint64
		var action, outcome, mode, readerType uint8
		err := sr.Scan(&position, &r.occurred, &r.source, &action, &outcome, &mode, &r.breakGlass, &r.reader.system, &r.reader.value,
			&r.readerName, &readerType, &r.role.system, &r.role.code, &r.role.display, &r.department, &r.purposes, &pair, &rule)
		if err != nil {
			return err
		}
		r.position, r.action, r.readerType = proto.Position(position), v1.Action(action), v1.ReaderType(readerType)
		r.judge(outcome, mode)
		r.pairBy(pair, rule, 0, within)
		named := r.reader.byName()
		r.rank = readerRank(r.readerType, r.reader.value != "" && !named, r.readerName != "" || named)
		return add(r)
	})
}

func (r *row) judge(outcome, mode uint8) {
	r.failed = v1.Outcome(outcome) > v1.Outcome_OUTCOME_SUCCESS
	r.incidental = v1.AccessMode(mode) == v1.AccessMode_ACCESS_MODE_INCIDENTAL
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
	positions, lo, hi := extent(page)
	full := make(map[uint64]*v1.Access, len(page))
	params := store.Params{"keys": keys, "from": lo, "until": hi + 1, "positions": positions, "patients_shown": uint16(patientsShown)}
	err := p.query(ctx, "access_details", params, func(r store.Row) error { return scanDetail(r, full) })
	if err != nil {
		return nil, fmt.Errorf("read accesses: %w", err)
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

// detailsOfReaders is details for events that were found by reader or place; readers has the reader key of each.
func (p *pin) detailsOfReaders(ctx context.Context, readers []uint64, page []*access) ([]*v1.Access, error) {
	var out []*v1.Access
	for chunk := range slices.Chunk(page, detailChunk) {
		positions, lo, hi := extent(chunk)
		var keys []uint64
		params := store.Params{"readers": readers, "from": lo, "until": hi + 1, "positions": positions, "patients_shown": uint16(patientsShown)}
		err := p.query(ctx, "access_patients", params, func(r store.Row) error {
			var key uint64
			err := r.Scan(&key)
			keys = append(keys, key)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find patients of accesses: %w", err)
		}
		part, err := p.details(ctx, keys, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// extent returns the positions of the shown events and the times between which they occurred.
func extent(page []*access) (positions []uint64, lo, hi int64) {
	positions, lo, hi = make([]uint64, len(page)), page[0].shown.occurred, page[0].shown.occurred
	for i, a := range page {
		positions[i] = uint64(a.shown.position)
		lo, hi = min(lo, a.shown.occurred), max(hi, a.shown.occurred)
	}
	return positions, lo, hi
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

// scanDetail reads one row of access_details.sql: the event, or one more patient of it.
func scanDetail(r store.Row, full map[uint64]*v1.Access) error {
	a := &v1.Access{Reader: &v1.Reader{}}
	var patient v1.Patient
	var patientID, readerID, encounter v1.Identifier
	var role coding
	var ordinal, count uint16
	var action, outcome, mode, readerType uint8
	var types, systems, values, names []string
	var counts []uint32
	err := r.Scan(&a.Position, &a.OccurredUs, &a.RecordedUs, &a.ReceivedUs, &ordinal, &count, &patientID.System, &patientID.Value,
		&patient.Text, &action, &a.ActionCode, &outcome, &mode, &readerID.System, &readerID.Value, &a.Reader.Name, &readerType,
		&role.system, &role.code, &role.display, &a.Reader.Department, &types, &systems, &values, &names, &counts,
		&encounter.System, &encounter.Value, &a.Application, &a.OnBehalfOf, &a.Organization, &a.Site, &a.Workstation,
		&a.NetworkAddress, &a.Purposes, &a.BreakGlass, &a.Sensitivity, &a.Source, &a.Flags, &a.Backfill)
	if err != nil {
		return err
	}
	known := full[a.Position]
	if known == nil {
		known = a
		full[a.Position] = a
		a.Action, a.Outcome, a.Mode = v1.Action(action), v1.Outcome(outcome), v1.AccessMode(mode)
		a.Reader.Type = v1.ReaderType(readerType)
		if readerID.Value != "" && !identOf(&readerID).byName() {
			a.Reader.Identifiers = []*v1.Identifier{{System: readerID.System, Value: readerID.Value}}
		}
		a.Reader.Role = role.proto()
		if encounter.Value != "" {
			a.Encounter = &v1.Identifier{System: encounter.System, Value: encounter.Value}
		}
		a.Objects = objects(types, systems, values, names, counts)
	}
	if patientID.Value != "" {
		known.Patients = append(known.Patients, &v1.Patient{
			Identifiers: []*v1.Identifier{{System: patientID.System, Value: patientID.Value}}, Text: patient.Text,
		})
	} else if patient.Text != "" {
		known.Patients = append(known.Patients, &v1.Patient{Text: patient.Text})
	}
	return nil
}

// objects puts the parallel arrays of a row together.
func objects(types, systems, values, names []string, counts []uint32) []*v1.Object {
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	var out []*v1.Object
	for i := range types {
		o := &v1.Object{Type: types[i], Name: at(names, i)}
		if v := at(values, i); v != "" {
			o.Id = &v1.Identifier{System: at(systems, i), Value: v}
		}
		if i < len(counts) {
			o.Count = counts[i]
		}
		out = append(out, o)
	}
	return out
}
