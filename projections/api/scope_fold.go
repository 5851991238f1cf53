package api

import (
	"context"
	"fmt"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// scopeRow is a report of a scope, one row of the statements.
type scopeRow struct {
	row
	key           uint64
	ordinal       uint16
	parts, labels string
	who           *scopePatient
	// plain is what the report counts as when no other one is about the same look.
	plain class
	// place and verdict are read where all columns are.
	place   scopePlace
	verdict uint8
	// digest says which row it is, where a scope is counted here.
	digest uint64
}

// scopePlace is where a report says that it happened.
type scopePlace struct{ site, workstation, address string }

// plainClass is what a report is when it stands alone.
func plainClass(r *row) class {
	switch {
	case r.failed:
		return classFailed
	case r.incidental:
		return classIncidental
	}
	return classAccess
}

// classes tells what each report of an access counts as.
func (a *access) classes(f func(*row, class)) {
	shown := classAccess
	switch {
	case a.failed():
		shown = classFailed
	case a.incidental():
		shown = classIncidental
	}
	f(a.shown, shown)
	for _, o := range a.others {
		f(o, classSecond)
	}
}

// scan reads a row of scope_pairs.sql, and the columns that another statement has behind them.
func (r *scopeRow) scan(sr store.Row, more ...any) error {
	var position, codes, pair uint64
	dest := []any{&position, &r.occurred, &r.key, &r.ordinal, &codes, &pair, &r.source, &r.packedReader, &r.parts, &r.labels}
	if err := sr.Scan(append(dest, more...)...); err != nil {
		return err
	}
	r.position = proto.Position(position)
	r.judge(projections.CodesOf(codes))
	r.pair = pairKey{key: pair}
	r.plain = plainClass(&r.row)
	r.report = r
	return nil
}

// scopeFold corrects what ClickHouse counted by the reports that cannot be counted alone.
type scopeFold struct {
	who *people
	// few are all reports of the scope, newest first; nil: ClickHouse counted them, and finds those that may pair.
	few []*scopeRow
	// verdicts are those on the few reports that were judged.
	verdicts map[reportKey]uint8
	rows     int
	// linked is how many reports state request ids; crowded is true when events name several patients.
	linked  uint64
	crowded bool
	// corrections are the reports whose verdicts ClickHouse counts with their key though they do not count, and the other way round.
	corrections []correction
}

func (f *scopeFold) correct(r *scopeRow, by int64) {
	f.corrections = append(f.corrections, correction{reportKey{uint64(r.position), r.ordinal}, by, r.who})
}

// fewLinked is up to how many reports with a request id are all read: that is faster than to find out first which of them
// share one.
const fewLinked = 50_000

// reportKey tells reports apart: the event, and the place of the patient among those that it names.
type reportKey struct {
	position uint64
	ordinal  uint16
}

// settle takes an access: its reports were counted as if each stood alone.
func (f *scopeFold) settle(a *access) error {
	a.classes(func(r *row, c class) {
		counts := &r.report.who.counts
		counts.by[r.report.plain]--
		counts.by[c]++
		if c == classSecond {
			f.correct(r.report, -1)
		}
	})
	return nil
}

// repeated takes back a report whose event names its patient once more, under another identifier.
func (f *scopeFold) repeated(r *scopeRow) {
	if f.who.of(r.key) == nil {
		return // never counted
	}
	r.who.counts.by[r.plain]--
	r.touch(-1)
	f.correct(r, -1)
}

// first counts a report whose key did not say who is meant.
func (f *scopeFold) first(r *scopeRow) {
	if f.who.of(r.key) != nil {
		return // ClickHouse counted it
	}
	r.who.counts.by[r.plain]++
	r.who.seen(r.occurred, r.occurred, uint64(r.position))
	r.touch(1)
	f.correct(r, 1)
}

// touch counts the parts and labels of a report that did not fail.
func (r *scopeRow) touch(n int64) {
	if !r.failed {
		r.who.parts.add(r.parts, n)
		r.who.labels.add(r.labels, n)
	}
}

// foldPairs reads the reports that cannot be counted alone, and corrects the counts.
func (p *pin) foldPairs(ctx context.Context, sel *selection, sources []*source, f *scopeFold) error {
	ruledSources, _ := ruled(sources)
	several := f.crowded && f.who.several
	if f.linked == 0 && !several && len(f.who.apart)+len(ruledSources) == 0 {
		return nil // nothing can pair
	}
	stream, err := p.reports(ctx, sel, f.who, sources, f.settle)
	if err != nil {
		return err
	}
	stream.first, stream.repeated = f.first, f.repeated
	if f.few != nil {
		err = f.addFew(stream, ruledSources, several)
	} else {
		err = p.addPairs(ctx, sel, stream, f, pairsAsk{ruledSources, several})
	}
	if err == nil {
		err = stream.finish()
	}
	if err != nil {
		return fmt.Errorf("pair reports of a scope: %w", err)
	}
	return nil
}

// pairsAsk says which reports may pair besides those with a request id.
type pairsAsk struct {
	ruled   []string
	several bool
}

// addPairs reads those of the reports that cannot be counted alone.
func (p *pin) addPairs(ctx context.Context, sel *selection, stream *reports, f *scopeFold, ask pairsAsk) error {
	params := sel.with(store.Params{
		"apart": nonNil(f.who.apart), "rules": len(ask.ruled) > 0, "ruled": ask.ruled, "several": ask.several, "few": f.linked <= fewLinked,
		"limit": uint64(maxScopePairs + 1),
	})
	return p.query(ctx, "scope_pairs", params, func(sr store.Row) error {
		r := stream.row()
		if err := r.scan(sr); err != nil {
			return err
		}
		if f.rows++; f.rows > maxScopePairs {
			return tooWide(fmt.Sprintf("more than %d reports of the scope may be second ones: ask for a shorter period", maxScopePairs))
		}
		return stream.add(r)
	})
}

func nonNil(keys []uint64) []uint64 { return append([]uint64{}, keys...) }

// reports prepares to read the rows of a scope; emit takes the accesses that they report. What is needed is read first: whom
// rows name whose key does not say it, and by what reports pair whose source has a rule.
func (p *pin) reports(ctx context.Context, sel *selection, who *people, sources []*source, emit func(*access) error) (*reports, error) {
	ruledSources, within := ruled(sources)
	names, rules := map[reportKey]string{}, map[uint64]uint64{}
	if len(who.apart) > 0 {
		params := sel.with(store.Params{"apart": who.apart, "limit": uint64(maxScopePairs + 1)})
		err := p.query(ctx, "scope_named", params, func(row store.Row) error {
			var k reportKey
			var packed string
			err := row.Scan(&k.position, &k.ordinal, &packed)
			names[k] = packed
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read patients by text: %w", err)
		}
		if len(names) > maxScopePairs {
			return nil, tooWide("too many reports of the scope name their patient by text only: ask for a shorter period")
		}
	}
	if len(ruledSources) > 0 {
		params := sel.with(store.Params{"ruled": ruledSources, "within": maxPairRule.Microseconds()})
		err := p.query(ctx, "scope_rules", params, func(row store.Row) error {
			var position, rule uint64
			err := row.Scan(&position, &rule)
			rules[position] = rule
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read what reports pair by: %w", err)
		}
	}
	return newReports(who, names, rules, within, emit), nil
}
