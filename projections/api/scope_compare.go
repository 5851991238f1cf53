package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxCompared bounds the reports of each of two scopes: five million of 24 bytes are 120 MB.
	maxCompared = 5_000_000
	// maxChanges bounds the changes of patients that are listed; all are counted.
	maxChanges = 1000
)

// CompareScopes answers what differs between two scopes.
func (x *ScopeService) CompareScopes(ctx context.Context, req *connect.Request[v1.CompareScopesRequest]) (*connect.Response[v1.CompareScopesResponse], error) {
	return answerWithin(ctx, x.s, scopeTimeout, queryCompareScopes, func(ctx context.Context, c proto.Caller) (*v1.CompareScopesResponse, error) {
		return x.s.compareScopes(ctx, c, req.Msg)
	})
}

func (s *Service) compareScopes(ctx context.Context, c proto.Caller, m *v1.CompareScopesRequest) (*v1.CompareScopesResponse, error) {
	if err := checkPurpose(m.Purpose); err != nil {
		return nil, err
	}
	zone, err := s.zone(m.TimeZone)
	if err != nil {
		return nil, err
	}
	subject := fmt.Sprintf("%v\x00%v", m.GetBefore(), m.GetAfter())
	a, err := s.begin(c, queryCompareScopes, subject, m.Purpose, m.QuestionId)
	if err != nil {
		return nil, err
	}
	var runs [2]*scoped
	for i, run := range []*v1.ScopeRun{m.GetBefore(), m.GetAfter()} {
		field := []string{"before", "after"}[i]
		if runs[i], err = s.run(ctx, a, field, run); err != nil {
			return nil, err
		}
		defer func() { _ = runs[i].around.wait() }()
	}
	before, after := runs[0], runs[1]
	res := &v1.CompareScopesResponse{Before: before.runProto(), After: after.runProto()}
	if err := compareReports(ctx, before, after, res); err != nil {
		return nil, err
	}
	question := after.query.question()
	if first := before.query.reader; first != nil {
		question.Subjects = append(question.Subjects, first.identifier())
	}
	question.Subjects = append(question.Subjects, comparePatients(before.result, after.result, res)...)
	for _, change := range res.Changes {
		for _, p := range append(slices.Clone(change.Before), change.After...) {
			if len(p.Identifiers) > 0 {
				question.Patients = append(question.Patients, &v1.Patient{Identifiers: p.Identifiers})
			}
		}
	}
	later := after
	if before.pin.position > after.pin.position {
		later = before
	}
	if res.Header, err = later.header(ctx, zone); err != nil {
		return nil, err
	}
	if n := res.PatientsAdded + res.PatientsRemoved + res.PatientsChanged; n > uint64(len(res.Changes)) {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("The first %d differences between patients are listed; all are counted.", len(res.Changes)))
	}
	question.Rows = res.PatientsAdded + res.PatientsRemoved + res.PatientsChanged
	return res, s.journal(ctx, a, res.Header, question)
}

// run computes one of two scopes.
func (s *Service) run(ctx context.Context, a *asking, field string, run *v1.ScopeRun) (*scoped, error) {
	if run.GetFrozen() != 0 {
		if run.Query != nil || run.AsOfUs != 0 || run.AsOfPosition != 0 {
			return nil, invalid(field, "a frozen scope has its own query and position: give nothing else")
		}
		frozen, err := s.frozen(ctx, run.Frozen)
		if err != nil {
			return nil, err
		}
		return s.frozenScope(ctx, a, frozen)
	}
	at := moment{run.GetAsOfUs(), proto.Position(run.GetAsOfPosition())}
	if err := s.checkMoment(at); err != nil {
		return nil, err
	}
	q, err := s.checkQuery(ctx, run.GetQuery())
	if err != nil {
		return nil, err
	}
	x, err := s.scope(ctx, a, q, at, PageToken{})
	if err != nil {
		return nil, err
	}
	if x.result == nil {
		_ = x.around.wait()
		return nil, tooWide(field + ": the value names more than one reader: ask for the scope alone, which lists them")
	}
	return x, nil
}

func (x *scoped) runProto() *v1.ScopeRunResult {
	return &v1.ScopeRunResult{Position: uint64(x.pin.position), Query: x.query.proto(), Totals: x.result.totals(), Sha256: x.result.sha256()}
}

// classified is a report and what it counts as.
type classified struct {
	reportKey
	class class
}

// classify lists all reports of a scope in order.
func (x *scoped) classify(ctx context.Context) ([]classified, error) {
	var out []classified
	err := x.eachReport(ctx, false, nil, func(r *scopeRow, c class) error {
		if len(out) >= maxCompared {
			return tooWide(fmt.Sprintf("a scope has more than %d reports: compare shorter periods", maxCompared))
		}
		out = append(out, classified{reportKey{uint64(r.position), r.ordinal}, c})
		return nil
	})
	slices.SortFunc(out, func(a, b classified) int { return a.compare(b.reportKey) })
	return out, err
}

func (k reportKey) compare(o reportKey) int {
	return cmp.Or(cmp.Compare(k.position, o.position), cmp.Compare(k.ordinal, o.ordinal))
}

