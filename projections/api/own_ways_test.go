package api_test

import (
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// asJo is a service that knows which reader "token:jo" is, by a login.
func (w *world) asJo() *api.Service {
	w.t.Helper()
	c := w.config()
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		if c.Name != "token:jo" {
			return nil, true
		}
		return []*v1.Identifier{{Value: "jo.s"}}, true
	}
	return serve(w.t, c)
}

// TestNoWayToOneself: who the asker is among the readers is known as of now, whatever the question is as of; their own accesses named
// one by one are theirs too.
func TestNoWayToOneself(t *testing.T) {
	w := newWorld(t)
	mine := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	theirs := w.append(access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "kim")))
	w.append(practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}))
	w.settle()
	jo, scopes := as(t.Context(), "token:jo", proto.RoleInvestigator), w.asJo().Scopes()
	for name, tt := range map[string]struct {
		ask  *v1.BreachScopeRequest
		want connect.Code
	}{
		"before links said so":     {&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}, AsOfPosition: uint64(theirs)}, connect.CodePermissionDenied},
		"own event":                {&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Events: []string{mine.String()}}}, connect.CodePermissionDenied},
		"own event among others":   {&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Events: []string{theirs.String(), mine.String()}}}, connect.CodePermissionDenied},
		"somebody else's event":    {&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Events: []string{theirs.String()}}}, 0},
		"somebody else as of then": {&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|kim"}, AsOfPosition: uint64(theirs)}, 0},
	} {
		tt.ask.Purpose = "leak"
		_, err := scopes.BreachScope(jo, connect.NewRequest(tt.ask))
		if (err == nil) != (tt.want == 0) || err != nil && connect.CodeOf(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
		if last := w.asked[max(len(w.asked)-1, 0)]; tt.want != 0 && last.Withheld != 1 {
			t.Errorf("%s: journaled %v", name, last)
		}
	}
}

// TestFrozenScopesOfOneselfAreNotThere: however the scope named the asker, it is in no list of theirs, and asked for by its position it is
// told like one that does not exist.
func TestFrozenScopesOfOneselfAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	theirs := w.append(access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "kim")))
	w.append(practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}))
	w.settle()
	jo, freezing, service := as(t.Context(), "token:jo", proto.RoleInvestigator), w.freezing().Scopes(), w.asJo().Scopes()
	own := map[uint64]bool{}
	for _, tt := range []struct {
		query *v1.ScopeQuery
		own   bool
	}{
		{&v1.ScopeQuery{Reader: "jo"}, true},
		{&v1.ScopeQuery{Reader: "urn:staff|jo"}, true},
		{&v1.ScopeQuery{Account: "JO.S"}, true},
		{&v1.ScopeQuery{Events: []string{mine.String()}}, true},
		{&v1.ScopeQuery{Events: []string{mine.String(), theirs.String()}}, true},
		{&v1.ScopeQuery{Reader: "kim"}, false},
		{&v1.ScopeQuery{Events: []string{theirs.String()}}, false},
	} {
		res, err := freezing.FreezeScope(w.ctx(), connect.NewRequest(&v1.FreezeScopeRequest{Query: tt.query, Purpose: "inquiry"}))
		if err != nil {
			t.Fatal(err)
		}
		own[res.Msg.Position] = tt.own
	}
	w.settle()
	list, err := service.ListFrozenScopes(jo, connect.NewRequest(&v1.ListFrozenScopesRequest{Purpose: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list.Msg.Scopes {
		if own[f.Position] {
			t.Errorf("listed: a scope of the asker, asked for by %v", f.Frozen.Query)
		}
	}
	if last := w.asked[len(w.asked)-1]; len(list.Msg.Scopes) != 2 || last.Withheld != 5 {
		t.Errorf("%d listed, journaled %v", len(list.Msg.Scopes), last)
	}
	_, missing := service.VerifyScope(jo, connect.NewRequest(&v1.VerifyScopeRequest{Position: uint64(mine), Purpose: "p"}))
	for position, is := range own {
		_, err := service.VerifyScope(jo, connect.NewRequest(&v1.VerifyScopeRequest{Position: position, Purpose: "p"}))
		_, compared := service.CompareScopes(jo, connect.NewRequest(&v1.CompareScopesRequest{
			Before: &v1.ScopeRun{Frozen: position}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "kim"}}, Purpose: "p",
		}))
		if is && (err == nil || err.Error() != missing.Error() || compared == nil || compared.Error() != missing.Error()) || !is && (err != nil || compared != nil) {
			t.Errorf("own %v: verified %v, compared %v; one that does not exist: %v", is, err, compared, missing)
		}
	}
}

