package api

import (
	"context"
	"fmt"
	"maps"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// What one answer adds up at most: two million messages, of which each has a row a source and hour.
const (
	countStep  = 500_000
	countSteps = 4
)

// sourceCount is how many events each source sent in the messages up to one. What a message counts never changes, so
// only the messages behind it need to be added.
type sourceCount struct {
	version  uint64
	sequence uint64
	events   map[string]uint64
	// bounded is true when messages are left that another answer has to add.
	bounded bool
}

// sourceEvents adds up the events of each source, from where the answer before left off: the first answers of a process
// over a long journal may not come to its end.
func (p *pin) sourceEvents(ctx context.Context) (sourceCount, error) {
	var mark uint64
	err := p.query(ctx, "rollup_watermark", store.Params{"version": p.version}, func(row store.Row) error { return row.Scan(&mark) })
	if err != nil {
		return sourceCount{}, fmt.Errorf("read watermark of rollups: %w", err)
	}
	last := min(p.position.Sequence(), proto.Position(mark).Sequence())
	count := p.engine.countedSoFar(p.version)
	for range countSteps {
		if count.sequence >= last {
			break
		}
		to := min(count.sequence+countStep, last)
		params := store.Params{"after": count.sequence, "sequence": to}
		err := p.query(ctx, "source_events", params, func(row store.Row) error {
			var name string
			var n uint64
			if err := row.Scan(&name, &n); err != nil {
				return err
			}
			count.events[name] += n
			return nil
		})
		if err != nil {
			return sourceCount{}, fmt.Errorf("count events by source: %w", err)
		}
		count.sequence = to
	}
	p.engine.rememberCounted(count)
	count.bounded = count.sequence < last
	return count, nil
}

// countedSoFar returns a copy of what was added up for a version.
func (e *engine) countedSoFar(version uint64) sourceCount {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counted.version != version {
		return sourceCount{version: version, events: map[string]uint64{}}
	}
	count := e.counted
	count.events = maps.Clone(count.events)
	return count
}

// rememberCounted keeps the count that goes furthest.
func (e *engine) rememberCounted(count sourceCount) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if count.version != e.counted.version || count.sequence > e.counted.sequence {
		count.events = maps.Clone(count.events)
		e.counted = count
	}
}
