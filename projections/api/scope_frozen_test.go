package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// freeze journals a frozen scope into the world's journal.
func (w *world) freezing() *api.Service {
	w.t.Helper()
	cfg := w.config()
	cfg.Freeze = func(_ context.Context, frozen *v1.ScopeFrozen) (proto.Position, error) {
		return w.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: frozen}}), nil
	}
	return serve(w.t, cfg)
}

// TestFrozenScopeStaysTheSame: events, merges and addresses that come later change nothing of what was frozen, in a service
// that computed nothing before.
func TestFrozenScopeStaysTheSame(t *testing.T) {
	w := newWorld(t)
	one, two, jo := id("urn:mrn", "1"), id("urn:mrn", "2"), id("urn:staff", "jo")
	w.append(
		home(patientFact("ehr", "1", "", []*v1.Identifier{one}), "US", "CA"),
		access("ehr", begin.Add(-time.Hour), one, jo), access("ehr", begin.Add(-2*time.Hour), two, jo), access("ehr", begin.Add(-3*time.Hour), nil, jo),
	)
	w.settle()
	frozen, err := w.freezing().Scopes().FreezeScope(w.ctx(), connect.NewRequest(&v1.FreezeScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "breach 7"}))
	if err != nil {
		t.Fatal(err)
	}
	f := frozen.Msg.Frozen
	if f.Totals.Patients != 2 || f.Totals.Counts.Reports != 3 || len(f.Sha256) != 32 || f.Asker != "token:1" || f.Purpose != "breach 7" || f.Position >= frozen.Msg.Position {
		t.Errorf("frozen: %v", frozen.Msg)
	}
	if q := w.asked[len(w.asked)-1]; q.Query != "FreezeScope" || q.Rows != 2 || !bytes.Equal(q.QuestionId, f.QuestionId) {
		t.Errorf("question: %v", q)
	}
	w.append(
		access("ehr", begin.Add(-time.Minute), one, jo),
		home(patientFact("ehr", "1", "", []*v1.Identifier{one}, &v1.IdentityLink{Kind: v1.IdentityLink_KIND_REPLACED_BY, From: one, To: two}), "US", "NV"),
	)
	w.settle()
	other := w.freezing()
	verify := func(position uint64) *v1.VerifyScopeResponse {
		t.Helper()
		res, err := other.Scopes().VerifyScope(w.ctx(), connect.NewRequest(&v1.VerifyScopeRequest{Position: position, Purpose: "court"}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	if v := verify(frozen.Msg.Position); !v.Same || !protobuf.Equal(v.Totals, f.Totals) || v.Header.Position != f.Position {
		t.Errorf("verified: %v", v)
	}
	// Now the scope is another one, and an entry that claims the old hash for it is told.
	now := breachScope(t, w, other, &v1.ScopeQuery{Reader: "jo"}, 10)
	if bytes.Equal(now.Sha256, f.Sha256) || now.Totals.Patients != 1 {
		t.Errorf("now: %v", now.Totals)
	}
	false1 := protobuf.Clone(f).(*v1.ScopeFrozen)
	false1.Position = now.Header.Position
	if v := verify(uint64(w.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: false1}}))); v.Same {
		t.Error("a scope of another position passes for the frozen one")
	}
	false2 := protobuf.Clone(f).(*v1.ScopeFrozen)
	false2.Query = &v1.ScopeQuery{Workstation: "WS-1"}
	if v := verify(uint64(w.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: false2}}))); v.Same || v.Totals.Events != 0 {
		t.Error("a scope of another query passes for the frozen one")
	}
	if _, err := other.Scopes().VerifyScope(w.ctx(), connect.NewRequest(&v1.VerifyScopeRequest{Position: f.Position, Purpose: "court"})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("an event was verified: %v", err)
	}
}

// TestFrozenScopesAreListed latest first, in pages, at once after they were frozen, to whom may ask; the list is a question itself.
func TestFrozenScopesAreListed(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	w.settle()
	service := w.freezing().Scopes()
	var want []*v1.FrozenScope
	for n := range 5 {
		res, err := service.FreezeScope(w.ctx(), connect.NewRequest(&v1.FreezeScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: fmt.Sprint("breach ", n)}))
		if err != nil {
			t.Fatal(err)
		}
		want = append([]*v1.FrozenScope{{Position: res.Msg.Position, Frozen: res.Msg.Frozen}}, want...)
	}
	var got []*v1.FrozenScope
	ask := &v1.ListFrozenScopesRequest{Purpose: "court", Page: &v1.Page{Size: 2}}
	for pages := 0; pages == 0 || ask.Page.Token != ""; pages++ {
		res, err := service.ListFrozenScopes(w.ctx(), connect.NewRequest(ask))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, res.Msg.Scopes...)
		ask.Page.Token, ask.QuestionId = res.Msg.NextPageToken, res.Msg.Header.QuestionId
		asked := w.questions()
		if q := asked[len(asked)-1]; q.Query != "ListFrozenScopes" || q.Purpose != "court" || q.Rows != uint64(len(res.Msg.Scopes)) {
			t.Errorf("journaled: %v", q)
		}
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("frozen (-) and listed (+): %s", diff)
	}
	if _, err := service.ListFrozenScopes(w.ctx(), connect.NewRequest(&v1.ListFrozenScopesRequest{})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("listed without a purpose: %v", err)
	}
	if _, err := service.ListFrozenScopes(as(t.Context(), "token:1", proto.RoleViewer), connect.NewRequest(&v1.ListFrozenScopesRequest{Purpose: "p"})); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("listed to a viewer: %v", err)
	}
}

