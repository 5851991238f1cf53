package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Nobody examines themself: alerts, findings and scopes about the asker are for others to ask for. The asker is not told that there are
// any; the journal is, with the question.

// errAboutAsker refuses a scope of the asker's own accesses.
var errAboutAsker = errors.New("this is about yourself: somebody else has to ask")

// own are the keys of all identifiers under which the asker is a reader; none where nobody said who they are.
func (s *Service) own(ctx context.Context, p *pin, around *backdrop) ([]uint64, error) {
	ids, err := s.ownIdents(ctx, p, around)
	if err != nil {
		return nil, err
	}
	return keysOf(ids), nil
}

// ownIdents are all identifiers under which the asker is a reader. They are told as known now, whatever the question is as of: what was
// learned of the asker since then makes an older answer no less about them.
func (s *Service) ownIdents(ctx context.Context, p *pin, around *backdrop) (own []ident, err error) {
	caller := proto.CallerFrom(ctx)
	if s.cfg.Readers == nil {
		return nil, nil
	}
	ids, known := s.cfg.Readers(caller)
	if !known && s.cfg.KnownReadersOnly {
		return nil, connect.NewError(connect.CodePermissionDenied,
			errors.New("it is not known which reader you are, so that nothing about yourself can be kept from you: an administrator can say (askers.readers_file)"))
	}
	if len(ids) > 0 && (p.past || p.paged) {
		if p, err = s.pin(ctx, 0, PageToken{}); err != nil {
			return nil, err
		}
		around = p.backdrop(ctx, period{})
		defer func() { _ = around.wait() }()
	}
	for _, id := range ids {
		followed, err := p.ownBy(ctx, id, around)
		if err != nil {
			return nil, fmt.Errorf("find the asker among the readers: %w", err)
		}
		own = append(own, followed...)
	}
	return own, nil
}

// ownBy follows one identifier of the asker. A value without a system is theirs in every system that knows it.
func (p *pin) ownBy(ctx context.Context, id *v1.Identifier, around *backdrop) ([]ident, error) {
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

// ofAsker reports which of some scopes are of the asker: their reader or account is, or one of the events that they name, or the alert or
// case that they name is about them or cites an access of theirs.
func (s *Service) ofAsker(ctx context.Context, p *pin, scopes []*v1.FrozenScope, own []ident) (map[*v1.FrozenScope]bool, error) {
	out := map[*v1.FrozenScope]bool{}
	if len(own) == 0 {
		return out, nil
	}
	events, cited := map[uint64][]*v1.FrozenScope{}, map[string][]*v1.FrozenScope{}
	for _, f := range scopes {
		q := f.Frozen.GetQuery()
		out[f] = namesOne(q.GetReader(), own) || namesOne(q.GetAccount(), own)
		for _, text := range q.GetEvents() {
			switch position, err := s.position(ctx, "events", text); {
			case err == nil:
				events[uint64(position)] = append(events[uint64(position)], f)
			case connect.CodeOf(err) != connect.CodeNotFound && connect.CodeOf(err) != connect.CodeInvalidArgument:
				return nil, err // what is no event is nobody's
			}
		}
		for _, text := range []string{q.GetAlert(), q.GetCase()} {
			if id, err := proto.ParseEventID(text); err == nil {
				cited[id.String()] = append(cited[id.String()], f)
			}
		}
	}
	if err := ownNamed(ctx, p, "own_events", keysOf(own), events, out); err != nil {
		return nil, err
	}
	if err := ownNamed(ctx, p, "own_cited", keysOf(own), cited, out); err != nil {
		return nil, err
	}
	about, err := p.casesOfAsker(ctx, keysOf(own))
	for id := range about {
		for _, f := range cited[id] {
			out[f] = true
		}
	}
	return out, err
}

// ownNamed marks the scopes that name what a statement finds to be the asker's own.
func ownNamed[T cmp.Ordered](ctx context.Context, p *pin, statement string, own []uint64, naming map[T][]*v1.FrozenScope,
	out map[*v1.FrozenScope]bool,
) error {
	for named := range slices.Chunk(slices.Sorted(maps.Keys(naming)), verdictChunk) {
		err := p.queryWhole(ctx, statement, store.Params{"own": own, "named": named}, func(row store.Row) error {
			var one T
			err := row.Scan(&one)
			for _, f := range naming[one] {
				out[f] = true
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("find what is the asker's own: %w", err)
		}
	}
	return nil
}

// queryWhole runs a statement that finds only what is kept from the asker: limits take nothing from that, and it tells them nothing.
func (p *pin) queryWhole(ctx context.Context, statement string, params store.Params, scan func(store.Row) error) error {
	set, err := p.engine.set(p.version, queries.Whole)
	if err != nil {
		return err
	}
	return p.queryIn(ctx, set, statement, params, scan)
}

// namesOne reports whether what a canonical query says of a reader means one of some identifiers. A bare value may mean each that has it.
func namesOne(text string, own []ident) bool {
	who, err := ParseSubject(text)
	return err == nil && slices.ContainsFunc(own, func(id ident) bool {
		if who.Exact {
			return id == ident{who.System, who.Value}
		}
		return projections.Fold(id.value) == projections.Fold(who.Value)
	})
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
	g, err := s.glass(ctx)
	if err != nil {
		return err
	}
	if g != nil {
		q.Glass = &v1.Glass{GlassId: g.id.Bytes(), Reason: g.reason}
	}
	return s.cfg.Ask(ctx, []*v1.Question{q})
}

// notOfAsker refuses a scope whose reader or account is the asker's own, or that names one of their accesses.
func (s *Service) notOfAsker(ctx context.Context, x *scoped, a *asking) error {
	if len(x.followed) == 0 && len(x.query.events) == 0 {
		return nil
	}
	own, err := s.own(ctx, x.pin, x.around)
	if err != nil {
		return err
	}
	readers := slices.Clone(x.query.readers)
	for _, f := range x.followed {
		readers = append(readers, identOf(f.Identifier).key())
	}
	if slices.ContainsFunc(readers, func(key uint64) bool { return slices.Contains(own, key) }) {
		return s.keepBack(ctx, a.caller, a.query, a.purpose, x.pin.position, connect.NewError(connect.CodePermissionDenied, errAboutAsker))
	}
	return nil
}

// untold takes out of a look what its answer did not tell its asker, when they are who opens it.
func (s *Service) untold(c proto.Caller, q *v1.Question, look *v1.AccessEvent) {
	mine := q.GetAsker() == c.Name
	if s.cfg.Readers != nil && !mine {
		ids, _ := s.cfg.Readers(c)
		mine = slices.ContainsFunc(ids, func(id *v1.Identifier) bool {
			return slices.ContainsFunc(q.GetAskerReaders(), func(other *v1.Identifier) bool { return identOf(id) == identOf(other) })
		})
	}
	if mine {
		look.Extensions = slices.DeleteFunc(look.Extensions, func(x *v1.Extension) bool { return x.Name == proto.WithheldExtension })
	}
}
