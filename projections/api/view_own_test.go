package api_test

import (
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func scopeView(q *v1.ScopeQuery) *v1.ViewQuestion {
	return &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: q}}
}

// listedViews are the names of the views that an asker finds.
func listedViews(t *testing.T, service *api.Service, asker string) (names []string) {
	t.Helper()
	list, err := service.ListViews(as(t.Context(), asker, proto.RoleInvestigator), connect.NewRequest(&v1.ListViewsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list.Msg.Views {
		names = append(names, v.Name)
	}
	return names
}

// TestViewsOfOneselfByEventID: an access of the asker that a shared view names by its id is theirs as much as one that it names by its position.
func TestViewsOfOneselfByEventID(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo.s")))
	text := ""
	for event := range w.ids {
		text = event.String()
	}
	q := &v1.ScopeQuery{Events: []string{text}}
	w.saveView("event by id", 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, scopeView(q) })
	w.saveView("no event", 1, func(e *v1.ViewEntry) {
		e.Shared, e.Question = true, scopeView(&v1.ScopeQuery{Events: []string{mustMint(t, 1).String()}})
	})
	w.settle()
	jo, service := as(t.Context(), "token:jo", proto.RoleInvestigator), w.asJo()
	_, err := service.Scopes().BreachScope(jo, connect.NewRequest(&v1.BreachScopeRequest{Query: q, Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Fatalf("the scope itself is about the asker: %v", err)
	}
	if names := listedViews(t, service, "token:jo"); !slices.Equal(names, []string{"no event"}) {
		t.Errorf("jo finds %q", names)
	}
	if res, err := service.GetView(jo, connect.NewRequest(&v1.GetViewRequest{View: viewID("event by id").String(), Purpose: "p"})); err == nil {
		t.Errorf("jo is told: %v", res.Msg.Question)
	}
}

// TestViewsOfOneselfByAlertAndCase: a view of the scope of an alert or a case about the asker looks into them too.
func TestViewsOfOneselfByAlertAndCase(t *testing.T) {
	p := newPlaces(t, proto.Limits{})
	p.saveView("alert of jo", 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, scopeView(&v1.ScopeQuery{Alert: p.alerts["here"]}) })
	p.saveView("case of jo", 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, scopeView(&v1.ScopeQuery{Case: p.cases["here"]}) })
	p.settle()
	c := p.config()
	c.Readers = func(proto.Caller) ([]*v1.Identifier, bool) {
		return []*v1.Identifier{id("urn:staff", "jo")}, true
	}
	service := serve(t, c)
	jo := as(t.Context(), "token:jo", proto.RolePrivacyOfficer)
	for what, err := range map[string]error{
		"alert": func() error {
			_, err := service.GetAlert(jo, connect.NewRequest(&v1.GetAlertRequest{Alert: p.alerts["here"], Purpose: "p"}))
			return err
		}(),
		"case": func() error {
			_, err := service.GetCase(jo, connect.NewRequest(&v1.GetCaseRequest{Case: p.cases["here"], Purpose: "p"}))
			return err
		}(),
	} {
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Fatalf("%s itself: %v", what, err)
		}
	}
	if names := listedViews(t, service, "token:jo"); slices.Contains(names, "alert of jo") || slices.Contains(names, "case of jo") {
		t.Errorf("jo finds %q", names)
	}
}

