package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (w *world) scope(q *v1.ScopeQuery, edit ...func(*v1.BreachScopeRequest)) *v1.BreachScopeResponse {
	w.t.Helper()
	return breachScope(w.t, w, w.service, q, 100, edit...)
}

func home(item *v1.Item, country, state string) *v1.Item {
	item.GetContext().Resource = fmt.Appendf(nil, `{"resourceType":"Patient","address":[{"use":"home","country":%q,"state":%q}]}`, country, state)
	return item
}

// TestScopeOfAReader: every kind of report in its own column, each patient once, what is unknown as a row.
func TestScopeOfAReader(t *testing.T) {
	w := newWorld(t)
	at := func(n int) time.Time { return begin.Add(-time.Duration(n) * time.Minute) }
	jo, mrn := id("urn:staff", "jo"), id("urn:mrn", "1")
	part := func(types ...string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) {
			for _, typ := range types {
				e.Objects = append(e.Objects, &v1.Object{Type: typ})
			}
		}
	}
	w.append(
		home(patientFact("ehr", "1", "", []*v1.Identifier{mrn}), "US", "CA"),
		access("ehr", at(10), mrn, jo, part("Observation", "Observation", "DocumentReference"), func(e *v1.AccessEvent) { e.Sensitivity, e.RequestId = []string{"HIV"}, "r" }),
		access("pacs", at(10).Add(-time.Second), id("source:ehr", "Patient/1"), jo, func(e *v1.AccessEvent) { e.RequestId = "r" }),
		access("ehr", at(20), id("urn:mrn", "2"), jo, part("Condition"), func(e *v1.AccessEvent) { e.Outcome = v1.Outcome_OUTCOME_MINOR_FAILURE }),
		access("ehr", at(30), id("urn:mrn", "3"), jo, func(e *v1.AccessEvent) {
			e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{mrn}}, &v1.Patient{Text: "Doe"})
		}),
		access("ehr", at(40), nil, jo),
		access("ehr", at(50), id("urn:mrn", "4"), id("urn:staff", "other")),
	)
	w.settle()
	res := w.scope(&v1.ScopeQuery{Reader: "jo"})
	want := &v1.ScopeTotals{
		Events: 5, Patients: 3, Unresolved: 1,
		Counts: &v1.ScopeCounts{Reports: 7, Accesses: 1, SecondReports: 1, Failed: 1, Incidental: 3, Patientless: 1, FirstUs: at(40).UnixMicro(), LastUs: at(10).UnixMicro()},
	}
	if !protobuf.Equal(res.Totals, want) {
		t.Errorf("totals: %v", res.Totals)
	}
	first := res.Patients[0]
	if len(first.Identifiers) != 2 || first.Identifiers[0].Value != "1" || first.State != "CA" || first.Counts.Accesses != 1 || first.Counts.SecondReports != 1 || first.Counts.Incidental != 1 {
		t.Errorf("first patient: %v", first)
	}
	names := func(parts []*v1.ScopePart) (out []string) {
		for _, p := range parts {
			out = append(out, fmt.Sprintf("%s %d/%d", p.Name, p.Reports, p.Patients))
		}
		return out
	}
	// The failed one shows no condition; an event with two observations is one report of observations.
	if diff := cmp.Diff([]string{" 4/3", "DocumentReference 1/1", "Observation 1/1"}, names(res.Parts)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{" 4/3", "HIV 1/1"}, names(res.Sensitivity)); diff != "" {
		t.Error(diff)
	}
	if len(res.Jurisdictions) != 2 || res.Jurisdictions[0].State != "CA" || res.Jurisdictions[1].Country != "" || res.Jurisdictions[1].Patients != 2 {
		t.Errorf("jurisdictions: %v", res.Jurisdictions)
	}
	if len(res.Unresolved) != 1 || res.Unresolved[0].Text != "Doe" || res.Unresolved[0].Counts.Incidental != 1 {
		t.Errorf("unresolved: %v", res.Unresolved)
	}
	if !hasNote(res.Header, "judged nothing yet") || res.Header.Position == 0 || len(res.Header.Coverage) != 2 {
		t.Errorf("header: %v", res.Header)
	}
	checkInvariant(t, res)
}

// TestScopeByJurisdiction: where a patient lives is what was known at the position, by the source that spoke last; a version
// without an address takes it back.
func TestScopeByJurisdiction(t *testing.T) {
	w := newWorld(t)
	mrn := []*v1.Identifier{id("urn:mrn", "1")}
	steps := []struct {
		item *v1.Item
		want string
	}{
		{access("ehr", begin, mrn[0], id("urn:staff", "jo")), ""},
		{home(patientFact("ehr", "1", "", mrn), "us", "ca"), "US CA"},
		{home(patientFact("lab", "9", "", mrn), "US", "NV"), "US NV"},
		{home(patientFact("ehr", "1", "", mrn), "US", "WA"), "US WA"},
		{patientFact("ehr", "1", "", mrn), "US NV"},
		{home(patientFact("lab", "9", "", nil), "US", "NV"), ""},
	}
	var positions []uint64
	for _, s := range steps {
		positions = append(positions, uint64(w.append(s.item)))
	}
	w.settle()
	for i, s := range steps {
		res := w.scope(&v1.ScopeQuery{Reader: "jo"}, func(m *v1.BreachScopeRequest) { m.AsOfPosition = positions[i] })
		if got := strings.TrimSpace(res.Patients[0].Country + " " + res.Patients[0].State); got != s.want {
			t.Errorf("after step %d: %q, want %q", i, got, s.want)
		}
	}
}

