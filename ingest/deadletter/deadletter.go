// Package deadletter gives input that could not become an event another try, with the adapters of today.
package deadletter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// pageSize is how many dead letters are looked up at a time; an original is at most 4 MiB and one is open at once.
const pageSize = 1000

// maxRemembered bounds the memory of what was retried, for the time until projections know: 64k positions.
const maxRemembered = 1 << 16

// Query asks for dead letters that no retry turned into an event yet, in rising order of position.
type Query struct {
	// Positions, when set, are the only ones asked for.
	Positions []proto.Position
	// Source and Reason narrow the rest; empty: all.
	Source, Reason string
	// After is the last position of the page before; 0 begins.
	After proto.Position
	// Limit is how many positions are wanted at most.
	Limit int
}

// Config says where dead letters are and where their events go.
type Config struct {
	// Intake takes the events. Required.
	Intake *ingest.Intake
	// Source finds the registered source of a dead letter. Required.
	Source func(name string) (ingest.Source, bool)
	// Pending lists dead letters that were not retried with success; a read model that lags lists some too many, which
	// costs a duplicate and no more. Required.
	Pending func(ctx context.Context, q Query) ([]proto.Position, error)
	// Locate finds the position of an id. Required.
	Locate func(ctx context.Context, id proto.EventID) (proto.Position, bool, error)
	// ReadBatch reads one message of the journal, with the keys to open originals. Required.
	ReadBatch func(ctx context.Context, sequence uint64) (*proto.Batch, error)
	// Decoders read forms other than FHIR JSON, as for an import.
	Decoders map[importer.Form]importer.Decoder
	// Rows decode again what was kept of a part of a file, by the first word of the dead letter's format: "csv" for
	// "csv:epic-clarity". The error is an *ingest.DecodeError.
	Rows map[string]RowDecoder
	// Limits of one FHIR resource; zero takes the defaults.
	Limits fhir.Limits
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

// RowDecoder decodes the original of a dead letter of this format and media type.
type RowDecoder func(src ingest.Source, format, mediaType string, original, importID []byte) ([]ingest.Entry, error)

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	for _, need := range []struct {
		missing bool
		what    string
	}{
		{c.Intake == nil, "no intake"},
		{c.Source == nil, "no source register"},
		{c.Pending == nil, "no list of dead letters"},
		{c.Locate == nil, "no index of ids"},
		{c.ReadBatch == nil, "no journal to read from"},
	} {
		if need.missing {
			errs = append(errs, errors.New(need.what))
		}
	}
	if err := errors.Join(append(errs, c.Limits.Validate())...); err != nil {
		return fmt.Errorf("dead letter configuration: %w", err)
	}
	return nil
}

// Service retries dead letters. It is safe for concurrent use; retries run one at a time.
type Service struct {
	cfg Config

	running sync.Mutex // held by a retry
	// retried are positions that became events since the start: read models may not know yet. Guarded by running.
	retried map[proto.Position]bool
}

var _ readtrailv1connect.DeadLetterServiceHandler = (*Service)(nil)

// New returns the service.
func New(cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("component", "deadletter"))
	return &Service{cfg: cfg, retried: map[proto.Position]bool{}}, nil
}

// maxRequest bounds a command in bytes: tens of thousands of dead letters by their ids.
const maxRequest = 1 << 20

// Handler returns the path prefix and the handler of readtrail.v1.DeadLetterService. The caller of each request has to
// be in its context. Only administrators get further.
func (s *Service) Handler(opts ...connect.HandlerOption) (string, http.Handler) {
	opts = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest)}, opts...)
	return readtrailv1connect.NewDeadLetterServiceHandler(s, opts...)
}

