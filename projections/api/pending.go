package api

import (
	"context"
	"fmt"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// Pending narrows the dead letters that a retry looks at.
type Pending struct {
	// Positions, when set, are the only ones meant.
	Positions []proto.Position
	// Source and Reason narrow the rest; empty: all.
	Source, Reason string
	// After is the last position of the page before; 0 begins.
	After proto.Position
	// Limit is how many positions are wanted at most.
	Limit int
}

// PendingDeadLetters lists positions of dead letters that no retry turned into an event, oldest first. It answers no
// person and says nothing of one, so it is no question; the command that asks is journaled with what came of it.
func (s *Service) PendingDeadLetters(ctx context.Context, q Pending) ([]proto.Position, error) {
	p, err := s.pin(proto.WithGlass(ctx, ""), 0, PageToken{}) // a broken glass lets see, and do nothing
	if err != nil {
		return nil, err
	}
	positions := make([]uint64, len(q.Positions))
	for i, position := range q.Positions {
		positions[i] = uint64(position)
	}
	params := store.Params{
		"after": uint64(q.After), "source": q.Source, "reason": q.Reason, "positions": positions, "limit": uint32(q.Limit),
	}
	var out []proto.Position
	err = p.query(ctx, "dead_letters_pending", params, func(row store.Row) error {
		var position uint64
		if err := row.Scan(&position); err != nil {
			return err //nolint:wrapcheck // the query names what failed
		}
		out = append(out, proto.Position(position))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list pending dead letters: %w", err)
	}
	return out, nil
}
