package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
)

// maxFewReports is up to how many reports of known readers are read one by one, in place of being counted in ClickHouse, read again for
// those that pair and twice for their verdicts. 20,000 of 500 bytes are 10 MB; a reader's year has a quarter of that.
const maxFewReports = 20_000

// fewReports are the reports of a scope that has few, newest first; nil: it has too many, or their number is not known to be small.
func (p *pin) fewReports(ctx context.Context, sel *selection) ([]*scopeRow, error) {
	most := p.engine.fewReports
	if sel.anyReader || most == 0 {
		return nil, nil
	}
	rows := []*scopeRow{}
	params := sel.with(store.Params{"limit": uint64(most + 1)})
	delete(params, "any_reader")
	err := p.query(ctx, "scope_reports", params, func(sr store.Row) error {
		r := &scopeRow{}
		rows = append(rows, r)
		return r.scan(sr, &r.digest)
	})
	if err != nil {
		return nil, fmt.Errorf("read reports of a scope: %w", err)
	}
	if len(rows) > most {
		return nil, nil
	}
	slices.SortFunc(rows, func(a, b *scopeRow) int {
		return cmp.Or(cmp.Compare(b.occurred, a.occurred), cmp.Compare(b.position, a.position), cmp.Compare(a.ordinal, b.ordinal))
	})
	return rows, nil
}

// countsOf adds reports up as scope_counts.sql does, and lists the keys of patients.
func countsOf(rows []*scopeRow) (out []*keyCounts, keys []uint64) {
	type set struct {
		key           uint64
		parts, labels string
	}
	bySet, known := map[set]*keyCounts{}, map[uint64]bool{}
	for _, r := range rows {
		at := set{r.key, r.parts, r.labels}
		k := bySet[at]
		if k == nil {
			k = &keyCounts{key: r.key, parts: r.parts, labels: r.labels, first: r.occurred, last: r.occurred, lastPosition: uint64(r.position)}
			bySet[at] = k
			out = append(out, k)
		}
		k.add(r)
		if isPatient(r.key) {
			known[r.key] = true
		}
	}
	return out, sortedKeys(known)
}

// add counts a report. Reports come newest first.
func (k *keyCounts) add(r *scopeRow) {
	k.reports++
	count(&k.events, r.ordinal == 0)
	count(&k.failed, r.plain == classFailed)
	count(&k.incidental, r.plain == classIncidental)
	count(&k.linked, r.pair.key > 0)
	count(&k.crowded, r.patients > 1)
	k.digest += r.digest
	k.first = r.occurred
	if r.failed {
		return
	}
	if k.reports-k.failed == 1 {
		k.lastSeen = r.occurred
	}
	k.firstSeen = r.occurred
}

// mayPair says which of the reports scope_pairs.sql would find: those that cannot be counted alone.
func (f *scopeFold) mayPair(r *scopeRow, ruled []string, several bool) bool {
	return r.key != projections.NoPatient && (r.pair.key > 0 || slices.Contains(f.who.apart, r.key) || several && r.patients > 1 ||
		r.pair.key == 0 && slices.Contains(ruled, r.source))
}

// addFew gives the stream what addPairs would read.
func (f *scopeFold) addFew(stream *reports, ruled []string, several bool) error {
	for _, r := range f.few {
		if !f.mayPair(r, ruled, several) {
			continue
		}
		if err := stream.add(r); err != nil {
			return err
		}
	}
	return nil
}

// verdictsOf reads the verdicts on few reports; none when no detector ever judged anything.
func (p *pin) verdictsOf(ctx context.Context, few []*scopeRow) (map[reportKey]uint8, error) {
	if len(few) == 0 {
		return nil, nil
	}
	judged, err := p.judgedAny(ctx)
	if err != nil || !judged {
		return nil, err
	}
	positions := make([]uint64, len(few))
	for i, r := range few {
		positions[i] = uint64(r.position)
	}
	found := map[reportKey]uint8{}
	for chunk := range slices.Chunk(slices.Compact(positions), verdictChunk) { // an event's reports stand together
		if err := p.readVerdicts(ctx, chunk, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// judgeFew counts few reports by their verdicts, with what pairing found out.
func (f *scopeFold) judgeFew() {
	for _, r := range f.few {
		if x := f.who.of(r.key); x != nil { // other keys do not say who is meant: their rows are among the corrections
			correction{reportKey{uint64(r.position), r.ordinal}, 1, x}.apply(f.verdicts)
		}
	}
	for _, c := range f.corrections {
		c.apply(f.verdicts)
	}
}
