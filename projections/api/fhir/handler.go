package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxForm bounds the body of a POST search: the largest search that is taken, percent-encoded.
const maxForm = 64 << 10

// Questions is what is asked of the query service.
type Questions interface {
	// SearchEvents and GetEvent journal the question before they return its answer; errors are *connect.Error.
	SearchEvents(ctx context.Context, q api.EventSearch) (*api.EventPage, error)
	GetEvent(ctx context.Context, req *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error)
}

// Config says how events are read back.
type Config struct {
	// Questions answers. Required.
	Questions Questions
	// Key seals page links: KeyBytes bytes, the same in every process that serves them. Required.
	Key []byte
	// TimeZone tells days that name no offset. Default UTC.
	TimeZone *time.Location
	// BaseURL is the address that links begin with, without the trailing "/fhir". Default: the request's host.
	BaseURL string
	// Now is the clock of searches. Default time.Now.
	Now func() time.Time
	// Logger gets failures, never identifiers and no part of a URL. Default: discarded.
	Logger *slog.Logger
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var faults []error
	if c.Questions == nil {
		faults = append(faults, errors.New("no query service"))
	}
	if _, err := newSealer(c.Key); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("fhir read-back configuration: %w", err)
	}
	return nil
}

type handler struct {
	Config
	seal *sealer
	mux  *http.ServeMux
}

// Patterns are what the handler serves, for http.ServeMux.
func Patterns() []string {
	return []string{
		"GET /fhir/AuditEvent", "GET /fhir/AuditEvent/{$}", "POST /fhir/AuditEvent/_search", "GET /fhir/AuditEvent/{id}",
		"GET /fhir/AuditEvent/{id}/$original",
	}
}

