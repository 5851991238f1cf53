package fhir

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// Defaults of Config.
const (
	DefaultRequestBytes = 16 << 20
	DefaultRetryAfter   = 2 * time.Second
)

// Config says how the FHIR routes take things in.
type Config struct {
	// Intake takes the entries. Required.
	Intake *ingest.Intake
	// Source finds a registered source that may send; ok is false for an unknown or disabled one. Required.
	Source func(name string) (src ingest.Source, ok bool)
	// Limits of one resource; zero takes the defaults.
	Limits Limits
	// RequestBytes bounds a request's body after decompression, except for NDJSON, which is streamed; default 16 MiB.
	RequestBytes int64
	// RetryAfter is what a caller is told to wait when the journal is busy; default 2 s, in whole seconds.
	RetryAfter time.Duration
	// Reading is what the capability statement says of reading events back; nil: nothing is read back.
	Reading *ReadSide
	// BaseURL is the address that Location headers begin with, without the trailing "/fhir"; empty: the request's host.
	BaseURL string
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Intake == nil {
		errs = append(errs, errors.New("no intake"))
	}
	if c.Source == nil {
		errs = append(errs, errors.New("no source register"))
	}
	if c.RequestBytes < 0 || c.RequestBytes > MaxDocumentBytes {
		errs = append(errs, fmt.Errorf("request_bytes: want at most %d", MaxDocumentBytes))
	}
	if c.RetryAfter < 0 {
		errs = append(errs, errors.New("retry_after: want a positive duration"))
	}
	if err := errors.Join(append(errs, c.Limits.Validate())...); err != nil {
		return fmt.Errorf("fhir configuration: %w", err)
	}
	return nil
}

// handler serves the routes below /fhir.
type handler struct {
	Config
	mux       *http.ServeMux
	decoders  sync.Pool // of *Decoder
	revisions *revisions
}

// NewHandler returns the handler for everything below /fhir: AuditEvents and context resources one by one, Bundles,
// newline-delimited JSON, and the capability statement. It reads who is calling from the request's context
// (proto.CallerFrom) and does no authentication itself. GET /fhir/metadata needs no caller.
func NewHandler(cfg Config) (http.Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.RequestBytes == 0 {
		cfg.RequestBytes = DefaultRequestBytes
	}
	if cfg.RetryAfter == 0 {
		cfg.RetryAfter = DefaultRetryAfter
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("component", "fhir"))
	cfg.Limits = cfg.Limits.withDefaults()
	h := &handler{Config: cfg, mux: http.NewServeMux(), revisions: newRevisions()}
	h.decoders.New = func() any { return NewDecoder(cfg.Limits) }
	h.mux.HandleFunc("GET /fhir/metadata", h.metadata)
	h.mux.HandleFunc("POST /fhir", h.base)
	h.mux.HandleFunc("POST /fhir/{$}", h.base)
	h.mux.HandleFunc("POST /fhir/{type}", h.resource)
	h.mux.HandleFunc("POST /fhir/{type}/{$}", h.resource)
	h.mux.HandleFunc("PUT /fhir/{type}/{id}", h.resource)
	h.mux.HandleFunc("DELETE /fhir/{type}/{id}", h.remove)
	h.mux.HandleFunc("/fhir", h.unknown)
	h.mux.HandleFunc("/fhir/", h.unknown)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *handler) unknown(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "POST, PUT, DELETE")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		refuse(w, http.StatusNotFound, "not-found", "nothing is read back here")
		return
	}
	refuse(w, http.StatusMethodNotAllowed, "not-supported", "this interaction is not supported")
}

// source finds out in whose name the request comes, or answers why not.
func (h *handler) source(w http.ResponseWriter, r *http.Request) (ingest.Source, bool) {
	src, status, text := SourceOf(r, h.Source)
	if status != 0 {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="readtrail"`)
		}
		refuse(w, status, codeOf(status), text)
		return ingest.Source{}, false
	}
	return src, true
}

// SourceOf finds the source that a request comes from: the one that its credential belongs to, or the one that a user
// of this machine names with ?source=. A status other than 0 refuses the request, with a text for people.
func SourceOf(r *http.Request, find func(string) (ingest.Source, bool)) (src ingest.Source, status int, text string) {
	caller := proto.CallerFrom(r.Context())
	named := r.URL.Query().Get("source")
	name := caller.Source
	switch {
	case caller.Name == "":
		return src, http.StatusUnauthorized, "a source's credential is required"
	case name == "" && !caller.Local:
		return src, http.StatusForbidden, "only a registered source may send this"
	case name == "" && named == "":
		return src, http.StatusBadRequest, "name the source with ?source=NAME"
	case name == "":
		name = named
	case named != "" && named != name:
		return src, http.StatusForbidden, "the credential belongs to another source"
	}
	src, ok := find(name)
	if !ok {
		return src, http.StatusForbidden, "this source is not registered, or disabled"
	}
	return src, 0, ""
}

// failed answers an error of the journal. Nothing counts as kept.
func (h *handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ingest.ErrTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "too-long", "this is too large to be kept all or nothing")
	case errors.Is(err, ingest.ErrBusy), errors.Is(err, ingest.ErrClosed):
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(h.RetryAfter.Seconds()))))
		refuse(w, http.StatusServiceUnavailable, "transient", "the journal is busy: send the same again later")
	case r.Context().Err() != nil:
		refuse(w, http.StatusServiceUnavailable, "transient", "the request was cancelled: send the same again")
	default:
		h.Logger.ErrorContext(r.Context(), "journal did not take entries", slog.Any("err", err))
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(h.RetryAfter.Seconds()))))
		refuse(w, http.StatusServiceUnavailable, "exception", "the journal did not take this: send the same again later")
	}
}

// location is the address of a stored entry.
func (h *handler) location(r *http.Request, typ, id string) string {
	base := strings.TrimRight(h.BaseURL, "/")
	if base == "" {
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		base = scheme + r.Host
	}
	return base + "/fhir/" + typ + "/" + id
}

func (h *handler) decoder() *Decoder        { return h.decoders.Get().(*Decoder) }
func (h *handler) release(decoder *Decoder) { h.decoders.Put(decoder) }
