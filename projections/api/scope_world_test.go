package api_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// plainScope is a breach scope written a second time, as plainly as it can be: over all entries of a journal, one after the
// other, without tables.
type plainScope struct {
	counts          map[string]*plainCounts // by patient: all identifiers that are one
	unresolved      map[string]*plainCounts
	patientless     plainCounts
	events, reports uint64
	parts, labels   map[string]uint64
	where           map[string][2]string
}

type plainCounts struct {
	access, second, failed, incidental, patientless uint64
	first, last                                     int64
}

func (c *plainCounts) span(at int64) {
	if c.first == 0 || at < c.first {
		c.first = at
	}
	c.last = max(c.last, at)
}

// entry is an item and where it stands.
type entry struct {
	position uint64
	item     *v1.Item
}

// entries reads the journal of a world.
func (w *world) entries() []entry {
	w.t.Helper()
	var out []entry
	for sequence := uint64(1); sequence <= w.head().Sequence(); sequence++ {
		b, err := w.readBatch(w.t.Context(), sequence)
		if err != nil {
			w.t.Fatal(err)
		}
		items, err := b.Items()
		if err != nil {
			w.t.Fatal(err)
		}
		for i, it := range items {
			out = append(out, entry{uint64(b.Position(i)), it})
		}
	}
	return out
}

func name(id *v1.Identifier) string { return id.System + "|" + id.Value }

// joined are the identifiers of patients, those of one patient under one name, as of a position.
func joined(all []entry, position uint64) func(string) string {
	parent := map[string]string{}
	var root func(string) string
	root = func(x string) string {
		if parent[x] == "" || parent[x] == x {
			return x
		}
		return root(parent[x])
	}
	join := func(a, b *v1.Identifier) {
		if x, y := root(name(a)), root(name(b)); x != y {
			parent[max(x, y)] = min(x, y)
		}
	}
	latest := map[string]*v1.ContextFact{}
	for _, e := range all {
		if e.position > position {
			break
		}
		if c := e.item.GetContext(); c != nil {
			latest[c.Source+c.ResourceType+"/"+c.ResourceId] = c
		}
		for _, p := range e.item.GetAccess().GetPatients() {
			for _, id := range p.Identifiers {
				join(p.Identifiers[0], id)
			}
		}
	}
	for _, c := range latest {
		if c.Deleted || c.ResourceType != "Patient" {
			continue
		}
		for _, id := range c.Identifiers {
			join(c.Identifiers[0], id)
		}
		for _, l := range c.Links {
			if l.Kind != v1.IdentityLink_KIND_SEE_ALSO {
				join(l.From, l.To)
			}
		}
	}
	return root
}

// homesAt are where patients live as of a position: what the latest version of any of their resources says, the last one to
// speak.
func homesAt(all []entry, position uint64, root func(string) string) map[string][2]string {
	type stated struct {
		fact *v1.ContextFact
		at   uint64
	}
	latest := map[string]stated{}
	for _, e := range all {
		if c := e.item.GetContext(); c != nil && e.position <= position {
			latest[c.Source+c.ResourceId] = stated{c, e.position}
		}
	}
	out, at := map[string][2]string{}, map[string]uint64{}
	for _, s := range latest {
		if s.fact.ResourceType != "Patient" || s.fact.Deleted || len(s.fact.Resource) == 0 {
			continue
		}
		who := root(name(s.fact.Identifiers[0]))
		if s.at > at[who] {
			at[who] = s.at
			state := strings.TrimSuffix(strings.TrimPrefix(string(s.fact.Resource), `{"address":[{"country":"US","state":"`), `"}]}`)
			out[who] = [2]string{"US", state}
		}
	}
	return out
}

// plainReport is one report, before it is counted.
type plainReport struct {
	position        uint64
	e               *v1.AccessEvent
	root, text, key string
	class           string
}

// foldScope computes the scope of the events that match.
func foldScope(all []entry, position uint64, match func(entry) bool) *plainScope {
	root := joined(all, position)
	s := &plainScope{
		counts: map[string]*plainCounts{}, unresolved: map[string]*plainCounts{}, parts: map[string]uint64{}, labels: map[string]uint64{},
		where: homesAt(all, position, root),
	}
	groups := map[string][]*plainReport{}
	var reports []*plainReport
	for _, x := range all {
		e := x.item.GetAccess()
		if e == nil || x.position > position || !match(x) {
			continue
		}
		s.events++
		seen := map[string]bool{}
		for _, p := range e.Patients {
			r := &plainReport{position: x.position, e: e}
			if len(p.Identifiers) > 0 {
				r.root = root(name(p.Identifiers[0]))
			} else {
				r.text = p.Text
			}
			r.key = r.root + "\x00" + r.text
			if !seen[r.key] {
				seen[r.key] = true
				reports = append(reports, r)
			}
			if len(seen) > 0 && e.RequestId != "" && reports[len(reports)-1] == r {
				groups[e.RequestId+"\x00"+r.key] = append(groups[e.RequestId+"\x00"+r.key], r)
			}
		}
		if len(e.Patients) == 0 {
			s.reports++
			s.patientless.patientless++
			s.patientless.span(e.OccurredUs)
		}
	}
	for _, r := range reports {
		r.class = plainClass([]*plainReport{r})
	}
	for _, g := range groups {
		pairPlainly(g)
	}
	s.count(reports)
	return s
}

