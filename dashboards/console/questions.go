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
	// Kept is an answer that was not taken; a row that takes answers has it in its field, and else it stands under what is said.
	Kept *keptAnswer
	// Unlisted says that there is no list at the moment.
	Unlisted bool
	Basis    *basis
}

// keptAnswer is what was typed to a question.
type keptAnswer struct {
	Of, Text string
	// Closed says that its question takes no answer any more; Placed, that its row has it.
	Closed, Placed bool
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
	page := questionsPage{Said: v.told()}
	if form := v.session.views.refusedStep(unsentAnswer); form != nil {
		page.Kept = &keptAnswer{Of: form.Get("question"), Text: form.Get("text")}
	}
	return c.questionsPage(v, http.StatusOK, page)
}

func (c *Console) questionsPage(v *visit, status int, page questionsPage) error {
	query := v.r.URL.Query()
	page.Only = query.Get("waiting") == "1"
	res, err := c.cfg.Cases.MyQuestions(v.r.Context(), connect.NewRequest(&v1.MyQuestionsRequest{
		Waiting: page.Only, Page: &v1.Page{Token: query.Get("page")},
	}))
	switch {
	case err != nil && page.Kept != nil: // what was typed is worth more than the list
		page.Unlisted = true
		return v.render(status, "questions", page)
	case err != nil:
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
		if k := page.Kept; k != nil && q.Question == k.Of {
			if k.Closed, k.Placed = q.Closed, !q.Closed; k.Placed {
				row.Kept = k.Text
			}
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

// answerQuestion journals an answer. What was not taken stays on the page, whatever the reason.
func (c *Console) answerQuestion(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	f := fields{v.r.PostForm, c.cfg.TimeZone, v.now}
	question, text := f.text("question"), f.text("text")
	_, err := c.cfg.Casework.AnswerQuestion(v.r.Context(), connect.NewRequest(&v1.AnswerQuestionRequest{Question: question, Text: text}))
	if err == nil {
		v.session.views.dropStep(unsentAnswer)
		v.tell("/questions", said{Text: "Your answer is journaled."})
		return nil
	}
	status := http.StatusUnprocessableEntity
	why, err := v.refusedBecause("Your answer was not taken", err)
	if err != nil {
		failure := v.failed(err)
		status, why = failure.status, "It is not known whether your answer was taken; if it was, your questions say so. "+failure.Title+". "+failure.Advice
	}
	page := questionsPage{Said: &said{Text: why, Fault: true}}
	if text != "" {
		page.Kept = &keptAnswer{Of: question, Text: text}
	}
	return c.questionsPage(v, status, page)
}
