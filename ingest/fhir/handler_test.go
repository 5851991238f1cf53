package fhir_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// client sends requests to a handler before a real journal.
type client struct {
	*ingesttest.Rig
	t      *testing.T
	h      http.Handler
	caller proto.Caller
}

func newClient(t *testing.T, change func(*fhir.Config)) *client {
	t.Helper()
	rig := ingesttest.Open(t)
	cfg := fhir.Config{Intake: rig.Intake, Source: ingesttest.Sources}
	if change != nil {
		change(&cfg)
	}
	h, err := fhir.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &client{Rig: rig, t: t, h: h, caller: proto.Caller{Name: "source:ehr", Source: "ehr"}}
}

// answer is a response with the parts that tests look at.
type answer struct {
	status int
	header http.Header
	body   string
	Issue  []struct {
		Severity, Code, Diagnostics string
		Expression                  []string
	}
	ResourceType string
	Type         string
	Entry        []struct {
		Response struct {
			Status, Location string
			Outcome          struct {
				Issue []struct {
					Code       string
					Expression []string
				}
			}
		}
	}
}

func (c *client) do(method, path string, header http.Header, body io.Reader) answer {
	c.t.Helper()
	r := httptest.NewRequestWithContext(proto.WithCaller(c.t.Context(), c.caller), method, path, body)
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	out := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	if out.body != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			c.t.Fatalf("%s %s answered no JSON: %v", method, path, err)
		}
		if !strings.HasPrefix(out.header.Get("Content-Type"), "application/fhir+json") {
			c.t.Errorf("%s %s answered %s", method, path, out.header.Get("Content-Type"))
		}
	}
	return out
}

func (c *client) post(path, contentType, body string) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, http.Header{"Content-Type": {contentType}}, strings.NewReader(body))
}

const fhirJSON = "application/fhir+json; charset=utf-8"

func auditEvent(id, more string) string {
	return `{"resourceType":"AuditEvent","id":"` + id + `","type":{"code":"rest"},"recorded":"2026-01-01T00:00:00Z","outcome":"0"` + more + `}`
}

func TestPostOne(t *testing.T) {
	c := newClient(t, nil)
	data, err := os.ReadFile("testdata/balp/AuditEvent-ex-auditBasicReadServer.json")
	if err != nil {
		t.Fatal(err)
	}
	first := c.post("/fhir/AuditEvent", "application/json", string(data))
	if first.status != http.StatusCreated || first.header.Get("Location") == "" {
		t.Fatalf("got %d %s", first.status, first.body)
	}
	again := c.post("/fhir/AuditEvent", fhirJSON, string(data))
	if again.status != http.StatusOK || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("a duplicate got %d at %s", again.status, again.header.Get("Location"))
	}
	other := c.post("/fhir/AuditEvent", fhirJSON, strings.Replace(string(data), "John Smith", "Jane Smith", 1))
	if other.status != http.StatusCreated || len(other.Issue) != 1 || other.Issue[0].Code != "conflict" || other.Issue[0].Severity != "warning" {
		t.Errorf("a conflict got %d %s", other.status, other.body)
	}
	kept := c.Kept()
	if len(kept) != 2 || !bytes.Equal(kept[0].Sealed.Original, data) || kept[1].Item.ConflictsWith == nil {
		t.Fatalf("%d items kept", len(kept))
	}
	if id, err := proto.ItemID(kept[0].Item); err != nil || !strings.HasSuffix(first.header.Get("Location"), "/fhir/AuditEvent/"+id.String()) {
		t.Errorf("location %s is not the event's", first.header.Get("Location"))
	}
}

