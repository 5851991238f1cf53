package api

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Bounds of one scope. Beyond them the question is refused, and says what to do; no scope is ever cut short.
const (
	// maxScopePatients bounds the patients by the keys that their rows stand under: 200,000 of about 500 bytes are 100 MB.
	maxScopePatients = 200_000
	// maxScopeCounts bounds the rows that ClickHouse counts: a few sets of parts and labels a patient.
	maxScopeCounts = 20 * maxScopePatients
	// maxScopePairs bounds the reports that are looked at one by one, in the engine's memory and in time.
	maxScopePairs = 5_000_000
)

// class is what a report is counted as: one of these, always.
type class uint8

const (
	classAccess class = iota
	classSecond
	classFailed
	classIncidental
	classPatientless
	numClasses
)

// String is the word for it, as exports write it.
func (c class) String() string {
	return [numClasses]string{"access", "second report", "failed", "incidental", "patientless"}[c]
}

// scopeCounts are reports by class, and when the first and the last occurred.
type scopeCounts struct {
	by          [numClasses]int64
	first, last int64
}

func (c *scopeCounts) reports() (n uint64) {
	for _, x := range c.by {
		n += uint64(x)
	}
	return n
}

func (c *scopeCounts) span(first, last int64) {
	if c.first == 0 && c.last == 0 {
		c.first, c.last = first, last
		return
	}
	c.first, c.last = min(c.first, first), max(c.last, last)
}

func (c *scopeCounts) add(o *scopeCounts) {
	for i, n := range o.by {
		c.by[i] += n
	}
	if o.reports() > 0 {
		c.span(o.first, o.last)
	}
}

func (c *scopeCounts) proto() *v1.ScopeCounts {
	return &v1.ScopeCounts{
		Reports: c.reports(), Accesses: uint64(c.by[classAccess]), SecondReports: uint64(c.by[classSecond]), Failed: uint64(c.by[classFailed]),
		Incidental: uint64(c.by[classIncidental]), Patientless: uint64(c.by[classPatientless]), FirstUs: c.first, LastUs: c.last,
	}
}

// ticks counts texts: few a patient, so a list.
type ticks []tick

type tick struct {
	text string
	n    int64
}

func (t *ticks) add(text string, n int64) {
	for i := range *t {
		if (*t)[i].text == text {
			(*t)[i].n += n
			return
		}
	}
	*t = append(*t, tick{text, n})
}

// scopeResult is a scope, counted. It is not written any more once it is made.
type scopeResult struct {
	who *people
	// patients are those with identifiers, latest report first, unresolved those known by text, by text.
	patients, unresolved []*scopePatient
	patientless          scopeCounts
	events, digest       uint64
	// parts and labels say when each name was touched first and last.
	parts, labels map[string]span
	hash          []byte
	// judged is true when verdicts were counted.
	judged bool
}

type span struct{ first, last int64 }

// keyCounts is a row of scope_counts.sql.
type keyCounts struct {
	key                              uint64
	parts, labels                    string
	reports, events                  uint64
	failed, incidental               uint64
	linked, crowded                  uint64
	first, last, firstSeen, lastSeen int64
	lastPosition, digest             uint64
}

