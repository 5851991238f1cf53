package api

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// answerWithin is answer for questions that may take longer.
func answerWithin[Res any](ctx context.Context, s *Service, limit time.Duration, query string, compute func(context.Context, proto.Caller) (*Res, error)) (*connect.Response[Res], error) {
	return run(ctx, s, manner{query, limit, asksOfPeople}, compute)
}

// scoped is a scope that was computed, and what it rests on.
type scoped struct {
	pin    *pin
	around *backdrop
	query  *scopeQuery
	// followed is what the reader was followed to, candidates instead when several are meant.
	followed   []*v1.FollowedIdentifier
	candidates []ident
	// known is false when no event and no context ever named the reader.
	known bool
	sel   *selection
	// result is nil when there are candidates.
	result *scopeResult
}

// scope computes a scope as of a moment, or of what a page token pinned. The caller waits for the backdrop.
func (s *Service) scope(ctx context.Context, a *asking, q *scopeQuery, at moment, token PageToken) (*scoped, error) {
	p, err := s.pinScope(ctx, at, token)
	if err != nil {
		return nil, err
	}
	p.store = s.engine.longer()
	x := &scoped{pin: p, query: q, around: p.backdrop(ctx, q.at)}
	if err := s.compute(ctx, a, x); err != nil {
		_ = x.around.wait()
		return nil, err
	}
	return x, nil
}

func (s *Service) compute(ctx context.Context, a *asking, x *scoped) error {
	who, err := x.reader(ctx)
	if err != nil {
		return err
	}
	if who != nil && len(who.candidates) > 0 {
		x.candidates = who.candidates
		return nil
	}
	if who != nil {
		x.followed, x.known = who.followed, who.known
	}
	if err := s.notOfAsker(ctx, x, a); err != nil {
		return err
	}
	if x.sel, err = x.pin.selection(ctx, x.query, who); err != nil {
		return err
	}
	// Of an object the selection has only those events that are within; of events that were named and of a workstation the number would tell whose they are.
	if q := x.query; q.object == nil && q.workstation == "" && !q.listed {
		if err := x.pin.elsewhere(ctx, "elsewhere_scope", wholeDays(x.sel.params())); err != nil {
			return err
		}
	}
	sources, err := x.around.sources()
	if err != nil {
		return err
	}
	x.result, err = x.pin.keptScope(ctx, x.query, func() (*scopeResult, error) { return x.pin.countScope(ctx, x.sel, sources) })
	return err
}

// reader finds who is meant by the query's reader or account; nil when it names none.
func (x *scoped) reader(ctx context.Context) (*identity, error) {
	q := x.query
	if q.reader == nil {
		return nil, nil
	}
	if !q.exact {
		return x.pin.resolve(ctx, *q.reader, readerRole, x.around)
	}
	return x.pin.account(ctx, *q.reader)
}

// account finds one account: the identifier as it was written, or the only one that is known by the value. No link is followed.
func (p *pin) account(ctx context.Context, subject Subject) (*identity, error) {
	var found *step
	var err error
	if subject.Exact {
		found, err = p.step(ctx, nil, []ident{{subject.System, subject.Value}}, readerRole)
	} else {
		found, err = p.byValue(ctx, subject.Value, readerRole)
	}
	if err != nil {
		return nil, err
	}
	seeds, found := found.meant(subject.Value)
	if len(seeds) > 1 {
		return &identity{candidates: seeds, known: true}, nil
	}
	who := &identity{names: map[ident]string{}, followed: []*v1.FollowedIdentifier{{Identifier: subject.identifier(), Via: "asked"}}}
	if len(seeds) == 1 {
		who.followed[0].Identifier = seeds[0].proto()
		who.learn(found)
	}
	return who, nil
}

// pinScope decides what a scope rests on. Anything that the journal acknowledged may concern it, so that is waited for; beyond
// that the answer says how far behind it is.
func (s *Service) pinScope(ctx context.Context, at moment, token PageToken) (*pin, error) {
	p, err := s.pin(ctx, at.time, token)
	if err != nil || token.Position != 0 || p.past {
		return p, err
	}
	head := p.journal
	missing, err := s.unseenBy(ctx, p, at)
	if err != nil {
		return nil, err
	}
	if missing {
		if err := s.catchUp(ctx, p); err != nil {
			return nil, err
		}
		if p, err = s.pin(ctx, at.time, token); err != nil {
			return nil, err
		}
		p.journal = head
		if missing, err = s.unseenBy(ctx, p, at); err != nil {
			return nil, err
		}
	}
	if at.position != 0 {
		return p, s.pinPosition(ctx, p, at.position)
	}
	if missing && !p.past {
		p.behind = head.Sequence() - p.position.Sequence()
	}
	return p, nil
}

// unseenBy reports whether a message above the pin, up to the moment asked for, holds events or context.
func (s *Service) unseenBy(ctx context.Context, p *pin, at moment) (bool, error) {
	last := p.journal.Sequence()
	if at.position != 0 {
		last = min(last, at.position.Sequence())
	}
	first := p.position.Sequence() + 1
	for sequence := first; sequence <= last; sequence++ {
		if sequence-first >= maxHeard {
			return true, nil
		}
		_, b, err := s.hear(ctx, p, sequence)
		if err != nil {
			return false, fmt.Errorf("read what is not projected yet: %w", err)
		}
		if b != nil {
			return true, nil
		}
	}
	return false, nil
}

// pinPosition moves a pin back to a position.
func (s *Service) pinPosition(ctx context.Context, p *pin, position proto.Position) error {
	if position.Sequence() == 0 {
		p.position, p.received, p.past = 0, 0, true
		return nil
	}
	if position > p.position {
		missing, err := s.unseenBy(ctx, p, moment{position: position})
		if err != nil {
			return err
		}
		if missing {
			return connect.NewError(connect.CodeUnavailable, fmt.Errorf("the projections have not reached position %s yet: ask again in a moment", position))
		}
		// Between the projections' position and this one stands nothing that a scope reads.
	}
	b, err := s.cfg.ReadBatch(ctx, position.Sequence())
	if err != nil {
		return fmt.Errorf("read entry at a position: %w", err)
	}
	p.position, p.received, p.past = position, b.Head.ReceivedUs, true
	return nil
}