func TestInvalidIsKept(t *testing.T) {
	for _, tt := range []struct {
		name, path, body, expression string
		status                       int
	}{
		{"no time", "/fhir/AuditEvent", `{"resourceType":"AuditEvent","id":"x"}`, "AuditEvent.recorded", http.StatusUnprocessableEntity},
		{"no JSON", "/fhir/AuditEvent", `{"resourceType":"AuditEvent",`, "AuditEvent", http.StatusBadRequest},
		{"another type", "/fhir/AuditEvent", `{"resourceType":"Patient","id":"1"}`, "resourceType", http.StatusUnprocessableEntity},
		{"a Bundle of no type", "/fhir", `{"resourceType":"Bundle","entry":[]}`, "Bundle.type", http.StatusUnprocessableEntity},
		{"a Bundle of a mistyped type", "/fhir", bundleOf("transactoin", auditEvent("1", "")), "Bundle.type", http.StatusUnprocessableEntity},
		{"a Bundle of a type in capitals", "/fhir", bundleOf("Transaction", auditEvent("1", "")), "Bundle.type", http.StatusUnprocessableEntity},
		{"a Bundle whose type is no text", "/fhir", `{"resourceType":"Bundle","type":["batch"],"entry":[]}`, "Bundle.type", http.StatusUnprocessableEntity},
		{"no Bundle", "/fhir", auditEvent("1", ""), "resourceType", http.StatusUnprocessableEntity},
		{"twice the same name", "/fhir/AuditEvent", `{"resourceType":"AuditEvent","recorded":"2026-01-01T00:00:00Z","recorded":"2027-01-01T00:00:00Z"}`, "AuditEvent.recorded", http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, nil)
			got := c.post(tt.path, fhirJSON, tt.body)
			if got.status != tt.status || len(got.Issue) != 1 || len(got.Issue[0].Expression) != 1 || got.Issue[0].Expression[0] != tt.expression {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			kept := c.Kept()
			if len(kept) != 1 || string(kept[0].Sealed.Original) != tt.body {
				t.Fatalf("%d items kept", len(kept))
			}
			id, err := proto.EventIDFromBytes(kept[0].Item.GetDeadLetter().EventId)
			if err != nil || !strings.Contains(got.Issue[0].Diagnostics, id.String()) {
				t.Errorf("the dead letter is not named: %s", got.body)
			}
			if again := c.post(tt.path, fhirJSON, tt.body); again.status != tt.status || len(c.Kept()) != 1 {
				t.Error("a retry of bad input made another dead letter")
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	nobody, person := proto.Caller{}, proto.Caller{Name: "token:1", Role: proto.RoleAdministrator}
	local := proto.Caller{Name: "os:u", Role: proto.RoleAdministrator, Local: true}
	source := proto.Caller{Name: "source:ehr", Source: "ehr"}
	for _, tt := range []struct {
		name, path, contentType, encoding string
		caller                            proto.Caller
		status                            int
	}{
		{"nobody", "/fhir/AuditEvent", fhirJSON, "", nobody, http.StatusUnauthorized},
		{"a person", "/fhir/AuditEvent", fhirJSON, "", person, http.StatusForbidden},
		{"a local user without a source", "/fhir/AuditEvent", fhirJSON, "", local, http.StatusBadRequest},
		{"a local user with a source", "/fhir/AuditEvent?source=ehr", fhirJSON, "", local, http.StatusCreated},
		{"an unknown source", "/fhir/AuditEvent?source=unknown", fhirJSON, "", local, http.StatusForbidden},
		{"another source's name", "/fhir/AuditEvent?source=pacs", fhirJSON, "", source, http.StatusForbidden},
		{"XML", "/fhir/AuditEvent", "application/fhir+xml", "", source, http.StatusUnsupportedMediaType},
		{"another charset", "/fhir/AuditEvent", "application/json; charset=iso-8859-1", "", source, http.StatusUnsupportedMediaType},
		{"another encoding", "/fhir/AuditEvent", fhirJSON, "br", source, http.StatusUnsupportedMediaType},
		{"no gzip", "/fhir/AuditEvent", fhirJSON, "gzip", source, http.StatusBadRequest},
		{"no content type", "/fhir/AuditEvent", "", "", source, http.StatusCreated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, nil)
			c.caller = tt.caller
			header := http.Header{}
			if tt.contentType != "" {
				header.Set("Content-Type", tt.contentType)
			}
			if tt.encoding != "" {
				header.Set("Content-Encoding", tt.encoding)
			}
			if got := c.do(http.MethodPost, tt.path, header, strings.NewReader(auditEvent("1", ""))); got.status != tt.status {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	c := newClient(t, nil)
	if got := c.post("/fhir/AuditEvent", "", "\n <AuditEvent xmlns='http://hl7.org/fhir'/>"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("XML without a content type got %d", got.status)
	}
	c.caller = nobody
	if got := c.post("/fhir/metadata", fhirJSON, auditEvent("1", "")); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("POST to the capability statement got %d", got.status)
	}
	c.caller = source
	if got := c.do(http.MethodGet, "/fhir/Patient/1", nil, nil); got.status != http.StatusNotFound {
		t.Errorf("GET got %d", got.status)
	}
	if got := c.do(http.MethodDelete, "/fhir/AuditEvent/1", nil, nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE of an event got %d", got.status)
	}
}

// What refuses a request before the FHIR routes see it answers in their words, and its header stays.
func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		path, code string
		status     int
	}{
		{"/fhir/AuditEvent", "login", http.StatusUnauthorized},
		{"/fhir", "login", http.StatusUnauthorized},
		{"/fhir/metadata", "forbidden", http.StatusForbidden},
		{"/fhir/AuditEvent", "throttled", http.StatusTooManyRequests},
		{"/fhir/AuditEvent", "transient", http.StatusServiceUnavailable},
		{"/fhirs", "", http.StatusUnauthorized},
		{"/import", "", http.StatusUnauthorized},
	} {
		t.Run(fmt.Sprint(tt.path, tt.status), func(t *testing.T) {
			h := fhir.Outcomes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, "who are you?", tt.status)
			}))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.path, nil))
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("got %d with %v", w.Code, w.Header())
			}
			if tt.code == "" {
				if w.Body.String() != "who are you?\n" {
					t.Errorf("another route answered %s", w.Body)
				}
				return
			}
			var got answer
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/fhir+json") || got.ResourceType != "OperationOutcome" ||
				len(got.Issue) != 1 || got.Issue[0].Code != tt.code || got.Issue[0].Diagnostics != "who are you?" {
				t.Errorf("got %s", w.Body)
			}
		})
	}
	c := newClient(t, nil)
	c.h = fhir.Outcomes(c.h)
	if got := c.post("/fhir/AuditEvent", fhirJSON, auditEvent("1", "")); got.status != http.StatusCreated || got.ResourceType != "OperationOutcome" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := c.do(http.MethodGet, "/fhir", nil, nil); got.status != http.StatusNotFound || got.header.Get("Allow") == "" || len(got.Issue) != 1 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func zipped(t *testing.T, r io.Reader) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestLimits(t *testing.T) {
	c := newClient(t, func(cfg *fhir.Config) { cfg.RequestBytes = 2 << 20 })
	gz := http.Header{"Content-Type": {fhirJSON}, "Content-Encoding": {"gzip"}}
	if got := c.do(http.MethodPost, "/fhir/AuditEvent", gz, zipped(t, strings.NewReader(auditEvent("1", "")))); got.status != http.StatusCreated {
		t.Errorf("gzip got %d %s", got.status, got.body)
	}
	bomb := zipped(t, io.LimitReader(blanks{}, 64<<20))
	if got := c.do(http.MethodPost, "/fhir/AuditEvent", gz, bomb); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a bomb got %d %s", got.status, got.body)
	}
	if got := c.do(http.MethodPost, "/fhir", nil, io.LimitReader(blanks{}, 3<<20)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body got %d", got.status)
	}
	for name, body := range map[string]string{
		"deep": auditEvent("d", `,"x":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)),
		"long": auditEvent("l", `,"x":"`+strings.Repeat("a", 600<<10)+`"`),
		"big":  auditEvent("b", `,"x":["`+strings.Repeat("a", 500<<10)+`","`+strings.Repeat("a", 500<<10)+`","`+strings.Repeat("a", 500<<10)+`"]`),
	} {
		before := len(c.Kept())
		got := c.post("/fhir/AuditEvent", fhirJSON, body)
		if got.status != http.StatusUnprocessableEntity && got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s got %d %s", name, got.status, got.body)
		}
		kept := c.Kept()
		if len(kept) != before+1 || string(kept[before].Sealed.Original) != body {
			t.Errorf("%s is not kept", name)
		}
	}
}

// blanks is an endless body.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func bundleOf(typ string, resources ...string) string {
	var b strings.Builder
	for i, r := range resources {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(`{"fullUrl":"urn:uuid:` + fmt.Sprint(i) + `","resource":` + r + `,"request":{"method":"POST","url":"x"}}`)
	}
	return `{"resourceType":"Bundle","type":"` + typ + `","entry":[` + b.String() + `]}`
}

func TestTransaction(t *testing.T) {
	c := newClient(t, nil)
	good := bundleOf("transaction", auditEvent("1", ""), `{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:x","value":"7"}]}`)
	got := c.post("/fhir/", fhirJSON, good)
	if got.status != http.StatusOK || got.Type != "transaction-response" || len(got.Entry) != 2 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	for i, e := range got.Entry {
		if !strings.HasPrefix(e.Response.Status, "201") || e.Response.Location == "" {
			t.Errorf("entry %d got %s", i, e.Response.Status)
		}
	}
	if kept := c.Kept(); len(kept) != 2 || kept[0].Position.Sequence() != kept[1].Position.Sequence() {
		t.Fatal("a transaction does not stand in one batch")
	}
	bad := bundleOf("transaction", auditEvent("2", ""), `{"resourceType":"AuditEvent","id":"3"}`, auditEvent("4", ""))
	got = c.post("/fhir", fhirJSON, bad)
	if got.status != http.StatusUnprocessableEntity || len(got.Issue) != 1 || got.Issue[0].Expression[0] != "Bundle.entry[1].resource.recorded" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	kept := c.Kept()
	if len(kept) != 3 || kept[2].Item.GetDeadLetter().GetElement() != "Bundle.entry[1].resource.recorded" || string(kept[2].Sealed.Original) != bad {
		t.Fatalf("%d items kept", len(kept))
	}
	many := make([]string, proto.MaxBatchItems+1)
	for i := range many {
		many[i] = auditEvent(fmt.Sprint(i), "")
	}
	if got := c.post("/fhir", fhirJSON, bundleOf("transaction", many...)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too many entries got %d", got.status)
	}
	if len(c.Kept()) != 3 {
		t.Error("a refused transaction left something")
	}
}

func TestBatch(t *testing.T) {
	for _, typ := range []string{"batch", "collection", "searchset"} {
		c := newClient(t, nil)
		got := c.post("/fhir", "application/json", bundleOf(typ, auditEvent("1", ""), `{"resourceType":"AuditEvent","id":"2"}`, auditEvent("1", ""), auditEvent("1", `,"action":"R"`)))
		if got.status != http.StatusOK || got.Type != "batch-response" || len(got.Entry) != 4 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		for i, want := range []string{"201", "422", "200", "201"} {
			if !strings.HasPrefix(got.Entry[i].Response.Status, want) {
				t.Errorf("entry %d got %s", i, got.Entry[i].Response.Status)
			}
		}
		if e := got.Entry[1].Response.Outcome.Issue[0].Expression; len(e) != 1 || e[0] != "Bundle.entry[1].resource.recorded" {
			t.Errorf("expression %v", e)
		}
		kept := c.Kept()
		if len(kept) != 3 || kept[1].Item.GetDeadLetter().GetLine() != 2 {
			t.Errorf("%d items kept", len(kept))
		}
	}
}

// A PUT in a Bundle takes the id from its URL, as the address of a single PUT does: a resource that says otherwise is
// refused, alone in a batch, with everything in a transaction.
func TestPutOfAnotherResource(t *testing.T) {
	patient := `{"resourceType":"Patient","id":"7"}`
	put := func(url, resource string) string {
		return `{"resource":` + resource + `,"request":{"method":"PUT","url":"` + url + `"}}`
	}
	bundle := func(typ string, entries ...string) string {
		return `{"resourceType":"Bundle","type":"` + typ + `","entry":[` + strings.Join(entries, ",") + `]}`
	}
	for _, tt := range []struct{ name, url, resource, expression string }{
		{"its own", "Patient/7", patient, ""},
		{"its own, absolute", "https://ehr.example/fhir/Patient/7", patient, ""},
		{"its own, without an id", "Patient/7", `{"resourceType":"Patient"}`, ""},
		{"another id", "Patient/8", patient, "Bundle.entry[1].resource.id"},
		{"another id, absolute", "https://ehr.example/fhir/Patient/8", patient, "Bundle.entry[1].resource.id"},
		{"another type", "Practitioner/7", patient, "Bundle.entry[1].resource"},
		{"no id in the URL", "Patient", patient, "Bundle.entry[1].request.url"},
		{"no URL", "", patient, "Bundle.entry[1].request.url"},
		{"another event's id", "AuditEvent/8", auditEvent("7", ""), "Bundle.entry[1].resource.id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entries := []string{put("AuditEvent/1", auditEvent("1", "")), put(tt.url, tt.resource)}
			c := newClient(t, nil)
			got := c.post("/fhir", fhirJSON, bundle("batch", entries...))
			want := "201"
			if tt.expression != "" {
				want = "422"
			}
			if got.status != http.StatusOK || len(got.Entry) != 2 || !strings.HasPrefix(got.Entry[0].Response.Status, "201") ||
				!strings.HasPrefix(got.Entry[1].Response.Status, want) {
				t.Fatalf("the batch got %d %s", got.status, got.body)
			}
			if e := got.Entry[1].Response.Outcome.Issue[0].Expression; tt.expression != "" && (len(e) != 1 || e[0] != tt.expression) {
				t.Errorf("the batch names %v", e)
			}
			c = newClient(t, nil)
			got = c.post("/fhir", fhirJSON, bundle("transaction", entries...))
			if tt.expression == "" {
				if got.status != http.StatusOK || len(c.Kept()) != 2 {
					t.Errorf("the transaction got %d %s", got.status, got.body)
				}
				return
			}
			if got.status != http.StatusUnprocessableEntity || len(got.Issue) != 1 || len(got.Issue[0].Expression) != 1 || got.Issue[0].Expression[0] != tt.expression {
				t.Errorf("the transaction got %d %s", got.status, got.body)
			}
			if kept := c.Kept(); len(kept) != 1 || kept[0].Item.GetDeadLetter().GetElement() != tt.expression {
				t.Errorf("%d items kept", len(kept))
			}
		})
	}
}

func TestContextComesAndGoes(t *testing.T) {
	c := newClient(t, nil)
	plain := `{"resourceType":"Patient","id":"1","text":{"status":"empty"},"identifier":[{"system":"urn:x","value":"7"}],"name":[{"family":"Lee"}]}`
	merged := `{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:x","value":"7"}],"link":[{"type":"replaced-by","other":{"reference":"Patient/2"}}]}`
	put := func(body string) answer {
		return c.do(http.MethodPut, "/fhir/Patient/1", http.Header{"Content-Type": {fhirJSON}}, strings.NewReader(body))
	}
	for i, step := range []struct {
		body   string
		status int
	}{{plain, 201}, {plain, 200}, {merged, 201}, {plain, 201}, {plain, 200}} {
		if got := put(step.body); got.status != step.status {
			t.Errorf("step %d got %d %s", i, got.status, got.body)
		}
	}
	if got := c.do(http.MethodDelete, "/fhir/Patient/1", nil, nil); got.status != http.StatusNoContent {
		t.Errorf("DELETE got %d", got.status)
	}
	if got := c.do(http.MethodPut, "/fhir/Patient/2", http.Header{"Content-Type": {fhirJSON}}, strings.NewReader(plain)); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another id got %d", got.status)
	}
	created := c.post("/fhir/Practitioner", fhirJSON, `{"resourceType":"Practitioner","name":[{"text":"Dr. X"}]}`)
	if created.status != http.StatusCreated || !strings.Contains(created.header.Get("Location"), "/fhir/Practitioner/assigned-") {
		t.Errorf("created at %s", created.header.Get("Location"))
	}
	var facts []*v1.ContextFact
	for _, k := range c.Kept() {
		if f := k.Item.GetContext(); f != nil {
			facts = append(facts, f)
		}
	}
	if len(facts) != 5 || !facts[3].Deleted || facts[1].Links[1].Kind != v1.IdentityLink_KIND_REPLACED_BY || len(facts[2].Links) != 1 {
		t.Fatalf("%d facts", len(facts))
	}
	if string(facts[0].Resource) != strings.Replace(plain, `"text":{"status":"empty"},`, "", 1) || facts[0].Display != "Lee" {
		t.Errorf("the resource is kept as %s", facts[0].Resource)
	}
}

