package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// secret is in everything of a case that no respondent may read.
const secret = "ZZSECRET"

// inquiry is a world with cases in which people are asked.
type inquiry struct {
	*world
	versions map[string]uint32
	events   [][]byte
}

// newInquiry has four accesses: of a clerk, of the patient of another record, of the patient themself, and one elsewhere.
func newInquiry(t *testing.T) *inquiry {
	t.Helper()
	q := &inquiry{world: newWorld(t), versions: map[string]uint32{}}
	patient, jo := id("urn:mrn", "4711"), id("urn:staff", "jo")
	full := func(e *v1.AccessEvent) {
		e.Patients[0].Text, e.Site, e.Workstation, e.NetworkAddress, e.Reader.Department = "Max Payne", "North", secret, secret, "Radiology"
		e.Objects = []*v1.Object{{Type: "note", Id: id("urn:doc", secret), Name: secret}, {Type: "note"}, {Type: "image"}}
		e.Encounter, e.OnBehalfOf = id("urn:visit", secret), &v1.Reader{Name: secret}
	}
	items := []*v1.Item{
		access("ehr", begin.Add(1*time.Hour), patient, jo, full),
		access("ehr", begin.Add(2*time.Hour), id("urn:mrn", "4712"), jo),
		access("ehr", begin.Add(3*time.Hour), patient, patient, func(e *v1.AccessEvent) {
			e.Reader.Type, e.Reader.Name = v1.ReaderType_READER_TYPE_PATIENT, "Max Payne"
		}),
		access("ehr", begin.Add(4*time.Hour), patient, id("urn:staff", "kim"), full, func(e *v1.AccessEvent) { e.Site = "South" }),
	}
	q.append(items...)
	for _, it := range items {
		q.events = append(q.events, it.GetAccess().EventId)
	}
	return q
}

// step adds a step to a case, and returns the question's id if it is one.
func (q *inquiry) step(of, asker string, e *v1.CaseEntry) string {
	q.versions[of]++
	return q.stepAs(q.versions[of], of, asker, e)
}

func (q *inquiry) stepAs(version uint32, of, asker string, e *v1.CaseEntry) string {
	e.CaseId = proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte(of), Recorded: begin}).Bytes()
	e.Version, e.Asker, e.Role, e.AtUs = version, asker, proto.RolePrivacyOfficer, q.clock().UnixMicro()
	return q.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}}).String()
}

func opens(alert byte) *v1.CaseEntry {
	id := make([]byte, 20)
	id[19] = alert
	return &v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: secret, Alerts: [][]byte{id}, DiscoveredUs: 1}}}
}

func asksOf(number uint32, to string, edit ...func(*v1.CaseAsked)) *v1.CaseEntry {
	a := &v1.CaseAsked{Question: number, Respondent: v1.Respondent_RESPONDENT_READER, Name: secret, Text: fmt.Sprint("Why? ", number, " to ", to), To: to}
	for _, f := range edit {
		f(a)
	}
	return &v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: a}}
}

func answers(number uint32, text string) *v1.CaseEntry {
	return &v1.CaseEntry{Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: number, Text: text}}}
}

func respondent(t *testing.T, name string) context.Context {
	return as(t.Context(), name, proto.RoleRespondent)
}

