package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
)

// FuzzSearchBox: whatever is typed, it leads to one page of the console, with nothing lost and nothing added; what the asker chose
// decides; and a reference that the API understands leads to the page of whom it names.
func FuzzSearchBox(f *testing.F) {
	for _, text := range []string{
		"4711", "urn:mrn|4711", "Patient/123", "https://ehr.example/fhir/Patient/123/_history/2", "Patient?identifier=urn:mrn|4711",
		"https://ehr.example/fhir/PractitionerRole/7", "3MiHKZY0FxvgLoVHHbkHJ3bS4HC", "Patient/Practitioner/_history/1", "WS-12", "a\r\nb", "://", "/",
	} {
		for _, code := range []string{"", "records", "readers", "events", "workstation", "name", "\x00"} {
			f.Add(code, text)
		}
	}
	readers := []string{"Practitioner", "PractitionerRole", "Person", "RelatedPerson", "Device"}
	f.Fuzz(func(t *testing.T, code, text string) {
		text = strings.TrimSpace(text)
		page, subject, workstation, name := console.Understood(code, text)
		if !slices.Contains([]string{"find", "records", "readers", "events", "accesses"}, page) {
			t.Fatalf("page %q", page)
		}
		if subject+workstation+name != text {
			t.Fatalf("%q became %q, %q, %q", text, subject, workstation, name)
		}
		switch code {
		case "records", "readers", "events":
			if page != code || subject != text {
				t.Fatalf("%s of %q became %s", code, text, page)
			}
			return
		case "workstation", "name":
			if page != "accesses" || subject != "" || (workstation == text) != (code == "workstation") && text != "" {
				t.Fatalf("%s of %q became %s", code, text, page)
			}
			return
		}
		who, err := api.ParseSubject(text)
		kind, _, reference := strings.Cut(who.Value, "/")
		if err != nil || !reference || strings.ContainsAny(text, "|?") {
			return
		}
		switch {
		case kind == "Patient" && strings.Count(who.Value, "/") == 1 && page != "records":
			t.Fatalf("%q is a record and became %s", text, page)
		case slices.Contains(readers, kind) && strings.Count(who.Value, "/") == 1 && page != "readers":
			t.Fatalf("%q is a reader and became %s", text, page)
		}
	})
}

// TestNothingTypedReachesAHeader: no field of a form and no part of a path can add a header, end one, or lead a browser elsewhere.
func TestNothingTypedReachesAHeader(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleInvestigator)
	for _, evil := range []string{"x\r\nSet-Cookie: evil=1", "x\nLocation: https://evil.example", "//evil.example", "/\\evil.example", "evil\x00", "evil\u2028X: y"} {
		for _, field := range []string{"q", "kind", "purpose"} {
			form := url.Values{"q": {"4711"}, "purpose": {"complaint 12"}}
			form.Set(field, evil)
			checkHeaders(t, b.post("/ask", form))
		}
		for _, path := range []string{"/records/", "/find/", "/purpose/records/", "/"} {
			checkHeaders(t, b.get(path+url.PathEscape(evil)))
			checkHeaders(t, b.get(path+url.PathEscape(evil), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
		}
	}
}

func checkHeaders(t *testing.T, p answer) {
	t.Helper()
	for name, values := range p.header {
		for _, value := range values {
			if strings.Contains(strings.ToLower(name+value), "evil") {
				t.Errorf("%d: %s: %q", p.status, name, value)
			}
		}
	}
	if p.location != "" && (!strings.HasPrefix(p.location, "/") || strings.HasPrefix(p.location, "//")) {
		t.Errorf("leads to %q", p.location)
	}
}
