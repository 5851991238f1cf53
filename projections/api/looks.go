package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxLooks bounds the looks of one answer.
const maxLooks = 200

// maxLookRows bounds the rows of looks that are added up here; beyond it, and no person asks as often about one record, ClickHouse
// does.
const maxLookRows = 2000

// looks lists the latest questions that were asked about the identifiers through Readtrail, and says how many there are.
// The tables hold those up to the pin; those that were journaled since then stand in p.asked. A question of several pages may
// have some in each.
func (p *pin) looks(ctx context.Context, ids []ident) (out []*v1.Look, all uint64, err error) {
	if p.limits.Limited() { // a look happens at no site
		return nil, 0, nil
	}
	recent, order := recentLooks(p.asked, setOf(ids))
	known, whole, err := p.fewLooks(ctx, ids)
	if err == nil && whole {
		out, all = known, uint64(len(known))
	} else if err == nil {
		out, all, err = p.countedLooks(ctx, ids, order)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read looks: %w", err)
	}
	for _, l := range out {
		if more := recent[l.QuestionId]; more != nil {
			l.Rows, l.Pages, l.AskedUs = l.Rows+more.Rows, l.Pages+more.Pages, min(l.AskedUs, more.AskedUs)
			delete(recent, l.QuestionId)
		}
	}
	for _, l := range recent {
		out = append(out, l)
		all++
	}
	slices.SortFunc(out, func(a, b *v1.Look) int {
		return cmp.Or(cmp.Compare(b.AskedUs, a.AskedUs), cmp.Compare(a.QuestionId, b.QuestionId))
	})
	return out[:min(len(out), maxLooks)], all, nil
}

// fewLooks adds up the looks in the tables; whole is false when there are too many rows for that.
func (p *pin) fewLooks(ctx context.Context, ids []ident) (out []*v1.Look, whole bool, err error) {
	wanted, pages, looks, limit := setOf(ids), map[uint64]bool{}, map[string]*v1.Look{}, p.engine.lookRows
	n := 0
	err = p.query(ctx, "looks", store.Params{"keys": keysOf(ids), "limit": uint32(limit)}, func(row store.Row) error {
		n++
		var packed string
		var position uint64
		if err := row.Scan(&packed, &position); err != nil {
			return err
		}
		id, l, err := unpackLook(packed)
		if err != nil || !wanted[id] || pages[position] {
			return err
		}
		pages[position] = true
		if known := looks[l.QuestionId]; known != nil {
			known.AskedUs, known.Rows, known.Pages = min(known.AskedUs, l.AskedUs), known.Rows+l.Rows, known.Pages+1
			return nil
		}
		looks[l.QuestionId] = l
		out = append(out, l)
		return nil
	})
	return out, n < limit, err
}

// lookFields are those of a look as its table packs them (0019_looks.sql).
const lookFields = 9

// unpackLook is a page of a look, and whom it was about.
func unpackLook(packed string) (id ident, l *v1.Look, err error) {
	f := projections.Unpack(packed)
	if len(f) != lookFields {
		return ident{}, nil, fmt.Errorf("unpack a look: %d fields, want %d", len(f), lookFields)
	}
	l = &v1.Look{QuestionId: f[2], Asker: f[3], Role: f[4], Query: f[5], Purpose: f[6], Pages: 1}
	asked, faulty := strconv.ParseInt(f[7], 10, 64)
	rows, wrong := strconv.ParseUint(f[8], 10, 64)
	if faulty != nil || wrong != nil { // what it says instead may name somebody
		return ident{}, nil, errors.New("unpack a look: want numbers as its time and its rows")
	}
	l.AskedUs, l.Rows = asked, rows
	return ident{f[0], f[1]}, l, nil
}

// countedLooks is fewLooks for any number of them, of which the latest are listed and those of some questions.
func (p *pin) countedLooks(ctx context.Context, ids []ident, questions []string) (out []*v1.Look, all uint64, err error) {
	systems, values := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		systems[i], values[i] = id.system, id.value
	}
	params := store.Params{
		"keys": keysOf(ids), "systems": systems, "values": values, "unprojected": questions, "limit": uint32(maxLooks + len(questions)),
	}
	err = p.query(ctx, "looks_counted", params, func(row store.Row) error {
		l := &v1.Look{}
		var pages uint64
		err := row.Scan(&l.QuestionId, &l.Asker, &l.Role, &l.Query, &l.Purpose, &l.AskedUs, &l.Rows, &pages, &all)
		l.Pages = uint32(pages)
		out = append(out, l)
		return err
	})
	return out, all, err
}

// recentLooks are the looks at some identifiers among questions that stand in no table yet, by question id.
func recentLooks(asked []*v1.Question, ids map[ident]bool) (looks map[string]*v1.Look, order []string) {
	looks, order = map[string]*v1.Look{}, []string{}
	for _, q := range asked {
		_, subjects := projections.SubjectsOf(q)
		if q.Summary || !slices.ContainsFunc(subjects, func(s *v1.Identifier) bool { return ids[identOf(s)] }) {
			continue
		}
		id := projections.IDText(q.QuestionId)
		l := looks[id]
		if l == nil {
			l = &v1.Look{QuestionId: id, Asker: q.Asker, Role: q.Role, Query: q.Query, Purpose: q.Purpose, AskedUs: q.AskedUs}
			looks[id] = l
			order = append(order, id)
		}
		l.AskedUs, l.Rows, l.Pages = min(l.AskedUs, q.AskedUs), l.Rows+q.Rows, l.Pages+1
	}
	return looks, order
}
