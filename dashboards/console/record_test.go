package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func record() *v1.WhoViewedResponse {
	ward := &v1.Reader{Identifiers: []*v1.Identifier{{System: "urn:staff", Value: "S-77"}}, Name: "Uma Ward", Department: "Cardiology"}
	hours := make([]uint64, 7*24)
	hours[1], hours[30] = 2, 1
	return &v1.WhoViewedResponse{
		Header:      header(),
		Identifiers: []*v1.FollowedIdentifier{{Identifier: &v1.Identifier{Value: "4711"}, Via: "asked"}},
		Totals:      &v1.WhoViewedTotals{Readers: 1, Accesses: 3, Events: 4, BreakGlass: 1},
		Readers:     []*v1.ReaderSummary{{Reader: ward, Accesses: 3, FirstUs: 1772434800_000000, LastUs: 1772438400_000000, Departments: []string{"Cardiology"}}},
		Accesses: []*v1.Access{{
			Position: 40961, OccurredUs: 1772438400_000000, Action: v1.Action_ACTION_PRINT, Reader: ward, Source: "ehr",
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "urn:mrn", Value: "4711"}}}}, BreakGlass: true,
		}},
		NextPageToken: "bmV4dA", WeekHours: hours,
		Looks: []*v1.Look{{Asker: "os:other", Role: proto.RolePrivacyOfficer, Query: "WhoViewed", Purpose: "audit 3", AskedUs: 1772438400_000000, Rows: 3}}, LooksTotal: 1,
	}
}

// The question reaches the API as its asker put it, in the session's name; the answer shows what it rests on.
func TestWhoViewed(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	path, page := b.open(url.Values{"q": {"urn:mrn|4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	if page.status != http.StatusOK {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	if !strings.HasPrefix(path, "/records/") || strings.Contains(path, "4711") {
		t.Errorf("path %q", path)
	}
	asked := s.api.questions()
	if len(asked) != 1 {
		t.Fatalf("%d questions were asked", len(asked))
	}
	if diff := cmp.Diff(proto.Caller{Name: "os:alex", Role: proto.RoleInvestigator}, asked[0].caller); diff != "" {
		t.Error(diff)
	}
	m, _ := asked[0].body.(*v1.WhoViewedRequest)
	if m.GetPatient() != "urn:mrn|4711" || m.GetPurpose() != "complaint 12" {
		t.Errorf("asked: %v", m)
	}
	for _, want := range []string{
		"journal position <span class=\"num\">40960</span>", "The journal stood at <span class=\"num\">45056</span>", "Europe/Vienna",
		"Uma Ward", "Cardiology", "09:00:00", "CET", "by break-glass", "2 of 3 accesses between 21:00 and 06:00", "os:other", "audit 3",
		"No gap is known in what 1 source reported", "3MiHKZY0FxvgLoVHHbkHJ3bS4HC",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(page.body)
	}
}

// Older rows come as a part of the page to a script, and as a page of their own to a browser without one.
func TestOlderRows(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	path, _ := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	part := b.get(path+"?after=bmV4dA", func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
	if part.status != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(part.body), "<tbody") || strings.Contains(part.body, "<html") {
		t.Errorf("part: %d\n%s", part.status, part.body)
	}
	whole := b.get(path + "?after=bmV4dA")
	if whole.status != http.StatusOK || !strings.Contains(whole.body, "Older accesses") || strings.Contains(whole.body, "Readers by department") {
		t.Errorf("page: %d\n%s", whole.status, whole.body)
	}
	asked := s.api.questions()
	for _, a := range asked[1:] {
		if m, _ := a.body.(*v1.WhoViewedRequest); m.GetPage().GetToken() != "bmV4dA" {
			t.Errorf("asked: %v", m)
		}
	}
}

// No name is shown, and nothing asked, before the purpose is stated; it holds for a quarter of an hour.
func TestPurpose(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	path, page := b.open(url.Values{"q": {"4711"}, "kind": {"records"}})
	if n := len(s.api.questions()); n != 0 || !strings.Contains(page.body, "Why do you ask?") || strings.Contains(page.body, "Uma Ward") {
		t.Fatalf("%d questions\n%s", n, page.body)
	}
	state := func(text string) answer { return b.post("/purpose"+path, url.Values{"purpose": {text}}) }
	for _, text := range []string{"", "   ", "two\nlines", strings.Repeat("x", 501)} {
		if p := state(text); p.status != http.StatusUnprocessableEntity {
			t.Errorf("purpose of %d characters: %d", len(text), p.status)
		}
	}
	if p := state("complaint 12"); p.status != http.StatusSeeOther || p.location != path {
		t.Fatalf("%d to %q", p.status, p.location)
	}
	s.now = s.now.Add(14 * time.Minute)
	if p := b.get(path); !strings.Contains(p.body, "Uma Ward") {
		t.Errorf("after 14 minutes: %d", p.status)
	}
	s.now = s.now.Add(time.Minute)
	late := b.get(path)
	if n := len(s.api.questions()); n != 1 || strings.Contains(late.body, "Uma Ward") || !strings.Contains(late.body, `value="complaint 12"`) {
		t.Errorf("after 15 minutes: %d questions\n%s", n, late.body)
	}
	more := b.get(path+"?after=bmV4dA", func(r *http.Request) { r.Header.Set("Hx-Request", "true") })
	if more.header.Get("Hx-Redirect") != path || strings.Contains(more.body, "Uma Ward") {
		t.Errorf("a part after 15 minutes: %d %v", more.status, more.header)
	}
}

// A handle means nothing to another session.
func TestHandleIsOfItsSession(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	path, _ := s.signedIn(proto.RoleInvestigator).open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	other := s.signedIn(proto.RoleInvestigator)
	if p := other.get(path); p.status != http.StatusNotFound || strings.Contains(p.body, "4711") {
		t.Errorf("%d\n%s", p.status, p.body)
	}
	if again, _ := other.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}}); again == path {
		t.Error("two sessions have the same handle")
	}
}

