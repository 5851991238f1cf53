package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Defaults of ServerConfig.
const (
	DefaultBusyWait = 30 * time.Second
	DefaultIdle     = 2 * time.Minute
)

// ServerConfig says how files are taken in.
type ServerConfig struct {
	// Intake takes the entries. Required.
	Intake *ingest.Intake
	// Source finds a registered source that may send; ok is false for an unknown or disabled one. Required.
	Source func(name string) (src ingest.Source, ok bool)
	// Decoders read forms other than FHIR JSON: "delimited", "xml", "hl7v2", "syslog". A form without one becomes one
	// dead letter a file, unsupported_format, which can be retried when there is one.
	Decoders map[Form]Decoder
	// Limits of one FHIR resource; zero takes the defaults.
	Limits fhir.Limits
	// BusyWait is how long a busy journal is tried again before the client is told to come back; default 30 s.
	BusyWait time.Duration
	// Idle is how long a client may send nothing; default 2 min.
	Idle time.Duration
	// Watch begins to watch a file that a source sends, in bytes as they come. Default: nobody does.
	Watch func(source string) Watch
	// Now is the clock that import ids and deadlines come from; default time.Now.
	Now func() time.Time
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

// Watch is told how a file gets on: how many bytes there are, how many came, and how many events were taken in. It is safe for concurrent use.
type Watch interface {
	Total(bytes uint64)
	Done(bytes uint64)
	Results(events uint64)
	End()
}

// Validate reports all faults at once.
func (c ServerConfig) Validate() error {
	var errs []error
	if c.Intake == nil {
		errs = append(errs, errors.New("no intake"))
	}
	if c.Source == nil {
		errs = append(errs, errors.New("no source register"))
	}
	if c.BusyWait < 0 || c.Idle < 0 {
		errs = append(errs, errors.New("busy_wait and idle: want positive durations"))
	}
	if err := errors.Join(append(errs, c.Limits.Validate())...); err != nil {
		return fmt.Errorf("import configuration: %w", err)
	}
	return nil
}

type server struct{ ServerConfig }

// NewHandler returns the handler for /import and what is below it. It reads who is calling from the request's context
// (proto.CallerFrom) and does no authentication itself.
func NewHandler(cfg ServerConfig) (http.Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.BusyWait == 0 {
		cfg.BusyWait = DefaultBusyWait
	}
	if cfg.Idle == 0 {
		cfg.Idle = DefaultIdle
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("component", "import"))
	s := &server{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /import/begin", s.begin)
	mux.HandleFunc("POST /import/end", s.end)
	mux.HandleFunc("POST /import", s.file)
	return mux, nil
}

// refuse answers a request that cannot be served, in the words of Progress.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Progress{Error: text, Busy: status == http.StatusServiceUnavailable})
}

func (s *server) source(w http.ResponseWriter, r *http.Request) (ingest.Source, bool) {
	src, status, text := fhir.SourceOf(r, s.Source)
	if status != 0 {
		refuse(w, status, text)
		return src, false
	}
	return src, true
}

// begin marks the beginning of an import in the journal.
func (s *server) begin(w http.ResponseWriter, r *http.Request) {
	src, ok := s.source(w, r)
	if !ok {
		return
	}
	id, err := proto.MintEventID(s.Now())
	if err != nil {
		refuse(w, http.StatusInternalServerError, "no import id could be made")
		return
	}
	q := r.URL.Query()
	mark := &v1.ImportMark{
		ImportId: id.Bytes(), Phase: v1.ImportMark_PHASE_BEGIN, Source: src.Name,
		Backfill: q.Get(paramBackfill) == "true", Name: fileName(q.Get(paramName)),
	}
	if !s.mark(w, r, src, mark) {
		return
	}
	s.Logger.InfoContext(r.Context(), "import began", slog.String("source", src.Name), slog.String("import_id", id.String()),
		slog.Bool("backfill", mark.Backfill))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(beginAnswer{ImportID: id.String()})
}

// maxCountsBytes bounds the body of /import/end: five numbers.
const maxCountsBytes = 4 << 10

// end marks the end of an import. Its counts are what the client added up from the answers to its files.
func (s *server) end(w http.ResponseWriter, r *http.Request) {
	src, ok := s.source(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	id, err := proto.ParseEventID(q.Get(paramImport))
	if err != nil {
		refuse(w, http.StatusBadRequest, "name the import with ?import=ID")
		return
	}
	var counts ingest.Counts
	if err := json.NewDecoder(io.LimitReader(r.Body, maxCountsBytes)).Decode(&counts); err != nil {
		refuse(w, http.StatusBadRequest, "the counts cannot be read")
		return
	}
	mark := &v1.ImportMark{
		ImportId: id.Bytes(), Phase: v1.ImportMark_PHASE_END, Source: src.Name, Backfill: q.Get(paramBackfill) == "true",
		Name: fileName(q.Get(paramName)), Stored: counts.Stored, Duplicates: counts.Duplicates,
		Conflicts: counts.Conflicts, DeadLetters: counts.DeadLetters,
	}
	if !s.mark(w, r, src, mark) {
		return
	}
	s.Logger.InfoContext(r.Context(), "import ended", slog.String("source", src.Name), slog.String("import_id", id.String()),
		slog.Uint64("stored", counts.Stored), slog.Uint64("dead_letters", counts.DeadLetters))
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) mark(w http.ResponseWriter, r *http.Request, src ingest.Source, mark *v1.ImportMark) bool {
	entry := ingest.Entry{Item: &v1.Item{Body: &v1.Item_ImportMark{ImportMark: mark}}, Source: src.Name}
	if err := s.Intake.Mark(r.Context(), entry); err != nil {
		s.Logger.WarnContext(r.Context(), "import mark was not kept", slog.Any("err", err))
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusServiceUnavailable, "the journal is busy: try again later")
		return false
	}
	return true
}

// fileName keeps the last part of a path, at most 200 bytes of it: a directory could name a project, a name is needed
// to find the file again.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" {
		return ""
	}
	return strings.ToValidUTF8(name[:min(len(name), 200)], "")
}
