package embedded

import (
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// holdBytes of an answer are kept back before its first byte is sent: up to there a failure is a status 500 and the
// summary is a header. Beyond, a failure is a marked block in the answer and the summary a trailer, as on a server.
const holdBytes = 1 << 20

// frameBytes is how much goes into one compressed frame; the server's own size.
const frameBytes = 1 << 20

// errClientGone says that the answer could not be sent.
var errClientGone = errors.New("the client went away")

// response writes an answer in the encodings the client asked for.
type response struct {
	w      http.ResponseWriter
	req    *request
	held   []byte
	sent   bool // the header is out
	tag    string
	frames *compress.Writer
	zip    *gzip.Writer
}

func newResponse(w http.ResponseWriter, req *request) *response {
	out := &response{w: w, req: req, tag: rand.Text()[:16]}
	h := w.Header()
	h.Set("X-ClickHouse-Query-Id", req.queryID)
	h.Set("X-ClickHouse-Format", req.format)
	h.Set("X-ClickHouse-Timezone", "UTC")
	h.Set("X-ClickHouse-Exception-Tag", out.tag)
	h.Set("Content-Type", contentType(req.format))
	if req.compressed {
		method := compress.LZ4
		if req.zstd {
			method = compress.ZSTD
		}
		out.frames = compress.NewWriter(compress.LevelZero, method)
	}
	return out
}

func contentType(format string) string {
	f := strings.ToLower(format)
	switch {
	case f == "jsoneachrow" || f == "jsonlines" || f == "ndjson" || f == "jsoncompacteachrow":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(f, "tabseparated"), strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(f, "pretty"), f == "vertical", f == "markdown":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}

// write adds a piece of the answer; the bytes are not kept.
func (out *response) write(data []byte) error {
	if !out.sent && len(out.held)+len(data) <= holdBytes {
		out.held = append(out.held, data...)
		return nil
	}
	if !out.sent {
		out.w.Header().Set("Trailer", "X-ClickHouse-Summary")
		out.begin()
		held := out.held
		out.held = nil
		if err := out.send(held); err != nil {
			return err
		}
	}
	return out.send(data)
}

func (out *response) begin() {
	out.sent = true
	if out.req.gzip {
		out.w.Header().Set("Content-Encoding", "gzip")
		out.zip = gzip.NewWriter(out.w)
	}
	out.w.WriteHeader(http.StatusOK)
}

// send encodes and writes.
func (out *response) send(data []byte) error {
	for len(data) > 0 {
		n := len(data)
		if out.frames != nil {
			n = min(n, frameBytes)
		}
		piece := out.encode(data[:n])
		data = data[n:]
		var to io.Writer = out.w
		if out.zip != nil {
			to = out.zip
		}
		if _, err := to.Write(piece); err != nil {
			return fmt.Errorf("%w: %w", errClientGone, err)
		}
	}
	return nil
}

func (out *response) encode(data []byte) []byte {
	if out.frames == nil {
		return data
	}
	if err := out.frames.Compress(data); err != nil {
		return nil // only for a method that does not exist
	}
	return out.frames.Data
}

// finish ends a good answer.
func (out *response) finish(total counters) {
	summary := fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d","total_rows_to_read":"0","result_rows":"%d","result_bytes":"%d","elapsed_ns":"%d"}`,
		total.readRows, total.readBytes, total.writtenRows, total.writtenBytes, total.resultRows, total.resultBytes, int64(total.elapsed*1e9))
	out.w.Header().Set("X-ClickHouse-Summary", summary)
	if !out.sent {
		if len(out.held) == 0 {
			out.req.gzip = false // an empty answer stays empty
			out.w.Header().Set("Content-Length", "0")
		}
		out.begin()
		if out.send(out.held) != nil {
			return
		}
	}
	if out.zip != nil {
		_ = out.zip.Close()
	}
}

// fail ends the answer with an exception: in its place when nothing has been sent, inside it otherwise.
func (out *response) fail(e *exception) {
	if !out.sent {
		out.held = nil
		var encode func([]byte) []byte
		if out.frames != nil {
			encode = out.encode
		}
		writeException(out.w, e, encode)
		return
	}
	text := strings.TrimRight(e.text, "\n")
	frame := fmt.Sprintf("\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", out.tag, text, len(text)+1, out.tag)
	if out.send([]byte(frame)) == nil && out.zip != nil {
		_ = out.zip.Close()
	}
}
