package casework_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/casework"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// findQuestion is the read side's: it reads the question in the journal, and knows the steps that it knows. Whom the case is about does
// not matter to it.
func (o *office) findQuestion(ctx context.Context, position proto.Position) (casework.Question, bool, error) {
	for _, k := range o.Kept() {
		e := k.Item.GetCaseEntry()
		if k.Position != position || e.GetAsked() == nil || e.GetAsked().To != proto.CallerFrom(ctx).Name {
			continue
		}
		id, err := proto.EventIDFromBytes(e.CaseId)
		if err != nil {
			return casework.Question{}, false, err
		}
		q := casework.Question{Case: id, Number: e.GetAsked().Question}
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, known := range o.known {
			if other := known.Item.GetCaseEntry(); other != nil && string(other.CaseId) == string(id[:]) {
				q.Steps = append(q.Steps, cases.Step{Position: known.Position, Entry: other})
			}
		}
		return q, true, nil
	}
	return casework.Question{}, false, nil
}

func (o *office) findShown(_ context.Context, id proto.EventID) (bool, error) {
	return o.shown[id], nil
}

// put asks somebody in a case, and returns the question's id.
func (f *file) put(ctx context.Context, to string, shown ...proto.EventID) string {
	f.o.t.Helper()
	m := &v1.CaseAsked{Respondent: v1.Respondent_RESPONDENT_READER, Name: "Doe, J.", Text: "Why did you open it?", To: to}
	for _, id := range shown {
		m.Shown = append(m.Shown, id.Bytes())
	}
	f.must(ctx, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: m}})
	kept := f.o.Kept()
	return kept[len(kept)-1].Position.String()
}

func (o *office) answer(ctx context.Context, question, text string) (uint64, connect.Code) {
	res, err := o.service.AnswerQuestion(ctx, connect.NewRequest(&v1.AnswerQuestionRequest{Question: question, Text: text}))
	if err != nil {
		return 0, connect.CodeOf(err)
	}
	return res.Msg.Position, 0
}

// said are the answers that the journal holds of a case.
func (f *file) said() (out []string) {
	for _, e := range f.entries() {
		if a := e.GetAnswered(); a != nil {
			out = append(out, e.Asker+", "+e.Role+": "+a.Text)
		}
	}
	return out
}

// TestAnswerQuestion: whom a question was put to answers it, and corrects the answer, whatever else happens in the case; nobody else does;
// what was sent twice is stored once.
func TestAnswerQuestion(t *testing.T) {
	for _, looks := range []bool{true, false} { // with a read side that keeps up, and with one that knows the case's first step alone
		o := newOffice(t)
		officer := caller(proto.RolePrivacyOfficer, "os:ada")
		jo, kim := caller(proto.RoleRespondent, "oidc:jo"), caller(proto.RoleRespondent, "oidc:kim")
		f := o.newFile().must(officer, o.opening(""))
		o.look()
		q := f.put(officer, "oidc:jo")
		look := func() {
			if looks {
				o.look()
			}
		}
		look()
		for name, try := range map[string]struct {
			ctx      context.Context
			question string
			text     string
			want     connect.Code
		}{
			"somebody else":        {kim, q, "mine", connect.CodeNotFound},
			"who asked":            {officer, q, "mine", connect.CodeNotFound},
			"nobody":               {context.Background(), q, "mine", connect.CodeUnauthenticated},
			"a source":             {proto.WithCaller(context.Background(), proto.Caller{Name: "oidc:jo", Source: "ehr"}), q, "mine", connect.CodePermissionDenied},
			"no question":          {jo, "4097", "mine", connect.CodeNotFound},
			"no number":            {jo, "x", "mine", connect.CodeInvalidArgument},
			"no words":             {jo, q, "  ", connect.CodeInvalidArgument},
			"too many":             {jo, q, strings.Repeat("x", 4001), connect.CodeInvalidArgument},
			"no plain text":        {jo, q, "a\x1b[31m", connect.CodeInvalidArgument},
			"the step of a case":   {jo, proto.At(1, 0).String(), "mine", connect.CodeNotFound},
			"their name in a role": {caller(proto.RoleAdministrator, "oidc:kim"), q, "mine", connect.CodeNotFound},
		} {
			if _, code := o.answer(try.ctx, try.question, try.text); code != try.want {
				t.Errorf("%s: %v", name, code)
			}
		}
		first, code := o.answer(jo, q, "I was on call.")
		if code != 0 {
			t.Fatalf("not taken: %v", code)
		}
		look()
		if again, code := o.answer(jo, q, "I was on call."); code != 0 || again != first {
			t.Errorf("sent again: %v, at %d and %d", code, first, again)
		}
		f.version++
		f.must(officer, noted("Between the two.")) // whoever asks works on meanwhile
		look()
		if _, code := o.answer(jo, q, "I was on call for ward 7."); code != 0 {
			t.Errorf("a correction: %v", code)
		}
		want := []string{"oidc:jo, respondent: I was on call.", "oidc:jo, respondent: I was on call for ward 7."}
		if diff := cmp.Diff(want, f.said()); diff != "" {
			t.Error(diff)
		}
		for n := len(want); n < 20; n++ {
			if _, code := o.answer(jo, q, strings.Repeat("x", n)); code != 0 {
				t.Fatalf("answer %d: %v", n+1, code)
			}
		}
		if _, code := o.answer(jo, q, "once more"); code != connect.CodeFailedPrecondition {
			t.Errorf("the 21st answer: %v", code)
		}
		if strings.Contains(o.logged.String(), "on call") {
			t.Error("the log has what was stated")
		}
	}
}

