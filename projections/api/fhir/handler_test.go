package fhir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/api/fhir"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// shelf answers from events in memory. It holds its callers to what the query service asks of them.
type shelf struct {
	t      *testing.T
	events []*v1.AccessEvent
	fails  error
	asked  []api.EventSearch
	sealed []byte
}

func newShelf(t *testing.T, n int) *shelf {
	s := &shelf{t: t, sealed: []byte(`{ "resourceType" : "AuditEvent" }`)}
	for i := range n {
		e := &v1.AccessEvent{
			Source: "ehr", Format: "R4", RecordedUs: now.UnixMicro(), OccurredUs: now.UnixMicro(), ActionCode: "R",
			Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "urn:staff", Value: "u" + strconv.Itoa(i)}}},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "urn:mrn", Value: "SECRET"}}}},
		}
		e.EventId = proto.NewEventID(proto.EventIdentity{Source: "ehr", Key: fmt.Append(nil, i), Recorded: now}).Bytes()
		s.events = append(s.events, e)
	}
	return s
}

func (s *shelf) SearchEvents(ctx context.Context, q api.EventSearch) (*api.EventPage, error) {
	if q.Purpose == "" || q.Key == "" || q.Size < 1 || !proto.CallerFrom(ctx).MayAsk() {
		s.t.Errorf("asked without purpose, key, size or role: %+v", q)
	}
	s.asked = append(s.asked, q)
	if s.fails != nil {
		return nil, s.fails
	}
	from := 0
	if q.Token != "" {
		key, at, _ := strings.Cut(q.Token, "@")
		if key != fmt.Sprintf("%x", q.Key) {
			return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("page.token: not a page token of this question"))
		}
		from, _ = strconv.Atoi(at)
	}
	page := &api.EventPage{Header: &v1.AnswerHeader{QuestionId: "q", Position: 8192, AsOfUs: now.UnixMicro(), Notes: []string{"Not known yet."}}}
	for _, e := range s.events[from:min(from+q.Size, len(s.events))] {
		page.Events = append(page.Events, api.FoundEvent{Event: e, ReceivedUs: now.UnixMicro()})
	}
	if next := from + q.Size; next < len(s.events) {
		page.Next = fmt.Sprintf("%x@%d", q.Key, next)
	} else if from == 0 {
		page.Counted, page.Total = true, uint64(len(s.events))
	}
	return page, nil
}

func (s *shelf) GetEvent(_ context.Context, req *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	if req.Msg.Purpose == "" {
		s.t.Error("asked without a purpose")
	}
	for _, e := range s.events {
		if id, _ := proto.EventIDFromBytes(e.EventId); id.String() == req.Msg.Event {
			res := &v1.GetEventResponse{Header: &v1.AnswerHeader{QuestionId: "q"}, Event: e, ReceivedUs: now.UnixMicro()}
			if req.Msg.Original && s.sealed != nil {
				res.Original, res.MediaType = s.sealed, "application/fhir+json"
			}
			if s.sealed == nil {
				res.Header.Notes = []string{"The original was redacted."}
			}
			return connect.NewResponse(res), nil
		}
	}
	return nil, connect.NewError(connect.CodeNotFound, errors.New("the journal holds no such event"))
}

// desk is the handler with what it logs.
type desk struct {
	http.Handler
	log *bytes.Buffer
}

func newDesk(t *testing.T, s *shelf) desk {
	t.Helper()
	d := desk{log: &bytes.Buffer{}}
	var err error
	d.Handler, err = fhir.NewHandler(fhir.Config{
		Questions: s, Key: make([]byte, fhir.KeyBytes), Logger: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// investigator asks, with a purpose, unless change says otherwise.
func (d desk) ask(t *testing.T, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r = r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "token:1", Role: proto.RoleInvestigator}))
	r.Header.Set("Purpose-Of-Use", "complaint 12")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s %s: may be kept on the way: %q", method, r.URL.Path, got)
	}
	return w
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func caller(name, role string) func(*http.Request) {
	return func(r *http.Request) {
		*r = *r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: name, Role: role}))
	}
}

type answer struct {
	ResourceType string
	Total        *int
	Link         []struct{ Relation, URL string }
	Entry        []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID string
			Issue            []struct {
				Severity, Code, Diagnostics string
				Expression                  []string
			}
		}
		Search struct{ Mode string }
	}
	Issue []struct {
		Code       string
		Expression []string
	}
}

func read(t *testing.T, w *httptest.ResponseRecorder) (a answer) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("status %d: %v\n%s", w.Code, err, w.Body)
	}
	return a
}