// compareReports counts the reports that only one scope has, and those that count as something else.
func compareReports(ctx context.Context, before, after *scoped, res *v1.CompareScopesResponse) error {
	var old, now []classified
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() (err error) { old, err = before.classify(ctx); return err })
	together.Go(func() (err error) { now, err = after.classify(ctx); return err })
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	isAccess := func(c classified) bool { return c.class == classAccess }
	removed := func(c classified) { res.ReportsRemoved++; count(&res.AccessesRemoved, isAccess(c)) }
	added := func(c classified) { res.ReportsAdded++; count(&res.AccessesAdded, isAccess(c)) }
	for len(old) > 0 && len(now) > 0 {
		switch at := old[0].compare(now[0].reportKey); {
		case at < 0:
			removed(old[0])
			old = old[1:]
		case at > 0:
			added(now[0])
			now = now[1:]
		default:
			if old[0].class != now[0].class {
				res.ReportsChanged++
				count(&res.AccessesRemoved, isAccess(old[0]))
				count(&res.AccessesAdded, isAccess(now[0]))
			}
			old, now = old[1:], now[1:]
		}
	}
	for _, c := range old {
		removed(c)
	}
	for _, c := range now {
		added(c)
	}
	return nil
}

// patientGroup are patients of two scopes that share identifiers, directly or through each other.
type patientGroup struct{ before, after []*scopePatient }

// groupPatients puts patients together as far as they share an identifier: a merge makes several of before one.
func groupPatients(before, after *scopeResult) []*patientGroup {
	owner, of := map[ident]*scopePatient{}, map[*scopePatient]*patientGroup{}
	var groups []*patientGroup
	for _, p := range after.patients {
		for _, id := range p.members {
			owner[id] = p
		}
		of[p] = &patientGroup{after: []*scopePatient{p}}
		groups = append(groups, of[p])
	}
	for _, p := range before.patients {
		g := &patientGroup{before: []*scopePatient{p}}
		groups = append(groups, g)
		for _, id := range p.members {
			other := of[owner[id]]
			if owner[id] == nil || other == g {
				continue
			}
			other.before, other.after = append(other.before, g.before...), append(other.after, g.after...)
			for _, x := range g.after {
				of[x] = other
			}
			g.before, g.after = nil, nil // all of it stands in the other one
			g = other
		}
	}
	return slices.DeleteFunc(groups, func(g *patientGroup) bool { return len(g.before)+len(g.after) == 0 })
}

// comparePatients finds which patients differ. It returns the identifiers of those that are listed.
func comparePatients(before, after *scopeResult, res *v1.CompareScopesResponse) (shown []*v1.Identifier) {
	for _, g := range groupPatients(before, after) {
		kind := changeOf(g.before, g.after)
		switch kind {
		case v1.ScopeChange_KIND_UNSPECIFIED:
			continue
		case v1.ScopeChange_KIND_ADDED:
			res.PatientsAdded++
		case v1.ScopeChange_KIND_REMOVED:
			res.PatientsRemoved++
		default:
			res.PatientsChanged++
		}
		if len(res.Changes) >= maxChanges {
			continue
		}
		change := &v1.ScopeChange{Kind: kind}
		for _, p := range g.before {
			change.Before = append(change.Before, before.patientProto(p))
		}
		for _, p := range g.after {
			change.After = append(change.After, after.patientProto(p))
		}
		shown = append(append(shown, namedPatients(g.before)...), namedPatients(g.after)...)
		res.Changes = append(res.Changes, change)
	}
	return shown
}

// changeOf says what became of the patients of a group; nothing when they are as they were.
func changeOf(old, now []*scopePatient) v1.ScopeChange_Kind {
	switch {
	case len(old) == 0:
		return v1.ScopeChange_KIND_ADDED
	case len(now) == 0:
		return v1.ScopeChange_KIND_REMOVED
	case len(old) > len(now):
		return v1.ScopeChange_KIND_MERGED
	case len(now) > len(old):
		return v1.ScopeChange_KIND_SPLIT
	case len(old) == 1 && old[0].line() == now[0].line():
		return v1.ScopeChange_KIND_UNSPECIFIED
	}
	return v1.ScopeChange_KIND_CHANGED
}

// eachReport streams every report of a scope with what it counts as, access after access, newest first; those that name nobody
// too. Its memory does not grow with them, and a row is f's only until it returns. Verdicts are read where they are wanted: they cost as
// much as the rest. out, when set, says between two rows that the engine is to be left for a while: reading then goes on behind the last one.
func (x *scoped) eachReport(ctx context.Context, verdicts bool, out *outbox, f func(*scopeRow, class) error) error {
	if x.sel.nothing {
		return nil
	}
	sources, err := x.around.sources()
	if err != nil {
		return err
	}
	emit := func(a *access) (failed error) {
		a.classes(func(r *row, c class) {
			if r.report.key == projections.NoPatient {
				c = classPatientless
			}
			if failed == nil {
				failed = f(r.report, c)
			}
		})
		return failed
	}
	stream, err := x.pin.reports(ctx, x.sel, x.result.who, sources, emit)
	if err != nil {
		return err
	}
	params, last := x.sel.with(store.Params{"judged": verdicts && x.result.judged}), reportAt{}
	for left := true; left; {
		left = false
		read := last
		err = x.pin.query(ctx, "scope_rows", params, func(sr store.Row) (err error) {
			r := stream.row()
			if err := r.scan(sr, &r.place.site, &r.place.workstation, &r.place.address, &r.received, &r.verdict); err != nil {
				return err
			}
			if !read.before(r) {
				stream.free = append(stream.free, r)
				return nil
			}
			last = reportAt{r.order(), r.ordinal}
			if err := stream.take(r); err != nil || out == nil {
				return err
			}
			if left, err = out.full(ctx); left {
				return store.Stop()
			}
			return err
		})
		if err == nil && left {
			params["until"] = last.occurred + 1
			err = out.again(ctx)
		}
		if err != nil {
			return fmt.Errorf("read reports of a scope: %w", err)
		}
	}
	if err := stream.finish(); err != nil {
		return fmt.Errorf("read reports of a scope: %w", err)
	}
	return nil
}
