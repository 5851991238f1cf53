package casework

import (
	"context"
	"errors"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxShown bounds the accesses that are disclosed with a question (case.proto): each is read from the journal when it is told.
	maxShown = 50
	// maxAnswers bounds the answers of one respondent to one question: a case must not be filled by whom it asks.
	maxAnswers = 20
)

// checkShown refuses what cannot be disclosed with a question.
func checkShown(a *v1.CaseAsked) error {
	switch {
	case len(a.Shown) > maxShown:
		return invalid("shown", "at most 50 accesses")
	case len(a.Shown) > 0 && a.To == "":
		return invalid("shown", "to whom: accesses are shown to who answers through Readtrail")
	case a.Patients && len(a.Shown) == 0:
		return invalid("patients", "of which accesses")
	}
	return checkIDs("shown", a.Shown)
}

// shows refuses to disclose what is not there for the caller: nobody shows others what they may not see.
func (s *Service) shows(ctx context.Context, asked *v1.CaseAsked) error {
	for _, b := range asked.GetShown() {
		id, err := proto.EventIDFromBytes(b)
		if err != nil {
			return invalid("shown", "ids, each once") // checked before
		}
		there, err := s.cfg.Shown(ctx, id)
		if err != nil {
			return s.unavailable(ctx, "find an access", err)
		}
		if !there {
			return invalid("shown", "ids of accesses that you can open")
		}
	}
	return nil
}

func noQuestion() error {
	return connect.NewError(connect.CodeNotFound, errors.New("there is no such question to you"))
}

// AnswerQuestion implements readtrailv1connect.CaseworkServiceHandler. Who is asked need not know the case, and its steps are none of
// their business: the answer follows whatever step is the latest. Sending the last answer again is answered with its position and stores
// nothing.
func (s *Service) AnswerQuestion(ctx context.Context, req *connect.Request[v1.AnswerQuestionRequest]) (*connect.Response[v1.AnswerQuestionResponse], error) {
	caller := proto.CallerFrom(ctx)
	switch {
	case caller.Name == "":
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("who is asking is not known: send a token"))
	case caller.Role == "":
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("questions are put to people"))
	}
	put, err := proto.ParsePosition(req.Msg.Question)
	if err != nil {
		return nil, invalid("question", "as the list of your questions names it")
	}
	if err := checkText("text", req.Msg.Text, 1, maxLong); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	q, found, err := s.cfg.Question(ctx, put)
	if err != nil {
		return nil, s.unavailable(ctx, "find a question", err)
	}
	if !found {
		return nil, noQuestion()
	}
	now := cases.Fold(q.Steps)
	for _, step := range s.unknown(q.Case, now) {
		now.Apply(step)
	}
	e := &v1.CaseEntry{
		CaseId: q.Case.Bytes(), Version: now.Version + 1, Asker: caller.Name, Role: caller.Role, AtUs: s.cfg.Now().UnixMicro(),
		Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: q.Number, Text: req.Msg.Text}},
	}
	if last, ok := lastAnswer(now, e); ok {
		return connect.NewResponse(&v1.AnswerQuestionResponse{Position: uint64(last.Position)}), nil
	}
	if n := int(q.Number); n < 1 || n > len(now.Questions) || now.Questions[n-1].Asked.To != caller.Name {
		return nil, noQuestion()
	}
	if err := permitAnswer(caller, now, q.Number); err != nil {
		return nil, err
	}
	position, err := s.appendStep(ctx, q.Case, e)
	if connect.CodeOf(err) == connect.CodeAborted && err != nil {
		return nil, connect.NewError(connect.CodeAborted, errors.New("the answer could not be added just now: send it again"))
	}
	if err != nil {
		return nil, err
	}
	s.remember(q.Case, cases.Step{Position: position, Entry: e})
	s.cfg.Logger.InfoContext(ctx, "question answered", slog.String("asker", caller.Name))
	return connect.NewResponse(&v1.AnswerQuestionResponse{Position: uint64(position)}), nil
}

// lastAnswer finds the answer among the steps of a case when it is the latest to its question: a command whose answer was lost.
func lastAnswer(now *cases.State, e *v1.CaseEntry) (last cases.Step, ok bool) {
	for _, step := range now.Steps {
		if step.Entry.GetAnswered().GetQuestion() == e.GetAnswered().Question {
			last = step
		}
	}
	return last, last.Entry.GetAsker() == e.Asker && last.Entry.GetAnswered().GetText() == e.GetAnswered().Text
}

// permitAnswer refuses an answer that the case, as it stands now, does not allow.
func permitAnswer(caller proto.Caller, now *cases.State, question uint32) error {
	given := 0
	for _, step := range now.Steps {
		if step.Entry.GetAnswered().GetQuestion() == question && step.Entry.Asker == caller.Name {
			given++
		}
	}
	switch {
	case !now.Open():
		return refused("no answer is taken any more: the matter is closed")
	case now.Version >= maxSteps:
		return refused("no answer can be taken: whoever asks has to put the question anew")
	case given >= maxAnswers:
		return refused("you corrected this answer as often as one may: tell whoever asks")
	}
	return nil
}