func (a answer) link(relation string) string {
	for _, l := range a.Link {
		if l.Relation == relation {
			return l.URL
		}
	}
	return ""
}

func (a answer) ids() (out []string) {
	for _, e := range a.Entry {
		if e.Search.Mode == "match" {
			out = append(out, e.Resource.ID)
		}
	}
	return out
}

// TestPages walks to the end and back: each event once, the same pages on the way back, and no link says who is searched for.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 7)
	d := newDesk(t, s)
	form := url.Values{"patient.identifier": {"urn:mrn|SECRET"}, "date": {"ge2026-01-01"}, "_count": {"2"}}.Encode()
	for _, first := range []*httptest.ResponseRecorder{
		d.ask(t, "GET", "/fhir/AuditEvent?"+form, ""), d.ask(t, "POST", "/fhir/AuditEvent/_search", form),
		d.ask(t, "POST", "/fhir/AuditEvent/_search?_count=2&date=ge2026-01-01", "patient.identifier=urn:mrn%7CSECRET"),
	} {
		var seen []string
		var pages []answer
		for page := read(t, first); ; {
			pages, seen = append(pages, page), append(seen, page.ids()...)
			for _, l := range page.Link {
				if asked, err := url.QueryUnescape(l.URL); err != nil || strings.Contains(asked, "SECRET") || strings.Contains(asked, "urn:mrn") {
					t.Errorf("link %s says who is searched for: %s", l.Relation, l.URL)
				}
				if !strings.HasPrefix(l.URL, "http://example.com/fhir/AuditEvent?") || !strings.Contains(l.URL, "date=ge2026-01-01&") {
					t.Errorf("link %s: %s", l.Relation, l.URL)
				}
			}
			next := page.link("next")
			if next == "" {
				break
			}
			// The purpose is in the link: clients do not send headers of theirs again.
			page = read(t, d.ask(t, "GET", next, "", func(r *http.Request) { r.Header.Del("Purpose-Of-Use") }))
		}
		if len(pages) != 4 || len(seen) != 7 {
			t.Fatalf("%d pages, %d events", len(pages), len(seen))
		}
		for i, page := range slices.Backward(pages) {
			if again := read(t, d.ask(t, "GET", page.link("self"), "")).ids(); fmt.Sprint(again) != fmt.Sprint(page.ids()) {
				t.Errorf("page %d by its own link: %v, want %v", i, again, page.ids())
			}
			before := page.link("previous")
			if i == 0 {
				if before != "" {
					t.Error("the first page has one before it")
				}
				break
			}
			if again := read(t, d.ask(t, "GET", before, "")); fmt.Sprint(again.ids()) != fmt.Sprint(pages[i-1].ids()) {
				t.Errorf("before page %d: %v, want %v", i, again.ids(), pages[i-1].ids())
			}
		}
	}
	for _, q := range s.asked {
		if q.Purpose != "complaint 12" || len(q.Patients) != 1 || q.Key != s.asked[0].Key {
			t.Fatalf("asked %+v", q)
		}
	}
	if d.log.Len() > 0 {
		t.Errorf("logged: %s", d.log)
	}
}

// TestLinksAreTheirAskers: a page link opens for the one who asked, whole, and under the same key only.
func TestLinksAreTheirAskers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newShelf(t, 7))
	next := read(t, d.ask(t, "GET", "/fhir/AuditEvent?date=ge2026&_count=2", "")).link("next")
	if w := d.ask(t, "GET", next, ""); w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	other := []byte(strings.Repeat("k", fhir.KeyBytes))
	foreign, err := fhir.Seal(other, []fhir.Parameter{{Name: "date", Value: "2026"}}, "token:1")
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"another caller": d.ask(t, "GET", next, "", caller("token:2", proto.RoleAdministrator)),
		"cut off":        d.ask(t, "GET", next[:len(next)-4], ""),
		"altered":        d.ask(t, "GET", next[:len(next)-6]+"AAAAAA", ""),
		"another key":    d.ask(t, "GET", "/fhir/AuditEvent?_page="+foreign, ""),
	} {
		if a := read(t, w); w.Code != http.StatusGone || a.Issue[0].Code != "expired" {
			t.Errorf("%s: status %d, %v", name, w.Code, a.Issue)
		}
	}
	if w := d.ask(t, "GET", next, "", caller("token:1", proto.RoleViewer)); w.Code != http.StatusForbidden {
		t.Errorf("a viewer with an investigator's link: status %d", w.Code)
	}
}

