package api

import (
	"context"
	"fmt"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// keepNothing journals that somebody asked for one case or alert that is not there for them, and returns the error that is answered
// instead: whoever tries ids one after the other is seen, as whoever looks for a record that nobody has. elsewhere says that there is one
// outside of their limits.
func (s *Service) keepNothing(ctx context.Context, a *asking, p *pin, elsewhere bool, instead error) error {
	id, err := proto.MintEventID(s.cfg.Now())
	if err != nil {
		return fmt.Errorf("mint question id: %w", err)
	}
	q := &v1.Question{
		QuestionId: id.Bytes(), Asker: a.caller.Name, Role: a.caller.Role, Query: a.query, Purpose: a.purpose, Page: 1, Position: uint64(p.position),
		AskedUs: s.cfg.Now().UnixMicro(), Limits: p.limits.Proto(),
	}
	if elsewhere {
		q.Elsewhere = 1
	}
	if err := s.ask(ctx, a.caller, q); err != nil {
		return s.withhold(ctx, a.query, err)
	}
	return instead
}

// caseElsewhere reports whether a case that is not within the asker's limits is there at all.
func (p *pin) caseElsewhere(ctx context.Context, id proto.EventID) (there bool, err error) {
	if !p.limits.Limited() {
		return false, nil
	}
	err = p.queryWhole(ctx, "case_steps", store.Params{"id": id.String()}, func(store.Row) error {
		there = true
		return store.Stop()
	})
	if err != nil {
		return false, fmt.Errorf("read steps of a case: %w", err)
	}
	return there, nil
}
