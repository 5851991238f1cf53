package casework

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// errLookAgain refuses a step from a version that is no longer the latest.
var errLookAgain = errors.New("somebody else changed the case meanwhile: look at it again")

func noCase() error {
	return connect.NewError(connect.CodeNotFound, errors.New("there is no such case"))
}

// WriteCase implements readtrailv1connect.CaseworkServiceHandler. Sending the same step again is answered with the first one's position
// and stores nothing, whatever came after it.
func (s *Service) WriteCase(ctx context.Context, req *connect.Request[v1.WriteCaseRequest]) (*connect.Response[v1.WriteCaseResponse], error) {
	caller, err := investigator(ctx)
	if err != nil {
		return nil, err
	}
	id, e, err := checkCase(caller, req.Msg, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	e.Asker, e.Role, e.AtUs = caller.Name, caller.Role, s.cfg.Now().UnixMicro()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	now, err := s.caseNow(ctx, id)
	if err != nil {
		return nil, err
	}
	number(now, e)
	first, again := written(now, e)
	if again {
		return s.stepTaken(ctx, id, first)
	}
	if err := permitStep(caller, now, e); err != nil {
		return nil, err
	}
	for _, alert := range added(e) { // one about the caller is not there for them
		if _, err := s.alert(ctx, alert); err != nil {
			return nil, err
		}
	}
	if err := s.shows(ctx, e.GetAsked()); err != nil {
		return nil, err
	}
	position, err := s.appendStep(ctx, id, e)
	if err != nil {
		return nil, err
	}
	s.remember(id, cases.Step{Position: position, Entry: e})
	s.cfg.Logger.InfoContext(ctx, "case changed", slog.Any("step", e), slog.String("asker", caller.Name))
	return s.stepTaken(ctx, id, cases.Step{Position: position, Entry: e})
}

// stepTaken answers a command that is journaled, with what is doubtful about whom it asks. When that cannot be found out the command
// failed: sent again it stores nothing, and is told.
func (s *Service) stepTaken(ctx context.Context, id proto.EventID, step cases.Step) (*connect.Response[v1.WriteCaseResponse], error) {
	res := &v1.WriteCaseResponse{Position: uint64(step.Position), Version: step.Entry.Version}
	if asked := step.Entry.GetAsked(); asked.GetTo() != "" {
		var err error
		if res.Doubt, err = s.cfg.AddresseeDoubt(ctx, asked.To, id, asked.Shown); err != nil {
			return nil, s.unavailable(ctx, "find who is asked", err)
		}
	}
	return connect.NewResponse(res), nil
}

// caseNow is a case with its latest steps, the read side's and later ones of this process. One that is not there, or that the caller may
// not be told of, is the zero state.
func (s *Service) caseNow(ctx context.Context, id proto.EventID) (*cases.State, error) {
	steps, _, err := s.cfg.Case(ctx, id)
	if err != nil {
		return nil, s.unavailable(ctx, "find a case", err)
	}
	now := cases.Fold(steps)
	for _, step := range s.unknown(id, now) {
		// The read side could not say yet whether the case is about the caller.
		for _, alert := range added(step.Entry) {
			_, found, err := s.cfg.Alert(ctx, alert)
			if err != nil {
				return nil, s.unavailable(ctx, "find an alert", err)
			}
			if !found {
				return nil, noCase()
			}
		}
		now.Apply(step)
	}
	return now, nil
}

// unknown are the steps of a case that this process wrote and the read side does not know yet; the others are forgotten.
func (s *Service) unknown(id proto.EventID, now *cases.State) []cases.Step {
	mine := s.steps[id]
	for len(mine) > 0 && mine[0].Entry.Version <= now.Version {
		mine = mine[1:]
	}
	if len(mine) == 0 {
		delete(s.steps, id)
		return nil
	}
	s.steps[id] = mine
	return mine
}

// remember keeps a step until the read side knows it.
func (s *Service) remember(id proto.EventID, step cases.Step) {
	if len(s.steps) >= maxRemembered {
		clear(s.steps)
	}
	s.steps[id] = append(s.steps[id], step)
}

// number gives a question its number.
func number(now *cases.State, e *v1.CaseEntry) {
	asked := e.GetAsked()
	if asked == nil {
		return
	}
	asked.Question = 1
	for _, step := range now.Steps {
		if step.Entry.Version < e.Version && step.Entry.GetAsked() != nil {
			asked.Question++
		}
	}
}

// written finds the step that a command asks for among those that the case has: a command whose answer was lost.
func written(now *cases.State, e *v1.CaseEntry) (cases.Step, bool) {
	if int(e.Version) > len(now.Steps) {
		return cases.Step{}, false
	}
	first := now.Steps[e.Version-1]
	return first, contentOf(first.Entry) == contentOf(e)
}

// contentOf is what makes two steps the same: all but when they were written.
func contentOf(e *v1.CaseEntry) proto.ContentHash {
	x, _ := protobuf.Clone(e).(*v1.CaseEntry)
	x.AtUs, x.EventId = 0, nil
	b, _ := protobuf.MarshalOptions{Deterministic: true}.Marshal(x) // what was decoded can be encoded
	return proto.HashContent(b)
}

// appendStep keeps a step. Its id follows from the case and its number, so that the journal tells one that was kept though its answer
// was lost, and two processes that claim one number.
func (s *Service) appendStep(ctx context.Context, id proto.EventID, e *v1.CaseEntry) (proto.Position, error) {
	step := cases.StepID(id, e.Version)
	e.EventId = step.Bytes()
	entry := ingest.Entry{Item: &v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}}, ID: step, Content: contentOf(e)}
	results, err := s.cfg.Append.Append(ctx, []ingest.Entry{entry}, ingest.Options{Reserved: true})
	if err != nil {
		return 0, s.unavailable(ctx, "append", err)
	}
	if results[0].Status == ingest.Conflict {
		return 0, connect.NewError(connect.CodeAborted, errLookAgain)
	}
	return results[0].Position, nil
}

