package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// answering is the purpose of whoever reads the questions that were put to them.
	answering = "answer questions put to me"
	// maxMyQuestions bounds a page: each question shows up to 50 accesses, which are read in the journal.
	maxMyQuestions = 20
)

// MyQuestions answers what the caller is asked, and what was disclosed with it. It is the one answer that respondents get. What a case is
// about is not asked here: that a reader may be asked about their own accesses is what a question is for.
func (s *Service) MyQuestions(ctx context.Context, req *connect.Request[v1.MyQuestionsRequest]) (*connect.Response[v1.MyQuestionsResponse], error) {
	ctx = proto.WithGlass(ctx, "") // what was put to oneself lies behind no glass
	return answer(ctx, s, queryMyQuestions, isAsked, func(ctx context.Context, c proto.Caller) (*v1.MyQuestionsResponse, error) {
		return s.myQuestions(ctx, c, req.Msg)
	})
}

func (s *Service) myQuestions(ctx context.Context, c proto.Caller, m *v1.MyQuestionsRequest) (*v1.MyQuestionsResponse, error) {
	size, err := pageSize(m.Page)
	if err != nil {
		return nil, err
	}
	size = min(size, maxMyQuestions)
	hash := questionHash(queryMyQuestions, c.Name, strconv.FormatBool(m.Waiting))
	token, err := parseToken(m.Page.GetToken(), hash)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryMyQuestions, strconv.FormatBool(m.Waiting), answering, m.QuestionId)
	if err != nil {
		return nil, err
	}
	a.disclosed = true
	p, err := s.pin(ctx, 0, token)
	if err == nil && token.Page == 0 {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_CASE)
	}
	if err != nil {
		return nil, err
	}
	all, err := p.questionsTo(ctx, c.Name)
	if err != nil {
		return nil, err
	}
	res := &v1.MyQuestionsResponse{}
	var rows []putQuestion
	for _, q := range all {
		waits := q.waits()
		if waits {
			res.Waiting++
		}
		if (waits || !m.Waiting) && (token.AfterPosition == 0 || q.position < token.AfterPosition) {
			rows = append(rows, q)
		}
	}
	told, err := s.tellQuestions(ctx, p.limits, rows[:min(len(rows), size)])
	if err != nil {
		return nil, err
	}
	res.Questions = told.questions
	if n := len(told.questions); n < len(rows) {
		res.NextPageToken = PageToken{
			Question: hash, Version: p.version, Position: p.position, Page: max(token.Page, 1) + 1, AfterPosition: rows[n-1].position,
		}.String()
	}
	res.Header = p.questionsHeader(s.cfg.TimeZone)
	res.Header.Notes = append(res.Header.Notes, told.notes...)
	return res, s.journal(ctx, a, res.Header, told.look)
}

// questionsHeader says what the answer rests on. It is of no period: which sources there are, and what they lacked, is no business of a
// respondent.
func (p *pin) questionsHeader(zone *time.Location) *v1.AnswerHeader {
	h := &v1.AnswerHeader{
		Position: uint64(p.position), AsOfUs: p.received, JournalPosition: uint64(p.journal), ProjectionVersion: p.version, TimeZone: zone.String(),
		Behind: p.behind,
	}
	if p.behind > 0 {
		h.Notes = append(h.Notes, fmt.Sprintf("Not known yet: the projections are %d messages behind, and more may have been asked. Ask again in a moment.", p.behind))
	}
	p.limitHeader(h)
	return h
}

// putQuestion is a question that was put to somebody, and what became of it.
type putQuestion struct {
	position proto.Position
	entry    *v1.CaseEntry
	// answers are those of whom it was put to, oldest first.
	answers  []*v1.MyAnswer
	answered bool
	closed   bool
}

// waits reports whether an answer is waited for.
func (q putQuestion) waits() bool { return !q.answered && !q.closed }

