package embedded

import (
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// Limits on what a request may hold. maxQueryBytes equals the session's max_query_size.
const maxQueryBytes = 16 << 20

// request is one call of the HTTP interface, understood.
type request struct {
	query    string
	st       statement
	params   []parameter
	settings map[string]string
	database string
	format   string // of the answer
	queryID  string

	revision    uint64 // of the Native format the client reads
	compressed  bool   // answer in ClickHouse's block framing
	zstd        bool   // with zstd instead of LZ4
	gzip        bool   // answer with Content-Encoding: gzip
	waitForEnd  bool   // whole answer before the first byte
	bodyPath    string // spooled rows of an INSERT
	bodyRemoved bool
}

// notSettings are URL parameters with a meaning of their own; every other one is a setting of the query.
var notSettings = map[string]bool{
	"query": true, "query_id": true, "database": true, "default_format": true, "compress": true, "decompress": true,
	"client_protocol_version": true, "wait_end_of_query": true, "buffer_size": true, "quota_key": true,
	"network_compression_method": true, "network_zstd_compression_level": true, "enable_http_compression": true,
	"http_zlib_compression_level": true, "stacktrace": true, "role": true, "user": true, "password": true,
	"session_id": true, "session_timeout": true, "session_check": true, "close_session": true,
}

// newRequest understands everything of r but its body.
func newRequest(r *http.Request) (*request, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, refuse(codeNotImplemented, "external tables are not supported by the embedded engine")
	}
	q := r.URL.Query()
	if q.Get("session_id") != "" {
		return nil, refuse(codeNotImplemented, "sessions are not supported by the embedded engine")
	}
	if q.Has("user") || q.Has("password") {
		return nil, refuse(codeBadArguments, "credentials belong in the headers, not in the URL")
	}
	req := &request{settings: map[string]string{}, database: "default"}
	if err := req.readParameters(r, q); err != nil {
		return nil, err
	}
	return req, nil
}

// read takes the query and spools the rows of an INSERT to a file in dir. The caller calls cleanup in any case.
func (req *request) read(r *http.Request, dir string, maxBody int64) error {
	q := r.URL.Query()
	body, err := bodyReader(r, q.Get("decompress") == "1")
	if err != nil {
		return err
	}
	if err := req.readQuery(q.Get("query"), body, dir, maxBody); err != nil {
		return err
	}
	return req.check(r.Method)
}

func (req *request) readParameters(r *http.Request, q url.Values) error {
	for name, values := range q {
		switch {
		case strings.HasPrefix(name, "param_"):
			req.params = append(req.params, parameter{strings.TrimPrefix(name, "param_"), values[len(values)-1]})
		case protected[name]:
			return refuse(codeBadArguments, "setting "+name+" cannot be changed")
		case !notSettings[name]:
			req.settings[name] = values[len(values)-1]
		}
	}
	if v := first(r.Header.Get("X-ClickHouse-Database"), q.Get("database")); v != "" {
		req.database = v
	}
	if req.queryID = q.Get("query_id"); req.queryID == "" {
		req.queryID = rand.Text()
	}
	if strings.ContainsAny(req.queryID, "*/\\'\n\r") {
		return refuse(codeBadArguments, "query_id must not contain quotes, slashes, stars or line ends")
	}
	req.format = first(r.Header.Get("X-ClickHouse-Format"), q.Get("default_format"), "TabSeparated")
	if v := q.Get("client_protocol_version"); v != "" {
		revision, err := strconv.ParseUint(v, 10, 32)
		if err != nil {
			return refuse(codeBadArguments, "client_protocol_version is not a number")
		}
		req.revision = revision
	}
	req.compressed = q.Get("compress") == "1"
	req.zstd = strings.EqualFold(q.Get("network_compression_method"), "zstd")
	req.waitForEnd = q.Get("wait_end_of_query") == "1"
	req.gzip = q.Get("enable_http_compression") == "1" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	return nil
}

// readQuery takes the query from the URL, from the body, or from both, as ClickHouse does: rows of an INSERT follow the
// query of the URL, anything else is appended to it.
func (req *request) readQuery(query string, body io.Reader, dir string, maxBody int64) error {
	if query != "" {
		if st := scanStatement(query); st.keyword == "INSERT" && !st.inline && st.format != "" {
			req.query, req.st = query, st
			return req.spool(body, dir, maxBody)
		}
	}
	text, err := io.ReadAll(io.LimitReader(body, maxQueryBytes+1))
	if err != nil {
		return fmt.Errorf("read the query: %w", err)
	}
	if len(text) > maxQueryBytes {
		return refuse(codeTooLarge, fmt.Sprintf("a query may have %d bytes", maxQueryBytes))
	}
	switch {
	case query == "":
		query = string(text)
	case len(text) > 0:
		query += "\n" + string(text)
	}
	req.query, req.st = query, scanStatement(query)
	return nil
}