func TestLinesOverHTTP(t *testing.T) {
	c := newClient(t, nil)
	body := auditEvent("1", "") + "\r\n\n{\"resourceType\":\"AuditEvent\"}\n" + auditEvent("2", "") + "\n" + auditEvent("1", "")
	got := c.post("/fhir", "application/fhir+ndjson", body)
	if got.status != http.StatusOK || len(got.Issue) != 2 || got.Issue[0].Diagnostics != "in 4 = stored 2 + duplicates 1 + conflicts 0 + dead letters 1" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	kept := c.Kept()
	if len(kept) != 3 || kept[1].Item.GetDeadLetter().GetLine() != 3 {
		t.Errorf("%d items kept", len(kept))
	}
}

func TestBusy(t *testing.T) {
	c := newClient(t, nil)
	c.Fail = func([]ingest.Entry) error { return fmt.Errorf("disk: %w", ingest.ErrBusy) }
	for _, path := range []string{"/fhir/AuditEvent", "/fhir"} {
		body := auditEvent("1", "")
		if path == "/fhir" {
			body = bundleOf("batch", body)
		}
		if got := c.post(path, fhirJSON, body); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("%s got %d", path, got.status)
		}
	}
	c.Fail = func([]ingest.Entry) error { return errors.New("something with a secret") }
	if got := c.post("/fhir/AuditEvent", fhirJSON, auditEvent("1", "")); got.status != http.StatusServiceUnavailable || strings.Contains(got.body, "secret") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestMetadata(t *testing.T) {
	c := newClient(t, nil)
	c.caller = proto.Caller{} // clients look before they have a token
	got := c.do(http.MethodGet, "/fhir/metadata?_format=application/fhir%2Bjson", nil, nil)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"fhirVersion":"4.0.1"`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