func questionsOf(ctx context.Context, s *api.Service, edit ...func(*v1.MyQuestionsRequest)) (*v1.MyQuestionsResponse, error) {
	m := &v1.MyQuestionsRequest{}
	for _, f := range edit {
		f(m)
	}
	res, err := s.MyQuestions(ctx, connect.NewRequest(m))
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// TestMyQuestions: everybody reads what was put to them, in whatever case, and nothing that was put to others or is of a case.
func TestMyQuestions(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	q.step("one", "os:ada", &v1.CaseEntry{Body: &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: secret + " oidc:jo"}}})
	first := q.step("one", "os:ada", asksOf(1, "oidc:jo"))
	q.step("one", "os:ada", asksOf(2, "oidc:kim", func(a *v1.CaseAsked) { a.Text = secret + " of oidc:jo"; a.Shown = q.events }))
	q.step("one", "os:ada", asksOf(3, "oidc:joan", func(a *v1.CaseAsked) { a.Text = secret }))
	q.step("one", "os:ada", asksOf(4, "", func(a *v1.CaseAsked) { a.Text = secret }))
	q.stepAs(q.versions["one"], "one", "os:eve", asksOf(4, "oidc:jo", func(a *v1.CaseAsked) { a.Text = secret })) // lost its number
	q.step("one", "oidc:jo", answers(1, "I was on call."))
	q.step("one", "oidc:jo", answers(1, "For ward 7."))
	q.step("two", "os:ben", opens(2))
	second := q.step("two", "os:ben", asksOf(1, "oidc:jo"))
	third := q.step("two", "os:ben", asksOf(2, "oidc:jo"))
	q.step("two", "os:ben", answers(1, secret)) // what was heard by telephone, in the words of who asks
	q.step("three", "os:ben", opens(3))
	fourth := q.step("three", "os:ben", asksOf(1, "oidc:jo"))
	q.step("three", "os:ben", &v1.CaseEntry{Body: &v1.CaseEntry_Closed{Closed: &v1.CaseClosed{}}})
	q.settle()
	jo := respondent(t, "oidc:jo")
	res, err := questionsOf(jo, q.service)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range res.Questions {
		text := ""
		for _, a := range one.Answers {
			text += a.Text
		}
		got = append(got, fmt.Sprint(one.Question, " ", one.Asker, " ", one.Text, " ", text, one.SetDown, one.Closed))
	}
	want := []string{
		fourth + " os:ben Why? 1 to oidc:jo false true", third + " os:ben Why? 2 to oidc:jo false false", second + " os:ben Why? 1 to oidc:jo true false",
		first + " os:ada Why? 1 to oidc:jo I was on call.For ward 7.false false",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	text, _ := protojson.Marshal(res)
	caseID := proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte("one"), Recorded: begin}).String()
	for _, not := range []string{secret, "kim", "joan", caseID} {
		if strings.Contains(string(text), not) {
			t.Errorf("the answer has %q:\n%s", not, text)
		}
	}
	if res.Waiting != 1 || res.Header.GetPosition() == 0 {
		t.Errorf("%d wait, at %d", res.Waiting, res.Header.GetPosition())
	}
	waiting, err := questionsOf(jo, q.service, func(m *v1.MyQuestionsRequest) { m.Waiting = true })
	if err != nil || len(waiting.Questions) != 1 || waiting.Questions[0].Question != third {
		t.Errorf("those that wait: %v, %v", waiting.GetQuestions(), err)
	}
	if none, err := questionsOf(respondent(t, "oidc:nobody"), q.service); err != nil || len(none.Questions) != 0 || none.Header == nil {
		t.Errorf("who is asked nothing: %v, %v", none, err)
	}
	var paged []string
	for token, n := "", 0; n == 0 || token != ""; n++ {
		page, err := questionsOf(jo, q.service, func(m *v1.MyQuestionsRequest) { m.Page = &v1.Page{Size: 1, Token: token} })
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Questions {
			paged = append(paged, one.Question)
		}
		token = page.NextPageToken
		if token != "" {
			if _, err := questionsOf(respondent(t, "oidc:kim"), q.service, func(m *v1.MyQuestionsRequest) { m.Page = &v1.Page{Size: 1, Token: token} }); err == nil {
				t.Error("another's page opens")
			}
		}
	}
	if diff := gocmp.Diff([]string{fourth, third, second, first}, paged); diff != "" {
		t.Errorf("by pages, -want +got:\n%s", diff)
	}
}

