package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestNobodyExaminesThemself: whoever is a reader sees everybody's alerts and findings but their own, in lists, totals, scores, one by one
// and by command; what was kept back is in the journal, and the asker is told nothing of it.
func TestNobodyExaminesThemself(t *testing.T) {
	h := newHospital(t, 33, 60)
	h.detect(25)
	h.settle()
	me := mostCited(h)
	c := h.config()
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		if c.Name != "token:self" {
			return nil, true
		}
		return []*v1.Identifier{me}, true
	}
	service := serve(t, c)
	self, other := as(t.Context(), "token:self", proto.RolePrivacyOfficer), as(t.Context(), "token:other", proto.RolePrivacyOfficer)
	about := map[string]bool{}
	for _, v := range h.alerts.Messages() {
		text := projections.IDText(v.AlertId)
		about[text] = about[text] || slices.ContainsFunc(v.Readers, func(r *v1.AlertReader) bool { return sameIdentifier(r.Identifier, me) })
	}
	mine := 0
	for _, is := range about {
		if is {
			mine++
		}
	}
	if mine == 0 || mine == len(about) {
		t.Fatalf("%d of %d alerts are about the asker", mine, len(about))
	}
	h.checkLists(service, self, about, len(about)-mine, uint64(mine))
	h.checkLists(service, other, map[string]bool{}, len(about), 0)
	checkFindings(t, h, service, me)
	for text, is := range about {
		_, err := service.GetAlert(self, connect.NewRequest(&v1.GetAlertRequest{Alert: text, Purpose: "curious"}))
		last := h.asked[len(h.asked)-1]
		switch {
		case is && (connect.CodeOf(err) != connect.CodeNotFound || last.Withheld != 1 || last.Purpose != "curious" || last.Rows != 0 || len(last.Subjects) != 0):
			t.Fatalf("an alert about the asker: %v, journaled %v", err, last)
		case !is && (err != nil || last.Withheld != 0):
			t.Fatalf("an alert about others: %v", err)
		}
		_, err = service.Scopes().BreachScope(self, connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Alert: text}, Purpose: "p"}))
		if last := h.asked[len(h.asked)-1]; is && (connect.CodeOf(err) != connect.CodeNotFound || last.Withheld != 1) || !is && connect.CodeOf(err) == connect.CodeNotFound {
			t.Fatalf("its scope: %v, journaled %v", err, last)
		}
		id, err := proto.ParseEventID(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, found, err := service.AlertNow(self, id); err != nil || found == is {
			t.Fatalf("by command: found %v, %v", found, err)
		}
		if _, found, err := service.AlertNow(other, id); err != nil || !found {
			t.Fatalf("somebody else's command: found %v, %v", found, err)
		}
	}
	h.askFails = context.DeadlineExceeded
	for text, is := range about {
		if _, err := service.GetAlert(self, connect.NewRequest(&v1.GetAlertRequest{Alert: text, Purpose: "p"})); is && connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("kept back and not journaled: %v", err)
		}
	}
	h.askFails = nil
}

func sameIdentifier(a, b *v1.Identifier) bool {
	return a.GetSystem() == b.GetSystem() && a.GetValue() == b.GetValue()
}

// mostCited is the reader whom most alerts cite.
func mostCited(h *hospital) (me *v1.Identifier) {
	cited := map[string]int{}
	for _, v := range h.alerts.Messages() {
		for _, r := range v.Readers {
			key := proto.Key(r.Identifier)
			if cited[key]++; me == nil || cited[key] > cited[proto.Key(me)] {
				me = r.Identifier
			}
		}
	}
	return me
}

// checkLists asks for the whole queue, by name and by pseudonym.
func (h *hospital) checkLists(service *api.Service, ctx context.Context, hidden map[string]bool, visible int, withheld uint64) { //nolint:revive // t is in h
	h.t.Helper()
	for _, purpose := range []string{"review", ""} {
		res, err := service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{
			From: "2026-01-01", To: "2026-12-31", Scope: v1.AlertScope_ALERT_SCOPE_ALL, Purpose: purpose, Page: &v1.Page{Size: 1000},
		}))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, row := range res.Msg.Alerts {
			if hidden[row.AlertId] {
				h.t.Errorf("purpose %q: an alert about the asker is listed", purpose)
			}
		}
		if n := len(res.Msg.Alerts); n != visible || res.Msg.Totals.Candidates != uint64(visible) {
			h.t.Errorf("purpose %q: %d alerts, %d counted, want %d", purpose, n, res.Msg.Totals.Candidates, visible)
		}
		if last := h.asked[len(h.asked)-1]; last.Withheld != withheld || last.Summary != (purpose == "") {
			h.t.Errorf("purpose %q: journaled %v, want %d withheld", purpose, last, withheld)
		}
	}
}