// Other times make another view, in the zone that was chosen; the last day is part of the period.
func TestPeriod(t *testing.T) {
	s := newSite(t)
	s.api.record = record()
	b := s.signedIn(proto.RoleInvestigator)
	path, _ := b.open(url.Values{"q": {"4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
	p := b.post(path, url.Values{"from": {"2026-03-01"}, "until": {"2026-03-29"}, "as_of": {"2026-03-30T12:00"}, "zone": {"Europe/Vienna"}})
	if p.status != http.StatusSeeOther || p.location == path {
		t.Fatalf("%d to %q", p.status, p.location)
	}
	page := b.get(p.location)
	asked := s.api.questions()
	m, _ := asked[len(asked)-1].body.(*v1.WhoViewedRequest)
	vienna := zone(t, "Europe/Vienna")
	at := func(day, hour int) int64 { return time.Date(2026, 3, day, hour, 0, 0, 0, vienna).UnixMicro() }
	if m.GetFromUs() != at(1, 0) || m.GetUntilUs() != at(30, 0) || m.GetAsOfUs() != at(30, 12) || m.GetTimeZone() != "" {
		t.Errorf("asked: %v", m)
	}
	for _, want := range []string{`value="2026-03-01"`, `value="2026-03-29"`, `value="2026-03-30T12:00"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	p = b.post(path, url.Values{"action": {"3"}, "department": {" Cardiology "}, "failed": {"1"}, "deliberate": {"1"}})
	page = b.get(p.location)
	asked = s.api.questions()
	m, _ = asked[len(asked)-1].body.(*v1.WhoViewedRequest)
	only := &v1.AccessFilter{Action: v1.Action_ACTION_PRINT, Department: "Cardiology", Failed: true, WithoutIncidental: true}
	if diff := cmp.Diff(only, m.GetFilter(), protocmp.Transform()); diff != "" || m.GetFromUs() != 0 {
		t.Errorf("asked: %s", diff)
	}
	for _, want := range []string{`value="3" selected`, `value="Cardiology"`, `name="failed" value="1" checked`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	for name, form := range map[string]url.Values{
		"zone": {"zone": {"Mars/Olympus"}}, "local": {"zone": {"Local"}}, "date": {"from": {"yesterday"}},
		"order": {"from": {"2026-03-02"}, "until": {"2026-03-01"}},
	} {
		if p := b.post(path, form); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, p.status)
		}
	}
}