// plainClass is what an access counts as whose reports these are.
func plainClass(of []*plainReport) string {
	failed, incidental := true, true
	for _, r := range of {
		failed = failed && r.e.Outcome > v1.Outcome_OUTCOME_SUCCESS
		incidental = incidental && r.e.Mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL
	}
	switch {
	case failed:
		return "failed"
	case incidental:
		return "incidental"
	}
	return "access"
}

// pairPlainly pairs reports of one request about one patient: like action, within a minute of the newest.
func pairPlainly(g []*plainReport) {
	slices.SortFunc(g, func(a, b *plainReport) int {
		return cmp.Or(cmp.Compare(b.e.OccurredUs, a.e.OccurredUs), cmp.Compare(b.position, a.position))
	})
	gives := func(r *plainReport) bool { return r.e.Action == v1.Action_ACTION_PRINT }
	var open []*plainReport
	settle := func() {
		if len(open) == 0 {
			return
		}
		// Which of them is the shown one changes no count: all of a group are of one reader's rank here.
		shown := slices.MinFunc(open, func(a, b *plainReport) int { return cmp.Compare(a.position, b.position) })
		class := plainClass(open)
		for _, r := range open {
			r.class = "second"
		}
		shown.class = class
	}
	for _, r := range g {
		if len(open) > 0 && (open[0].e.OccurredUs-r.e.OccurredUs > time.Minute.Microseconds() || gives(open[0]) != gives(r)) {
			settle()
			open = nil
		}
		open = append(open, r)
	}
	settle()
}

func (s *plainScope) count(reports []*plainReport) {
	for _, r := range reports {
		into, key := s.counts, r.root
		if r.root == "" {
			into, key = s.unresolved, r.text
		}
		if into[key] == nil {
			into[key] = &plainCounts{}
		}
		s.reports++
		c := into[key]
		c.span(r.e.OccurredUs)
		*map[string]*uint64{"access": &c.access, "second": &c.second, "failed": &c.failed, "incidental": &c.incidental}[r.class]++
		if r.e.Outcome > v1.Outcome_OUTCOME_SUCCESS {
			continue
		}
		types, labels := map[string]bool{}, map[string]bool{}
		for _, o := range r.e.Objects {
			types[o.Type] = true
		}
		for _, l := range r.e.Sensitivity {
			labels[l] = true
		}
		for _, x := range []struct {
			names map[string]bool
			into  map[string]uint64
		}{{types, s.parts}, {labels, s.labels}} {
			if len(x.names) == 0 {
				x.names[""] = true
			}
			for n := range x.names {
				x.into[n]++
			}
		}
	}
}

// scopeLines writes a scope so that two can be compared.
func (s *plainScope) lines() []string {
	lines := []string{fmt.Sprintf("events=%d reports=%d patients=%d unresolved=%d", s.events, s.reports, len(s.counts), len(s.unresolved))}
	for who, c := range s.counts {
		lines = append(lines, fmt.Sprintf("patient %s %v %+v", who, s.where[who], *c))
	}
	for text, c := range s.unresolved {
		lines = append(lines, fmt.Sprintf("text %s %+v", text, *c))
	}
	for n, c := range s.parts {
		lines = append(lines, fmt.Sprintf("part %s %d", n, c))
	}
	for n, c := range s.labels {
		lines = append(lines, fmt.Sprintf("label %s %d", n, c))
	}
	slices.Sort(lines)
	return lines
}

// linesOf writes an answer in the same way.
func linesOf(a *v1.BreachScopeResponse, root func(string) string) []string {
	t := a.Totals
	lines := []string{fmt.Sprintf("events=%d reports=%d patients=%d unresolved=%d", t.Events, t.Counts.Reports, t.Patients, t.Unresolved)}
	counts := func(c *v1.ScopeCounts) plainCounts {
		return plainCounts{c.Accesses, c.SecondReports, c.Failed, c.Incidental, c.Patientless, c.FirstUs, c.LastUs}
	}
	for _, p := range a.Patients {
		lines = append(lines, fmt.Sprintf("patient %s %v %+v", root(name(p.Identifiers[0])), [2]string{p.Country, p.State}, counts(p.Counts)))
	}
	for _, u := range a.Unresolved {
		lines = append(lines, fmt.Sprintf("text %s %+v", u.Text, counts(u.Counts)))
	}
	for _, p := range a.Parts {
		lines = append(lines, fmt.Sprintf("part %s %d", p.Name, p.Reports))
	}
	for _, p := range a.Sensitivity {
		lines = append(lines, fmt.Sprintf("label %s %d", p.Name, p.Reports))
	}
	slices.Sort(lines)
	return lines
}