// TestNothingIsFrozenWithoutAJournal: the question first, then the scope; without either there is no answer.
func TestNothingIsFrozenWithoutAJournal(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	w.settle()
	ask := &v1.FreezeScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "p"}
	if _, err := w.service.Scopes().FreezeScope(w.ctx(), connect.NewRequest(ask)); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("frozen where nothing can be: %v", err)
	}
	head := w.head()
	w.askFails = errors.New("the disk is full")
	if _, err := w.freezing().Scopes().FreezeScope(w.ctx(), connect.NewRequest(ask)); connect.CodeOf(err) != connect.CodeUnavailable || w.head() != head {
		t.Errorf("frozen without its question: %v", err)
	}
	w.askFails = nil
}

// TestScopeHashSeesEachChange: what may differ between two scopes differs in the hash.
func TestScopeHashSeesEachChange(t *testing.T) {
	w := newWorld(t)
	jo := id("urn:staff", "jo")
	hashes := map[string]string{}
	for n, edit := range []func(*v1.AccessEvent){
		func(*v1.AccessEvent) {},
		func(e *v1.AccessEvent) { e.Outcome = v1.Outcome_OUTCOME_MINOR_FAILURE },
		func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "Observation"}} },
		func(e *v1.AccessEvent) { e.Sensitivity = []string{"HIV"} },
		func(e *v1.AccessEvent) { e.OccurredUs++ },
		func(e *v1.AccessEvent) { e.Patients[0].Identifiers[0].Value = "2" },
	} {
		place := fmt.Sprintf("WS-%d", n)
		w.append(access("ehr", begin, id("urn:mrn", "1"), jo, edit, func(e *v1.AccessEvent) { e.Workstation = place }))
		w.settle()
		hash := string(w.scope(&v1.ScopeQuery{Workstation: place}).Sha256)
		if before, ok := hashes[hash]; ok {
			t.Errorf("%s has the hash of %s", place, before)
		}
		hashes[hash] = place
	}
}

func TestCompareScopes(t *testing.T) {
	w := newWorld(t)
	jo := id("urn:staff", "jo")
	mrn := func(n int) *v1.Identifier { return id("urn:mrn", fmt.Sprint(n)) }
	at := func(n int) time.Time { return begin.Add(-time.Duration(n) * time.Minute) }
	request := func(e *v1.AccessEvent) { e.RequestId = "r" }
	var items []*v1.Item
	for n := range 5 {
		items = append(items, access("ehr", at(10*n), mrn(n), jo, request))
	}
	w.append(items...)
	before := w.head()
	w.append(
		access("ehr", at(5), mrn(9), jo),                              // added
		access("pacs", at(0).Add(-time.Second), mrn(0), jo, request),  // changed: a second report, so that no access is added
		patientFact("ehr", "1", "", []*v1.Identifier{mrn(1), mrn(2)}), // merged
	)
	w.settle()
	ask := func(before, after *v1.ScopeRun) *v1.CompareScopesResponse {
		t.Helper()
		res, err := w.service.Scopes().CompareScopes(w.ctx(), connect.NewRequest(&v1.CompareScopesRequest{Before: before, After: after, Purpose: "what is new"}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	q := &v1.ScopeQuery{Reader: "jo"}
	told := func(a *v1.CompareScopesResponse) []string {
		out := []string{fmt.Sprintf("reports +%d -%d ~%d accesses +%d -%d patients +%d -%d ~%d", a.ReportsAdded, a.ReportsRemoved, a.ReportsChanged,
			a.AccessesAdded, a.AccessesRemoved, a.PatientsAdded, a.PatientsRemoved, a.PatientsChanged)}
		for _, c := range a.Changes {
			out = append(out, fmt.Sprintf("%s %d %d", strings.TrimPrefix(c.Kind.String(), "KIND_"), len(c.Before), len(c.After)))
		}
		return out
	}
	then, now := &v1.ScopeRun{Query: q, AsOfPosition: uint64(before)}, &v1.ScopeRun{Query: q}
	forward := told(ask(then, now))
	if diff := cmp.Diff([]string{"reports +2 -0 ~0 accesses +1 -0 patients +1 -0 ~2", "CHANGED 1 1", "ADDED 0 1", "MERGED 2 1"}, forward); diff != "" {
		t.Error(diff)
	}
	backward := told(ask(now, then))
	if diff := cmp.Diff("reports +0 -2 ~0 accesses +0 -1 patients +0 -1 ~2", backward[0]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(backward, ","), "SPLIT 1 2") {
		t.Errorf("un-merging is not told: %v", backward)
	}
	if same := told(ask(now, now)); len(same) != 1 || same[0] != "reports +0 -0 ~0 accesses +0 -0 patients +0 -0 ~0" {
		t.Errorf("a scope differs from itself: %v", same)
	}
	if q := w.asked[len(w.asked)-1]; q.Query != "CompareScopes" {
		t.Errorf("question: %v", q)
	}
}