// added are the alerts that a step adds.
func added(e *v1.CaseEntry) (out []proto.EventID) {
	for _, b := range append(append([][]byte{}, e.GetOpened().GetAlerts()...), e.GetAlerts().GetAdded()...) {
		if id, err := proto.EventIDFromBytes(b); err == nil {
			out = append(out, id)
		}
	}
	return out
}

// permitStep refuses a step that the case, as it stands now, does not allow.
func permitStep(caller proto.Caller, now *cases.State, e *v1.CaseEntry) error {
	opening := e.GetOpened() != nil
	switch {
	case !opening && !now.Exists():
		return noCase()
	case opening && now.Exists():
		return connect.NewError(connect.CodeAlreadyExists, errors.New("there is such a case already"))
	case e.Version > now.Version+1:
		return invalid("version", "the case has no such version")
	case e.Version <= now.Version:
		return connect.NewError(connect.CodeAborted, fmt.Errorf("version %d was looked at, and there is version %d: %w", e.Version-1, now.Version, errLookAgain))
	case opening:
		return nil
	}
	if err := holds(caller, now, e); err != nil {
		return err
	}
	if reopening := e.GetReopened() != nil; reopening == now.Open() {
		if reopening {
			return refused("the case is open already")
		}
		return refused("the case is closed: a privacy officer may reopen it")
	}
	if now.Version >= maxSteps && goesOn(e) {
		return refused("the case has as many steps as one may have: close it and open another")
	}
	return allows(now, e)
}

// goesOn reports whether a step carries an investigation on, and does not end it.
func goesOn(e *v1.CaseEntry) bool {
	switch e.Body.(type) {
	case *v1.CaseEntry_Alerts, *v1.CaseEntry_Noted, *v1.CaseEntry_Asked, *v1.CaseEntry_Answered, *v1.CaseEntry_Reopened:
		return true
	}
	return false
}

// holds refuses who may not work on the case: an investigator works on those that they have.
func holds(caller proto.Caller, now *cases.State, e *v1.CaseEntry) error {
	if mayJudge(caller) {
		return nil
	}
	if to := e.GetAssigned(); to != nil && to.Assignee == caller.Name && now.Assignee == "" {
		return nil
	}
	switch now.Assignee {
	case caller.Name:
		return nil
	case "":
		return refused("nobody has the case: take it first")
	}
	return refused("somebody else has the case")
}

func refused(text string) error {
	return connect.NewError(connect.CodeFailedPrecondition, errors.New(text))
}
