package console_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// last is the latest question of a kind, and how many there were.
func last[T any](s *site, query string) (body T, n int) {
	for _, a := range s.api.questions() {
		if a.query == query {
			body, _ = a.body.(T)
			n++
		}
	}
	return body, n
}

// alertPath is the path of the first alert in a queue.
func (b *browser) alertPath() string {
	b.s.t.Helper()
	_, after, ok := strings.Cut(b.get("/alerts").body, `href="/alerts/`)
	handle, _, _ := strings.Cut(after, `"`)
	if !ok {
		b.s.t.Fatal("the queue links to no alert")
	}
	return "/alerts/" + handle
}

// The queue goes by pseudonyms until a purpose is stated, and again when that no longer holds.
func TestQueueNamesPeopleForAPurpose(t *testing.T) {
	s := newSite(t)
	s.api.queue = queue()
	b := s.signedIn(proto.RoleInvestigator)
	page := b.get("/alerts?show=review&from=2026-02-01")
	if page.status != http.StatusOK || named(page.body) || !strings.Contains(page.body, "reader GRG2QSRL in record LI5QGQDU") {
		t.Fatalf("by pseudonyms: %d\n%s", page.status, page.body)
	}
	if m, _ := last[*v1.ListAlertsRequest](s, "ListAlerts"); m.GetPurpose() != "" || m.GetFrom() != "2026-02-01" || m.GetScope() != v1.AlertScope_ALERT_SCOPE_ALL ||
		!cmp.Equal(m.GetDispositions(), []v1.Disposition{v1.Disposition_DISPOSITION_IN_REVIEW}) {
		t.Errorf("asked: %v", m)
	}
	if p := b.post("/alerts", url.Values{"purpose": {" "}, "back": {"show=review"}}); p.status != http.StatusUnprocessableEntity || named(p.body) {
		t.Errorf("without a purpose: %d", p.status)
	}
	if p := b.post("/alerts", url.Values{"purpose": {"triage"}, "back": {"show=review&evil=1"}}); p.location != "/alerts?show=review" {
		t.Errorf("named: %d to %q", p.status, p.location)
	}
	page = b.get("/alerts")
	if !strings.Contains(page.body, "Uma Ward (clerk, Billing) in the record of Max Payne") || !strings.Contains(page.body, "People are named for: <bdi>triage") {
		t.Errorf("by names: %d\n%s", page.status, page.body)
	}
	for _, want := range []string{"almost certain", "former partner", "former relation, site_rule-7", "sensitive data", "in review", "os:other", "more is known since", "Sunday"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	s.now = s.now.Add(15 * time.Minute)
	if p := b.get("/alerts"); named(p.body) {
		t.Error("the queue names people after a quarter of an hour")
	}
	b.post("/alerts", url.Values{"purpose": {"triage"}})
	b.post("/alerts", url.Values{"hide": {"1"}})
	if p := b.get("/alerts"); named(p.body) {
		t.Error("the queue names people though they are to be hidden")
	}
}

// Whoever only sees pseudonyms can open and decide nothing; of which site's queue an alert is, they see.
func TestQueueOfAViewer(t *testing.T) {
	s := newSite(t)
	s.api.queue = queue()
	page := s.signedIn(proto.RoleViewer).get("/alerts")
	if page.status != http.StatusOK || named(page.body) || strings.Contains(page.body, `href="/alerts/`) || strings.Contains(page.body, "/decide") ||
		strings.Count(page.body, "queue North") != 1 {
		t.Errorf("%d\n%s", page.status, page.body)
	}
}

// An empty queue says what that means.
func TestEmptyQueue(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	for want, m := range map[string]*v1.ListAlertsResponse{
		"No alerts: the detectors have judged nothing yet, so that says nothing.":       {Header: header()},
		"No alerts: the detectors learn what is usual here until 2026-03-14.":           {Header: &v1.AnswerHeader{Detection: &v1.DetectionProgress{LearningUntil: "2026-03-14"}}},
		"No alerts of this kind: the detectors have judged the days until 2026-03-01.":  {Header: &v1.AnswerHeader{Detection: &v1.DetectionProgress{JudgedUntil: "2026-03-01"}}, Totals: &v1.AlertTotals{Candidates: 4}},
		"No alerts: the detectors have judged what was imported, up to 2026-02-27, and": {Header: &v1.AnswerHeader{Detection: &v1.DetectionProgress{HistoryUntil: "2026-02-27"}}},
	} {
		s.api.queue = m
		if p := b.get("/alerts"); !strings.Contains(p.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// An alert is asked for with a purpose; whoever has it in review states it by that, and goes on from it without being asked.
func TestAlertStatesItsPurpose(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.record, s.api.reader = queue(), alert(), record(), reader()
	b := s.signedIn(proto.RoleInvestigator)
	path := b.alertPath()
	if strings.Contains(path, "2Zs4") {
		t.Errorf("the path names the alert: %s", path)
	}
	if p := b.get(path); !strings.Contains(p.body, "Why do you ask?") || named(p.body) {
		t.Fatalf("not assigned: %d\n%s", p.status, p.body)
	}
	b.post("/purpose"+path, url.Values{"purpose": {"complaint 12"}})
	page := b.get(path)
	for _, want := range []string{
		"<h1><bdi>Uma Ward", "opened the record three times", "used to live at the same address", "She opens 30 records a day", "No encounter, no order", "An appointment.",
		"Asked for: <bdi>complaint 12", "The reader&#39;s day", "Who opened the record", "another access", "not mine", "os:other", "Breach scope from this alert",
	} {
		if !strings.Contains(page.body, want) && !strings.Contains(page.body, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, title, _ := strings.Cut(page.body, "<title>")
	if title, _, _ = strings.Cut(title, "</title>"); named(title) {
		t.Errorf("the title names somebody: %q", title)
	}
	m, _ := last[*v1.ReaderActivityRequest](s, "ReaderActivity")
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, zone(t, "Europe/Vienna"))
	if m.GetReader() != "urn:staff|S-77" || m.GetFromUs() != day.UnixMicro() || m.GetUntilUs() != day.AddDate(0, 0, 1).UnixMicro() || m.GetPurpose() != "complaint 12" {
		t.Errorf("asked for the day: %v", m)
	}

	// Events name one person in several ways: what the answers followed them to is one line.
	other := protobuf.CloneOf(s.api.reader.Accesses[0])
	other.Position, other.Patients[0].Identifiers[0] = 40970, &v1.Identifier{System: "source:ehr", Value: "Patient/7"}
	s.api.reader.Accesses = append(s.api.reader.Accesses, other)
	lanes := func() int { return strings.Count(b.get(path).body, `<th scope="row">`) }
	two := lanes()
	s.api.record.Identifiers = append(s.api.record.Identifiers, &v1.FollowedIdentifier{Identifier: other.Patients[0].Identifiers[0], Via: "same_resource"})
	if one := lanes(); one >= two {
		t.Errorf("%d lines before the record was followed, %d after", two, one)
	}

	// A series stands under the day on which it was shown first; what it tells last is drawn.
	s.api.alert.Latest.Shape = v1.Shape_SHAPE_SERIAL
	s.api.alert.Latest.Accesses = append(s.api.alert.Latest.Accesses, &v1.CitedAccess{Position: 50000, OccurredUs: day.AddDate(0, 0, 9).UnixMicro()})
	if page = b.get(path); !strings.Contains(page.body, "Tue 2026-03-10, a line a record") {
		t.Error("the day of which it is drawn is not told")
	}
	if m, _ := last[*v1.ReaderActivityRequest](s, "ReaderActivity"); m.GetFromUs() != day.AddDate(0, 0, 9).UnixMicro() {
		t.Errorf("asked for the latest day of a series: %v", m)
	}

	// What explained it is told with what became of it.
	for state, want := range map[v1.AlertState]string{
		v1.AlertState_ALERT_STATE_RETRACTED: "Taken back: <bdi>charted", v1.AlertState_ALERT_STATE_UPDATED: "Told again: <bdi>charted",
	} {
		s.api.alert = alert()
		s.api.alert.Alert.State, s.api.alert.Latest.State, s.api.alert.Latest.Because = state, state, "charted"
		if page = b.get(path); !strings.Contains(page.body, want) {
			t.Errorf("the page of an alert that is %s does not say %q", state, want)
		}
	}
	s.api.alert = alert()

	s.now = s.now.Add(time.Hour)
	s.api.mine = true
	b = s.signedIn(proto.RoleInvestigator)
	path = b.alertPath()
	page = b.get(path)
	if !strings.Contains(page.body, "You have this alert in review") || !strings.Contains(page.body, "used to live at the same address") {
		t.Fatalf("assigned: %d\n%s", page.status, page.body)
	}
	_, after, _ := strings.Cut(page.body, `href="/records/`)
	handle, _, _ := strings.Cut(after, `"`)
	if p := b.get("/records/" + handle); !strings.Contains(p.body, "review of alert 2Zs4T8sD1pS1o3yM1sYQbS3rT1a") {
		t.Errorf("who viewed its record: %d\n%s", p.status, p.body)
	}
}

// A decision reaches casework as it was made, of the version that was seen, and is told; a refusal is told too.
func TestDecide(t *testing.T) {
	s := newSite(t)
	s.api.queue = queue()
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.alertPath()
	form := url.Values{"as": {"misuse"}, "version": {"2"}, "comment": {" asked the ward\r\nno reason "}, "back": {"show=all"}}
	if p := b.post(path+"/decide", form); p.status != http.StatusSeeOther || p.location != "/alerts?show=all" {
		t.Fatalf("%d to %q", p.status, p.location)
	}
	want := &v1.DecideAlertRequest{Alert: "2Zs4T8sD1pS1o3yM1sYQbS3rT1a", Version: 2, Disposition: v1.Disposition_DISPOSITION_MISUSE, Comment: "asked the ward\nno reason"}
	m, n := last[*v1.DecideAlertRequest](s, "DecideAlert")
	if diff := cmp.Diff(want, m, protocmp.Transform()); diff != "" || n != 1 {
		t.Errorf("%d decisions: %s", n, diff)
	}
	if p := b.get("/alerts"); !strings.Contains(p.body, "Journaled: misuse.") {
		t.Error("the decision is not told")
	}
	if p := b.get("/alerts"); strings.Contains(p.body, "Journaled: misuse.") {
		t.Error("the decision is told twice")
	}
	// A script gets the queue as it is now, in its place.
	part := b.post(path+"/decide", form, func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
	if part.status != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(part.body), `<div id="queue"`) || strings.Contains(part.body, "<html") {
		t.Errorf("part: %d\n%s", part.status, part.body)
	}
	// On its own page.
	form.Set("from", "note")
	if p := b.post(path+"/decide", form); p.location != path {
		t.Errorf("from the note: %d to %q", p.status, p.location)
	}
	_, before := last[*v1.DecideAlertRequest](s, "DecideAlert")
	for name, bad := range map[string]url.Values{"nothing": {"version": {"2"}}, "unknown": {"as": {"guilty"}, "version": {"2"}}, "no version": {"as": {"misuse"}}} {
		b.post(path+"/decide", bad)
		if p := b.get("/alerts"); !strings.Contains(p.body, "Nothing was decided") {
			t.Errorf("%s: not told", name)
		}
	}
	s.api.refuses = connect.NewError(connect.CodeAborted, errors.New("version 2 was looked at, and there is version 3: look at the alert again"))
	if _, after := last[*v1.DecideAlertRequest](s, "DecideAlert"); after != before {
		t.Errorf("%d decisions that say nothing reached casework", after-before)
	}
	form.Del("from")
	b.post(path+"/decide", form)
	if p := b.get("/alerts"); !strings.Contains(p.body, "there is version 3: look at the alert again.") || !strings.Contains(p.body, `role="alert"`) {
		t.Error("the refusal is not told")
	}
}

// What became of a decision is told on the page that follows it, though other tabs ask in between: for that page's part, or for another one.
func TestOtherTabsSwallowNothing(t *testing.T) {
	s := newSite(t)
	s.api.queue, s.api.alert, s.api.mine = queue(), alert(), true
	b := s.signedIn(proto.RolePrivacyOfficer)
	path := b.alertPath()
	script := func(r *http.Request) { r.Header.Set("Hx-Request", "true") }
	form := url.Values{"as": {"misuse"}, "version": {"2"}}
	for from, page := range map[string]string{"note": path, "": "/alerts"} {
		form.Set("from", from)
		if p := b.post(path+"/decide", form); p.location != page {
			t.Fatalf("%d to %q", p.status, p.location)
		}
		others := map[string]answer{"live queue": b.get("/alerts/now", script), "earlier alerts": b.get("/alerts?after=x", script), "views": b.get("/views")}
		if page != "/alerts" {
			others["queue"] = b.get("/alerts")
		}
		for name, p := range others {
			if p.status != http.StatusOK || strings.Contains(p.body, "Journaled: misuse.") {
				t.Errorf("%s: %d, or it tells what another page is to tell", name, p.status)
			}
		}
		if p := b.get(page); !strings.Contains(p.body, "Journaled: misuse.") {
			t.Errorf("%s does not tell what became of the decision", page)
		}
		if p := b.get(page); strings.Contains(p.body, "Journaled: misuse.") {
			t.Errorf("%s tells it twice", page)
		}
	}
	// A script is told at once, and nothing waits.
	form.Del("from")
	if p := b.post(path+"/decide", form, script); !strings.Contains(p.body, "Journaled: misuse.") {
		t.Errorf("in place: %d\n%s", p.status, p.body)
	}
	if p := b.get("/alerts"); strings.Contains(p.body, "Journaled: misuse.") {
		t.Error("what was told in place is told again")
	}
}

// Who may only look into alerts is offered nothing that casework would refuse.
func TestDecisionsOffered(t *testing.T) {
	s := newSite(t)
	s.api.queue = queue()
	offered := func(role string) string {
		body := s.signedIn(role).get("/alerts").body
		var out []string
		for _, part := range strings.Split(body, `name="as" value="`)[1:] {
			code, _, _ := strings.Cut(part, `"`)
			out = append(out, code)
		}
		return strings.Join(out, " ")
	}
	// The first alert waits; the second is somebody else's.
	if got := offered(proto.RoleInvestigator); got != "review" {
		t.Errorf("an investigator: %s", got)
	}
	if got := offered(proto.RolePrivacyOfficer); got != "review misuse appropriate inconclusive review misuse appropriate inconclusive reopened" {
		t.Errorf("an officer: %s", got)
	}
}

// listen reads the events of a stream until it ends.
func (b *browser) listen(ctx context.Context, path string) (events chan string, status int) {
	b.s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.s.server.URL+path, nil)
	if err != nil {
		b.s.t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil {
		b.s.t.Fatal(err)
	}
	events = make(chan string, 1000)
	go func() {
		defer close(events)
		defer func() { _ = res.Body.Close() }()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				events <- name
			}
		}
	}()
	return events, res.StatusCode
}

func await(t *testing.T, events <-chan string) (event string, open bool) {
	t.Helper()
	select {
	case event, open = <-events:
		return event, open
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		return "", false
	}
}

// A stream says that the queue is another, and nothing of what is in it; it ends with the session, at once.
func TestLive(t *testing.T) {
	s := newSite(t, func(c *console.Config) { c.LiveMax = time.Hour })
	s.api.queue = queue()
	b := s.signedIn(proto.RoleInvestigator)
	_, after, _ := strings.Cut(b.get("/alerts").body, `data-live="`)
	path, _, _ := strings.Cut(after, `"`)
	events, status := b.listen(t.Context(), strings.ReplaceAll(path, "&amp;", "&"))
	if status != http.StatusOK {
		t.Fatal(status)
	}
	select {
	case e := <-events:
		t.Fatalf("%q though nothing changed", e)
	case <-time.After(100 * time.Millisecond):
	}
	s.api.mu.Lock()
	changed := queue()
	changed.Alerts[0].State, changed.Alerts[0].Version = v1.AlertState_ALERT_STATE_RETRACTED, 3
	s.api.queue = changed
	s.api.mu.Unlock()
	if e, _ := await(t, events); e != "changed" {
		t.Errorf("an alert was taken back: %q", e)
	}
	for _, a := range s.api.questions() {
		if m, ok := a.body.(*v1.ListAlertsRequest); ok && m.Purpose != "" {
			t.Error("the stream asks for names")
		}
	}
	b.post("/sign-out", nil)
	if e, _ := await(t, events); e != "over" {
		t.Errorf("signed out: %q", e)
	}
	if _, open := await(t, events); open {
		t.Error("the stream goes on without a session")
	}
	if p := b.get("/alerts/live"); p.status != http.StatusSeeOther {
		t.Errorf("without a session: %d", p.status)
	}
}

// A stream keeps no session alive, is one of a few, and ends with the console.
func TestStreamsAreBounded(t *testing.T) {
	s := newSite(t, func(c *console.Config) { c.LiveMax, c.SessionIdle = time.Hour, 30*time.Minute })
	b := s.signedIn(proto.RoleViewer)
	var open []chan string
	for range console.StreamsASession {
		events, status := b.listen(t.Context(), "/alerts/live")
		if status != http.StatusOK {
			t.Fatal(status)
		}
		open = append(open, events)
	}
	if p := b.get("/alerts/live"); p.status != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", p.status)
	}
	other := s.signedIn(proto.RoleViewer)
	events, status := other.listen(t.Context(), "/alerts/live")
	if status != http.StatusOK {
		t.Errorf("of another session: %d", status)
	}
	if err := s.console.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range append(open, events) {
		for range e { // until it ends
		}
	}
	if p := b.get("/alerts"); p.status != http.StatusOK {
		t.Errorf("pages after Close: %d", p.status)
	}

	s = newSite(t, func(c *console.Config) { c.LiveMax, c.SessionIdle = time.Hour, 30*time.Minute })
	b = s.signedIn(proto.RoleViewer)
	events, _ = b.listen(t.Context(), "/alerts/live")
	s.later(31 * time.Minute)
	seen := ""
	for e := range events {
		seen = e
	}
	if seen != "over" {
		t.Errorf("after 31 idle minutes: %q", seen)
	}
}
