package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Nobody examines themself: alerts, findings and scopes about the asker are for others to ask for. The asker is not told that there are
// any; the journal is, with the question.

// errAboutAsker refuses a scope of the asker's own accesses.
var errAboutAsker = errors.New("this is about yourself: somebody else has to ask")

// own are the keys of all identifiers under which the asker is a reader, as known at the pin; none where nobody said who they are.
func (s *Service) own(ctx context.Context, p *pin, around *backdrop) ([]uint64, error) {
	caller := proto.CallerFrom(ctx)
	if s.cfg.Readers == nil {
		return []uint64{}, nil
	}
	ids, known := s.cfg.Readers(caller)
	if !known && s.cfg.KnownReadersOnly {
		return nil, connect.NewError(connect.CodePermissionDenied,
			errors.New("it is not known which reader you are, so that nothing about yourself can be kept from you: an administrator can say (askers.readers_file)"))
	}
	keys := []uint64{}
	for _, id := range ids {
		followed, err := p.ownIdents(ctx, id, around)
		if err != nil {
			return nil, fmt.Errorf("find the asker among the readers: %w", err)
		}
		keys = append(keys, keysOf(followed)...)
	}
	return keys, nil
}

// ownIdents follows one identifier of the asker. A value without a system is theirs in every system that knows it.
func (p *pin) ownIdents(ctx context.Context, id *v1.Identifier, around *backdrop) ([]ident, error) {
	who, err := p.resolve(ctx, Subject{System: id.GetSystem(), Value: id.GetValue(), Exact: id.GetSystem() != ""}, readerRole, around)
	if err != nil {
		return nil, err
	}
	all := who.idents()
	for _, c := range who.candidates {
		one, err := p.resolve(ctx, Subject{System: c.system, Value: c.value, Exact: true}, readerRole, around)
		if err != nil {
			return nil, err
		}
		all = append(all, one.idents()...)
	}
	return all, nil
}

// isAbout reports whether any version of an alert cites one of the readers.
func isAbout(versions []*v1.AlertVersion, own []uint64) bool {
	return slices.ContainsFunc(versions, func(v *v1.AlertVersion) bool {
		return slices.ContainsFunc(v.Readers, func(r *v1.AlertReader) bool {
			return slices.Contains(own, projections.Key(r.GetIdentifier().GetSystem(), r.GetIdentifier().GetValue()))
		})
	})
}

// scopeOf reports whether a frozen scope is of one of the readers. Its query is canonical: "system|value".
func scopeOf(q *v1.ScopeQuery, own []uint64) bool {
	for _, text := range []string{q.GetReader(), q.GetAccount()} {
		who, err := ParseSubject(text)
		if err == nil && slices.Contains(own, projections.Key(who.System, who.Value)) {
			return true
		}
	}
	return false
}

// withheld counts what a statement finds about the asker in the days of a list.
func (p *pin) withheld(ctx context.Context, statement string, a *daysAsk, sequence uint64, own []uint64) (n uint64, err error) {
	if len(own) == 0 {
		return 0, nil
	}
	params := store.Params{"from_day": dayText(a.from), "to_day": dayText(a.to), "sequence": sequence, "own": own}
	err = p.query(ctx, statement, params, func(row store.Row) error { return row.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count what is about the asker: %w", err)
	}
	return n, nil
}

// keepBack journals that an answer about the asker was asked for, and returns the error that is answered instead.
func (s *Service) keepBack(ctx context.Context, c proto.Caller, query, purpose string, position proto.Position, instead error) error {
	id, err := proto.MintEventID(s.cfg.Now())
	if err != nil {
		return fmt.Errorf("mint question id: %w", err)
	}
	q := &v1.Question{
		QuestionId: id.Bytes(), Asker: c.Name, Role: c.Role, Query: query, Purpose: purpose, Page: 1, Position: uint64(position),
		AskedUs: s.cfg.Now().UnixMicro(), Withheld: 1,
	}
	if err := s.ask(ctx, c, q); err != nil {
		return s.withhold(ctx, query, err)
	}
	return instead
}

// ask puts a question on disk, with who its asker is among the readers.
func (s *Service) ask(ctx context.Context, c proto.Caller, q *v1.Question) error {
	if s.cfg.Readers != nil {
		q.AskerReaders, _ = s.cfg.Readers(c)
	}
	return s.cfg.Ask(ctx, []*v1.Question{q})
}

// notOfAsker refuses a scope whose reader or account is the asker's own.
func (s *Service) notOfAsker(ctx context.Context, x *scoped, a *asking) error {
	own, err := s.own(ctx, x.pin, x.around)
	if err != nil {
		return err
	}
	for _, f := range x.followed {
		if slices.Contains(own, identOf(f.Identifier).key()) {
			return s.keepBack(ctx, a.caller, a.query, a.purpose, x.pin.position, connect.NewError(connect.CodePermissionDenied, errAboutAsker))
		}
	}
	return nil
}
