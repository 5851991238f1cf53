package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// lastSaved is what the API was told to save last.
func (s *site) lastSaved() *v1.SaveViewRequest {
	s.t.Helper()
	if len(s.api.views.saved) == 0 {
		s.t.Fatal("nothing was saved")
	}
	return s.api.views.saved[len(s.api.views.saved)-1]
}

// TestPageIsSavedAndOpened: what a page asks is saved as it stands, and a view opens the page that asks it; neither addresses nor forms hold
// whom it is about.
func TestPageIsSavedAndOpened(t *testing.T) {
	s := newSite(t)
	s.api.record, s.api.reader, s.api.found, s.api.scope = record(), reader(), found(), scope()
	b := s.signedIn(proto.RoleInvestigator)
	week := &v1.ViewWindow{LastDays: 7}
	for name, tt := range map[string]struct {
		path string
		form url.Values
		// refined is sent to the page itself, after it was asked.
		refined url.Values
		of      v1.ViewPage
		want    *v1.ViewQuestion
	}{
		"record": {
			"/ask",
			url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"p"}},
			url.Values{"last_days": {"7"}, "break_glass": {"1"}, "reason": {"2"}, "department": {"Ward 7"}},
			v1.ViewPage_VIEW_PAGE_RECORD,
			&v1.ViewQuestion{Window: week, Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{
				Patient: "4711", BreakGlass: true, Department: "Ward 7", Verdicts: []v1.Verdict{v1.Verdict_VERDICT_UNEXPLAINED},
			}}},
		},
		"reader": {
			"/ask",
			url.Values{"q": {"S-4711"}, "kind": {"readers"}, "purpose": {"p"}},
			url.Values{"from": {"2026-03-01"}, "until": {"2026-03-02"}, "zone": {"Europe/Berlin"}},
			v1.ViewPage_VIEW_PAGE_READER,
			&v1.ViewQuestion{
				Window: &v1.ViewWindow{FromUs: 1772319600_000000, UntilUs: 1772492400_000000}, TimeZone: "Europe/Berlin",
				Page: &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{Reader: "S-4711"}},
			},
		},
		"search": {
			"/accesses",
			url.Values{"workstation": {"WS-4711"}, "action": {"3"}, "last_days": {"7"}, "purpose": {"p"}},
			nil, v1.ViewPage_VIEW_PAGE_SEARCH,
			&v1.ViewQuestion{Window: week, Page: &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Workstation: "WS-4711", Action: 3}}},
		},
		"scope": {
			"/scope",
			url.Values{"reader": {"S-4711"}, "object": {"DocumentReference/7"}, "last_days": {"7"}, "purpose": {"p"}},
			nil, v1.ViewPage_VIEW_PAGE_SCOPE,
			&v1.ViewQuestion{Window: week, Page: &v1.ViewQuestion_Scope{Scope: &v1.ScopeQuery{Reader: "S-4711", Object: "DocumentReference/7"}}},
		},
	} {
		to := b.post(tt.path, tt.form)
		if tt.refined != nil {
			to = b.post(to.location, tt.refined)
		}
		page := b.get(to.location)
		_, menu, ok := strings.Cut(page.body, `<details class="filter views">`)
		menu, _, _ = strings.Cut(menu, `</details>`)
		if page.status != http.StatusOK || !ok || strings.Contains(menu, "4711") {
			t.Fatalf("%s: %d, menu %q", name, page.status, menu)
		}
		asks := len(s.api.questions())
		code, handle, _ := strings.Cut(strings.TrimPrefix(to.location, "/"), "/")
		if p := b.post("/views", url.Values{"of": {code}, "handle": {handle}, "name": {" The week "}, "shared": {"1"}}); p.status != http.StatusSeeOther || p.location != "/views?page="+code {
			t.Errorf("%s: %d to %q", name, p.status, p.location)
		}
		if diff := cmp.Diff(&v1.SaveViewRequest{Name: "The week", Shared: true, Question: tt.want}, s.lastSaved(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		// And back: the page of the view is the page that was saved.
		s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWD" + name[:2], Name: name, Page: tt.of, Mine: true, Version: 1}, tt.want)
		list := b.get("/views?page=" + code)
		_, path, _ := strings.Cut(list.body, `<td role="cell" data-label="View"><a href="`)
		path, _, _ = strings.Cut(path, `"`)
		if strings.Contains(list.body, "4711") || strings.Contains(path, "0ujs") {
			t.Errorf("%s: the list, or its link %q, tells what the view is", name, path)
		}
		opened := b.get(path)
		if opened.status != http.StatusSeeOther || opened.location != to.location {
			t.Errorf("%s: opened at %q, saved from %q", name, opened.location, to.location)
		}
		if n := len(s.api.questions()) - asks; n != 3 { // saved, listed, opened
			t.Errorf("%s: %d calls", name, n)
		}
	}
}

// TestWindowGoesWithTheDay: a page with a period of last days asks for the days up to the one on which it is looked at.
func TestWindowGoesWithTheDay(t *testing.T) {
	s := newSite(t)
	s.api.found = found()
	b := s.signedIn(proto.RoleInvestigator)
	to := b.post("/accesses", url.Values{"workstation": {"WS-1"}, "last_days": {"2"}, "purpose": {"p"}})
	ask := func() (from, until time.Time) {
		t.Helper()
		if p := b.get(to.location); p.status != http.StatusOK || !strings.Contains(p.body, "of the last 2 days") {
			t.Fatalf("%d\n%s", p.status, p.body)
		}
		asked := s.api.questions()
		m, _ := asked[len(asked)-1].body.(*v1.SearchAccessesRequest)
		return time.UnixMicro(m.GetFromUs()), time.UnixMicro(m.GetUntilUs())
	}
	from, until := ask()
	now := s.now
	if !until.After(now) || until.Sub(now) > 24*time.Hour || until.Sub(from) < 47*time.Hour || until.Sub(from) > 49*time.Hour {
		t.Errorf("at %v from %v until %v", now, from, until)
	}
	if p := b.post("/accesses", url.Values{"workstation": {"WS-1"}, "last_days": {"2"}, "from": {"2026-01-01"}, "purpose": {"p"}}); p.status != http.StatusUnprocessableEntity {
		t.Errorf("two periods: %d", p.status)
	}
}

// TestQueueAndCasesAreSavedAndOpened: what they show stands in the address, which names nobody.
func TestQueueAndCasesAreSavedAndOpened(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.cases = queue(), cases()
	b := s.signedIn(proto.RolePrivacyOfficer)
	waiting := []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}
	standing := []v1.AlertState{v1.AlertState_ALERT_STATE_RAISED, v1.AlertState_ALERT_STATE_UPDATED}
	for path, tt := range map[string]struct {
		times *v1.GetViewResponse
		want  *v1.ViewQuestion
	}{
		"/alerts?chance=500&last=7&queue=North": {nil, &v1.ViewQuestion{Window: &v1.ViewWindow{LastDays: 7}, Page: &v1.ViewQuestion_Alerts{
			Alerts: &v1.ViewOfAlerts{Chance: 500, Queue: "North", Dispositions: waiting, States: standing},
		}}},
		"/alerts?from=2026-03-01&show=all&to=2026-03-02": {
			&v1.GetViewResponse{FromDay: "2026-03-01", ToDay: "2026-03-02"},
			&v1.ViewQuestion{Window: &v1.ViewWindow{FromUs: 1772319600_000000, UntilUs: 1772492400_000000}, Page: &v1.ViewQuestion_Alerts{
				Alerts: &v1.ViewOfAlerts{Scope: uint32(v1.AlertScope_ALERT_SCOPE_ALL)},
			}},
		},
		"/cases":             {nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Status: 1}}}},
		"/cases?show=mine":   {nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Status: 1, Mine: true}}}},
		"/cases?show=closed": {nil, &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{Status: 2}}}},
	} {
		if p := b.get(path); p.status != http.StatusOK || !strings.Contains(p.body, `action="/views"`) {
			t.Fatalf("%s: %d without a menu", path, p.status)
		}
		page, back, _ := strings.Cut(strings.TrimPrefix(path, "/"), "?")
		b.post("/views", url.Values{"of": {page}, "back": {back}, "name": {"n"}})
		if diff := cmp.Diff(tt.want, s.lastSaved().Question, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		s.api.views = fakeViews{times: tt.times}
		s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Name: "n", Owner: "os:else", Shared: true}, tt.want)
		if p := b.get(b.firstView()); p.location != path {
			t.Errorf("opened at %q, saved from %q", p.location, path)
		}
	}
	// What only the terminal can ask is not shown as something else.
	s.api.views = fakeViews{}
	s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Name: "n", Mine: true},
		&v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{Detector: "FamilyMember"}}})
	if p := b.get(b.firstView()); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, "--view") {
		t.Errorf("a view of the terminal: %d", p.status)
	}
	if p := s.signedIn(proto.RoleViewer).get("/alerts"); strings.Contains(p.body, "/views") {
		t.Error("a viewer has a menu of views")
	}
}