// RetryDeadLetters implements readtrailv1connect.DeadLetterServiceHandler. It is idempotent: an event that stands in the
// journal already is a duplicate, and a dead letter that became an event is not tried again.
func (s *Service) RetryDeadLetters(ctx context.Context, req *connect.Request[v1.RetryDeadLettersRequest]) (*connect.Response[v1.RetryDeadLettersResponse], error) {
	caller := proto.CallerFrom(ctx)
	switch {
	case caller.Name == "":
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("who is asking is not known: send a token"))
	case !caller.MayCommand():
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("only an administrator may retry dead letters"))
	}
	query, err := s.query(ctx, req.Msg)
	if err != nil {
		return nil, err
	}
	s.running.Lock()
	defer s.running.Unlock()
	out := &v1.RetryDeadLettersResponse{}
	for {
		page, err := s.cfg.Pending(ctx, query)
		if err != nil {
			return nil, s.unavailable(ctx, "list dead letters", err)
		}
		for _, position := range page {
			if s.retried[position] {
				continue
			}
			if err := s.retry(ctx, position, caller.Name, out); err != nil {
				return nil, s.unavailable(ctx, "retry a dead letter", err)
			}
		}
		if len(page) < query.Limit {
			break
		}
		query.After = page[len(page)-1]
	}
	s.cfg.Logger.InfoContext(ctx, "dead letters retried", slog.Uint64("tried", out.Tried), slog.Uint64("stored", out.Stored),
		slog.Uint64("failed_again", out.FailedAgain))
	return connect.NewResponse(out), nil
}

func (s *Service) unavailable(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return connect.NewError(connect.CodeCanceled, ctx.Err())
	}
	s.cfg.Logger.ErrorContext(ctx, "retry of dead letters stopped", slog.String("at", what), slog.Any("err", err))
	return connect.NewError(connect.CodeUnavailable, fmt.Errorf("%s: what was retried before stays; try again", what))
}

// query turns the request's ids and positions into positions.
func (s *Service) query(ctx context.Context, req *v1.RetryDeadLettersRequest) (Query, error) {
	q := Query{Source: req.Source, Reason: req.Reason, Limit: pageSize}
	if len(req.DeadLetters) > pageSize {
		return q, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("name at most %d dead letters, or a source and reason", pageSize))
	}
	for _, text := range req.DeadLetters {
		position, err := proto.ParsePosition(text)
		if err != nil {
			id, idErr := proto.ParseEventID(text)
			if idErr != nil {
				return q, connect.NewError(connect.CodeInvalidArgument, errors.New("name dead letters by id or position"))
			}
			found := false
			if position, found, err = s.cfg.Locate(ctx, id); err != nil {
				return q, s.unavailable(ctx, "locate a dead letter", err)
			}
			if !found {
				return q, connect.NewError(connect.CodeNotFound, errors.New("there is no dead letter with one of these ids"))
			}
		}
		q.Positions = append(q.Positions, position)
	}
	return q, nil
}

// retry decodes one dead letter again. An error is one of the journal; what still cannot be decoded is counted.
func (s *Service) retry(ctx context.Context, position proto.Position, asker string, out *v1.RetryDeadLettersResponse) error {
	letter, original, err := s.read(ctx, position)
	if err != nil {
		return err
	}
	if letter == nil {
		return nil
	}
	out.Tried++
	src, known := s.cfg.Source(letter.Source)
	mark := &v1.DeadLetterRetried{DeadLetterId: letter.EventId, DeadLetterPosition: uint64(position), Asker: asker}
	reason := ingest.ReasonRefused
	if known {
		entries, atomic, failed := s.decode(ctx, src, letter, original)
		if reason = failed; failed == "" {
			results, counts, err := s.cfg.Intake.Submit(ctx, src, entries, ingest.Options{Atomic: atomic})
			if errors.Is(err, ingest.ErrTooLarge) {
				reason, err = ingest.ReasonTooLarge, nil
			}
			if err != nil {
				return err
			}
			out.Stored += counts.Stored
			out.Duplicates += counts.Duplicates
			out.Conflicts += counts.Conflicts
			for i := range results {
				if proto.KindOf(entries[i].Item) != v1.Kind_KIND_DEAD_LETTER {
					mark.EventId, mark.Position = results[i].ID.Bytes(), uint64(results[i].Position)
					break
				}
			}
		}
	}
	if mark.EventId == nil {
		out.FailedAgain++
		if reason == letter.Reason || !known {
			// It fails as it did: nothing new to tell.
			return nil
		}
		mark.Reason = reason
	}
	entry := ingest.Entry{Item: &v1.Item{Body: &v1.Item_DeadLetterRetried{DeadLetterRetried: mark}}, Source: letter.Source}
	if err := s.cfg.Intake.Mark(ctx, entry); err != nil {
		return fmt.Errorf("mark dead letter retried: %w", err)
	}
	if mark.EventId != nil {
		if len(s.retried) >= maxRemembered {
			clear(s.retried)
		}
		s.retried[position] = true
	}
	return nil
}

