package console

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// questionsPage is what somebody is asked in cases. It is all that respondents see.
type questionsPage struct {
	Waiting uint64
	// Only shows those alone that wait for an answer.
	Only bool
	Rows []questionRow
	Next string
	Said *said
	// Kept is what was typed in an answer that was not taken, Of its question.
	Kept, Of string
	Basis    *basis
}

type questionRow struct {
	ID, Asker, As, State, Text string
	Asked                      *moment
	Waits, Closed, Answered    bool
	Accesses                   []shownRow
	Answers                    []answerRow
	Kept                       string
}

type shownRow struct {
	When                                        *moment
	Reader, Duty, Action, Objects, Patients, ID string
}

type answerRow struct {
	When *moment
	Text string
	// Corrects says that there was one before.
	Corrects bool
}

func (c *Console) serveQuestions(v *visit) error {
	return c.questionsPage(v, http.StatusOK, questionsPage{Said: v.session.views.takeSaid()})
}

func (c *Console) questionsPage(v *visit, status int, page questionsPage) error {
	query := v.r.URL.Query()
	page.Only = query.Get("waiting") == "1"
	res, err := c.cfg.Cases.MyQuestions(v.r.Context(), connect.NewRequest(&v1.MyQuestionsRequest{
		Waiting: page.Only, Page: &v1.Page{Token: query.Get("page")},
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m := res.Msg
	at := c.clockOf(m.Header)
	page.Waiting, page.Basis = m.Waiting, c.basisOf(m.Header)
	page.Basis.Timeless = true
	if m.NextPageToken != "" {
		page.Next = "/questions?page=" + m.NextPageToken
		if page.Only {
			page.Next += "&waiting=1"
		}
	}
	for _, q := range m.Questions {
		row := questionRow{
			ID: q.Question, Asker: q.Asker, As: words.Respondent(q.Respondent), State: words.QuestionState(q), Text: q.Text, Asked: at.at(q.AskedUs),
			Waits: len(q.Answers) == 0 && !q.SetDown && !q.Closed, Closed: q.Closed, Answered: len(q.Answers) > 0 || q.SetDown,
		}
		if q.Question == page.Of {
			row.Kept = page.Kept
		}
		for _, a := range q.Accesses {
			row.Accesses = append(row.Accesses, shownRowOf(at, a))
		}
		for i, a := range q.Answers {
			row.Answers = append(row.Answers, answerRow{When: at.at(a.AtUs), Text: a.Text, Corrects: i > 0})
		}
		page.Rows = append(page.Rows, row)
	}
	return v.render(status, "questions", page)
}

func shownRowOf(at clock, a *v1.ShownAccess) shownRow {
	return shownRow{
		When: at.at(a.OccurredUs), Reader: words.ReaderShown(a.Reader), Duty: joined(coding(a.GetReader().GetRole()), a.GetReader().GetDepartment()),
		Action: words.Enum(a.Action.String(), "ACTION_"), Objects: strings.Join(a.Objects, ", "), Patients: words.PatientsShown(a.Patients), ID: words.AccessShown(a),
	}
}

// answerQuestion journals an answer. What was not taken stays in its field.
func (c *Console) answerQuestion(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	f := fields{v.r.PostForm, c.cfg.TimeZone, v.now}
	question, text := f.text("question"), f.text("text")
	_, err := c.cfg.Casework.AnswerQuestion(v.r.Context(), connect.NewRequest(&v1.AnswerQuestionRequest{Question: question, Text: text}))
	if err == nil {
		v.session.views.say(said{Text: "Your answer is journaled."})
		v.redirect("/questions")
		return nil
	}
	why, err := v.refusedBecause("Your answer was not taken", err)
	if err != nil {
		return err
	}
	return c.questionsPage(v, http.StatusUnprocessableEntity, questionsPage{Said: &said{Text: why, Fault: true}, Kept: text, Of: question})
}