// firstView is the address of the first view of the list.
func (b *browser) firstView() string {
	b.s.t.Helper()
	_, path, ok := strings.Cut(b.get("/views").body, `<td role="cell" data-label="View"><a href="`)
	if !ok {
		b.s.t.Fatal("no view is listed")
	}
	path, _, _ = strings.Cut(path, `"`)
	return path
}

// TestOthersViewWantsAPurpose: one that may name people is opened when it is said why, and the page that it opens is asked for the same.
func TestOthersViewWantsAPurpose(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Name: "watched", Owner: "os:else", Shared: true, PurposeNeeded: true, Version: 3},
		&v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: "4711"}}})
	path := b.firstView()
	p := b.get(path)
	if p.status != http.StatusOK || !strings.Contains(p.body, "A view that somebody else saved") || strings.Contains(p.body, "0ujs") {
		t.Fatalf("%d\n%s", p.status, p.body)
	}
	if to := b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}}); to.location != path {
		t.Fatalf("sent to %q", to.location)
	}
	to := b.get(path)
	if !strings.HasPrefix(to.location, "/records/") {
		t.Fatalf("opened at %q", to.location)
	}
	b.get(to.location)
	asked := s.api.questions()
	if m, _ := asked[len(asked)-1].body.(*v1.WhoViewedRequest); m.GetPatient() != "4711" || m.GetPurpose() != "complaint 12" {
		t.Errorf("asked %v", asked[len(asked)-1].body)
	}
	// It is somebody else's: this role has nothing to change.
	if p := b.get("/views"); strings.Contains(p.body, `name="delete"`) || strings.Contains(p.body, `value="watched"`) {
		t.Error("somebody else's view can be changed")
	}
	if p := s.signedIn(proto.RolePrivacyOfficer).get("/views"); !strings.Contains(p.body, `name="delete"`) || strings.Contains(p.body, `value="watched"`) {
		t.Error("a privacy officer may delete what is shared, and not rename it")
	}
}