func checkFindings(t *testing.T, h *hospital, service *api.Service, me *v1.Identifier) {
	t.Helper()
	self, other := as(t.Context(), "token:self", proto.RolePrivacyOfficer), as(t.Context(), "token:other", proto.RolePrivacyOfficer)
	find := func(ctx context.Context) (mine, all int) {
		res, err := service.SearchFindings(ctx, connect.NewRequest(&v1.SearchFindingsRequest{From: "2026-01-01", To: "2026-12-31", Purpose: "p", Page: &v1.Page{Size: 1000}}))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Msg.Findings {
			if sameIdentifier(f.Finding.Reader, me) {
				mine++
			}
		}
		return mine, len(res.Msg.Findings)
	}
	score := func(ctx context.Context) (n uint64) {
		res, err := service.ScoreDetectors(ctx, connect.NewRequest(&v1.ScoreDetectorsRequest{From: "2026-01-01", To: "2026-12-31"}))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range res.Msg.Detectors {
			n += d.Findings
		}
		return n
	}
	mine, all := find(other)
	left, seen := find(self)
	if last := h.asked[len(h.asked)-1]; mine == 0 || left != 0 || seen != all-mine || last.Withheld != uint64(mine) {
		t.Errorf("%d of %d findings are about the asker: %d are left, of %d; journaled %v", mine, all, left, seen, last)
	}
	if all, seen := score(other), score(self); all != seen+uint64(mine) {
		t.Errorf("scores count %d findings, %d for the asker, %d are about them", all, seen, mine)
	}
}

// TestFrozenScopesOfOneself: a scope that somebody froze of the asker is in nobody's list but the others'.
func TestFrozenScopesOfOneself(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	for _, reader := range []string{"urn:staff|jo", "urn:staff|kim"} {
		w.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: &v1.ScopeFrozen{Query: &v1.ScopeQuery{Reader: reader}, Format: 1}}})
	}
	w.settle()
	c := w.config()
	c.Readers = func(proto.Caller) ([]*v1.Identifier, bool) { return []*v1.Identifier{id("urn:staff", "jo")}, true }
	service := serve(t, c)
	for name, tt := range map[string]struct {
		service  *api.Service
		scopes   int
		withheld uint64
	}{"jo": {service, 1, 1}, "somebody": {w.service, 2, 0}} {
		res, err := tt.service.Scopes().ListFrozenScopes(w.ctx(), connect.NewRequest(&v1.ListFrozenScopesRequest{Purpose: "p"}))
		if err != nil || len(res.Msg.Scopes) != tt.scopes || w.asked[len(w.asked)-1].Withheld != tt.withheld {
			t.Errorf("%s: %v, %v", name, res, err)
		}
	}
}

// TestNoScopeOfOneself: a scope of the asker's own accesses is for others to ask for, under whichever identifier.
func TestNoScopeOfOneself(t *testing.T) {
	w := newWorld(t)
	w.append(
		access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")),
		access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "kim")),
		practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}),
	)
	w.settle()
	c := w.config()
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		return []*v1.Identifier{{Value: "jo.s"}}, c.Name == "token:jo"
	}
	c.KnownReadersOnly = true
	service := serve(t, c)
	jo := as(t.Context(), "token:jo", proto.RoleInvestigator)
	for name, tt := range map[string]struct {
		ctx   context.Context
		query *v1.ScopeQuery
		want  connect.Code
	}{
		"own number":       {jo, &v1.ScopeQuery{Reader: "urn:staff|jo"}, connect.CodePermissionDenied},
		"own login":        {jo, &v1.ScopeQuery{Reader: "urn:login|jo.s"}, connect.CodePermissionDenied},
		"own account":      {jo, &v1.ScopeQuery{Account: "urn:staff|jo"}, connect.CodePermissionDenied},
		"nobody's alert":   {jo, &v1.ScopeQuery{Alert: "2Zs4T8sD1pS1o3yM1sYQbS3rT1k"}, connect.CodeNotFound},
		"a colleague":      {jo, &v1.ScopeQuery{Reader: "urn:staff|kim"}, 0},
		"who is not known": {as(t.Context(), "token:x", proto.RoleInvestigator), &v1.ScopeQuery{Reader: "urn:staff|kim"}, connect.CodePermissionDenied},
	} {
		_, err := service.Scopes().BreachScope(tt.ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: tt.query, Purpose: "leak"}))
		if (err == nil) != (tt.want == 0) || err != nil && connect.CodeOf(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(name, "own") {
			continue
		}
		if all := w.questions(); len(all) == 0 || all[len(all)-1].Withheld != 1 || all[len(all)-1].Purpose != "leak" || all[len(all)-1].Query != "BreachScope" {
			t.Errorf("%s: journaled %v", name, all)
		}
	}
}
