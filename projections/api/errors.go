package api

import (
	"context"
	"errors"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// translate turns an error into what the asker may see: a code, a safe sentence, what to do. It logs what it hides.
func (s *Service) translate(ctx context.Context, query string, err error) error {
	var typed *connect.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &typed):
		return typed
	case errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), context.Canceled):
		return connect.NewError(connect.CodeCanceled, errors.New("the question was cancelled"))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.logger.WarnContext(ctx, "question took too long", slog.String("query", query))
		return tooLong()
	case store.Code(err) == codeTimeout:
		s.logger.WarnContext(ctx, "question took too long", slog.String("query", query))
		return tooLong()
	case store.Code(err) == store.CodeUnknownTable:
		s.logger.WarnContext(ctx, "tables of the projections are gone or not there yet", slog.String("query", query), slog.Any("err", err))
		return connect.NewError(connect.CodeUnavailable, errors.New("the projections are being rebuilt: ask again in a moment, from the first page"))
	case errors.Is(err, store.ErrUnavailable):
		s.logger.WarnContext(ctx, "projections not reachable", slog.String("query", query), slog.Any("err", err))
		return connect.NewError(connect.CodeUnavailable, errors.New("the projections are not reachable: ask again in a moment"))
	case errors.Is(err, proto.ErrCorrupt):
		s.logger.ErrorContext(ctx, "journal entry is corrupt", slog.String("query", query), slog.Any("err", err))
		return connect.NewError(connect.CodeDataLoss, errors.New("the journal's entry does not match its own hash: tell the administrator"))
	}
	s.logger.ErrorContext(ctx, "question failed", slog.String("query", query), slog.Any("err", err))
	return connect.NewError(connect.CodeInternal, errors.New("the answer could not be computed; the server's log says why"))
}

// codeTimeout is ClickHouse's TIMEOUT_EXCEEDED.
const codeTimeout = 159

func tooLong() error {
	return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the answer took too long: ask for a shorter period or name more conditions"))
}

func notFound(text string) error {
	return connect.NewError(connect.CodeNotFound, errors.New(text))
}

// staleToken refuses a page token whose version of the tables is gone.
func staleToken() error {
	return connect.NewError(connect.CodeFailedPrecondition, errors.New("page.token: the projections were rebuilt since; ask for the first page again"))
}
