// Package casework takes what people decide on alerts, do in cases and save as views, and makes entries in the journal of it.
package casework

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
	"github.com/readtrail/readtrail/proto/views"
)

const (
	// maxComment is the longest comment, in characters (detection.proto).
	maxComment = 2000
	// maxRequest bounds a request in bytes: an assessment of four factors of 1,000 characters and a text of 4,000, four bytes each, is 32
	// KB, and 200 ids of alerts in JSON are 6.
	maxRequest = 48 << 10
	// maxRemembered bounds the decisions that are remembered until the read side knows them: 64k of about 200 bytes.
	maxRemembered = 1 << 16
	// commandTimeout bounds one command: the read side waits for what it lacks for two seconds, and an append takes milliseconds.
	commandTimeout = 15 * time.Second
)

// Alert is what a command must know of an alert.
type Alert struct {
	// Version is its latest version.
	Version uint32
	// Decided is the position of the latest decision on it; 0: there is none, and Latest is nil.
	Decided proto.Position
	Latest  *v1.AlertDecision
}

// Question is what a command must know of a question.
type Question struct {
	// Case is its case, Steps are those of it that the read side knows, in the order of the journal.
	Case  proto.EventID
	Steps []cases.Step
	// Number is the question's in the case.
	Number uint32
}

// Import is what a command must know of an import.
type Import struct {
	// Backfill says that it declared itself so, Ended that it is complete, Released that its alerts may notify.
	Backfill, Ended, Released bool
}

// Config says where decisions go and what they are about.
type Config struct {
	// Append keeps entries. Required.
	Append ingest.Appender
	// Alert finds an alert as far as the read side knows it; false: there is none. Required.
	Alert func(ctx context.Context, id proto.EventID) (Alert, bool, error)
	// Case finds the steps of a case in the same way, in the order of the journal; false: there is none, or it is about the caller in
	// ctx. Required.
	Case func(ctx context.Context, id proto.EventID) ([]cases.Step, bool, error)
	// Views finds the latest version of each saved view; of a deleted one at least id, version, owner, and that it is deleted. Required.
	Views func(ctx context.Context) ([]views.View, error)
	// ViewTold reports whether a view that somebody else shares may be told to the caller in ctx. Required.
	ViewTold func(ctx context.Context, v views.View) (bool, error)
	// Question finds the case of a question that was put to the caller in ctx, by the position at which it was put, and its number in the
	// case; false: nothing was put to them there. It does not matter whether the case is about the caller. Required.
	Question func(ctx context.Context, position proto.Position) (Question, bool, error)
	// Shown reports whether there is such an access, and the caller in ctx may see it. Required.
	Shown func(ctx context.Context, id proto.EventID) (bool, error)
	// AddresseeDoubt says why a question in a case, with the accesses that it shows, may not reach whom it is put to; nil: it may. Required.
	AddresseeDoubt func(ctx context.Context, to string, id proto.EventID, shown [][]byte) (*v1.AddresseeDoubt, error)
	// Import finds an import in the same way. Required.
	Import func(ctx context.Context, id []byte) (Import, bool, error)
	// Now is the clock of decisions. Default time.Now.
	Now func() time.Time
	// Logger gets failures and what kind of decision was taken, never about whom. Default: discarded.
	Logger *slog.Logger
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	for _, need := range []struct {
		missing bool
		what    string
	}{
		{c.Append == nil, "append"},
		{c.Alert == nil, "alert"},
		{c.Case == nil, "case"},
		{c.Views == nil, "views"},
		{c.ViewTold == nil, "view told"},
		{c.Question == nil, "question"},
		{c.Shown == nil, "shown"},
		{c.AddresseeDoubt == nil, "addressee doubt"},
		{c.Import == nil, "import"},
	} {
		if need.missing {
			faults = append(faults, fmt.Errorf("casework: %s is required", need.what))
		}
	}
	return errors.Join(faults...)
}

// Service answers readtrail.v1.CaseworkService. It is safe for concurrent use; commands run one at a time, so that two people who
// decide at once do not overwrite each other unseen.
type Service struct {
	cfg Config

	commands sync.Mutex // held by a command; guards what follows
	// decided are the latest decisions since the start, for the time until the read side knows them.
	decided  map[proto.EventID]decided
	released map[string]bool
	// steps are those of cases, for the same time, by number.
	steps map[proto.EventID][]cases.Step
	// views are the latest versions, for the same time.
	views map[proto.EventID]views.View
}

// decided is a decision and where it stands.
type decided struct {
	position proto.Position
	decision *v1.AlertDecision
}

var _ readtrailv1connect.CaseworkServiceHandler = (*Service)(nil)

// New returns the service.
func New(cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("component", "casework"))
	return &Service{
		cfg: cfg, decided: map[proto.EventID]decided{}, released: map[string]bool{}, steps: map[proto.EventID][]cases.Step{}, views: map[proto.EventID]views.View{},
	}, nil
}

