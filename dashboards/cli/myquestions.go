package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Questions is `readtrail questions`.
type Questions struct {
	Waiting bool   `help:"Those alone that wait for an answer."`
	Limit   uint32 `help:"Questions to print, at most 20 a page." default:"20"`
	Page    string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	JSON    bool   `help:"Write the answer as JSON."`
}

// Run asks and prints.
func (q Questions) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.cases().MyQuestions(ctx, connect.NewRequest(&v1.MyQuestionsRequest{
		Waiting: q.Waiting, Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}))
	if err != nil {
		return inFlags(fmt.Errorf("ask for questions: %w", err))
	}
	a := res.Msg
	if q.JSON {
		return writeJSON(w, a)
	}
	fmt.Fprintf(w, "Questions to you\n\n")
	writeHeader(w, a.Header)
	fmt.Fprintf(w, "\n%s\n", q.summary(a))
	at := clockOf(a.Header).at
	for _, one := range a.Questions {
		if err := writeMyQuestion(w, at, one); err != nil {
			return err
		}
	}
	if a.Waiting > 0 {
		fmt.Fprintln(w, "\nAnswer one: readtrail answer ID TEXT")
	}
	if a.NextPageToken != "" {
		fmt.Fprintf(w, "More: --page %s\n", a.NextPageToken)
	}
	return nil
}

// summary says how many wait; of none at all, why: that nothing was ever asked is no "all answered".
func (q Questions) summary(a *v1.MyQuestionsResponse) string {
	switch {
	case len(a.Questions) > 0 || a.Waiting > 0:
		return count(a.Waiting, "waits", "wait") + " for your answer."
	case q.Page != "":
		return "No more questions."
	case q.Waiting:
		return "No question waits for your answer."
	}
	return "Nobody has put a question to you."
}

func writeMyQuestion(w io.Writer, at func(int64) string, q *v1.MyQuestion) error {
	fmt.Fprintf(w, "\n%s  %s  asked by %s, as %s: %s\n", printable(q.Question), at(q.AskedUs), printable(q.Asker), words.Respondent(q.Respondent), words.QuestionState(q))
	under := func(text string) {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(w, "    %s\n", printable(line))
		}
	}
	under(q.Text)
	if len(q.Accesses) > 0 {
		t := &table{columns: []string{"when", "who", "role", "department", "what", "of", "patient", "access"}}
		for _, a := range q.Accesses {
			r := a.GetReader()
			t.add(at(a.OccurredUs), words.ReaderShown(r), words.CodingText(r.GetRole()), r.GetDepartment(), words.Enum(a.Action.String(), "ACTION_"),
				strings.Join(a.Objects, ", "), words.PatientsShown(a.Patients), words.AccessShown(a))
		}
		if err := t.text(w); err != nil {
			return err
		}
	}
	for i, answer := range q.Answers {
		name := "answered"
		if i > 0 {
			name = "corrected"
		}
		fmt.Fprintf(w, "  %s %s\n", name, at(answer.AtUs))
		under(answer.Text)
	}
	return nil
}

// Answer is `readtrail answer ID TEXT`.
type Answer struct {
	Question string `arg:"" help:"The question: its number, as readtrail questions lists it."`
	Text     string `arg:"" help:"Your statement, up to 4000 characters. It is journaled; a later one corrects it, and all are kept."`
	JSON     bool   `help:"Write the answer as JSON."`
}

// Run answers.
func (q Answer) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.casework().AnswerQuestion(ctx, connect.NewRequest(&v1.AnswerQuestionRequest{Question: q.Question, Text: q.Text}))
	if err != nil {
		return fmt.Errorf("answer a question: %w", err)
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	fmt.Fprintf(w, "answered, at journal position %d\n", res.Msg.Position)
	return nil
}