// TestShownAccesses: a question shows the accesses that were chosen, in their order, of each who, when, what and of which patient, and
// the patient by a pseudonym unless they were disclosed too, and the event by its id only then. The journal has whose records were shown by name.
func TestShownAccesses(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	choose := func(patients bool, n ...int) func(*v1.CaseAsked) {
		return func(a *v1.CaseAsked) {
			a.Patients = patients
			for _, i := range n {
				a.Shown = append(a.Shown, q.events[i])
			}
		}
	}
	q.step("one", "os:ada", asksOf(1, "oidc:jo", choose(false, 2, 0)))
	q.step("one", "os:ada", asksOf(2, "oidc:kim", choose(true, 0)))
	q.settle()
	res, err := questionsOf(respondent(t, "oidc:jo"), q.service)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := protojson.Marshal(res)
	for _, not := range []string{"4711", "4712", "Max Payne", secret, proto.EventID(q.events[0]).String(), proto.EventID(q.events[2]).String()} {
		if strings.Contains(string(text), not) {
			t.Errorf("the answer has %q:\n%s", not, text)
		}
	}
	shown := res.Questions[0].Accesses
	if len(shown) != 2 || shown[0].Number != 1 || shown[1].Number != 2 {
		t.Fatalf("shown: %v", shown)
	}
	a := shown[1]
	if a.Reader.Name != "Name of jo" || a.Reader.Department != "Radiology" || a.Reader.Identifiers[0].Value != "jo" || a.Action != v1.Action_ACTION_READ ||
		a.OccurredUs != begin.Add(time.Hour).UnixMicro() || fmt.Sprint(a.Objects) != "[note image]" {
		t.Errorf("who, when, what: %v", a)
	}
	record := a.Patients[0].Identifiers[0]
	if !strings.HasPrefix(record.Value, "record ") || record.System != "" || !protobuf.Equal(record, shown[0].Patients[0].Identifiers[0]) {
		t.Errorf("one record under two pseudonyms: %v, %v", record, shown[0].Patients)
	}
	if r := shown[0].Reader; r.Name != "" || !strings.HasPrefix(r.Identifiers[0].Value, "reader ") {
		t.Errorf("a patient who reads their own record: %v", r)
	}
	last := q.asked[len(q.asked)-1]
	if last.Query != "MyQuestions" || last.Asker != "oidc:jo" || last.Role != proto.RoleRespondent || last.Rows != 3 || last.Purpose == "" ||
		len(last.Patients) != 0 || projections.IDText(last.QuestionId) != res.Header.QuestionId {
		t.Errorf("journaled %v", last)
	}
	res, err = questionsOf(respondent(t, "oidc:kim"), q.service)
	if err != nil {
		t.Fatal(err)
	}
	if a := res.Questions[0].Accesses; len(a) != 1 || a[0].Patients[0].Text != "Max Payne" || a[0].Patients[0].Identifiers[0].Value != "4711" ||
		a[0].EventId != proto.EventID(q.events[0]).String() || a[0].Number != 1 {
		t.Errorf("a disclosed patient: %v", a)
	}
	last = q.asked[len(q.asked)-1]
	if len(last.Patients) != 1 || last.Patients[0].Identifiers[0].Value != "4711" || last.Patient != nil { // they asked for nobody
		t.Errorf("the look at the record is not journaled: %v", last)
	}
}

// TestMyQuestionsAreJournaled: a failing journal means no answer.
func TestMyQuestionsAreJournaled(t *testing.T) {
	q := newInquiry(t)
	q.step("one", "os:ada", opens(1))
	q.step("one", "os:ada", asksOf(1, "oidc:jo"))
	q.settle()
	q.mu.Lock()
	q.askFails = errors.New("disk is full")
	q.mu.Unlock()
	if res, err := questionsOf(respondent(t, "oidc:jo"), q.service); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("answered with %v, %v", res, err)
	}
	q.mu.Lock()
	q.askFails = nil
	q.mu.Unlock()
	if _, err := questionsOf(respondent(t, "oidc:jo"), q.service); err != nil {
		t.Error(err)
	}
}

// TestQuestionNow: a command finds the case of a question for whom it was put to, by the journal, even one that is about them.
func TestQuestionNow(t *testing.T) {
	q := newInquiry(t)
	opened := q.step("one", "os:ada", opens(1))
	asked := q.step("one", "os:ada", asksOf(1, "oidc:jo"))
	lost := q.stepAs(2, "one", "os:eve", asksOf(1, "oidc:jo"))
	toNobody := q.step("one", "os:ada", asksOf(2, ""))
	q.settle()
	for name, try := range map[string]struct {
		who, position string
		want          bool
	}{
		"theirs": {"oidc:jo", asked, true}, "another's": {"oidc:kim", asked, false}, "of nobody": {"", toNobody, false}, "another step": {"os:ada", opened, false},
		"one that lost its number": {"oidc:jo", lost, false}, "an access": {"oidc:jo", proto.At(1, 0).String(), false},
		"nothing": {"oidc:jo", proto.At(1<<30, 0).String(), false}, "beyond its batch": {"oidc:jo", proto.At(1, 99).String(), false},
	} {
		position, err := proto.ParsePosition(try.position)
		if err != nil {
			t.Fatal(err)
		}
		now, found, err := q.service.QuestionNow(respondent(t, try.who), position)
		if err != nil || found != try.want || found && (now.Number != 1 || len(now.Steps) == 0) {
			t.Errorf("%s: %v, %v, %v", name, now, found, err)
		}
	}
}

// eventAt is the id of the access at a position.
func (p *places) eventAt(at proto.Position) []byte {
	p.t.Helper()
	b, err := p.readBatch(p.t.Context(), at.Sequence())
	if err != nil {
		p.t.Fatal(err)
	}
	it, err := b.Item(at.Index())
	if err != nil {
		p.t.Fatal(err)
	}
	return it.GetAccess().EventId
}