// TestScopeTellsKeysApart: two patients whose identifiers have one key are two rows, and so are their reports.
func TestScopeTellsKeysApart(t *testing.T) {
	w := newWorld(t)
	one, other, jo := id("urn:a", "b|c"), id("urn:a|b", "c"), id("urn:staff", "jo")
	if projections.PatientKey(one.System, one.Value) != projections.PatientKey(other.System, other.Value) {
		t.Fatal("the identifiers do not meet: the test proves nothing")
	}
	same := func(e *v1.AccessEvent) { e.RequestId = "r" }
	w.append(access("ehr", begin, one, jo, same), access("ehr", begin, other, jo, same), access("ehr", begin.Add(-time.Hour), other, jo),
		access("ehr", begin, other, jo, same))
	w.settle()
	res := w.scope(&v1.ScopeQuery{Reader: "jo"})
	got := map[string]string{}
	for _, p := range res.Patients {
		got[p.Identifiers[0].Value] = fmt.Sprintf("%d accesses, %d second", p.Counts.Accesses, p.Counts.SecondReports)
	}
	if diff := cmp.Diff(map[string]string{"b|c": "1 accesses, 0 second", "c": "2 accesses, 1 second"}, got); diff != "" {
		t.Error(diff)
	}
	checkInvariant(t, res)
}

// TestScopePairsByRule: a source without request ids pairs by its rule, as in who-viewed.
func TestScopePairsByRule(t *testing.T) {
	w := newWorld(t)
	jo, mrn := id("urn:staff", "jo"), id("urn:mrn", "1")
	object := func(n string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "ImagingStudy", Id: id("urn:o", n)}} }
	}
	w.append(registered(&v1.SourceRegistered{Name: "pacs", PairWithinS: 10}))
	w.append(
		access("pacs", begin.Add(-time.Hour), mrn, jo, object("1")),
		access("pacs", begin.Add(-time.Hour).Add(4*time.Second), mrn, jo, object("1")),
		access("pacs", begin.Add(-time.Hour).Add(5*time.Second), mrn, jo, object("2")),
		access("pacs", begin.Add(-time.Hour).Add(time.Minute), mrn, jo, object("1")),
		access("ehr", begin.Add(-time.Hour), mrn, jo, object("1")),
	)
	w.settle()
	viewed := w.whoViewed("urn:mrn|1")
	c := w.scope(&v1.ScopeQuery{Workstation: "", Reader: "jo"}).Totals.Counts
	if c.Accesses != viewed.Totals.Accesses || c.Reports != viewed.Totals.Events || c.SecondReports != 1 {
		t.Errorf("scope %v, who-viewed %v", c, viewed.Totals)
	}
}

// TestScopeRefusals: what cannot be meant is refused before anything is read, and says what to do.
func TestScopeRefusals(t *testing.T) {
	w := newWorld(t)
	event := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	w.append(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}})
	w.settle()
	many := make([]string, 5001)
	for i := range many {
		many[i] = event.String()
	}
	for name, tt := range map[string]struct {
		query *v1.ScopeQuery
		edit  func(*v1.BreachScopeRequest)
		want  string
	}{
		"nothing":            {&v1.ScopeQuery{}, nil, "query: name a reader"},
		"half a window":      {&v1.ScopeQuery{FromUs: 1}, nil, "query: name a reader"},
		"backwards":          {&v1.ScopeQuery{FromUs: 2, UntilUs: 1}, nil, "until_us"},
		"two readers":        {&v1.ScopeQuery{Reader: "a", Account: "b"}, nil, "account"},
		"object and events":  {&v1.ScopeQuery{Object: "a", Events: []string{event.String()}}, nil, "events"},
		"too many":           {&v1.ScopeQuery{Events: many}, nil, "at most 5000"},
		"no such event":      {&v1.ScopeQuery{Events: []string{"999999999"}}, nil, "no such event"},
		"no event":           {&v1.ScopeQuery{Events: []string{proto.At(2, 0).String()}}, nil, "no such event"},
		"no position":        {&v1.ScopeQuery{Events: []string{"x"}}, nil, "events: a KSUID"},
		"line break":         {&v1.ScopeQuery{Workstation: "a\nb"}, nil, "workstation"},
		"time and position":  {&v1.ScopeQuery{Reader: "jo"}, func(m *v1.BreachScopeRequest) { m.AsOfUs, m.AsOfPosition = 1, 1 }, "not both"},
		"beyond the journal": {&v1.ScopeQuery{Reader: "jo"}, func(m *v1.BreachScopeRequest) { m.AsOfPosition = 1 << 40 }, "does not reach"},
		"without a purpose":  {&v1.ScopeQuery{Reader: "jo"}, func(m *v1.BreachScopeRequest) { m.Purpose = " " }, "purpose"},
		"another's page": {&v1.ScopeQuery{Reader: "jo"}, func(m *v1.BreachScopeRequest) {
			m.Page = &v1.Page{Token: api.PageToken{Version: 1, Position: event, Page: 2, AfterPosition: event}.String()}
		}, "page.token"},
	} {
		req := &v1.BreachScopeRequest{Query: tt.query, Purpose: "p"}
		if tt.edit != nil {
			tt.edit(req)
		}
		_, err := w.service.Scopes().BreachScope(w.ctx(), connect.NewRequest(req))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("%d refused questions were journaled", len(w.asked))
	}
	_, err := w.service.Scopes().BreachScope(as(w.t.Context(), "token:2", proto.RoleViewer), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a viewer asked: %v", err)
	}
}

