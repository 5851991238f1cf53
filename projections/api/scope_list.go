package api

import (
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ListFrozenScopes lists the scopes that were set down, latest first.
func (x *ScopeService) ListFrozenScopes(ctx context.Context, req *connect.Request[v1.ListFrozenScopesRequest]) (*connect.Response[v1.ListFrozenScopesResponse], error) {
	return answer(ctx, x.s, queryListFrozen, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.ListFrozenScopesResponse, error) {
		return x.s.listFrozen(ctx, c, req.Msg)
	})
}

func (s *Service) listFrozen(ctx context.Context, c proto.Caller, m *v1.ListFrozenScopesRequest) (*v1.ListFrozenScopesResponse, error) {
	size, err := pageSize(m.Page)
	if err != nil {
		return nil, err
	}
	zone, err := s.zone(m.TimeZone)
	if err != nil {
		return nil, err
	}
	hash := questionHash(queryListFrozen)
	token, err := parseToken(m.Page.GetToken(), hash)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryListFrozen, "", m.Purpose, m.QuestionId)
	if err != nil {
		return nil, err
	}
	p, err := s.pin(ctx, 0, token)
	if err == nil && token.Page == 0 {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_SCOPE_FROZEN)
	}
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	res := &v1.ListFrozenScopesResponse{}
	if res.Scopes, err = p.frozenScopes(ctx, token.AfterPosition, size+1); err != nil {
		return nil, err
	}
	if len(res.Scopes) > size {
		res.Scopes = res.Scopes[:size]
		res.NextPageToken = PageToken{
			Question: hash, Version: p.version, Position: p.position, Page: max(token.Page, 1) + 1,
			AfterPosition: proto.Position(res.Scopes[size-1].Position),
		}.String()
	}
	own, err := s.ownIdents(ctx, p, around)
	if err != nil {
		return nil, err
	}
	ofAsker, err := s.ofAsker(ctx, p, res.Scopes, own)
	if err != nil {
		return nil, err
	}
	listed := len(res.Scopes)
	res.Scopes = slices.DeleteFunc(res.Scopes, func(f *v1.FrozenScope) bool { return ofAsker[f] })
	if res.Header, err = around.header(zone, nil, "there were more"); err != nil {
		return nil, err
	}
	question := &v1.Question{Rows: uint64(len(res.Scopes)), Withheld: uint64(listed - len(res.Scopes)), Subjects: readersOf(res.Scopes)}
	return res, s.journal(ctx, a, res.Header, question)
}

// readersOf are the readers and accounts that a list of frozen scopes names.
func readersOf(scopes []*v1.FrozenScope) (out []*v1.Identifier) {
	seen := map[Subject]bool{}
	for _, f := range scopes {
		for _, text := range []string{f.Frozen.GetQuery().GetReader(), f.Frozen.GetQuery().GetAccount()} {
			if who, err := ParseSubject(text); err == nil && !seen[who] {
				seen[who] = true
				out = append(out, who.identifier())
			}
		}
	}
	return out
}

// frozenScopes reads those before a position, all when it is zero.
func (p *pin) frozenScopes(ctx context.Context, before proto.Position, limit int) (out []*v1.FrozenScope, err error) {
	if before == 0 {
		before = ^proto.Position(0)
	}
	params := store.Params{"before": uint64(before), "limit": uint32(limit)}
	err = p.query(ctx, "frozen_scopes", params, func(row store.Row) error {
		f := &v1.FrozenScope{Frozen: &v1.ScopeFrozen{}}
		var body string
		if err := row.Scan(&f.Position, &body); err != nil {
			return err
		}
		out = append(out, f)
		return f.Frozen.UnmarshalVT([]byte(body))
	})
	if err != nil {
		return nil, fmt.Errorf("read frozen scopes: %w", err)
	}
	return out, nil
}