// putTo puts a question to somebody in a case, as the step of a number, and returns where; it shows an access within the limits and one elsewhere.
func (p *places) putTo(who, of string, version uint32) string {
	p.t.Helper()
	id, err := proto.ParseEventID(p.cases[of])
	if err != nil {
		p.t.Fatal(err)
	}
	e := asksOf(version-1, who, func(a *v1.CaseAsked) {
		a.Name, a.Text, a.Shown = "Jo", of, [][]byte{p.eventAt(p.inside), p.eventAt(p.outside)}
	})
	e.CaseId, e.Version, e.Asker, e.AtUs = id.Bytes(), version, "os:ada", begin.UnixMicro()
	defer p.settle()
	return p.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}}).String()
}

// TestMyQuestionsWithinLimits: limits hold for what is disclosed too, and the answer says that it is not complete; nobody shows what they
// may not see.
func TestMyQuestionsWithinLimits(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	for _, of := range []string{"here", "both"} {
		p.putTo("token:limited", of, 2)
	}
	res, err := questionsOf(respondent(t, "token:limited"), p.service)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Questions) != 1 || res.Questions[0].Text != "here" || len(res.Questions[0].Accesses) != 1 || res.Header.Limits == nil ||
		!strings.Contains(res.Header.Notes[0], "not complete") || p.lastQuestion().Limits == nil {
		t.Errorf("within limits: %v", res)
	}
	both, err := proto.ParsePosition(p.putTo("token:limited", "both", 3))
	if err != nil {
		t.Fatal(err)
	}
	if now, found, err := p.service.QuestionNow(respondent(t, "token:limited"), both); err != nil || found {
		t.Errorf("a question of a case that is not within limits: %v, %v, %v", now, found, err)
	}
	for at, want := range map[proto.Position]bool{p.inside: true, p.outside: false} {
		if may, err := p.service.MayShow(as(t.Context(), "token:limited", proto.RoleInvestigator), proto.EventID(p.eventAt(at))); err != nil || may != want {
			t.Errorf("shows at %v: %v, %v", at, may, err)
		}
	}
	if may, err := p.service.MayShow(as(t.Context(), "token:limited", proto.RoleInvestigator), mustMint(t, 7)); err != nil || may {
		t.Errorf("shows what is not there: %v", err)
	}
}

// TestRespondentsAskNothingElse walks every method of every service that answers: one answers a respondent, and each of the others
// refuses, whatever is asked, even under a glass that the configuration would let them break. Nothing of it is journaled.
func TestRespondentsAskNothingElse(t *testing.T) {
	h := newHospital(t, 17, 20)
	h.detect(6)
	requests := h.asking()
	server := h.served(proto.Caller{Name: "oidc:jo", Role: proto.RoleRespondent})
	before, walked := len(h.questions()), 0
	for _, service := range []protoreflect.FullName{"QueryService", "AlertService", "CaseService", "ScopeService", "ViewService"} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName("readtrail.v1." + service)
		if err != nil {
			t.Fatal(err)
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			if m.IsStreamingServer() || m.Name() == "MyQuestions" {
				continue
			}
			walked++
			for _, req := range []protobuf.Message{requests[service+"."+protoreflect.FullName(m.Name())], &v1.MyQuestionsRequest{}} {
				if req == nil {
					continue
				}
				if _, err := call(t.Context(), server, m, req); connect.CodeOf(err) != connect.CodePermissionDenied {
					t.Errorf("%s: %v", m.FullName(), err)
				}
			}
		}
	}
	jo := respondent(t, "oidc:jo")
	err := h.service.Scopes().Export(jo, &v1.ExportScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|a"}, Purpose: "p"}, func(*v1.ExportScopeResponse) error { return nil })
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("export: %v", err)
	}
	if _, err := h.service.SearchEvents(jo, api.EventSearch{Purpose: "p", Key: "all", Size: 10}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("search of events: %v", err)
	}
	c := h.config()
	c.Glass = api.Glass{Roles: proto.Roles(), Break: func(context.Context, *v1.GlassBroken) (proto.Position, error) {
		t.Error("a respondent broke the glass")
		return 1, nil
	}}
	glass := newService(t, c).Glasses()
	if _, err := glass.BreakGlass(jo, connect.NewRequest(&v1.BreakGlassRequest{Reason: "threat to the patient at the other site"})); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("the glass: %v", err)
	}
	if _, err := glass.ListBrokenGlass(jo, connect.NewRequest(&v1.ListBrokenGlassRequest{})); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("the list of broken glasses: %v", err)
	}
	if _, err := glass.ReviewBrokenGlass(jo, connect.NewRequest(&v1.ReviewBrokenGlassRequest{})); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a review: %v", err)
	}
	if n := len(h.questions()) - before; n != 0 || walked < 20 {
		t.Errorf("%d methods, %d questions journaled", walked, n)
	}
}
