package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// FreezeScope sets a scope down in the journal. The question is journaled first, as for every answer; then the frozen scope
// is an entry of its own, which VerifyScope computes again.
func (x *ScopeService) FreezeScope(ctx context.Context, req *connect.Request[v1.FreezeScopeRequest]) (*connect.Response[v1.FreezeScopeResponse], error) {
	return answerWithin(ctx, x.s, scopeTimeout, queryFreezeScope, func(ctx context.Context, c proto.Caller) (*v1.FreezeScopeResponse, error) {
		return x.s.freezeScope(ctx, c, req.Msg)
	})
}

func (s *Service) freezeScope(ctx context.Context, c proto.Caller, m *v1.FreezeScopeRequest) (*v1.FreezeScopeResponse, error) {
	if s.cfg.Freeze == nil {
		return nil, connect.NewError(connect.CodeUnimplemented, errors.New("this server does not write to the journal: freeze the scope where it does"))
	}
	a, err := s.checkScope(ctx, c, queryFreezeScope, scopeFields{
		query: m.Query, purpose: m.Purpose, questionID: m.QuestionId, at: moment{m.AsOfUs, proto.Position(m.AsOfPosition)},
	})
	if err != nil {
		return nil, err
	}
	x, err := s.scope(ctx, a.asking, a.query, a.at, PageToken{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = x.around.wait() }()
	res, question := &v1.FreezeScopeResponse{}, a.query.question()
	if len(x.candidates) > 0 {
		if res.Header, res.Candidates, err = x.askBack(ctx, a, question); err != nil {
			return nil, err
		}
		return res, s.journal(ctx, a.asking, res.Header, question)
	}
	if x.pin.behind > 0 {
		return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf(
			"the projections are %d messages behind, and those may belong to the scope: freeze it in a moment, or as of an earlier time", x.pin.behind))
	}
	if res.Header, err = x.header(ctx, a.zone); err != nil {
		return nil, err
	}
	question.Rows = x.result.rows()
	if err := s.journal(ctx, a.asking, res.Header, question); err != nil {
		return nil, err
	}
	res.Frozen = &v1.ScopeFrozen{
		Query: a.query.proto(), Position: uint64(x.pin.position), Totals: x.result.totals(), Sha256: x.result.sha256(),
		Format: canonicalFormat, Asker: c.Name, Role: c.Role, Purpose: m.Purpose, FrozenUs: s.cfg.Now().UnixMicro(), QuestionId: question.QuestionId,
	}
	position, err := s.cfg.Freeze(ctx, res.Frozen)
	if err != nil {
		return nil, s.withhold(ctx, queryFreezeScope, err)
	}
	res.Position = uint64(position)
	return res, nil
}

// VerifyScope computes a frozen scope again at its position.
func (x *ScopeService) VerifyScope(ctx context.Context, req *connect.Request[v1.VerifyScopeRequest]) (*connect.Response[v1.VerifyScopeResponse], error) {
	return answerWithin(ctx, x.s, scopeTimeout, queryVerifyScope, func(ctx context.Context, c proto.Caller) (*v1.VerifyScopeResponse, error) {
		return x.s.verifyScope(ctx, c, req.Msg)
	})
}

func (s *Service) verifyScope(ctx context.Context, c proto.Caller, m *v1.VerifyScopeRequest) (*v1.VerifyScopeResponse, error) {
	if err := checkPurpose(m.Purpose); err != nil {
		return nil, err
	}
	frozen, err := s.frozen(ctx, m.Position)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryVerifyScope, proto.Position(m.Position).String(), m.Purpose, m.QuestionId)
	if err != nil {
		return nil, err
	}
	x, err := s.frozenScope(ctx, a, frozen)
	if err != nil {
		return nil, err
	}
	defer func() { _ = x.around.wait() }()
	res := &v1.VerifyScopeResponse{Frozen: frozen}
	if res.Header, err = x.header(ctx, s.cfg.TimeZone); err != nil {
		return nil, err
	}
	res.Totals, res.Sha256 = x.result.totals(), x.result.sha256()
	res.Same = bytes.Equal(res.Sha256, frozen.Sha256)
	question := x.query.question()
	question.Rows = x.result.rows()
	return res, s.journal(ctx, a, res.Header, question)
}

// frozenField is what errors call the position of a frozen scope.
const frozenField = "frozen scope"

// noFrozen refuses a position at which there is none.
func noFrozen() error { return notFound("the journal holds no such " + frozenField) }

// frozen reads a frozen scope from the journal.
func (s *Service) frozen(ctx context.Context, position uint64) (*v1.ScopeFrozen, error) {
	if limits, err := s.limits(ctx); err != nil || limits.Limited() { // it counts everything
		return nil, cmp.Or(err, errNotLimitable())
	}
	e, err := s.entry(ctx, frozenField, proto.Position(position).String(), v1.Kind_KIND_SCOPE_FROZEN)
	if err != nil {
		return nil, err
	}
	frozen := e.item.GetScopeFrozen()
	if frozen.Format != canonicalFormat {
		return nil, tooWide(fmt.Sprintf(
			"the scope was frozen with rows of form %d, which this release does not write: verify it with the release that froze it", frozen.Format))
	}
	return frozen, nil
}

// frozenScope computes a frozen scope again. What froze it was no question for several readers, so it is none now. One of the asker is not
// there: that somebody looks into them is not told either.
func (s *Service) frozenScope(ctx context.Context, a *asking, frozen *v1.ScopeFrozen) (*scoped, error) {
	q, err := s.checkQuery(ctx, frozen.Query)
	if err != nil {
		return nil, err
	}
	x, err := s.scope(ctx, a, q, moment{position: proto.Position(frozen.Position)}, PageToken{})
	if errors.Is(err, errAboutAsker) {
		return nil, noFrozen()
	}
	if err != nil {
		return nil, err
	}
	if x.result == nil {
		_ = x.around.wait()
		return nil, fmt.Errorf("compute frozen scope at position %d: its reader is several now", frozen.Position)
	}
	return x, nil
}