// read reads a dead letter and its original. Without an error, a nil letter says that there is none to retry: another
// kind of entry stands there, or its key was destroyed.
func (s *Service) read(ctx context.Context, position proto.Position) (*v1.DeadLetter, *v1.SealedItem, error) {
	batch, err := s.cfg.ReadBatch(ctx, position.Sequence())
	if err != nil {
		return nil, nil, fmt.Errorf("read dead letter: %w", err)
	}
	items, err := batch.Items()
	if err != nil {
		return nil, nil, fmt.Errorf("read dead letter: %w", err)
	}
	if position.Index() >= len(items) || items[position.Index()].GetDeadLetter() == nil {
		return nil, nil, nil
	}
	original, err := batch.Original(position.Index())
	if errors.Is(err, proto.ErrKeyGone) || errors.Is(err, proto.ErrNotSealed) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read dead letter: %w", err)
	}
	return items[position.Index()].GetDeadLetter(), original, nil
}

// errEnough ends a decoder that makes more of one dead letter than a retry takes.
var errEnough = &ingest.DecodeError{Reason: ingest.ReasonTooLarge, Message: "it holds more entries than a retry takes"}

// maxRetried is how many entries one dead letter may become: 4 MiB of rows of 16 bytes.
const maxRetried = 1 << 18

// decode makes entries of the original, at least one of which is no dead letter, or says why not. atomic: they are kept
// all or not at all.
func (s *Service) decode(ctx context.Context, src ingest.Source, letter *v1.DeadLetter, original *v1.SealedItem) (entries []ingest.Entry, atomic bool, reason string) {
	if uint64(len(original.Original)) < letter.SizeBytes {
		// Only the beginning was kept; the rest would be lost in silence.
		return nil, false, ingest.ReasonTooLarge
	}
	if letter.Reason == importer.ReasonDamaged {
		// What can be read of it may be wrong; its file is imported again when it is whole.
		return nil, false, letter.Reason
	}
	entries, atomic, err := s.entries(ctx, src, letter, original)
	if err != nil {
		return nil, false, fhir.AsDecodeError(err).Reason
	}
	good := false
	for i := range entries {
		if dead := entries[i].Item.GetDeadLetter(); dead != nil {
			reason = dead.Reason
		} else {
			good = true
		}
	}
	if !good {
		if reason == "" {
			reason = ingest.ReasonInvalidValue
		}
		return nil, false, reason
	}
	return entries, atomic, ""
}

// entries decodes the original with the adapter for its format.
func (s *Service) entries(ctx context.Context, src ingest.Source, letter *v1.DeadLetter, original *v1.SealedItem) (entries []ingest.Entry, atomic bool, err error) {
	format, _, _ := strings.Cut(letter.Format, ":")
	if rows := s.cfg.Rows[format]; rows != nil {
		entries, err = rows(src, letter.Format, original.MediaType, original.Original, letter.ImportId)
		return entries, false, err
	}
	collect := func(more []ingest.Entry) error {
		if entries = append(entries, more...); len(entries) > maxRetried {
			return errEnough
		}
		return nil
	}
	switch form := importer.Form(format); form {
	case "", "fhir", importer.FormJSON, importer.FormLines, importer.FormHTTP:
		doc := fhir.Document{Data: original.Original, Origin: letter.Origin, Line: int(letter.Line), ImportID: letter.ImportId}
		atomic, err = fhir.Again(s.cfg.Limits, src, original.MediaType, doc, collect)
		return entries, atomic, err
	default:
		decoder := s.cfg.Decoders[form]
		if decoder == nil {
			return nil, false, &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "nothing here reads this form"}
		}
		file := importer.File{Name: letter.Origin, ImportID: letter.ImportId, Body: bytes.NewReader(original.Original)}
		err = decoder.DecodeFile(ctx, src, file, collect)
		return entries, false, err
	}
}