// Handler returns the path prefix and the handler of readtrail.v1.CaseworkService. The caller of each request has to be in its
// context.
func (s *Service) Handler(options ...connect.HandlerOption) (string, http.Handler) {
	options = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest)}, options...)
	return readtrailv1connect.NewCaseworkServiceHandler(s, options...)
}

// DecideAlert implements readtrailv1connect.CaseworkServiceHandler. Sending the same decision again is answered with the first one's
// position and stores nothing.
func (s *Service) DecideAlert(ctx context.Context, req *connect.Request[v1.DecideAlertRequest]) (*connect.Response[v1.DecideAlertResponse], error) {
	caller, err := investigator(ctx)
	if err != nil {
		return nil, err
	}
	id, err := check(caller, req.Msg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	now, err := s.alert(ctx, id)
	if err != nil {
		return nil, err
	}
	d := &v1.AlertDecision{
		AlertId: id.Bytes(), Version: req.Msg.Version, Disposition: req.Msg.Disposition, Comment: req.Msg.Comment,
		Asker: caller.Name, Role: caller.Role, DecidedUs: s.cfg.Now().UnixMicro(),
	}
	if again(now.Latest, d) {
		return connect.NewResponse(&v1.DecideAlertResponse{Position: uint64(now.Decided)}), nil
	}
	if err := permit(caller, now, d); err != nil {
		return nil, err
	}
	position, err := s.append(ctx, &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: d}})
	if err != nil {
		return nil, err
	}
	if len(s.decided) >= maxRemembered {
		clear(s.decided)
	}
	s.decided[id] = decided{position, d}
	s.cfg.Logger.InfoContext(ctx, "alert decided", slog.String("disposition", d.Disposition.String()), slog.String("asker", caller.Name))
	return connect.NewResponse(&v1.DecideAlertResponse{Position: uint64(position)}), nil
}

// alert is an alert with the latest decision on it, the read side's or a later one of this process.
func (s *Service) alert(ctx context.Context, id proto.EventID) (Alert, error) {
	now, found, err := s.cfg.Alert(ctx, id)
	if err != nil {
		return Alert{}, s.unavailable(ctx, "find an alert", err)
	}
	if !found {
		return Alert{}, connect.NewError(connect.CodeNotFound, errors.New("there is no such alert"))
	}
	if mine, ok := s.decided[id]; ok {
		if mine.position > now.Decided {
			now.Decided, now.Latest = mine.position, mine.decision
		} else {
			delete(s.decided, id)
		}
	}
	return now, nil
}

// ReleaseBackfill implements readtrailv1connect.CaseworkServiceHandler.
func (s *Service) ReleaseBackfill(ctx context.Context, req *connect.Request[v1.ReleaseBackfillRequest]) (*connect.Response[v1.ReleaseBackfillResponse], error) {
	caller, err := investigator(ctx)
	if err != nil {
		return nil, err
	}
	if !mayJudge(caller) {
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("only a privacy officer or an administrator may release a backfill"))
	}
	id, err := hex.DecodeString(req.Msg.ImportId)
	if err != nil || len(id) == 0 || len(id) > 64 {
		return nil, invalid("import_id", "hexadecimal, as an alert of the import tells it")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	now, found, err := s.cfg.Import(ctx, id)
	switch {
	case err != nil:
		return nil, s.unavailable(ctx, "find an import", err)
	case !found:
		return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such import"))
	case !now.Backfill:
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("this import is no backfill: its alerts notify by themselves"))
	case !now.Ended:
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("this import has not ended: its accesses are judged at its end"))
	case now.Released || s.released[string(id)]:
		return nil, connect.NewError(connect.CodeAlreadyExists, errors.New("this backfill is released already"))
	}
	position, err := s.append(ctx, &v1.Item{Body: &v1.Item_BackfillReleased{BackfillReleased: &v1.BackfillReleased{ImportId: id, Asker: caller.Name}}})
	if err != nil {
		return nil, err
	}
	if len(s.released) >= maxRemembered {
		clear(s.released)
	}
	s.released[string(id)] = true
	s.cfg.Logger.InfoContext(ctx, "backfill released", slog.String("asker", caller.Name))
	return connect.NewResponse(&v1.ReleaseBackfillResponse{Position: uint64(position)}), nil
}

// append keeps one entry; decisions may use the space that is kept back for them.
func (s *Service) append(ctx context.Context, it *v1.Item) (proto.Position, error) {
	results, err := s.cfg.Append.Append(ctx, []ingest.Entry{{Item: it}}, ingest.Options{Reserved: true})
	if err != nil {
		return 0, s.unavailable(ctx, "append", err)
	}
	return results[0].Position, nil
}

func (s *Service) unavailable(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return connect.NewError(connect.CodeCanceled, errors.New("the command was cancelled; whether it is kept is not known: look before you repeat it"))
	}
	s.cfg.Logger.ErrorContext(ctx, "command failed", slog.String("at", what), slog.Any("err", err))
	return connect.NewError(connect.CodeUnavailable, errors.New("the command could not be journaled; try again in a moment"))
}
