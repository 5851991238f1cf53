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
}

// maxRequest bounds a command in bytes: it has no fields.
const maxRequest = 4 << 10

// NewService returns the service of a projector.
func NewService(p *Projector) *Service { return &Service{p} }

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
	err := s.projector.Rebuild(ctx, func(p Progress) {
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