// TestScopeIsJournaled: the question is on disk with the number of all patients before any page leaves, and is found among
// the looks at each patient of the page.
func TestScopeIsJournaled(t *testing.T) {
	w := newWorld(t)
	for n := range 5 {
		w.append(access("ehr", begin.Add(-time.Duration(n)*time.Minute), id("urn:mrn", fmt.Sprint(n)), id("urn:staff", "jo")))
	}
	w.settle()
	breachScope(t, w, w.service, &v1.ScopeQuery{Reader: "jo"}, 2)
	if len(w.asked) != 3 {
		t.Fatalf("%d pages were journaled", len(w.asked))
	}
	for i, q := range w.asked {
		if q.Query != "BreachScope" || q.Rows != 5 || q.Reader.Value != "jo" || int(q.Page) != i+1 || !bytes.Equal(q.QuestionId, w.asked[0].QuestionId) {
			t.Errorf("page %d: %v", i+1, q)
		}
	}
	w.settle()
	if looks := w.whoViewed("urn:mrn|3").Looks; len(looks) != 1 || looks[0].Query != "BreachScope" {
		t.Errorf("looks: %v", looks)
	}
	w.askFails = errors.New("the disk is full")
	_, err := w.service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("answered without a journal: %v", err)
	}
	var sent int
	w.exportTo(&v1.ExportScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "p", Format: v1.ExportScopeRequest_FORMAT_CSV}, func(*v1.ExportScopeResponse) { sent++ }, connect.CodeUnavailable)
	if sent != 0 {
		t.Errorf("%d parts of an export left without a journal", sent)
	}
	w.askFails = nil
}

// TestAmbiguousReaderAsksBack: a bare value of several readers is answered with the candidates alone.
func TestAmbiguousReaderAsksBack(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "7")), access("ehr", begin, id("urn:mrn", "1"), id("urn:login", "7")))
	w.settle()
	for _, q := range []*v1.ScopeQuery{{Reader: "7"}, {Account: "7"}} {
		res := w.scope(q)
		if len(res.Candidates) != 2 || res.Totals != nil || len(res.Patients) != 0 {
			t.Errorf("%v: %v", q, res)
		}
	}
	// Linked, they are one reader; an account stays one account.
	w.append(access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "7"), func(e *v1.AccessEvent) {
		e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:login", "7"))
	}))
	w.settle()
	if res := w.scope(&v1.ScopeQuery{Reader: "7"}); res.Totals.GetPatients() != 2 || res.Totals.Events != 3 {
		t.Errorf("reader: %v", res.Totals)
	}
	if res := w.scope(&v1.ScopeQuery{Account: "urn:login|7"}); res.Totals.Events != 1 {
		t.Errorf("account: %v", res.Totals)
	}
}

// TestUnknownReaderIsNotKnown: nothing found is told as what it is.
func TestUnknownReaderIsNotKnown(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	res := w.scope(&v1.ScopeQuery{Reader: "nobody"})
	if res.Totals.Events != 0 || !hasNote(res.Header, "nothing is known of them") || !hasNote(res.Header, "No source has reported anything") {
		t.Errorf("%v %v", res.Totals, res.Header.Notes)
	}
}

// TestScopeWaitsForTheJournal: an event that was acknowledged is in the scope, or the scope says what is missing.
func TestScopeWaitsForTheJournal(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	if res := w.scope(&v1.ScopeQuery{Reader: "urn:staff|jo"}); res.Totals.Events != 1 || res.Header.Behind != 0 {
		t.Errorf("%v %v", res.Totals, res.Header)
	}
}

// exportTo runs an export against a handler of its own, and gives what it sends to take.
func (w *world) exportTo(m *v1.ExportScopeRequest, take func(*v1.ExportScopeResponse), want connect.Code) {
	w.t.Helper()
	err := w.service.Export(w.ctx(), m, func(part *v1.ExportScopeResponse) error {
		take(protobuf.Clone(part).(*v1.ExportScopeResponse))
		return nil
	})
	if want == 0 && err != nil || want != 0 && connect.CodeOf(err) != want {
		w.t.Fatalf("export: %v", err)
	}
}