func TestViewIsChanged(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	s.api.views.hold(&v1.ViewRow{ViewId: "0ujsszwN8NRY24YaXiTIE2VWDTS", Name: "<b>mine</b>", Mine: true, Version: 3}, &v1.ViewQuestion{})
	path := b.firstView()
	if strings.Contains(b.get("/views").body, "<b>mine") {
		t.Error("a name is written as markup")
	}
	b.post(path, url.Values{"version": {"3"}, "name": {"new"}, "shared": {"1"}})
	if diff := cmp.Diff(&v1.SaveViewRequest{View: "0ujsszwN8NRY24YaXiTIE2VWDTS", Version: 3, Name: "new", Shared: true}, s.lastSaved(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	b.post(path, url.Values{"version": {"3"}, "delete": {"1"}})
	if d := s.api.views.deleted; len(d) != 1 || d[0].View != "0ujsszwN8NRY24YaXiTIE2VWDTS" || d[0].Version != 3 {
		t.Errorf("deleted %v", d)
	}
	s.api.refuses = connect.NewError(connect.CodeAlreadyExists, errors.New("name: another view of yours has it"))
	b.post(path, url.Values{"version": {"3"}, "name": {"new"}})
	if p := b.get("/views"); !strings.Contains(p.body, "another view of yours has it") || !strings.Contains(p.body, `role="alert"`) {
		t.Errorf("a refusal is not told:\n%s", p.body)
	}
	if p := b.post(path, url.Values{"version": {"x"}}); p.status != http.StatusUnprocessableEntity {
		t.Errorf("no version: %d", p.status)
	}
	if p := b.post("/views", url.Values{"of": {"records"}, "handle": {nobodys}, "name": {"n"}}); p.status != http.StatusNotFound {
		t.Errorf("a handle of nobody: %d", p.status)
	}
}