// TestViewsOfOneselfElsewhere: limits take nothing from the rule that nobody learns who looks into them: an access of the asker that lies
// outside of their limits is theirs all the same, and so is an alert that cites it. The journal says that they were kept back as such.
func TestViewsOfOneselfElsewhere(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	at := func(hour int, site string) proto.Position {
		when := begin.Add(time.Duration(hour) * time.Hour)
		return p.append(access("ehr", when, id("urn:mrn", "7"), id("urn:staff", "kim"), func(e *v1.AccessEvent) { e.Site = site }))
	}
	out, in := at(20, "South"), at(21, "North")
	alert, file := mustMint(t, 500), mustMint(t, 600)
	v := protobuf.CloneOf(p.world.alerts.Messages()[0])
	v.AlertId, v.Version, v.Accesses = alert.Bytes(), 1, []*v1.CitedAccess{{Position: uint64(out)}} // its reader is jo
	p.world.alerts.Publish(v)
	p.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: &v1.CaseEntry{
		CaseId: file.Bytes(), Version: 1, Asker: "token:1", Role: proto.RolePrivacyOfficer, AtUs: begin.UnixMicro(),
		Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "South", Alerts: [][]byte{alert.Bytes()}, DiscoveredUs: begin.UnixMicro()}},
	}}})
	about := map[string]*v1.ScopeQuery{
		"event inside": {Events: []string{in.String()}}, "event outside": {Events: []string{out.String()}},
		"alert": {Alert: alert.String()}, "case": {Case: file.String()},
	}
	for name, q := range about {
		p.saveView(name, 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, scopeView(q) })
	}
	p.saveView("of another", 1, func(e *v1.ViewEntry) {
		e.Shared, e.Question = true, scopeView(&v1.ScopeQuery{Alert: p.alerts["there"]})
	})
	p.settle()
	kim := as(t.Context(), "token:kim", proto.RolePrivacyOfficer)
	now, err := p.service.ViewsNow(p.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range now {
		told, err := p.service.ViewTold(kim, v)
		_, mine := about[v.Entry.Name]
		if err != nil || told || mine && p.lastQuestion().Withheld != 1 {
			t.Errorf("kim may command %s: %v %v, journaled %v", v.Entry.Name, told, err, p.lastQuestion())
		}
	}
	if names := listedViews(t, p.service, "token:kim"); len(names) != 0 || p.lastQuestion().Withheld != uint64(len(about)) {
		t.Errorf("kim finds %q, journaled %v", names, p.lastQuestion())
	}
	for name, want := range map[string]uint64{"event inside": 1, "event outside": 1, "alert": 1, "case": 1, "of another": 0} {
		_, err := p.service.GetView(kim, connect.NewRequest(&v1.GetViewRequest{View: viewID(name).String(), Purpose: "p"}))
		if q := p.lastQuestion(); connect.CodeOf(err) != connect.CodeNotFound || q.Withheld != want || q.Elsewhere != 1-want {
			t.Errorf("%s: %v, journaled %v", name, err, q)
		}
	}
}

// TestSharedViewTellsNothingElsewhere: a shared view of accesses elsewhere does not tell an asker with limits of them; their own views and
// those that name nobody are theirs to open, and without limits so are all.
func TestSharedViewTellsNothingElsewhere(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	for name, q := range map[string]*v1.ViewQuestion{
		"inquiry": scopeView(&v1.ScopeQuery{Workstation: elsewhere + "-WS", Events: []string{p.outside.String()}}),
		"place":   {Page: &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Site: elsewhere}}}, "record": recordView("urn:mrn|7"),
		"queue": alertsView(),
	} {
		p.saveView(name, 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, q })
	}
	p.settle()
	now, err := p.service.ViewsNow(p.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range now { // commands are told of the same ones
		for asker, want := range map[string][]string{"token:other": {"queue"}, "token:whole": {"here", "inquiry", "place", "queue", "record"}} {
			told, err := p.service.ViewTold(as(t.Context(), asker, proto.RolePrivacyOfficer), v)
			if err != nil || told != slices.Contains(want, v.Entry.Name) {
				t.Errorf("%s is told of %s: %v %v", asker, v.Entry.Name, told, err)
			}
		}
	}
	for asker, want := range map[string][]string{"token:limited": {"here", "queue"}, "token:whole": {"here", "inquiry", "place", "queue", "record"}} {
		ctx := as(t.Context(), asker, proto.RoleInvestigator)
		names := listedViews(t, p.service, asker)
		if slices.Sort(names); !slices.Equal(names, want) || p.lastQuestion().Withheld != 0 {
			t.Errorf("%s finds %q, journaled %v", asker, names, p.lastQuestion())
		}
		for _, name := range []string{"here", "inquiry", "place", "queue", "record"} {
			_, err := p.service.GetView(ctx, connect.NewRequest(&v1.GetViewRequest{View: viewID(name).String(), Purpose: "p"}))
			if told := slices.Contains(want, name); (err == nil) != told || !told && connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%s opens %s: %v", asker, name, err)
			}
			if q := p.lastQuestion(); !slices.Contains(want, name) && (q.Query != "GetView" || q.Elsewhere != 1 || q.Limits == nil) {
				t.Errorf("%s tries %s: journaled %v", asker, name, q)
			}
		}
	}
}
