package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Names of the queries, as questions in the journal carry them.
const (
	queryWhoViewed       = "WhoViewed"
	queryReaderActivity  = "ReaderActivity"
	queryReaderProfile   = "ReaderProfile"
	queryGetEvent        = "GetEvent"
	querySearchAccesses  = "SearchAccesses"
	queryListDeadLetters = "ListDeadLetters"
	queryGetDeadLetter   = "GetDeadLetter"
	queryListSources     = "ListSources"
	queryGetStatus       = "GetStatus"
	querySearchEvents    = "SearchEvents"
	queryListAlerts      = "ListAlerts"
	queryGetAlert        = "GetAlert"
	querySearchFindings  = "SearchFindings"
	queryScoreDetectors  = "ScoreDetectors"
	queryBreachScope     = "BreachScope"
	queryCompareScopes   = "CompareScopes"
	queryFreezeScope     = "FreezeScope"
	queryVerifyScope     = "VerifyScope"
	queryListFrozen      = "ListFrozenScopes"
	queryExportScope     = "ExportScope"
	queryAccessReport    = "AccessReport"
	queryListCases       = "ListCases"
	queryGetCase         = "GetCase"
	queryListGlass       = "ListBrokenGlass"
	queryListViews       = "ListViews"
	queryGetView         = "GetView"
	queryMyQuestions     = "MyQuestions"
)

// asking is a question that names people, on its way to its answer.
type asking struct {
	caller  proto.Caller
	query   string
	purpose string
	key     questionKey
	claimed proto.EventID
	// disclosed says that the answer names only whom somebody else chose to name to the caller, whatever their role.
	disclosed bool
}

// begin checks purpose and question id. subject tells this question from others of the same asker.
func (s *Service) begin(caller proto.Caller, query, subject, purpose, questionID string) (*asking, error) {
	if err := checkPurpose(purpose); err != nil {
		return nil, err
	}
	a := &asking{caller: caller, query: query, purpose: purpose, key: newQuestionKey(caller.Name, query, subject, purpose)}
	if questionID == "" {
		return a, nil
	}
	var err error
	if a.claimed, err = proto.ParseEventID(questionID); err != nil {
		return nil, invalid("question_id", "the question_id of an earlier answer, or nothing")
	}
	if err := s.questions.check(s.cfg.Now(), a.key, a.claimed); err != nil {
		return nil, invalid("question_id", "it belongs to another asker, query, subject or purpose; leave it empty to ask a new question")
	}
	return a, nil
}

// journal puts the question with its number of rows on disk and writes its id into the header. The answer may leave, and name people,
// only when it returns nil.
func (s *Service) journal(ctx context.Context, a *asking, h *v1.AnswerHeader, q *v1.Question) error {
	now := s.cfg.Now()
	id, page, err := s.questions.page(now, a.key, a.claimed)
	if errors.Is(err, errOtherQuestion) {
		return invalid("question_id", "it belongs to another question; leave it empty to ask a new one")
	}
	if err != nil {
		return err
	}
	q.QuestionId, q.Asker, q.Role, q.Query, q.Purpose = id.Bytes(), a.caller.Name, a.caller.Role, a.query, a.purpose
	q.Page, q.Position, q.AskedUs = page, h.Position, now.UnixMicro()
	q.Limits, q.Elsewhere, h.GlassId = h.Limits, h.Elsewhere, proto.GlassFrom(ctx)
	noteMask(ctx, q)
	if err := s.ask(ctx, a.caller, q); err != nil {
		return s.withhold(ctx, a.query, err)
	}
	h.QuestionId = id.String()
	if a.disclosed || a.caller.MayAsk() && a.purpose != "" {
		open(ctx)
	}
	return nil
}

// summarise counts an answer that names nobody.
func (s *Service) summarise(ctx context.Context, caller proto.Caller, query string, h *v1.AnswerHeader) error {
	return s.summariseWithout(ctx, caller, query, h, 0)
}

// summariseWithout is summarise for an answer from which something about the asker was left out.
func (s *Service) summariseWithout(ctx context.Context, caller proto.Caller, query string, h *v1.AnswerHeader, withheld uint64) error {
	if g, err := s.glass(ctx); err != nil || g != nil {
		return s.askUnderGlass(ctx, caller, query, h, withheld)
	}
	id, err := s.summaries.count(ctx, caller, query, h, withheld)
	if err != nil {
		return s.withhold(ctx, query, err)
	}
	h.QuestionId = id.String()
	return nil
}

// askUnderGlass journals an answer that names nobody as a question of its own: what is seen under a broken glass is not summarised.
func (s *Service) askUnderGlass(ctx context.Context, caller proto.Caller, query string, h *v1.AnswerHeader, withheld uint64) error {
	id, err := proto.MintEventID(s.cfg.Now())
	if err != nil {
		return fmt.Errorf("mint question id: %w", err)
	}
	q := &v1.Question{
		QuestionId: id.Bytes(), Asker: caller.Name, Role: caller.Role, Query: query, Rows: 1, Page: 1, Position: h.Position,
		AskedUs: s.cfg.Now().UnixMicro(), Withheld: withheld,
	}
	if err := s.ask(ctx, caller, q); err != nil {
		return s.withhold(ctx, query, err)
	}
	h.QuestionId, h.GlassId = id.String(), proto.GlassFrom(ctx)
	return nil
}

func (s *Service) withhold(ctx context.Context, query string, err error) error {
	s.metrics.refused.Inc()
	s.logger.ErrorContext(ctx, "answer withheld: question not journaled", slog.String("query", query), slog.Any("err", err))
	return connect.NewError(connect.CodeUnavailable, errors.New("the question could not be journaled, so it is not answered: ask again in a moment"))
}

// subjects are identifiers as a question keeps them.
func subjects(ids []ident) []*v1.Identifier {
	out := make([]*v1.Identifier, len(ids))
	for i, id := range ids {
		out[i] = id.proto()
	}
	return out
}

// recordsShown are the patients that a list shows, each once with the identifiers that its events give it.
func recordsShown(list []*v1.Access) (out []*v1.Patient) {
	seen := map[ident]bool{}
	for _, a := range list {
		for _, p := range a.Patients {
			if len(p.Identifiers) > 0 && !seen[identOf(p.Identifiers[0])] {
				seen[identOf(p.Identifiers[0])] = true
				out = append(out, &v1.Patient{Identifiers: p.Identifiers})
			}
		}
	}
	return out
}

// record is the patient of one identifier; none where there is none.
func record(ids ...*v1.Identifier) []*v1.Patient {
	if len(ids) == 0 || ids[0].GetValue() == "" {
		return nil
	}
	return []*v1.Patient{{Identifiers: ids}}
}

// shownPatients are the patients that a list shows: their records were looked at through Readtrail too.
func shownPatients(list []*v1.Access) []*v1.Identifier {
	seen := map[ident]bool{}
	var out []*v1.Identifier
	for _, a := range list {
		for _, p := range a.Patients {
			for _, id := range p.Identifiers {
				if !seen[identOf(id)] {
					seen[identOf(id)] = true
					out = append(out, id)
				}
			}
		}
	}
	return out
}
