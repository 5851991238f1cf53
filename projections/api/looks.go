package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxLooks bounds the looks of one answer.
const maxLooks = 200

// looks lists the latest questions that were asked about the identifiers through Readtrail, and says how many there are.
// The tables hold those up to the pin; those that were journaled since then stand in p.asked. A question of several pages may
// have some in each.
func (p *pin) looks(ctx context.Context, ids []ident) (out []*v1.Look, all uint64, err error) {
	recent, order := recentLooks(p.asked, setOf(ids))
	systems, values := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		systems[i], values[i] = id.system, id.value
	}
	params := store.Params{
		"keys": keysOf(ids), "systems": systems, "values": values, "unprojected": order, "limit": uint32(maxLooks + len(order)),
	}
	err = p.query(ctx, "looks", params, func(row store.Row) error {
		l := &v1.Look{}
		var pages uint64
		err := row.Scan(&l.QuestionId, &l.Asker, &l.Role, &l.Query, &l.Purpose, &l.AskedUs, &l.Rows, &pages, &all)
		l.Pages = uint32(pages)
		if more := recent[l.QuestionId]; more != nil {
			l.Rows, l.Pages, l.AskedUs = l.Rows+more.Rows, l.Pages+more.Pages, min(l.AskedUs, more.AskedUs)
			delete(recent, l.QuestionId)
		}
		out = append(out, l)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read looks: %w", err)
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