// questionsTo are the questions to somebody in any case, latest first. Those alone that count in their case.
func (p *pin) questionsTo(ctx context.Context, name string) (out []putQuestion, err error) {
	last, now := "", &cases.State{}
	err = p.query(ctx, "my_questions", store.Params{"to": name}, func(row store.Row) error {
		var id, body string
		var position uint64
		var version uint32
		if err := row.Scan(&id, &position, &version, &body); err != nil {
			return err
		}
		step := cases.Step{Position: proto.Position(position), Entry: &v1.CaseEntry{Version: version, Body: &v1.CaseEntry_Noted{}}}
		if body != "" {
			var err error
			if step, err = caseStep(position, body); err != nil {
				return err
			}
		}
		if id != last {
			out = append(out, questionsIn(now, name)...)
			last, now = id, &cases.State{}
		}
		now.Apply(step)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read questions: %w", err)
	}
	out = append(out, questionsIn(now, name)...)
	slices.SortFunc(out, func(a, b putQuestion) int { return cmp.Compare(b.position, a.position) })
	return out, nil
}

// questionsIn are the questions to somebody in one case.
func questionsIn(now *cases.State, name string) (out []putQuestion) {
	for _, step := range now.Steps {
		asked := step.Entry.GetAsked()
		if asked == nil || asked.To != name {
			continue
		}
		q := putQuestion{position: step.Position, entry: step.Entry, closed: !now.Open()}
		for _, later := range now.Steps {
			given := later.Entry.GetAnswered()
			if given == nil || given.Question != asked.Question {
				continue
			}
			q.answered = true
			if later.Entry.Asker == name {
				q.answers = append(q.answers, &v1.MyAnswer{Text: given.Text, AtUs: later.Entry.AtUs})
			}
		}
		out = append(out, q)
	}
	return out
}

// QuestionNow is what a command on a question must know of it.
type QuestionNow struct {
	Case  proto.EventID
	Steps []cases.Step
	// Number is the question's in its case.
	Number uint32
}

// QuestionNow finds the case of a question that was put to the caller in ctx, whether it is about them or not; false: nothing was put to
// them there, or it does not count in its case. Where that is not known yet, code unavailable. It answers no person,
// so it is no question; the answer that is written is journaled.
func (s *Service) QuestionNow(ctx context.Context, position proto.Position) (QuestionNow, bool, error) {
	ctx = proto.WithGlass(ctx, "")
	e, err := s.entry(ctx, "question", position.String(), v1.Kind_KIND_CASE)
	if isNotFound(err) {
		return QuestionNow{}, false, nil
	}
	if err != nil {
		return QuestionNow{}, false, err
	}
	asked := e.item.GetCaseEntry().GetAsked()
	if asked == nil || asked.To == "" || asked.To != proto.CallerFrom(ctx).Name {
		return QuestionNow{}, false, nil
	}
	id, err := proto.EventIDFromBytes(e.item.GetCaseEntry().CaseId)
	if err != nil {
		return QuestionNow{}, false, fmt.Errorf("read step: %w: %w", err, proto.ErrCorrupt)
	}
	p, err := s.pin(ctx, 0, PageToken{})
	if err == nil {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_CASE)
	}
	if err != nil {
		return QuestionNow{}, false, err
	}
	x, steps, err := s.caseAt(ctx, p, id)
	if err != nil {
		return QuestionNow{}, false, err
	}
	counts := slices.ContainsFunc(x.Steps, func(step cases.Step) bool { return step.Position == position })
	if !counts && p.behind > 0 {
		err := errors.New("the projections do not hold the question yet: try again in a moment")
		return QuestionNow{}, false, connect.NewError(connect.CodeUnavailable, err)
	}
	return QuestionNow{Case: id, Steps: steps, Number: asked.Question}, counts, nil
}

func isNotFound(err error) bool { return err != nil && connect.CodeOf(err) == connect.CodeNotFound }