// TestRefusals: status, issue code and the parameter, for everything that is not answered.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const good = "/fhir/AuditEvent?date=2026"
	no := func(r *http.Request) { r.Header.Del("Purpose-Of-Use") }
	for name, tt := range map[string]struct {
		method, target, body string
		change               func(*http.Request)
		fails                error
		status               int
		code, about          string
	}{
		"nobody":              {"GET", good, "", caller("", ""), nil, 401, "login", ""},
		"a source":            {"GET", good, "", caller("source:ehr", ""), nil, 403, "forbidden", ""},
		"a viewer":            {"GET", good, "", caller("token:1", proto.RoleViewer), nil, 403, "forbidden", ""},
		"a viewer reads":      {"GET", "/fhir/AuditEvent/x", "", caller("token:1", proto.RoleViewer), nil, 403, "forbidden", ""},
		"a viewer's original": {"GET", "/fhir/AuditEvent/x/$original", "", caller("token:1", proto.RoleViewer), nil, 403, "forbidden", ""},
		"no purpose":          {"GET", good, "", no, nil, 400, "required", "http.Purpose-Of-Use"},
		"no purpose to read":  {"GET", "/fhir/AuditEvent/x", "", no, nil, 400, "required", "http.Purpose-Of-Use"},
		"no bound":            {"GET", "/fhir/AuditEvent?type=rest", "", no, nil, 400, "required", "http.Purpose-Of-Use"},
		"no condition":        {"GET", "/fhir/AuditEvent", "", nil, nil, 400, "too-costly", "http.date"},
		"strict":              {"GET", good + "&foo=SECRET", "", header("Prefer", "return=minimal; handling=strict"), nil, 400, "not-supported", "http.foo"},
		"malformed":           {"GET", good + "&patient=%zz", "", nil, nil, 400, "invalid", ""},
		"XML":                 {"GET", good, "", header("Accept", "application/fhir+xml"), nil, 406, "not-supported", ""},
		"XML by format":       {"GET", good + "&_format=xml", "", nil, nil, 406, "not-supported", ""},
		"FHIR 3":              {"GET", good, "", header("Accept", "application/fhir+json; fhirVersion=3.0"), nil, 406, "not-supported", ""},
		"no form":             {"POST", "/fhir/AuditEvent/_search", "{}", header("Content-Type", "application/json"), nil, 415, "not-supported", ""},
		"a long form":         {"POST", "/fhir/AuditEvent/_search", strings.Repeat("a", 70_000), nil, nil, 413, "too-long", ""},
		"no such event":       {"GET", "/fhir/AuditEvent/1srOrx2ZWZBpBUvZwXKQmoEYga2", "", nil, nil, 404, "not-found", ""},
		"no id":               {"GET", "/fhir/AuditEvent/8192", "", nil, nil, 404, "not-found", ""},
		"journal down":        {"GET", good, "", nil, connect.NewError(connect.CodeUnavailable, errors.New("not journaled")), 503, "transient", ""},
		"too slow":            {"GET", good, "", nil, connect.NewError(connect.CodeDeadlineExceeded, errors.New("too long")), 504, "timeout", ""},
		"rebuilt":             {"GET", good, "", nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("rebuilt")), 410, "expired", ""},
		"several people":      {"GET", good, "", nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("patient: %w", api.ErrAmbiguous)), 400, "multiple-matches", "http.patient"},
		"a long purpose":      {"GET", good, "", nil, connect.NewError(connect.CodeInvalidArgument, errors.New("purpose: at most 500 characters")), 400, "value", "http.Purpose-Of-Use"},
		"a bug":               {"GET", good, "", nil, errors.New("SECRET"), 500, "exception", ""},
	} {
		s := newShelf(t, 1)
		s.fails = tt.fails
		d := newDesk(t, s)
		if tt.change == nil {
			tt.change = func(*http.Request) {}
		}
		w := d.ask(t, tt.method, tt.target, tt.body, tt.change)
		a := read(t, w)
		about := ""
		if len(a.Issue) == 1 && len(a.Issue[0].Expression) == 1 {
			about = a.Issue[0].Expression[0]
		}
		if w.Code != tt.status || a.ResourceType != "OperationOutcome" || a.Issue[0].Code != tt.code || about != tt.about {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String()+d.log.String(), "SECRET") {
			t.Errorf("%s: says too much: %s %s", name, w.Body, d.log)
		}
		if tt.status == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
}

