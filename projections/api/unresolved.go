package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// maxListedUnresolved is how many unresolved events are remembered one by one: a million of 16 bytes are 16 MB. Where a source names no
// patient but by text they are more, and are counted in ClickHouse.
const maxListedUnresolved = 1_000_000

// unresolvedEvents are the events up to a position whose patient is known by text only, by when they occurred: nearly every header counts
// those of its period. Rows up to a watermark never change, so what was read is never read again. It is not written once it is made.
type unresolvedEvents struct {
	version  uint64
	position proto.Position
	events   []unresolvedEvent
	// many: they are more than are remembered.
	many bool
}

type unresolvedEvent struct {
	occurred int64
	position proto.Position
}

// count is how many there are of a period at a position.
func (u *unresolvedEvents) count(at period, position proto.Position) uint64 {
	from, until := at.bounds(0)
	first := sort.Search(len(u.events), func(i int) bool { return u.events[i].occurred >= from })
	behind := sort.Search(len(u.events), func(i int) bool { return u.events[i].occurred >= until })
	if behind <= first {
		return 0
	}
	if position >= u.position {
		return uint64(behind - first)
	}
	n := uint64(0)
	for _, e := range u.events[first:behind] {
		count(&n, e.position <= position)
	}
	return n
}

// with adds what came since: few among many, so that the many are not sorted again.
func (u *unresolvedEvents) with(since []unresolvedEvent, position proto.Position) *unresolvedEvents {
	next := &unresolvedEvents{version: u.version, position: position, events: u.events}
	if len(since) == 0 {
		return next
	}
	slices.SortFunc(since, func(a, b unresolvedEvent) int { return cmp.Compare(a.occurred, b.occurred) })
	next.events = make([]unresolvedEvent, 0, len(u.events)+len(since))
	old := u.events
	for _, e := range since {
		n := sort.Search(len(old), func(i int) bool { return old[i].occurred > e.occurred })
		next.events = append(append(next.events, old[:n]...), e)
		old = old[n:]
	}
	next.events = append(next.events, old...)
	return next
}

// unresolvedUpTo is what is remembered of a version; nothing where another version's is.
func (e *engine) unresolvedUpTo(version uint64) *unresolvedEvents {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unresolved == nil || e.unresolved.version != version {
		return &unresolvedEvents{version: version}
	}
	return e.unresolved
}

// rememberUnresolved keeps what goes furthest.
func (e *engine) rememberUnresolved(u *unresolvedEvents) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if was := e.unresolved; was == nil || u.version > was.version || u.version == was.version && u.position > was.position {
		e.unresolved = u
	}
}

// unresolved counts the events of the period whose patient is known by text only.
func (p *pin) unresolved(ctx context.Context, at period) (uint64, error) {
	if p.limits.Limited() {
		return kept(p, "unresolved_events", at, p.written.Unresolved, func() (uint64, error) { return p.countUnresolved(ctx, at) })
	}
	u, err := p.unresolvedEvents(ctx)
	switch {
	case err != nil:
		return 0, err
	case !u.many:
		return u.count(at, p.position), nil
	case at == (period{}) && !p.past:
		return p.manyUnresolved(ctx)
	}
	return kept(p, "unresolved_events", at, p.written.Unresolved, func() (uint64, error) { return p.countUnresolved(ctx, at) })
}

// unresolvedEvents reads those that came since they were read last.
func (p *pin) unresolvedEvents(ctx context.Context) (*unresolvedEvents, error) {
	u := p.engine.unresolvedUpTo(p.version)
	if u.many || u.position >= p.position || p.live && p.written.Unresolved <= u.position && u.position > 0 {
		return u, nil
	}
	var since []unresolvedEvent
	room := p.engine.listedUnresolved - len(u.events)
	params := store.Params{"after": uint64(u.position), "limit": uint64(room + 1)}
	err := p.query(ctx, "unresolved_times", params, func(row store.Row) error {
		var e unresolvedEvent
		var position uint64
		err := row.Scan(&e.occurred, &position)
		e.position = proto.Position(position)
		since = append(since, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read unresolved events: %w", err)
	}
	next := u.with(since, p.position)
	if len(since) > room {
		next.events, next.many = nil, true
	}
	p.engine.rememberUnresolved(next)
	return next, nil
}

// unresolvedCount is how many unresolved events there are up to a position.
type unresolvedCount struct {
	version  uint64
	position proto.Position
	events   uint64
}

// manyUnresolved counts those of all time where they are many: what an earlier answer counted is not counted again.
func (p *pin) manyUnresolved(ctx context.Context) (uint64, error) {
	p.engine.mu.Lock()
	known := p.engine.manyUnresolved
	p.engine.mu.Unlock()
	if known.version != p.version || known.position > p.position {
		known = unresolvedCount{version: p.version}
	}
	if known.position == p.position && known.position != 0 {
		return known.events, nil
	}
	var events uint64
	err := p.query(ctx, "unresolved_since", store.Params{"after": uint64(known.position)}, func(row store.Row) error { return row.Scan(&events) })
	if err != nil {
		return 0, fmt.Errorf("count unresolved events: %w", err)
	}
	known.events, known.position = known.events+events, p.position
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	if was := p.engine.manyUnresolved; known.version != was.version || known.position > was.position {
		p.engine.manyUnresolved = known
	}
	return known.events, nil
}

func (p *pin) countUnresolved(ctx context.Context, at period) (events uint64, err error) {
	from, until := at.bounds(0)
	params := store.Params{"from": from, "until": until}
	err = p.query(ctx, "unresolved_events", params, func(row store.Row) error { return row.Scan(&events) })
	if err != nil {
		return 0, fmt.Errorf("count unresolved events: %w", err)
	}
	return events, nil
}