// TestLooksDoNotTellWhatWasWithheld: an asker may open their own question as an event, and does not read there what the answer left out.
func TestLooksDoNotTellWhatWasWithheld(t *testing.T) {
	w := newWorld(t)
	look := func(asker string, readers ...*v1.Identifier) string {
		return w.append(&v1.Item{Body: &v1.Item_Question{Question: &v1.Question{
			QuestionId: make([]byte, 20), Asker: asker, AskerReaders: readers, Query: "ListAlerts", Purpose: "curious", Page: 1, Withheld: 3, AskedUs: begin.UnixMicro(),
		}}}).String()
	}
	looks := map[string]bool{look("token:jo"): false, look("oidc:jo", &v1.Identifier{Value: "jo.s"}): false, look("token:kim"): true}
	w.settle()
	for position, told := range looks {
		res, err := w.asJo().GetEvent(as(t.Context(), "token:jo", proto.RoleInvestigator), connect.NewRequest(&v1.GetEventRequest{Event: position, Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		has := slices.ContainsFunc(res.Msg.Event.Extensions, func(x *v1.Extension) bool { return x.Name == "withheld" })
		if has != told || len(res.Msg.Event.Extensions) < 3 {
			t.Errorf("the look of %v tells %v", res.Msg.Event.Reader, res.Msg.Event.Extensions)
		}
	}
}

// TestSummariesDoNotTellWhatWasWithheld: answers that name nobody carry one question id an hour, whatever was left out of them; the journal
// has how much.
func TestSummariesDoNotTellWhatWasWithheld(t *testing.T) {
	h := newHospital(t, 33, 60)
	h.detect(25)
	h.settle()
	c, me := h.config(), mostCited(h)
	c.Readers = func(proto.Caller) ([]*v1.Identifier, bool) { return []*v1.Identifier{me}, true }
	service, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	self, ids := as(t.Context(), "token:self", proto.RoleViewer), map[string]bool{}
	begun := len(h.questions())
	for _, from := range []string{"2026-12-01", "2026-01-01", "2026-01-01"} {
		res, err := service.ListAlerts(self, connect.NewRequest(&v1.ListAlertsRequest{From: from, To: "2026-12-31"}))
		if err != nil {
			t.Fatal(err)
		}
		ids[res.Msg.Header.QuestionId] = true
	}
	if n := len(h.questions()) - begun; n != 1 || len(ids) != 1 {
		t.Errorf("%d questions with %d ids: an asker can tell days with something about them from days without", n, len(ids))
	}
	if err := service.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages, rows, withheld := map[uint32]bool{}, uint64(0), map[bool]uint64{}
	for _, q := range h.questions()[begun:] {
		pages[q.Page] = true
		rows += q.Rows
		withheld[q.Withheld > 0] += q.Rows
	}
	if rows != 3 || withheld[true] != 2 || len(pages) != 2 {
		t.Errorf("journaled: %v", h.questions()[begun:])
	}
}

// TestLatestDayIsOfTheList: without days, a list goes up to the latest day that has any alert of those that it may hold: not of one that was
// raised after the time asked for, and of none about the asker.
func TestLatestDayIsOfTheList(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")), practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}))
	raise := func(day int32, reader string) {
		cause := w.append(registered(&v1.SourceRegistered{Name: "cause"}))
		w.alerts.Publish(&v1.AlertVersion{
			AlertId: detectiontest.AlertID(day, 1), Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Cause: uint64(cause), AtUs: w.clock().UnixMicro(),
			Shape: v1.Shape_SHAPE_PAIR, Day: day, Scenario: "family", Rank: 1, Shown: true, Readers: []*v1.AlertReader{{Identifier: id("urn:staff", reader)}},
		})
	}
	today := detectiontest.Day(begin)
	raise(today-60, "kim")
	then := w.clock()
	w.pass(time.Hour)
	raise(today-3, "jo")
	w.settle()
	for name, tt := range map[string]struct {
		asker string
		asOf  int64
		want  int32
	}{
		"others":          {"token:kim", 0, today - 3},
		"others, as then": {"token:kim", then.UnixMicro(), today - 60},
		"the asker":       {"token:jo", 0, today - 60},
	} {
		res, err := w.asJo().ListAlerts(as(t.Context(), tt.asker, proto.RoleInvestigator), connect.NewRequest(&v1.ListAlertsRequest{AsOfUs: tt.asOf}))
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Unix(int64(tt.want)*86_400, 0).UTC().Format(time.DateOnly); res.Msg.To != want || len(res.Msg.Alerts) != 1 {
			t.Errorf("%s: until %s with %d alerts, want %s with one", name, res.Msg.To, len(res.Msg.Alerts), want)
		}
	}
}

// TestUnknownAskersTellNoAlertFromNone: where only known readers may ask, everybody else is told that, whether there is such an alert or not.
func TestUnknownAskersTellNoAlertFromNone(t *testing.T) {
	h := newHospital(t, 4, 40)
	h.detect(6)
	h.settle()
	c := h.config()
	c.Readers, c.KnownReadersOnly = func(proto.Caller) ([]*v1.Identifier, bool) { return nil, false }, true
	service := serve(t, c)
	for _, alert := range []string{projections.IDText(h.alerts.Messages()[0].AlertId), "0ujsszwN8NRY24YaXiTIE2VWDTS"} {
		if _, err := service.GetAlert(h.ctx(), connect.NewRequest(&v1.GetAlertRequest{Alert: alert, Purpose: "p"})); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("alert %s: %v", alert, err)
		}
		_, err := service.Scopes().BreachScope(h.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Alert: alert}, Purpose: "p"}))
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("scope of alert %s: %v", alert, err)
		}
	}
}