// TestVersions: R4 unless R5 is asked for, and the answer says which it is.
func TestVersions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newShelf(t, 1))
	id := read(t, d.ask(t, "GET", "/fhir/AuditEvent?date=2026", "")).ids()[0]
	for accept, want := range map[string]string{
		"":                                       "4.0",
		"*/*":                                    "4.0",
		"application/json":                       "4.0",
		"application/fhir+json":                  "4.0",
		"application/fhir+json;fhirVersion=4.3":  "4.3",
		"application/fhir+json; fhirVersion=5.0": "5.0",
		"text/html, application/fhir+json; fhirVersion=\"5.0\"; q=0.9, */*": "5.0",
	} {
		for _, target := range []string{"/fhir/AuditEvent?date=2026", "/fhir/AuditEvent/" + id} {
			w := d.ask(t, "GET", target, "", header("Accept", accept))
			body := w.Body.String()
			isR5 := strings.Contains(body, `"code":{"extension"`)
			if w.Code != 200 || !strings.Contains(w.Header().Get("Content-Type"), "application/fhir+json; fhirVersion="+want+";") || isR5 != (want == "5.0") {
				t.Errorf("%s %q: status %d, %s\n%s", target, accept, w.Code, w.Header().Get("Content-Type"), body)
			}
		}
	}
	if w := d.ask(t, "GET", "/fhir/AuditEvent?date=2026&_pretty=true&_format=application/fhir%2Bjson", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "\n  \"type\": \"searchset\"") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// TestNotes: unknown parameters, what was not known, and the question stand beside the events.
func TestNotes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newShelf(t, 3))
	w := d.ask(t, "GET", "/fhir/AuditEvent?date=2026&foo=SECRET&source.identifier=urn:x%7Cy", "")
	a := read(t, w)
	last := a.Entry[len(a.Entry)-1]
	var all []string
	for _, i := range last.Resource.Issue {
		all = append(all, i.Severity+" "+i.Code+" "+strings.Join(i.Expression, ""))
	}
	want := "[information informational  warning not-supported http.foo warning not-supported http.source.identifier information incomplete ]"
	if last.Search.Mode != "outcome" || fmt.Sprint(all) != want || strings.Contains(w.Body.String(), "foo=SECRET") || *a.Total != 3 {
		t.Errorf("%s\n%s", fmt.Sprint(all), w.Body)
	}
	if w.Header().Get("Readtrail-Question") != "q" || w.Header().Get("Readtrail-Position") != "8192" {
		t.Errorf("headers %v", w.Header())
	}
	count := read(t, d.ask(t, "GET", "/fhir/AuditEvent?date=2026&_count=0", ""))
	if len(count.ids()) != 0 || count.link("next") != "" {
		t.Errorf("a count shows events: %v", count)
	}
}

// TestOriginal: byte for byte, as what it came, and nothing that a browser would open.
func TestOriginal(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1)
	d := newDesk(t, s)
	id := read(t, d.ask(t, "GET", "/fhir/AuditEvent?date=2026", "")).ids()[0]
	w := d.ask(t, "GET", "/fhir/AuditEvent/"+id+"/$original", "")
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), s.sealed) || w.Header().Get("Content-Type") != "application/fhir+json" {
		t.Errorf("status %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	if w.Header().Get("Content-Disposition") != "attachment" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a browser would open it: %v", w.Header())
	}
	s.sealed = nil
	if w := d.ask(t, "GET", "/fhir/AuditEvent/"+id+"/$original", ""); w.Code != 410 || read(t, w).Issue[0].Code != "deleted" || !strings.Contains(w.Body.String(), "redacted") {
		t.Errorf("redacted: status %d: %s", w.Code, w.Body)
	}
}

// TestPurposes: a header holds bytes, and people write in more than ASCII.
func TestPurposes(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1)
	d := newDesk(t, s)
	for sent, want := range map[string]string{
		"complaint 2026-117":              "complaint 2026-117",
		"100% of the ward":                "100% of the ward",
		"Beschwerde Müller":               "Beschwerde Müller",
		"Beschwerde M\xfcller":            "Beschwerde Müller",
		"UTF-8''Beschwerde%20M%C3%BCller": "Beschwerde Müller",
		"utf-8''a+b%2c":                   "a+b,",
	} {
		if w := d.ask(t, "GET", "/fhir/AuditEvent?date=2026", "", header("Purpose-Of-Use", sent)); w.Code != 200 {
			t.Fatalf("%q: status %d: %s", sent, w.Code, w.Body)
		}
		if got := s.asked[len(s.asked)-1].Purpose; got != want {
			t.Errorf("%q is asked for %q", sent, got)
		}
	}
}
