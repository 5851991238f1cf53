package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The search box knows by its shape what needs no asking; the rest is asked of the API.
func TestShapes(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	for text, want := range map[string]string{
		"3MiHKZY0FxvgLoVHHbkHJ3bS4HC": "/events/",
		"Patient/123":                 "/records/",
		"https://ehr.example/fhir/Patient/123/_history/2": "/records/",
		"Patient?identifier=urn:mrn|4711":                 "/records/",
		"Practitioner/abc":                                "/readers/",
		"https://ehr.example/fhir/PractitionerRole/7":     "/readers/",
		"4711":         "/find/",
		"urn:mrn|4711": "/find/",
		"WS-12":        "/find/",
		"https://ehr.example/fhir/DocumentReference/7":         "/find/",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "/find/",
	} {
		if p := b.post("/ask", url.Values{"q": {text}, "purpose": {"complaint 12"}}); !strings.HasPrefix(p.location, want) {
			t.Errorf("%q: %d to %q, want %s", text, p.status, p.location, want)
		}
	}
	for kind, want := range map[string]string{"records": "/records/", "readers": "/readers/", "events": "/events/", "workstation": "/accesses/", "name": "/accesses/"} {
		if p := b.post("/ask", url.Values{"q": {"4711"}, "kind": {kind}, "purpose": {"complaint 12"}}); !strings.HasPrefix(p.location, want) {
			t.Errorf("%s: %q", kind, p.location)
		}
	}
}

// A text that is known in one sense leads there; in several, it is asked back; in none, that is said. Each sense that was
// tried is a question, and has the purpose.
func TestFindingOut(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	form := url.Values{"q": {"4711"}, "purpose": {"complaint 12"}}

	_, none := b.open(form)
	if none.status != http.StatusOK || !strings.Contains(none.body, "Nothing is known of it") {
		t.Errorf("known to nobody: %d\n%s", none.status, none.body)
	}
	asked := map[string]int{}
	for _, q := range s.api.questions() {
		asked[q.query]++
		if m, ok := q.body.(*v1.SearchAccessesRequest); ok && m.Text != "" {
			t.Error("every access is read for a name, unasked")
		}
	}
	// A workstation that was not used lately is looked for at any time.
	if asked["WhoViewed"] != 1 || asked["ReaderActivity"] != 1 || asked["SearchAccesses"] != 2 {
		t.Errorf("asked: %v", asked)
	}
	if !strings.Contains(none.body, "In names and titles it was not looked for") || !strings.Contains(none.body, "A name or title") {
		t.Errorf("it does not say where it did not look:\n%s", none.body)
	}

	s.api.record = record()
	if _, one := b.open(form); one.status != http.StatusSeeOther || !strings.HasPrefix(one.location, "/records/") {
		t.Errorf("a record: %d to %q", one.status, one.location)
	}

	s.api.reader = reader()
	_, several := b.open(form)
	if several.status != http.StatusOK || !strings.Contains(several.body, "Which one do you mean?") || !strings.Contains(several.body, "3 accesses") ||
		strings.Contains(several.body, "not known as") { // as a name it was not looked for
		t.Errorf("a record and a reader: %d\n%s", several.status, several.body)
	}

	// Of several records under one value, the page about records asks back.
	s.api.record = &v1.WhoViewedResponse{Header: header(), Candidates: []*v1.Candidate{
		{Identifier: &v1.Identifier{System: "urn:a", Value: "4711"}, Events: 3}, {Identifier: &v1.Identifier{System: "urn:b", Value: "4711"}, Events: 5},
	}}
	s.api.reader = nil
	_, ambiguous := b.open(form)
	page := b.get(ambiguous.location)
	if !strings.Contains(page.body, "This value names more than one record") || strings.Count(page.body, `href="/records/`) != 2 {
		t.Errorf("two records: %d\n%s", page.status, page.body)
	}
}