// breachScope asks for all pages of a scope and puts them together.
func breachScope(t testing.TB, w *world, s *api.Service, q *v1.ScopeQuery, size uint32, edit ...func(*v1.BreachScopeRequest)) *v1.BreachScopeResponse {
	t.Helper()
	var whole *v1.BreachScopeResponse
	req := &v1.BreachScopeRequest{Query: q, Purpose: "a test", Page: &v1.Page{Size: size}}
	for _, f := range edit {
		f(req)
	}
	for {
		res, err := s.Scopes().BreachScope(w.ctx(), connect.NewRequest(req))
		if err != nil {
			t.Fatal(err)
		}
		if whole == nil {
			whole = res.Msg
		} else {
			whole.Patients = append(whole.Patients, res.Msg.Patients...)
		}
		if uint64(len(whole.Patients)) > whole.Totals.GetPatients() {
			t.Fatal("pages repeat patients")
		}
		if req.Page.Token = res.Msg.NextPageToken; req.Page.Token == "" {
			return whole
		}
	}
}

// history makes random histories: few patients under several identifiers, merges and un-merges, requests that repeat.
type history struct{ r *rand.Rand }

func choose[T any](h *history, of ...T) T { return of[h.r.IntN(len(of))] }

func (h *history) patient() *v1.Identifier {
	n := fmt.Sprint(h.r.IntN(8))
	return choose(h, id("urn:mrn", n), id("source:ehr", "Patient/"+n), id("urn:pacs", "P-"+n))
}

func (h *history) item(at time.Time) *v1.Item {
	if h.r.IntN(100) < 22 {
		n := fmt.Sprint(h.r.IntN(8))
		fact := patientFact("ehr", n, "", choose(h, nil, []*v1.Identifier{id("urn:mrn", n)}))
		c := fact.GetContext()
		c.Deleted = h.r.IntN(10) == 0
		if h.r.IntN(3) == 0 {
			c.Links = []*v1.IdentityLink{{
				Kind: choose(h, v1.IdentityLink_KIND_REPLACED_BY, v1.IdentityLink_KIND_REPLACES, v1.IdentityLink_KIND_SEE_ALSO),
				From: c.Identifiers[0], To: h.patient(),
			}}
		}
		if h.r.IntN(2) == 0 {
			c.Resource = fmt.Appendf(nil, `{"address":[{"country":"US","state":"%s"}]}`, choose(h, "CA", "NV"))
		}
		return fact
	}
	reader := id("urn:staff", fmt.Sprint(h.r.IntN(3)))
	it := access(choose(h, "ehr", "pacs"), at.Add(-time.Duration(h.r.IntN(900))*time.Second), nil, reader)
	e := it.GetAccess()
	e.Workstation = choose(h, "WS-1", "WS-2")
	e.RequestId = choose(h, "", "r1", "r2", "r3")
	e.Action = choose(h, v1.Action_ACTION_READ, v1.Action_ACTION_EXECUTE, v1.Action_ACTION_PRINT)
	e.Outcome = choose(h, v1.Outcome_OUTCOME_SUCCESS, v1.Outcome_OUTCOME_SUCCESS, v1.Outcome_OUTCOME_MINOR_FAILURE)
	e.Mode = choose(h, v1.AccessMode_ACCESS_MODE_DELIBERATE, v1.AccessMode_ACCESS_MODE_INCIDENTAL)
	e.Sensitivity = choose(h, nil, []string{"PSY"}, []string{"HIV", "PSY"})
	for range h.r.IntN(3) {
		e.Objects = append(e.Objects, &v1.Object{Type: choose(h, "Observation", "DocumentReference"), Id: id("urn:o", fmt.Sprint(h.r.IntN(4)))})
	}
	for range choose(h, 0, 1, 1, 1, 2, 4) {
		switch h.r.IntN(8) {
		case 0:
			e.Patients = append(e.Patients, &v1.Patient{Text: choose(h, "Muster, Maria", "Doe")})
		case 1:
			n := fmt.Sprint(h.r.IntN(8))
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:pacs", "P-"+n), id("urn:mrn", n)}})
		default:
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{h.patient()}})
		}
	}
	return it
}

// hasObject, of a reader, at a workstation: what matches in the second fold.
func hasObject(value string) func(entry) bool {
	return func(x entry) bool {
		return slices.ContainsFunc(x.item.GetAccess().Objects, func(o *v1.Object) bool { return o.Id.GetValue() == value })
	}
}

func byReader(values ...string) func(entry) bool {
	return func(x entry) bool { return slices.Contains(values, x.item.GetAccess().Reader.Identifiers[0].Value) }
}
