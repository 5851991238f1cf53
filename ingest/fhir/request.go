package fhir

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/readtrail/readtrail/ingest"
)

// byteOrderMark begins files of some Windows tools; JSON has none.
var byteOrderMark = []byte("\xef\xbb\xbf")

// refusal is an answer that ends a request before anything was decoded.
type refusal struct {
	status     int
	code, text string
}

// mediaType checks what the body is said to be. lines is true for newline-delimited JSON.
func mediaType(header string) (lines bool, err *refusal) {
	if header == "" {
		return false, nil
	}
	media, params, parseErr := mime.ParseMediaType(header)
	if parseErr != nil {
		return false, &refusal{http.StatusUnsupportedMediaType, "not-supported", "the content type cannot be read"}
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" {
		return false, &refusal{http.StatusUnsupportedMediaType, "not-supported", "send UTF-8"}
	}
	switch media {
	case "application/fhir+json", "application/json", "application/json+fhir", "text/json", "application/octet-stream",
		"application/x-www-form-urlencoded":
		// The last two are what clients send that were told nothing.
		return false, nil
	case "application/fhir+ndjson", "application/x-ndjson", "application/ndjson", "application/jsonl":
		return true, nil
	case "application/fhir+xml", "application/xml+fhir", "application/xml", "text/xml":
		return false, &refusal{http.StatusUnsupportedMediaType, "not-supported", "FHIR XML is not supported: send application/fhir+json"}
	}
	return false, &refusal{http.StatusUnsupportedMediaType, "not-supported", "send application/fhir+json, application/json or application/fhir+ndjson"}
}

// openBody returns the body without its compression.
func openBody(r *http.Request) (io.Reader, *refusal) {
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return r.Body, nil
	case "gzip", "x-gzip":
		plain, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "structure", "the body is not gzip"}
		}
		return plain, nil
	}
	return nil, &refusal{http.StatusUnsupportedMediaType, "not-supported", "of content encodings, only gzip is supported"}
}

// readBody reads a whole body of JSON. Compressed input is cut off at the same limit, however far it would expand.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, h.RequestBytes)
	plain, refused := openBody(r)
	if refused != nil {
		return nil, refused
	}
	var body bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= h.RequestBytes {
		body.Grow(int(n) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(plain, h.RequestBytes+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || n > h.RequestBytes:
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too-long", "the body is larger than the limit"}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "structure", "the body could not be read to its end"}
	}
	return bytes.TrimPrefix(body.Bytes(), byteOrderMark), nil
}

// take reads the source, the media type and the body of a request, or answers why not. A nil body was answered.
func (h *handler) take(w http.ResponseWriter, r *http.Request) (ingest.Source, []byte) {
	src, ok := h.source(w, r)
	if !ok {
		return src, nil
	}
	lines, refused := mediaType(r.Header.Get("Content-Type"))
	if refused == nil && lines {
		refused = &refusal{http.StatusUnsupportedMediaType, "not-supported", "send newline-delimited JSON to the base, /fhir"}
	}
	var body []byte
	if refused == nil {
		body, refused = h.readBody(w, r)
	}
	if refused == nil && len(bytes.TrimSpace(body)) == 0 {
		refused = &refusal{http.StatusBadRequest, "structure", "the body is empty"}
	}
	if refused == nil && bytes.TrimLeft(body, " \t\r\n")[0] == '<' {
		refused = &refusal{http.StatusUnsupportedMediaType, "not-supported", "FHIR XML is not supported: send application/fhir+json"}
	}
	if refused != nil {
		refuse(w, refused.status, refused.code, refused.text)
		return src, nil
	}
	return src, body
}
