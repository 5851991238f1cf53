package importer

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/ingest"
)

// idleReader gives the client a deadline for each read: an import may take hours, silence may not.
type idleReader struct {
	control *http.ResponseController
	idle    time.Duration
	now     func() time.Time
	r       io.Reader
	set     time.Time
	// came, unless nil, is told how many bytes came so far.
	came  func(bytes uint64)
	bytes uint64
	// broken is what the connection failed with: whatever ended early ended with it.
	broken error
}

// Read implements io.Reader.
func (i *idleReader) Read(p []byte) (int, error) {
	if now := i.now(); now.Sub(i.set) > i.idle/4 {
		_ = i.control.SetReadDeadline(now.Add(i.idle))
		i.set = now
	}
	n, err := i.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		i.broken = err
	}
	if i.bytes += uint64(n); i.came != nil {
		i.came(i.bytes)
	}
	return n, err
}

// undamaged reads to where a file that has arrived whole turns out to be damaged, as if it ended there: what stands before
// is taken like that of any file that was cut. err says so afterwards.
type undamaged struct {
	r      io.Reader
	upload *idleReader
	err    error
}

// Read implements io.Reader.
func (u *undamaged) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	var corrupt flate.CorruptInputError
	damaged := errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt)
	if damaged && u.upload.broken == nil {
		u.err = &ingest.DecodeError{Reason: ReasonDamaged, Message: "the file ends too early or its compression is damaged"}
		err = io.EOF
	}
	return n, err
}

// ReasonDamaged is the reason of a dead letter that is what could be read of a damaged document. It is not decoded again.
const ReasonDamaged = "damaged"

// openBody takes the compression off: the one that the header states, and that of a .gz file sent as it is. The second
// result says at the end whether the file was whole.
func openBody(r *http.Request, upload *idleReader) (*bufio.Reader, *undamaged, error) {
	notGzip := &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Message: "the content is not gzip"}
	whole := &undamaged{r: upload, upload: upload}
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip", "x-gzip":
		plain, err := gzip.NewReader(upload)
		if err != nil {
			return nil, whole, notGzip
		}
		whole.r = plain
	default:
		return nil, whole, &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "of content encodings, only gzip is supported"}
	}
	buffered := bufio.NewReaderSize(whole, peekBytes)
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		plain, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, whole, notGzip
		}
		whole = &undamaged{r: plain, upload: upload}
		buffered = bufio.NewReaderSize(whole, peekBytes)
	}
	return buffered, whole, nil
}

// countingReader counts what is read through it.
type countingReader struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// capped passes on the first bytes that are written to it and swallows the rest.
type capped struct {
	to   io.Writer
	left int
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	if n > 0 {
		if _, err := c.to.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// skipHTTPHead reads past the head of a captured HTTP message and returns the number of the line that its body is on.
func skipHTTPHead(body *bufio.Reader) (int, error) {
	for line := 1; line <= maxHeadLines; line++ {
		text, err := body.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return 0, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Message: "a captured HTTP message without a body"}
		}
		if len(bytes.TrimSpace(text)) == 0 {
			return line + 1, nil
		}
	}
	return 0, &ingest.DecodeError{Reason: ingest.ReasonTooLarge, Message: "a captured HTTP message with more than a thousand lines of head"}
}

const maxHeadLines = 1000

// unchunked takes the chunked transfer coding off a captured body that still has it: a length in hexadecimal comes
// first then, which no JSON begins with.
func unchunked(body *bufio.Reader) io.Reader {
	head, _ := body.Peek(16)
	length, _, found := bytes.Cut(head, []byte("\r\n"))
	if _, err := strconv.ParseUint(string(length), 16, 32); found && err == nil {
		return httputil.NewChunkedReader(body)
	}
	return body
}