// countScope counts a selection. ClickHouse adds up what can be counted alone, unless reports are few; the rest may be a second report of
// a look, and goes through the pairing that who-viewed uses.
func (p *pin) countScope(ctx context.Context, sel *selection, sources []*source) (*scopeResult, error) {
	r := &scopeResult{who: &people{}, parts: map[string]span{}, labels: map[string]span{}}
	if sel.nothing {
		r.finish()
		return r, nil
	}
	few, err := p.fewReports(ctx, sel)
	if err != nil {
		return nil, err
	}
	var rows []*keyCounts
	var keys []uint64
	if few != nil {
		rows, keys = countsOf(few)
	} else if rows, keys, err = p.keyCounts(ctx, sel); err != nil {
		return nil, err
	}
	f := &scopeFold{few: few}
	together, running := errgroup.WithContext(ctx)
	together.Go(func() (err error) { r.who, err = p.people(running, keys, sources); return err })
	together.Go(func() (err error) { f.verdicts, err = p.verdictsOf(running, few); return err })
	if err := together.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	f.who = r.who
	for _, row := range rows {
		r.addKey(row)
		f.linked, f.crowded = f.linked+row.linked, f.crowded || row.crowded > 0
		if row.key == projections.UnresolvedPatient && !slices.Contains(r.who.apart, row.key) {
			r.who.apart = append(r.who.apart, row.key)
		}
	}
	if err := p.foldPairs(ctx, sel, sources, f); err != nil {
		return nil, err
	}
	r.finish()
	if err := p.judge(ctx, sel, r, f); err != nil {
		return nil, err
	}
	return r, nil
}

// keyCounts reads what ClickHouse counts, and which patients' keys there are.
func (p *pin) keyCounts(ctx context.Context, sel *selection) (out []*keyCounts, keys []uint64, err error) {
	known := map[uint64]bool{}
	err = p.query(ctx, "scope_counts", sel.with(store.Params{"limit": uint64(maxScopeCounts + 1)}), func(row store.Row) error {
		k := &keyCounts{}
		out = append(out, k)
		err := row.Scan(&k.key, &k.parts, &k.labels, &k.reports, &k.events, &k.failed, &k.incidental, &k.linked, &k.crowded, &k.first, &k.last,
			&k.firstSeen, &k.lastSeen, &k.lastPosition, &k.digest)
		if isPatient(k.key) {
			known[k.key] = true
		}
		if len(out) > maxScopeCounts || len(known) > maxScopePatients {
			return tooWide(fmt.Sprintf("the scope holds more than %d patients: ask for shorter periods, one after the other, or name a reader", maxScopePatients))
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("count patients of a scope: %w", err)
	}
	return out, sortedKeys(known), nil
}

// listed are the names in a packed list; one empty name when it lists none, so that nothing is left out.
func listed(packed string) []string {
	if packed == "" {
		return []string{""}
	}
	return projections.Unpack(packed)
}

// addKey adds what ClickHouse counted for a key, as if no report were the second of another. Keys that do not say who is meant
// are left to the rows.
func (r *scopeResult) addKey(k *keyCounts) {
	r.events += k.events
	r.digest += k.digest
	if k.key == projections.NoPatient {
		r.patientless.by[classPatientless] += int64(k.reports)
		r.patientless.span(k.first, k.last)
		return
	}
	if seen := int64(k.reports - k.failed); seen > 0 {
		at := span{k.firstSeen, k.lastSeen}
		at.note(r.parts, k.parts)
		at.note(r.labels, k.labels)
	}
	x := r.who.of(k.key)
	if x == nil {
		return
	}
	x.counts.by[classFailed] += int64(k.failed)
	x.counts.by[classIncidental] += int64(k.incidental)
	x.counts.by[classAccess] += int64(k.reports - k.failed - k.incidental)
	x.seen(k.first, k.last, k.lastPosition)
	if seen := int64(k.reports - k.failed); seen > 0 {
		x.parts.add(k.parts, seen)
		x.labels.add(k.labels, seen)
	}
}

// note widens when the names of a packed list were touched.
func (s span) note(in map[string]span, packed string) {
	for _, name := range listed(packed) {
		old, ok := in[name]
		if !ok {
			old = s
		}
		in[name] = span{min(old.first, s.first), max(old.last, s.last)}
	}
}

// seen notes when a patient's reports occurred.
func (p *scopePatient) seen(first, last int64, lastPosition uint64) {
	if p.lastPosition == 0 || last > p.counts.last || last == p.counts.last && lastPosition > p.lastPosition {
		p.lastPosition = lastPosition
	}
	p.counts.span(first, last)
}