// NewHandler serves Patterns. Who asks is in the request's context (proto.WithCaller).
func NewHandler(cfg Config) (http.Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.TimeZone == nil {
		cfg.TimeZone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("component", "fhir-read"))
	seal, err := newSealer(cfg.Key)
	if err != nil {
		return nil, err
	}
	h := &handler{Config: cfg, seal: seal, mux: http.NewServeMux()}
	h.mux.HandleFunc("GET /fhir/AuditEvent", h.search)
	h.mux.HandleFunc("GET /fhir/AuditEvent/{$}", h.search)
	h.mux.HandleFunc("POST /fhir/AuditEvent/_search", h.search)
	h.mux.HandleFunc("GET /fhir/AuditEvent/{id}", h.read)
	h.mux.HandleFunc("GET /fhir/AuditEvent/{id}/$original", h.original)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// base is the address of the FHIR server, as links begin with it.
func (h *handler) base(r *http.Request) string {
	if h.BaseURL != "" {
		return strings.TrimRight(h.BaseURL, "/") + "/fhir"
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + "/fhir"
}

// write answers with a resource. What it says is for the asker alone: nothing on the way may keep it.
func (h *handler) write(ctx context.Context, w http.ResponseWriter, status int, as accepted, resource any) {
	body, err := encode(resource)
	if err == nil && as.pretty {
		var indented bytes.Buffer
		if err = json.Indent(&indented, body, "", "  "); err == nil {
			body = indented.Bytes()
		}
	}
	if err != nil {
		h.Logger.ErrorContext(ctx, "answer not encoded", slog.Any("err", err))
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", as.contentType())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept, "+PurposeHeader)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// parameters are those of the URL and, in a POST search, of the form.
func parameters(w http.ResponseWriter, r *http.Request) ([]Parameter, *refusal) {
	malformed := refused(http.StatusBadRequest, "invalid", "the parameters are not encoded as they should be")
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed
	}
	all := flat(values)
	if r.Method != http.MethodPost {
		return all, nil
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(strings.ToLower(media)) != "application/x-www-form-urlencoded" {
		return nil, refused(http.StatusUnsupportedMediaType, "not-supported", "send a search as application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var form bytes.Buffer
	if _, err := form.ReadFrom(r.Body); err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return nil, refused(http.StatusRequestEntityTooLarge, "too-long", "the form is too long")
		}
		return nil, malformed
	}
	if values, err = url.ParseQuery(strings.TrimSpace(form.String())); err != nil {
		return nil, malformed
	}
	return append(all, flat(values)...), nil
}

func flat(values url.Values) []Parameter {
	var out []Parameter
	for name, list := range values {
		for _, value := range list {
			out = append(out, Parameter{name, value})
		}
	}
	return out
}

// valueOf is the last value of a parameter.
func valueOf(all []Parameter, name string) string {
	value := ""
	for _, one := range all {
		if one.Name == name {
			value = one.Value
		}
	}
	return value
}

// read answers GET AuditEvent/[id].
func (h *handler) read(w http.ResponseWriter, r *http.Request) {
	all, refusedBy := parameters(w, r)
	if refusedBy != nil {
		h.refuse(r.Context(), w, refusedBy)
		return
	}
	as, refusedBy := accept(r, valueOf(all, "_format"))
	if refusedBy != nil {
		h.refuse(r.Context(), w, refusedBy)
		return
	}
	as.pretty = valueOf(all, "_pretty") == "true"
	res, refusedBy := h.event(r, false)
	if refusedBy != nil {
		h.refuse(r.Context(), w, refusedBy)
		return
	}
	found := Found{
		ID: r.PathValue("id"), Event: res.Event, ReceivedUs: res.ReceivedUs, ConflictsWith: idText(res.ConflictsWith),
	}
	body, err := Emit(found, as.version)
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "event not emitted", slog.Any("err", err))
		h.refuse(r.Context(), w, refused(http.StatusInternalServerError, "exception", "the event could not be emitted"))
		return
	}
	w.Header().Set("ETag", `W/"1"`)
	w.Header().Set("Last-Modified", time.UnixMicro(res.ReceivedUs).UTC().Format(http.TimeFormat))
	h.note(w, res.Header)
	h.write(r.Context(), w, http.StatusOK, as, json.RawMessage(body))
}

// original answers GET AuditEvent/[id]/$original: the bytes that the source sent, and nothing around them.
func (h *handler) original(w http.ResponseWriter, r *http.Request) {
	res, refusedBy := h.event(r, true)
	if refusedBy != nil {
		h.refuse(r.Context(), w, refusedBy)
		return
	}
	if len(res.Original) == 0 {
		text := "this event has no original"
		if len(res.Header.GetNotes()) > 0 {
			text = res.Header.Notes[0]
		}
		h.refuse(r.Context(), w, refused(http.StatusGone, "deleted", text))
		return
	}
	h.note(w, res.Header)
	header := w.Header()
	header.Set("Content-Type", originalType(res.MediaType))
	// What a source sent is evidence, not something for a browser to open.
	header.Set("Content-Disposition", "attachment")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(res.Original)
}

// originalType is the media type that the original came as, where a header can say it.
func originalType(media string) string {
	if media == "" || !isPlain(media, 200) {
		return "application/octet-stream"
	}
	return media
}

// event asks for one event.
func (h *handler) event(r *http.Request, original bool) (*v1.GetEventResponse, *refusal) {
	purpose := purposeOf(r)
	if r := mayAsk(r.Context(), purpose); r != nil {
		return nil, r
	}
	none := refused(http.StatusNotFound, "not-found", "the journal holds no such event")
	text, look := r.PathValue("id"), false
	if _, err := proto.ParseEventID(text); err != nil {
		if position, err := proto.ParsePosition(text); err != nil || position.Sequence() == 0 {
			return nil, none
		}
		look = true // no event has its position for an id
	}
	res, err := h.Questions.GetEvent(r.Context(), connect.NewRequest(&v1.GetEventRequest{Event: text, Purpose: purpose, Original: original}))
	if err != nil {
		return nil, refusalOf(err)
	}
	if look && res.Msg.GetEvent().GetSource() != proto.OwnSource {
		return nil, none
	}
	return res.Msg, nil
}

// idOf is the id of a resource: the event's. A look through Readtrail is told from a question in the journal, which has no id among events:
// its position stands for one.
func idOf(e api.FoundEvent) string {
	if e.Event.GetSource() == proto.OwnSource {
		return e.Position.String()
	}
	return idText(e.Event.EventId)
}

// mayAsk refuses who may not ask before anything else is said, and then who does not say why.
func mayAsk(ctx context.Context, purpose string) *refusal {
	switch caller := proto.CallerFrom(ctx); {
	case caller.Name == "":
		return refused(http.StatusUnauthorized, "login", "sign in: a token is required")
	case !caller.MayAsk():
		return refused(http.StatusForbidden, "forbidden", "only investigators and above may read audit events")
	case purpose == "":
		return refused(http.StatusBadRequest, "required", "say why you ask, in the header "+PurposeHeader+": no question is answered without a purpose").about(PurposeHeader)
	}
	return nil
}

// note says in headers which question this was, and what its answer rests on.
func (h *handler) note(w http.ResponseWriter, a *v1.AnswerHeader) {
	w.Header().Set("Readtrail-Question", a.GetQuestionId())
	w.Header().Set("Readtrail-Position", proto.Position(a.GetPosition()).String())
}

// idText is the text of an event's id; "" for none.
func idText(id []byte) string {
	made, err := proto.EventIDFromBytes(id)
	if err != nil {
		return ""
	}
	return made.String()
}

// strict reports whether the client wants unknown parameters refused (R4 section 3.1.1.1).
func strict(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Prefer"), func(s string) bool {
		return strings.Contains(strings.ReplaceAll(strings.ToLower(s), " ", ""), "handling=strict")
	})
}