// TestAnswerOfAClosedCase: a closed case takes no answer, a reopened one does, and a journal that fails keeps none.
func TestAnswerOfAClosedCase(t *testing.T) {
	o := newOffice(t)
	officer, jo := caller(proto.RolePrivacyOfficer, "os:ada"), caller(proto.RoleRespondent, "oidc:jo")
	f := o.newFile().must(officer, o.opening(""))
	q := f.put(officer, "oidc:jo")
	f.must(officer, assessed(func(a *v1.BreachAssessed) { a.Conclusion = v1.BreachConclusion_BREACH_CONCLUSION_NOT_PHI }), concluded(), closed())
	o.look()
	if _, code := o.answer(jo, q, "I was on call."); code != connect.CodeFailedPrecondition || len(f.said()) != 0 {
		t.Errorf("closed: %v, %q", code, f.said())
	}
	f.must(officer, reopenedCase())
	o.Fail = func([]ingest.Entry) error { return errors.New("disk is full") }
	if _, code := o.answer(jo, q, "I was on call."); code != connect.CodeUnavailable || len(f.said()) != 0 {
		t.Errorf("not journaled: %v, %q", code, f.said())
	}
	o.Fail = nil
	if _, code := o.answer(jo, q, "I was on call."); code != 0 || len(f.said()) != 1 {
		t.Errorf("reopened: %v, %q", code, f.said())
	}
}

// TestSubjectOfACaseAnswers: who a case is about may be asked in it; they answer, and the case stays kept from them.
func TestSubjectOfACaseAnswers(t *testing.T) {
	o := newOffice(t)
	officer, jo := caller(proto.RolePrivacyOfficer, "os:ada"), caller(proto.RolePrivacyOfficer, "oidc:jo")
	o.about = map[string]proto.EventID{"oidc:jo": o.alert}
	f := o.newFile().must(officer, o.opening(""))
	q := f.put(officer, "oidc:jo")
	o.look()
	if code := f.write(jo, noted("I was here")); code != connect.CodeNotFound {
		t.Errorf("the case: %v", code)
	}
	if _, code := o.answer(jo, q, "I was on call."); code != 0 {
		t.Errorf("the answer: %v", code)
	}
}

// TestWhatIsShown: accesses are disclosed to who answers, each once, at most 50, and only what whoever asks may open; and who
// answers is named as somebody can sign in.
func TestWhatIsShown(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:ada")
	o.shown = map[proto.EventID]bool{}
	ids := make([][]byte, 51)
	for i := range ids {
		id := proto.NewEventID(proto.EventIdentity{Source: "ehr", Key: []byte{byte(i)}, Recorded: now})
		ids[i], o.shown[id] = id.Bytes(), i != 1
	}
	f := o.newFile().must(officer, o.opening(""))
	for _, tt := range []struct {
		name string
		edit func(a *v1.CaseAsked)
		want connect.Code
	}{
		{"none", func(*v1.CaseAsked) {}, 0},
		{"some", func(a *v1.CaseAsked) { a.Shown, a.Patients = [][]byte{ids[0], ids[2]}, true }, 0},
		{"50", func(a *v1.CaseAsked) { a.Shown = append([][]byte{ids[0]}, ids[2:]...) }, 0},
		{"51", func(a *v1.CaseAsked) { a.Shown = ids }, connect.CodeInvalidArgument},
		{"one that is not theirs", func(a *v1.CaseAsked) { a.Shown = ids[:2] }, connect.CodeInvalidArgument},
		{"one twice", func(a *v1.CaseAsked) { a.Shown = [][]byte{ids[0], ids[0]} }, connect.CodeInvalidArgument},
		{"no id", func(a *v1.CaseAsked) { a.Shown = [][]byte{{1}} }, connect.CodeInvalidArgument},
		{"to nobody", func(a *v1.CaseAsked) { a.To, a.Shown = "", ids[:1] }, connect.CodeInvalidArgument},
		{"patients of none", func(a *v1.CaseAsked) { a.Patients = true }, connect.CodeInvalidArgument},
		{"to a name of 200 characters", func(a *v1.CaseAsked) { a.To = "oidc:" + strings.Repeat("ä", 200) }, 0},
		{"to a longer name", func(a *v1.CaseAsked) { a.To = "oidc:" + strings.Repeat("ä", 201) }, connect.CodeInvalidArgument},
		{"to a name of two words", func(a *v1.CaseAsked) { a.To = "oidc:Jäger, Ida 山田" }, 0},
		{"to a name with an invisible character", func(a *v1.CaseAsked) { a.To = "oidc:jo\u200b" }, connect.CodeInvalidArgument},
		{"to a name that turns its direction", func(a *v1.CaseAsked) { a.To = "oidc:\u202ejo" }, connect.CodeInvalidArgument},
		{"to a name with a soft hyphen", func(a *v1.CaseAsked) { a.To = "oidc:j\u00ado" }, connect.CodeInvalidArgument},
		{"to a name with another space", func(a *v1.CaseAsked) { a.To = "oidc:jo\u00a0doe" }, connect.CodeInvalidArgument},
		{"to a name and a space", func(a *v1.CaseAsked) { a.To = "oidc:jo " }, connect.CodeInvalidArgument},
		{"to a name of no kind", func(a *v1.CaseAsked) { a.To = "jo" }, connect.CodeInvalidArgument},
	} {
		m := &v1.CaseAsked{Respondent: v1.Respondent_RESPONDENT_READER, Name: "Doe, J.", Text: "Why?", To: "oidc:jo"}
		tt.edit(m)
		if code := f.write(officer, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: m}}); code != tt.want {
			t.Errorf("%s: %v", tt.name, code)
		}
	}
}
