package embedded

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// handler is the ClickHouse HTTP interface over the engine: what clickhouse-go and curl use of it.
type handler struct {
	pool     *pool
	server   *column.ServerContext
	user     string
	password string
	spoolDir string
	maxBody  int64
	logger   *slog.Logger
	inflight inflight
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ping" || (r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.RawQuery == ""):
		plain(w, http.StatusOK, "Ok.\n")
		return
	case r.URL.Path == "/health":
		if err := h.pool.ping(); err != nil {
			plain(w, http.StatusServiceUnavailable, "engine does not answer\n")
			return
		}
		plain(w, http.StatusOK, "Ok.\n")
		return
	case r.URL.Path != "/":
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		plain(w, http.StatusMethodNotAllowed, "use GET or POST\n")
		return
	}
	if !h.authorised(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="ClickHouse"`)
		writeException(w, refuse(codeAuthenticationFail, "Authentication failed: password is incorrect, or there is no user with such name"), nil)
		return
	}
	req, err := newRequest(r)
	if err != nil {
		writeException(w, asException(err), nil)
		return
	}
	ctx, over, err := h.inflight.begin(r.Context(), req.tag())
	if err != nil {
		writeException(w, asException(err), nil)
		return
	}
	defer over()
	defer req.cleanup()
	if err := req.read(r, h.spoolDir, h.maxBody); err != nil {
		writeException(w, asException(err), nil)
		return
	}
	h.answer(ctx, w, r, req)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// authorised compares in constant time. Credentials come as basic authentication or in ClickHouse's own headers.
func (h *handler) authorised(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	same := subtle.ConstantTimeCompare([]byte(user), []byte(h.user))
	return same&subtle.ConstantTimeCompare([]byte(password), []byte(h.password)) == 1
}

// answer runs the statement. A reader that goes away stops its query; an INSERT that has begun runs to its end, as on a
// server, so that what it wrote does not depend on when the connection broke. ctx ends when the statement is killed by its
// name, which stops either.
func (h *handler) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, req *request) {
	out := newResponse(w, req)
	if req.st.keyword == "KILL" {
		if err := h.inflight.kill(r.Context(), req); err != nil {
			out.fail(asException(err))
			return
		}
	}
	waiting, stop := context.WithCancel(r.Context())
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	settings := maps.Clone(h.pool.base)
	maps.Copy(settings, req.settings)
	session, err := h.pool.acquire(waiting, settings)
	if err != nil {
		out.fail(asException(err))
		return
	}
	defer h.pool.release(session)
	if err := waiting.Err(); err != nil { // both were ready: a statement nobody waits for does not begin
		out.fail(asException(err))
		return
	}

	if req.st.readOnly() {
		ctx = waiting
	}
	defer h.pool.killOnDone(ctx, session, req.tag())()
	if err := session.prepare(settings, req.database); err != nil {
		out.fail(asException(err))
		return
	}
	if req.st.sessionOnly() {
		out.finish(counters{})
		return
	}
	total, err := h.execute(session, req, out)
	req.cleanup()
	switch {
	case errors.Is(err, errClientGone) || (err != nil && r.Context().Err() != nil):
		h.logger.DebugContext(r.Context(), "client went away")
	case err != nil:
		out.fail(asException(err))
	default:
		out.finish(total)
	}
}

// execute streams what can be streamed and runs the rest to its end first.
func (h *handler) execute(session *session, req *request, out *response) (counters, error) {
	buf := new(chproto.Buffer)
	sink := func(data []byte) error {
		if strings.EqualFold(req.format, "Native") && req.revision > 0 {
			buf.Reset()
			if err := recode(data, req.revision, h.server, buf); err != nil {
				return refuse(codeNotImplemented, err.Error())
			}
			data = buf.Buf
		}
		return out.write(data)
	}
	if req.st.streamable() && !req.waitForEnd && streams(req.format) {
		total, err := session.stream(req.text(), req.format, req.params, sink)
		if !notStreamable(err) {
			return total, err
		}
	}
	return session.run(req.text(), req.format, req.params, func(data []byte) error {
		if len(data) == 0 {
			return nil
		}
		return sink(data)
	})
}

// streams are the formats without an end of their own: the library does not write the closing part of a streamed result.
func streams(format string) bool {
	switch strings.ToLower(format) {
	case "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "jsonlines", "ndjson",
		"jsoncompacteachrow", "rowbinary":
		return true
	}
	return false
}

// notStreamable recognises the refusal that the engine gives before it runs anything.
func notStreamable(err error) bool {
	var e *exception
	return errors.As(err, &e) && e.code == codeBadArguments &&
		strings.HasPrefix(e.text, "Code: 36. DB::Exception: Streaming query is not supported for query")
}

func refuse(code int, text string) *exception {
	return &exception{code: code, text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, text, codeName(code))}
}

func codeName(code int) string {
	switch code {
	case codeBadArguments:
		return "BAD_ARGUMENTS"
	case codeNotImplemented:
		return "NOT_IMPLEMENTED"
	case codeSyntaxError:
		return "SYNTAX_ERROR"
	case 108:
		return "NO_DATA_TO_INSERT"
	case 164:
		return "READONLY"
	case codeTooManyQueries:
		return "TOO_MANY_SIMULTANEOUS_QUERIES"
	case codeNotEnoughSpace:
		return "NOT_ENOUGH_SPACE"
	case codeTooLarge:
		return "TOO_MANY_BYTES"
	case codeQueryWasCancelled:
		return "QUERY_WAS_CANCELLED"
	case codeAuthenticationFail:
		return "AUTHENTICATION_FAILED"
	}
	return "UNKNOWN_EXCEPTION"
}

func asException(err error) *exception {
	var e *exception
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuse(codeQueryWasCancelled, "Query was cancelled")
	}
	return refuse(codeUnknown, err.Error())
}

// writeException sends an exception in place of an answer.
func writeException(w http.ResponseWriter, e *exception, encode func([]byte) []byte) {
	status := http.StatusInternalServerError
	switch e.code {
	case codeAuthenticationFail:
		status = http.StatusForbidden
	case codeTooManyQueries:
		status = http.StatusServiceUnavailable
	case codeTooLarge:
		status = http.StatusRequestEntityTooLarge
	}
	body := append(bytes.TrimRight([]byte(e.text), "\n"), '\n')
	if encode != nil {
		body = encode(body)
	}
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("X-ClickHouse-Exception-Code", fmt.Sprint(e.code))
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body))
}
