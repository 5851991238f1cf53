package cli_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const anEvent = "2Zs4T8sD1pS1o3yM1sYQbS3rT4a"

func (f *files) MyQuestions(_ context.Context, req *connect.Request[v1.MyQuestionsRequest]) (*connect.Response[v1.MyQuestionsResponse], error) {
	f.mine = req.Msg
	return connect.NewResponse(&v1.MyQuestionsResponse{Header: judgedHeader(), Waiting: 1, NextPageToken: "t2", Questions: []*v1.MyQuestion{
		{Question: "49152", Asker: "os:ada", AskedUs: day, Respondent: 1, Text: "Why?\n\x1b[31mreally", Accesses: []*v1.ShownAccess{{
			Number: 3, OccurredUs: day, Action: v1.Action_ACTION_PRINT, Objects: []string{"note", "image"},
			Reader:   &v1.Reader{Name: "Jo Doe", Identifiers: []*v1.Identifier{{Value: "jo7"}}, Department: "Radiology", Role: &v1.Coding{Code: "nurse"}},
			Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{Value: "record ABCDEFGH"}}}, {Text: "Max", Identifiers: []*v1.Identifier{{Value: "4711"}}}},
		}, {Number: 4, EventId: anEvent, OccurredUs: day}}},
		{Question: "45056", Asker: "os:ben", AskedUs: day, Respondent: 2, Text: "Whose task?", Answers: []*v1.MyAnswer{{Text: "Mine.", AtUs: day}, {Text: "Theirs.", AtUs: day + 60e6}}},
		{Question: "40960", Asker: "os:ben", AskedUs: day, Respondent: 3, Text: "Seen?", SetDown: true},
		{Question: "36864", Asker: "os:ben", AskedUs: day, Respondent: 3, Text: "Late?", Closed: true},
	}}), nil
}

func (f *files) AnswerQuestion(_ context.Context, req *connect.Request[v1.AnswerQuestionRequest]) (*connect.Response[v1.AnswerQuestionResponse], error) {
	if f.answered = req.Msg; f.refusal != nil {
		return nil, f.refusal
	}
	return connect.NewResponse(&v1.AnswerQuestionResponse{Position: 77}), nil
}

// TestMyQuestions: who is asked reads what, by whom, with which accesses, and how to answer.
func TestMyQuestions(t *testing.T) {
	f := &files{}
	conn := f.serve(t)
	var out bytes.Buffer
	if err := (cli.Questions{Waiting: true, Limit: 7, Page: "t1"}).Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	if !f.mine.Waiting || f.mine.Page.Size != 7 || f.mine.Page.Token != "t1" {
		t.Errorf("asked %v", f.mine)
	}
	for _, want := range []string{
		"1 waits for your answer", "49152", "asked by os:ada, as the reader: waits for your answer", "Jo Doe (jo7)", "Radiology", "nurse", "print", "note, image",
		"record ABCDEFGH; Max (4711)  3\n", "4, event " + anEvent, "answered 20", "    Mine.", "corrected 20", "    Theirs.", "set down by others", "Late?", "readtrail answer ID TEXT", "--page t2",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a control character reaches the terminal")
	}
	if t.Failed() {
		t.Log(out.String())
	}
	out.Reset()
	if err := (cli.Questions{JSON: true}).Run(t.Context(), conn, &out); err != nil || !strings.Contains(out.String(), `"setDown"`) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestAnswer: what is typed is sent; what is refused is said in words.
func TestAnswer(t *testing.T) {
	f := &files{}
	conn := f.serve(t)
	var out bytes.Buffer
	if err := (cli.Answer{Question: "49152", Text: "I was on call."}).Run(t.Context(), conn, &out); err != nil {
		t.Fatal(err)
	}
	if f.answered.Question != "49152" || f.answered.Text != "I was on call." || !strings.Contains(out.String(), "position 77") {
		t.Errorf("sent %v, said %q", f.answered, out.String())
	}
	f.refusal = connect.NewError(connect.CodeFailedPrecondition, errors.New("no answer is taken any more: the matter is closed"))
	if err := (cli.Answer{Question: "49152", Text: "x"}).Run(t.Context(), conn, &out); err == nil || !strings.Contains(cli.Explain(err), "the matter is closed") {
		t.Errorf("%v", err)
	}
}

// TestCaseAskShows: who answers, and what they are shown, reach the case's step; what is no id is refused before anything is sent.
func TestCaseAskShows(t *testing.T) {
	f := &files{one: wholeCase()}
	conn := f.serve(t)
	q := cli.CaseAsk{CaseStep: cli.CaseStep{Case: aCase, Version: 9}, Respondent: "reader", Name: "Doe, J.", Text: "Why?", To: "oidc:jo", Show: []string{anEvent}, Patients: true}
	if err := q.Run(t.Context(), conn, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if a := f.written.GetAsked(); a.GetTo() != "oidc:jo" || !a.Patients || len(a.Shown) != 1 || proto.EventID(a.Shown[0]).String() != anEvent {
		t.Errorf("wrote %v", a)
	}
	f.written = nil
	q.Show = []string{"4711"} // a position, of which this server knows nothing
	if err := q.Run(t.Context(), conn, &bytes.Buffer{}); err == nil || f.written != nil {
		t.Errorf("%v, wrote %v", err, f.written)
	}
}

// TestWhatIsWrongWithAQuestionIsToldByItsFlag: casework names fields, and whoever types knows flags.
func TestWhatIsWrongWithAQuestionIsToldByItsFlag(t *testing.T) {
	for field, flag := range map[string]string{
		"respondent": "--respondent", "name": "--name", "text": "--text", "to": "--to", "shown": "--show", "patients": "--patients",
	} {
		f := &files{one: wholeCase(), refusal: connect.NewError(connect.CodeInvalidArgument, errors.New(field+": what is wrong"))}
		q := cli.CaseAsk{CaseStep: cli.CaseStep{Case: aCase, Version: 9}, Respondent: "reader", Name: "Doe, J.", Text: "Why?", To: "oidc:jo", Show: []string{anEvent}}
		err := q.Run(t.Context(), f.serve(t), &bytes.Buffer{})
		if err == nil {
			t.Fatalf("%s: not refused", field)
		}
		if text := cli.Explain(err); !strings.Contains(text, flag+": what is wrong") {
			t.Errorf("%s: says %q", field, text)
		}
	}
}

// unasked is a server that has no question for anybody.
type unasked struct{ files }

func (*unasked) MyQuestions(context.Context, *connect.Request[v1.MyQuestionsRequest]) (*connect.Response[v1.MyQuestionsResponse], error) {
	return connect.NewResponse(&v1.MyQuestionsResponse{Header: judgedHeader()}), nil
}

// TestNobodyAsked: that nothing was ever asked is something else than that all is answered.
func TestNobodyAsked(t *testing.T) {
	for _, tt := range []struct {
		ask  cli.Questions
		want string
	}{
		{cli.Questions{}, "Nobody has put a question to you.\n"},
		{cli.Questions{Waiting: true}, "No question waits for your answer.\n"},
		{cli.Questions{Page: "t2"}, "No more questions.\n"},
	} {
		f := &unasked{}
		var out bytes.Buffer
		if err := tt.ask.Run(t.Context(), serveFiles(t, f, f), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), "\n\n"+tt.want) || strings.Contains(out.String(), "readtrail answer") {
			t.Errorf("%+v: %q", tt.ask, out.String())
		}
	}
}
