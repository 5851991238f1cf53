package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	rt "github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxScopeEvents bounds the events that a scope may name one by one, and those that an object may have: 5,000 positions of 20
// digits are 100 KB of parameters.
const maxScopeEvents = 5_000

// scopeQuery is what a scope is made of, checked. All conditions hold.
type scopeQuery struct {
	// looks are how many of the events are looks through Readtrail, which count in no scope.
	looks int
	// reader is a reader, or an account when exact is true: then no links are followed.
	reader *Subject
	exact  bool
	object *Subject
	// workstation is compared as it is.
	workstation string
	// listed says that the asker named the events, one by one; else they are those of an alert or a case.
	listed bool
	// events are positions, rising; readers are the keys that they stand under.
	events  []uint64
	readers []uint64
	at      period
}

// checkQuery reads a query. Events are looked up in the journal, so that one that is none is refused here.
func (s *Service) checkQuery(ctx context.Context, m *v1.ScopeQuery) (*scopeQuery, error) {
	q := &scopeQuery{workstation: m.GetWorkstation(), listed: len(m.GetEvents()) > 0, at: period{m.GetFromUs(), m.GetUntilUs()}}
	if err := checkPeriod(s.cfg.Now(), q.at, 0); err != nil {
		return nil, err
	}
	if err := checkCondition("workstation", q.workstation); err != nil {
		return nil, err
	}
	switch {
	case m.GetReader() != "" && m.GetAccount() != "":
		return nil, invalid("account", "give a reader or an account, not both")
	case m.GetObject() != "" && len(m.GetEvents()) > 0:
		return nil, invalid("events", "give an object or events, not both")
	case m.GetAlert() != "" && (m.GetObject() != "" || len(m.GetEvents()) > 0):
		return nil, invalid("alert", "give an alert, an object or events, not several of them")
	case m.GetCase() != "" && (m.GetAlert() != "" || m.GetObject() != "" || len(m.GetEvents()) > 0):
		return nil, invalid("case", "give a case, an alert, an object or events, not several of them")
	case len(m.GetEvents()) > maxScopeEvents:
		return nil, invalid("events", "at most 5000")
	case m.GetReader() == "" && m.GetAccount() == "" && m.GetWorkstation() == "" && m.GetObject() == "" && len(m.GetEvents()) == 0 &&
		m.GetAlert() == "" && m.GetCase() == "" && (m.GetFromUs() == 0 || m.GetUntilUs() == 0):
		return nil, invalid("query", "name a reader, an account, a workstation, an object, events, an alert or a case, or both times")
	}
	for _, f := range []struct {
		field, text string
		to          **Subject
	}{{"reader", m.GetReader(), &q.reader}, {"account", m.GetAccount(), &q.reader}, {"object", m.GetObject(), &q.object}} {
		if f.text == "" {
			continue
		}
		subject, err := checkSubject(f.field, f.text)
		if err != nil {
			return nil, err
		}
		*f.to = &subject
	}
	q.exact = m.GetAccount() != ""
	events, err := s.eventsNamed(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := s.locateEvents(ctx, q, events); err != nil {
		return nil, err
	}
	if len(events) > 0 && len(m.GetEvents()) == 0 && len(q.events) == 0 {
		field := "alert"
		if m.GetCase() != "" {
			field = "case"
		}
		return nil, invalid(field, "it cites looks through Readtrail only, which are no accesses of any source: ask who viewed the record")
	}
	return q, nil
}

// eventsNamed are the events of a query, named one by one or by the alert or the case that cites them.
func (s *Service) eventsNamed(ctx context.Context, m *v1.ScopeQuery) ([]string, error) {
	switch {
	case m.GetAlert() != "":
		return s.citedEvents(ctx, m.GetAlert())
	case m.GetCase() != "":
		return s.eventsOfCase(ctx, m.GetCase())
	}
	return m.GetEvents(), nil
}

// citedEvents are the positions of the accesses that an alert cites in its latest version.
func (s *Service) citedEvents(ctx context.Context, alert string) ([]string, error) {
	id, err := rt.ParseEventID(alert)
	if err != nil {
		return nil, invalid("alert", "an id of 27 characters, as the list of alerts shows it")
	}
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	sequence, err := p.streamRead(ctx, projections.ProjectorAlerts)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	own, err := s.own(ctx, p, around)
	if err != nil {
		return nil, err
	}
	versions, err := p.versionsOf(ctx, id.String(), sequence)
	if err != nil {
		return nil, err
	}
	if isAbout(versions, own) {
		return nil, s.keepBack(ctx, rt.CallerFrom(ctx), queryBreachScope, "", p.position, connect.NewError(connect.CodeNotFound, errNoAlert))
	}
	cited := versions[len(versions)-1].Accesses
	if len(cited) > maxScopeEvents {
		return nil, tooWide("the alert cites more than 5000 accesses: name its reader and its day")
	}
	out := make([]string, len(cited))
	for i, a := range cited {
		out[i] = strconv.FormatUint(a.Position, 10)
	}
	return out, nil
}

// locateEvents finds the positions of events and the readers that their rows stand under. It reads each message once.
func (s *Service) locateEvents(ctx context.Context, q *scopeQuery, events []string) error {
	positions := make([]rt.Position, 0, len(events))
	for _, text := range events {
		position, err := s.position(ctx, "events", text)
		if err != nil {
			return err
		}
		positions = append(positions, position)
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	missing := notFound("events: the journal holds no such event")
	readers := map[uint64]bool{}
	var b *rt.Batch
	for _, position := range positions {
		if position > s.cfg.Head() || position.Sequence() == 0 {
			return missing
		}
		if b == nil || b.Sequence() != position.Sequence() {
			var err error
			if b, err = s.cfg.ReadBatch(ctx, position.Sequence()); err != nil {
				return fmt.Errorf("read events of a scope: %w", err)
			}
		}
		if position.Index() < b.Count() && b.Kind(position.Index()) == v1.Kind_KIND_QUESTION {
			q.looks++
			continue
		}
		if position.Index() >= b.Count() || b.Kind(position.Index()) != v1.Kind_KIND_ACCESS {
			return missing
		}
		item, err := b.Item(position.Index())
		if err != nil {
			return fmt.Errorf("read events of a scope: %w", err)
		}
		readers[readerKey(item.GetAccess())] = true
		q.events = append(q.events, uint64(position))
	}
	for key := range readers {
		q.readers = append(q.readers, key)
	}
	slices.Sort(q.readers)
	return nil
}

// proto is the query in its canonical form: identifiers as "system|value", events as positions.
func (q *scopeQuery) proto() *v1.ScopeQuery {
	m := &v1.ScopeQuery{Workstation: q.workstation, FromUs: q.at.from, UntilUs: q.at.until}
	if q.reader != nil && q.exact {
		m.Account = q.reader.String()
	} else if q.reader != nil {
		m.Reader = q.reader.String()
	}
	if q.object != nil {
		m.Object = q.object.String()
	}
	for _, position := range q.events {
		m.Events = append(m.Events, strconv.FormatUint(position, 10))
	}
	return m
}

// text tells this query from others. It names people: never for a log or an error.
func (q *scopeQuery) text() string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(q.proto())
	if err != nil {
		return q.proto().String() // only text that is no UTF-8 fails, and that was refused
	}
	return string(b)
}

// selection is a query as the statements take it: whose rows, and which of them.
type selection struct {
	readers     []uint64
	packed      []string
	anyReader   bool
	workstation string
	events      []uint64
	anyEvent    bool
	at          period
	// nothing is true when no row can match.
	nothing bool
}

func (sel *selection) params() store.Params {
	from, until := sel.at.bounds(0)
	return store.Params{
		"any_reader": sel.anyReader, "readers": sel.readers, "packed": sel.packed, "workstation": sel.workstation,
		"any_event": sel.anyEvent, "events": sel.events, "from": from, "until": until,
	}
}

// with adds parameters.
func (sel *selection) with(more store.Params) store.Params {
	params := sel.params()
	maps.Copy(params, more)
	return params
}

// selection turns a query into a selection at the pin; who is its reader, nil when none was named.
func (p *pin) selection(ctx context.Context, q *scopeQuery, who *identity) (*selection, error) {
	sel := &selection{
		readers: []uint64{}, packed: []string{}, anyReader: true, workstation: q.workstation, events: []uint64{}, anyEvent: true, at: q.at,
	}
	if len(q.events) > 0 {
		sel.events, sel.anyEvent, sel.readers, sel.anyReader = q.events, false, q.readers, false
	}
	if q.object != nil {
		if err := p.objectEvents(ctx, q, sel); err != nil {
			return nil, err
		}
	}
	if who != nil {
		sel.readers, sel.packed, sel.anyReader = keysOf(who.keyed), packedOf(who.keyed), false
		sel.nothing = sel.nothing || len(who.keyed) == 0
	}
	return sel, nil
}

// objectEvents finds the events that touched the query's object.
func (p *pin) objectEvents(ctx context.Context, q *scopeQuery, sel *selection) error {
	from, until := q.at.bounds(0)
	params := store.Params{
		"from": from, "until": until, "object": q.object.Value, "object_system": q.object.System, "object_exact": q.object.Exact,
		"limit": uint64(maxScopeEvents + 1),
	}
	keys, events := map[uint64]bool{}, map[uint64]bool{}
	err := p.query(ctx, "scope_object", params, func(row store.Row) error {
		var position, key uint64
		err := row.Scan(&position, &key)
		keys[key], events[position] = true, true
		return err
	})
	if err != nil {
		return fmt.Errorf("find events of an object: %w", err)
	}
	if len(events) > maxScopeEvents {
		return tooWide("the object has more than 5000 events: give a shorter period, or name a reader too")
	}
	sel.readers, sel.anyReader = sortedKeys(keys), false
	sel.events, sel.anyEvent = sortedKeys(events), false
	sel.nothing = len(events) == 0
	return nil
}

func sortedKeys(set map[uint64]bool) []uint64 {
	out := make([]uint64, 0, len(set))
	for key := range set {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// tooWide refuses a question whose answer would be larger than it may be.
func tooWide(text string) error {
	return connect.NewError(connect.CodeFailedPrecondition, errors.New(text))
}

// readerKey is the key that an event's rows stand under in the reader-first table.
func readerKey(e *v1.AccessEvent) uint64 {
	return projections.ReaderKey(projections.ReaderIdentifier(e))
}