// TestComparedReadersAreJournaled: a comparison looks at the readers of both of its scopes, and a list of frozen ones at those that it names.
func TestComparedReadersAreJournaled(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")), access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "kim")))
	w.settle()
	service := w.freezing().Scopes()
	looked := func(what string, want ...string) {
		t.Helper()
		asked := w.questions()
		q := asked[len(asked)-1]
		for _, value := range want {
			if q.Reader.GetValue() != value && !slices.ContainsFunc(q.Subjects, func(s *v1.Identifier) bool { return s.Value == value }) {
				t.Errorf("%s: %s is not among whom it looked at: %v", what, value, q)
			}
		}
	}
	_, err := service.CompareScopes(w.ctx(), connect.NewRequest(&v1.CompareScopesRequest{
		Before: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|kim"}}, Purpose: "p",
	}))
	if err != nil {
		t.Fatal(err)
	}
	looked("CompareScopes", "jo", "kim")
	for _, reader := range []string{"urn:staff|jo", "urn:staff|kim"} {
		if _, err := service.FreezeScope(w.ctx(), connect.NewRequest(&v1.FreezeScopeRequest{Query: &v1.ScopeQuery{Reader: reader}, Purpose: "p"})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := service.ListFrozenScopes(w.ctx(), connect.NewRequest(&v1.ListFrozenScopesRequest{Purpose: "p"})); err != nil {
		t.Fatal(err)
	}
	looked("ListFrozenScopes", "jo", "kim")
}
