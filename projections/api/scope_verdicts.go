package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// numVerdicts is how many verdicts there are, none among them.
const numVerdicts = int(v1.Verdict_VERDICT_NOT_ASSESSABLE) + 1

// scopeVerdicts are reports by how detectors judged them. Those that are not judged are what is left of all reports.
type scopeVerdicts [numVerdicts]int64

func (v *scopeVerdicts) add(verdict uint8, n int64) {
	if int(verdict) < numVerdicts {
		v[verdict] += n
	}
}

func (v *scopeVerdicts) addAll(o *scopeVerdicts) {
	for i, n := range o {
		v[i] += n
	}
}

// proto tells the verdicts of a row with these counts.
func (v *scopeVerdicts) proto(c *scopeCounts) *v1.ScopeVerdicts {
	explained, unexplained, blind := v[v1.Verdict_VERDICT_EXPLAINED], v[v1.Verdict_VERDICT_UNEXPLAINED], v[v1.Verdict_VERDICT_NOT_ASSESSABLE]
	all := int64(c.reports()) - c.by[classSecond] - c.by[classPatientless]
	return &v1.ScopeVerdicts{
		Explained: uint64(explained), Unexplained: uint64(unexplained), NotAssessable: uint64(blind),
		NotJudged: uint64(max(all-explained-unexplained-blind, 0)),
	}
}

// correction is a report that was counted with its key and should not be, or the other way round.
type correction struct {
	of reportKey
	by int64
	to *scopePatient
}

// judge counts the reports of a scope by how detectors judged them: ClickHouse by key, and what pairing found out about single
// reports is corrected. Of few reports each was looked up.
func (p *pin) judge(ctx context.Context, sel *selection, r *scopeResult, f *scopeFold) error {
	judged, err := p.judgedAny(ctx)
	if err != nil || !judged || r.counts().reports() > maxScopePairs {
		return err
	}
	r.judged = true
	if f.few != nil {
		f.judgeFew()
		return nil
	}
	if err := p.countVerdicts(ctx, sel, r); err != nil {
		return err
	}
	for chunk := range slices.Chunk(f.corrections, verdictChunk) {
		if err := p.correct(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// countVerdicts counts them by key in ClickHouse.
func (p *pin) countVerdicts(ctx context.Context, sel *selection, r *scopeResult) error {
	err := p.query(ctx, "scope_verdicts", sel.params(), func(row store.Row) error {
		var key, n uint64
		var verdict uint8
		err := row.Scan(&key, &verdict, &n)
		if x := r.who.of(key); x != nil { // other keys do not say who is meant: their rows are among the corrections
			x.verdicts.add(verdict, int64(n))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read verdicts of a scope: %w", err)
	}
	return nil
}

func (p *pin) correct(ctx context.Context, corrections []correction) error {
	positions := make([]uint64, len(corrections))
	for i, c := range corrections {
		positions[i] = c.of.position
	}
	found := map[reportKey]uint8{}
	if err := p.readVerdicts(ctx, positions, found); err != nil {
		return err
	}
	for _, c := range corrections {
		c.apply(found)
	}
	return nil
}

// apply corrects the verdicts of a patient.
func (c correction) apply(found map[reportKey]uint8) {
	if verdict, ok := found[c.of]; ok {
		c.to.verdicts.add(verdict, c.by)
	}
}

// readVerdicts reads the verdicts on some events, of each patient.
func (p *pin) readVerdicts(ctx context.Context, positions []uint64, found map[reportKey]uint8) error {
	return p.lastJudgements(ctx, positions, func(of reportKey, j judgement) { found[of] = uint8(j.verdict) })
}

// told are the verdicts of a row as an answer has them; nil when detectors never judged.
func (r *scopeResult) told(v *scopeVerdicts, c *scopeCounts) *v1.ScopeVerdicts {
	if !r.judged {
		return nil
	}
	return v.proto(c)
}

// verdicts are those of all rows.
func (r *scopeResult) verdicts() *v1.ScopeVerdicts {
	var sum scopeVerdicts
	for _, x := range r.all() {
		sum.addAll(&x.verdicts)
	}
	return r.told(&sum, r.counts())
}

// verdictNote says which rows carry no verdict; empty: all do.
func (x *scoped) verdictNote(ctx context.Context) (string, error) {
	j, err := x.pin.progress(ctx)
	v := x.result.verdicts()
	switch {
	case err != nil:
		return "", err
	case !j.anyJudging:
		return "Detectors have judged nothing yet: no row says whether an access had a reason.", nil
	case v == nil:
		return fmt.Sprintf("Whether an access had a reason is told of scopes of up to %d reports: ask for a shorter period.", maxScopePairs), nil
	case v.NotJudged == 0:
		return "", nil
	case !j.everDay:
		return "Detectors have judged no whole day yet: most accesses carry no verdict until they have.", nil
	}
	return "Detectors have judged the days until " + dayText(j.day) + ": later accesses carry no verdict yet.", nil
}