func (req *request) check(method string) error {
	switch {
	case req.st.keyword == "":
		return refuse(codeSyntaxError, "Empty query")
	case req.st.several:
		return refuse(codeSyntaxError, "Multi-statements are not allowed")
	case req.st.file:
		return refuse(codeNotImplemented, "INTO OUTFILE and FROM INFILE are not allowed over HTTP")
	case req.st.keyword == "CREATE" && req.st.second == "TEMPORARY":
		return refuse(codeNotImplemented, "temporary tables need a session, which the embedded engine does not offer")
	case method == http.MethodGet && !req.st.readOnly():
		return refuse(164, "Cannot modify anything with GET, use POST") // READONLY
	}
	if req.st.format != "" && req.st.keyword != "INSERT" {
		req.format = req.st.format
	}
	if req.st.inline && strings.EqualFold(req.st.format, "Native") {
		return refuse(codeNotImplemented, "put the query into the URL and the rows into the body")
	}
	return nil
}

// spool writes the rows of an INSERT to a file, from which the engine reads them: rows appended to the text of the query
// would be cut at the first byte that looks like its end.
func (req *request) spool(body io.Reader, dir string, maxBody int64) error {
	file, err := os.CreateTemp(dir, "insert-*")
	if err != nil {
		return refuse(codeNotEnoughSpace, "cannot write rows to disk: "+err.Error())
	}
	req.bodyPath = file.Name()
	n, err := io.Copy(file, io.LimitReader(body, maxBody+1))
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return refuse(codeNotEnoughSpace, "cannot write rows to disk: "+err.Error())
	case err != nil:
		return fmt.Errorf("read rows: %w", err)
	case n > maxBody:
		return refuse(codeTooLarge, fmt.Sprintf("an insert may have %d bytes", maxBody))
	case n == 0:
		return refuse(108, "No data to insert") // NO_DATA_TO_INSERT
	}
	return nil
}

// text is what the engine gets: the query with a tag by which it can be found and stopped, and for an INSERT with rows
// the file they are in.
func (req *request) text() string {
	query := req.query
	if req.bodyPath != "" {
		at := req.st.formatAt
		query = query[:at] + "FROM INFILE " + quoteString(filepath.ToSlash(req.bodyPath)) + " COMPRESSION 'none' " + query[at:]
	}
	return req.tag() + " " + query
}

// tag marks the query's text in system.processes, where the engine shows an id of its own choice.
func (req *request) tag() string { return tagPrefix + req.queryID + " */" }

// tagPrefix begins every tag; store.Cancel writes it too.
const tagPrefix = "/* readtrail:"

func (req *request) cleanup() {
	if req.bodyPath != "" && !req.bodyRemoved {
		req.bodyRemoved = true
		_ = os.Remove(req.bodyPath)
	}
}

func bodyReader(r *http.Request, framed bool) (io.Reader, error) {
	var body io.Reader = r.Body
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		reader, err := gzip.NewReader(body)
		if err != nil {
			return nil, refuse(codeBadArguments, "the body is not gzip")
		}
		body = reader
	default:
		return nil, refuse(codeNotImplemented, "Content-Encoding must be gzip or absent")
	}
	if framed {
		body = newFrameReader(body)
	}
	return body, nil
}

// frameReader reads ClickHouse's block framing and tells an end between two frames, which is the end of the rows, from one
// inside a frame, which is a connection that broke: the library calls both an EOF.
type frameReader struct {
	frames *compress.Reader
	source *countingReader
	known  int64 // bytes of the source that whole frames have taken
}

type countingReader struct {
	io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func newFrameReader(r io.Reader) *frameReader {
	source := &countingReader{Reader: r}
	return &frameReader{frames: compress.NewReader(source), source: source}
}

func (f *frameReader) Read(p []byte) (int, error) {
	n, err := f.frames.Read(p)
	switch {
	case err == nil:
		f.known = f.source.n
	case errors.Is(err, io.EOF) && f.source.n == f.known:
		err = io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
