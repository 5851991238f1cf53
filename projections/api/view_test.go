package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

// viewID is the id of a view of the tests.
func viewID(key string) proto.EventID {
	return proto.NewEventID(proto.EventIdentity{Source: "view", Key: []byte(key), Recorded: begin})
}

// saveView journals a version of a view.
func (w *world) saveView(key string, version uint32, edit func(e *v1.ViewEntry)) proto.Position {
	e := &v1.ViewEntry{
		ViewId: viewID(key).Bytes(), Version: version, Asker: "token:1", Owner: "token:1", Role: proto.RoleInvestigator, AtUs: w.clock().UnixMicro(), Name: key,
		Question: &v1.ViewQuestion{Page: &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Workstation: "WS-1"}}, Window: &v1.ViewWindow{LastDays: 7}},
	}
	edit(e)
	return w.append(&v1.Item{Body: &v1.Item_ViewEntry{ViewEntry: e}})
}

func asks(q *v1.ViewQuestion) func(*v1.ViewEntry) { return func(e *v1.ViewEntry) { e.Question = q } }

func recordView(patient string) *v1.ViewQuestion {
	return &v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: patient}}}
}

func readerView(reader string) *v1.ViewQuestion {
	return &v1.ViewQuestion{Page: &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{Reader: reader}}}
}

func alertsView() *v1.ViewQuestion {
	return &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{Chance: 500}}, Window: &v1.ViewWindow{LastDays: 2}}
}

func (w *world) views(ctx context.Context, page v1.ViewPage) []string {
	w.t.Helper()
	res, err := w.service.ListViews(ctx, connect.NewRequest(&v1.ListViewsRequest{Page: page}))
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, v := range res.Msg.Views {
		names = append(names, v.Name)
	}
	return names
}

// TestViewsAreTheirLatestVersions: a view is what its latest version says, the earlier of two that claim a number, and is found as soon as the
// journal has it; deleted ones are gone but for commands.
func TestViewsAreTheirLatestVersions(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	w.saveView("kept", 1, func(*v1.ViewEntry) {})
	w.saveView("renamed", 1, func(*v1.ViewEntry) {})
	w.saveView("renamed", 2, func(e *v1.ViewEntry) { e.Name = "a new name" })
	w.saveView("renamed", 2, func(e *v1.ViewEntry) { e.Name = "who came too late" })
	w.saveView("gone", 1, func(e *v1.ViewEntry) { e.Shared = true })
	w.saveView("gone", 2, func(e *v1.ViewEntry) { e.Shared, e.Deleted = true, true })
	w.saveView("taken back", 1, func(e *v1.ViewEntry) { e.Owner, e.Shared = "token:2", true })
	w.saveView("taken back", 2, func(e *v1.ViewEntry) { e.Owner, e.Shared = "token:2", false })
	w.saveView("shared", 1, func(e *v1.ViewEntry) { e.Owner, e.Shared, e.Question = "token:2", true, alertsView() })
	// Nothing settles: the answer waits for what the journal has.
	if got := w.views(w.ctx(), 0); fmt.Sprint(got) != "[a new name kept shared]" {
		t.Errorf("found %q", got)
	}
	if got := w.views(w.ctx(), v1.ViewPage_VIEW_PAGE_ALERTS); fmt.Sprint(got) != "[shared]" {
		t.Errorf("of alerts %q", got)
	}
	all, err := w.service.ViewsNow(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]uint32{}
	for _, v := range all {
		if e := v.Entry; e.Deleted && (e.Question != nil || e.Name != "" || e.Owner != "token:1" || !e.Shared || v.Position == 0) {
			t.Errorf("of a deleted view commands are told %v", e)
		}
		for _, key := range []string{"kept", "renamed", "gone", "taken back", "shared"} {
			if id := viewID(key); string(v.Entry.ViewId) == string(id[:]) {
				byKey[key] = v.Entry.Version
			}
		}
	}
	if diff := gocmp.Diff(map[string]uint32{"kept": 1, "renamed": 2, "gone": 2, "taken back": 2, "shared": 1}, byKey); diff != "" {
		t.Errorf("for commands: %s", diff)
	}
}

// TestWhoFindsViews: own ones and shared ones, whatever the role that may ask; others' are as if they were not there.
func TestWhoFindsViews(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	w.saveView("own", 1, asks(recordView("1")))
	w.saveView("shared", 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, recordView("1") })
	w.saveView("queue", 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, alertsView() })
	for _, tt := range []struct {
		name, role, asker string
		list              connect.Code
		views             string
		// own, shared, queue: opening them without a purpose, and the first with one.
		own, shared, queue, ownWithPurpose, sharedWithPurpose connect.Code
	}{
		{"nobody", "", "", connect.CodeUnauthenticated, "", 16, 16, 16, 16, 16},
		{"source", "", "source:ehr", connect.CodePermissionDenied, "", 7, 7, 7, 7, 7},
		{"viewer", proto.RoleViewer, "token:1", connect.CodePermissionDenied, "", 7, 7, 7, 7, 7},
		{"owner", proto.RoleInvestigator, "token:1", 0, "[own queue shared]", 0, 0, 0, 0, 0},
		{"investigator", proto.RoleInvestigator, "token:2", 0, "[queue shared]", 5, 3, 0, 5, 0},
		{"officer", proto.RolePrivacyOfficer, "token:3", 0, "[queue shared]", 5, 3, 0, 5, 0},
		{"administrator", proto.RoleAdministrator, "token:4", 0, "[queue shared]", 5, 3, 0, 5, 0},
	} {
		ctx := as(t.Context(), tt.asker, tt.role)
		_, err := w.service.ListViews(ctx, connect.NewRequest(&v1.ListViewsRequest{}))
		if codeOf(err) != tt.list {
			t.Errorf("%s lists: %v", tt.name, err)
		}
		if tt.list == 0 && fmt.Sprint(w.views(ctx, 0)) != tt.views {
			t.Errorf("%s finds %q", tt.name, w.views(ctx, 0))
		}
		for _, o := range []struct {
			view, purpose string
			want          connect.Code
		}{
			{"own", "", tt.own}, {"shared", "", tt.shared}, {"queue", "", tt.queue}, {"own", "look", tt.ownWithPurpose}, {"shared", "look", tt.sharedWithPurpose},
		} {
			before := len(w.questions())
			_, err := w.service.GetView(ctx, connect.NewRequest(&v1.GetViewRequest{View: viewID(o.view).String(), Purpose: o.purpose}))
			if codeOf(err) != o.want {
				t.Errorf("%s opens %s for %q: %v", tt.name, o.view, o.purpose, err)
			}
			if opened := len(w.questions()) - before; (opened == 1) != (o.want == 0) {
				t.Errorf("%s opens %s: %d questions are journaled", tt.name, o.view, opened)
			}
		}
	}
}

