package projections

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Service answers readtrail.v1.ProjectionService. It belongs behind a listener that puts a proto.Caller into the context.
type Service struct {
	projector *Projector
	watch     func() Watch
}

// Watch is told how a rebuild gets on, in messages of the journal and rows written. It is called from one goroutine.
type Watch interface {
	Total(messages uint64)
	Done(messages uint64)
	Results(rows uint64)
	End()
}

// maxRequest bounds a command in bytes: it has no fields.
const maxRequest = 4 << 10

// NewService returns the service of a projector. watch begins to watch a rebuild; nil: nobody does.
func NewService(p *Projector, watch func() Watch) *Service { return &Service{p, watch} }

// Handler returns the path prefix and the handler of readtrail.v1.ProjectionService.
func (s *Service) Handler(options ...connect.HandlerOption) (string, http.Handler) {
	options = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest)}, options...)
	return readtrailv1connect.NewProjectionServiceHandler(s, options...)
}

// Rebuild implements readtrailv1connect.ProjectionServiceHandler. Administrators only. When the caller goes away the
// rebuild pauses; the next call goes on with it.
func (s *Service) Rebuild(ctx context.Context, _ *connect.Request[v1.RebuildRequest], stream *connect.ServerStream[v1.RebuildResponse]) error {
	caller := proto.CallerFrom(ctx)
	if !caller.MayCommand() {
		return connect.NewError(connect.CodePermissionDenied, errors.New("only an administrator may rebuild projections"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.projector.cfg.Logger.InfoContext(ctx, "rebuild asked for", slog.String("asker", caller.Name))
	var watch Watch // begun with the first progress: a rebuild that is refused was none
	defer func() {
		if watch != nil {
			watch.End()
		}
	}()
	err := s.projector.Rebuild(ctx, func(p Progress) {
		if watch == nil && s.watch != nil {
			watch = s.watch()
		}
		if watch != nil {
			watch.Total(p.Target.Sequence())
			watch.Done(p.Position.Sequence())
			watch.Results(p.Rows)
		}
		if err := stream.Send(&v1.RebuildResponse{
			Version: uint64(p.Version), Position: uint64(p.Position), Target: uint64(p.Target), Rows: p.Rows, Flipped: p.Flipped,
		}); err != nil {
			cancel()
		}
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRebuilding):
		return connect.NewError(connect.CodeAlreadyExists, ErrRebuilding)
	case ctx.Err() != nil:
		return connect.NewError(connect.CodeCanceled, errors.New("the caller went away; ask again to go on"))
	}
	s.projector.cfg.Logger.ErrorContext(ctx, "rebuild failed", slog.Any("err", err))
	return connect.NewError(connect.CodeInternal, errors.New("rebuild failed; the log says why; ask again to go on"))
}