// codeOf is an error's code, 0 for none.
func codeOf(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

// TestViewIsOpened: what is told is what was saved, with its times as of now, and the journal says whom it names.
func TestViewIsOpened(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	q := recordView("urn:mrn|1")
	q.Window = &v1.ViewWindow{LastDays: 7}
	at := w.saveView("watched", 1, asks(q))
	open := func() *v1.GetViewResponse {
		t.Helper()
		res, err := w.service.GetView(w.ctx(), connect.NewRequest(&v1.GetViewRequest{View: viewID("watched").String()}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	day := func(n int) int64 { return begin.Truncate(24*time.Hour).AddDate(0, 0, n).UnixMicro() }
	res := open()
	want := &v1.GetViewResponse{
		Header: res.Header, Question: q, FromUs: day(-6), UntilUs: day(1), Asker: "token:1",
		View: &v1.ViewRow{
			ViewId: viewID("watched").String(), Version: 1, Name: "watched", Page: v1.ViewPage_VIEW_PAGE_RECORD, Owner: "token:1", Mine: true, Window: q.Window,
			ChangedUs: begin.UnixMicro(),
		},
	}
	if diff := gocmp.Diff(want, res, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if res.Header.Position < uint64(at) {
		t.Errorf("answered at %d, saved at %d", res.Header.Position, at)
	}
	asked := w.questions()
	last := asked[len(asked)-1]
	if last.Query != "GetView" || last.Purpose != "open a saved view" || last.Patient.GetValue() != "1" || last.Patient.GetSystem() != "urn:mrn" || len(last.Patients) != 1 {
		t.Errorf("journaled: %v", last)
	}
	w.pass(24 * time.Hour)
	if res := open(); res.FromUs != day(-5) || res.UntilUs != day(2) {
		t.Errorf("on the next day the window is %v to %v", time.UnixMicro(res.FromUs), time.UnixMicro(res.UntilUs))
	}
	for name, m := range map[string]*v1.GetViewRequest{"an id of 27": {View: "x"}, "purpose: plain": {View: viewID("watched").String(), Purpose: "a\nb"}} {
		if _, err := w.service.GetView(w.ctx(), connect.NewRequest(m)); connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.service.GetView(w.ctx(), connect.NewRequest(&v1.GetViewRequest{View: viewID("none").String()})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("one that there is not: %v", err)
	}
	if page := views.PageOf(res.Question); page != res.View.Page {
		t.Errorf("of page %s, told as %s", page, res.View.Page)
	}
}

// TestViewsOfOneselfAreNotThere: a view by which somebody else looks into the asker is in no list of theirs, and told like one that does not
// exist; the journal says that it was kept back.
func TestViewsOfOneselfAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")))
	w.append(practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}))
	scope := func(q *v1.ScopeQuery) *v1.ViewQuestion {
		return &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: q}}
	}
	about := map[string]bool{}
	for key, tt := range map[string]struct {
		q     *v1.ViewQuestion
		about bool
	}{
		"reader": {readerView("jo"), true}, "scope": {scope(&v1.ScopeQuery{Reader: "urn:staff|jo"}), true}, "account": {scope(&v1.ScopeQuery{Account: "JO.S"}), true},
		"event": {scope(&v1.ScopeQuery{Events: []string{mine.String()}}), true}, "other": {readerView("kim"), false}, "queue": {alertsView(), false},
	} {
		about[key] = tt.about
		w.saveView(key, 1, func(e *v1.ViewEntry) { e.Shared, e.Question = true, tt.q })
	}
	w.settle()
	jo, service := as(t.Context(), "token:jo", proto.RoleInvestigator), w.asJo()
	list, err := service.ListViews(jo, connect.NewRequest(&v1.ListViewsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list.Msg.Views {
		if about[v.Name] {
			t.Errorf("listed: %s", v.Name)
		}
	}
	if last := w.asked[len(w.asked)-1]; len(list.Msg.Views) != 2 || last.Withheld != 4 {
		t.Errorf("%d listed, journaled %v", len(list.Msg.Views), last)
	}
	for key, is := range about {
		_, err := service.GetView(jo, connect.NewRequest(&v1.GetViewRequest{View: viewID(key).String(), Purpose: "p"}))
		if (connect.CodeOf(err) == connect.CodeNotFound && err != nil) != is {
			t.Errorf("%s: %v", key, err)
		}
		if last := w.asked[len(w.asked)-1]; is && last.Withheld != 1 {
			t.Errorf("%s: journaled %v", key, last)
		}
	}
}
