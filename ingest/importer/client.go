package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/readtrail/readtrail/ingest"
)

const (
	// attempts is how often a file is sent again without getting any further; with growing pauses this is half a minute.
	attempts = 6
	// firstRetry and longestRetry are the pauses between attempts.
	firstRetry, longestRetry = time.Second, 10 * time.Second
	// maxLineOfProgress bounds one line of an answer: twenty faults and some numbers.
	maxLineOfProgress = 1 << 20
)

// errRefused is an answer that will not change by asking again: wrong source, no credential, bad parameters.
var errRefused = errors.New("the server refused")

// client speaks the protocol.
type client struct {
	http   *http.Client
	base   string
	source string
	// importID is what begin returned; empty in a dry run.
	importID string
	backfill bool
	dry      bool
	mapping  string
	text     []byte
	stdin    io.Reader
	sleep    func(ctx context.Context, d time.Duration) error
	// waits is told, once, why the command stands still.
	waits func(why string)
	// reached: the server answered once, so that it will be back when it cannot be reached now.
	reached bool
}

// errUnreachable is a server that was never there: nothing listens at its address.
var errUnreachable = errors.New("the server cannot be reached: is it running, and is this its address?")

// errInput is a file that is not there or may not be read: the others can still be sent.
var errInput = errors.New("the file cannot be read")

// do sends one request.
func (c *client) do(req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err == nil {
		c.reached = true
		return res, nil
	}
	var unknown *net.DNSError
	nobody := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) || errors.As(err, &unknown) && unknown.IsNotFound
	if nobody && !c.reached {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return nil, fmt.Errorf("reach the server: %w", err)
}

// passes reports whether an error is expected to pass: a server that restarts, a journal that is busy.
func passes(ctx context.Context, err error) bool {
	return !errors.Is(err, errRefused) && !errors.Is(err, errUnreachable) && !errors.Is(err, errInput) && ctx.Err() == nil
}

// wait stands still between two attempts and says so the first time.
func (c *client) wait(ctx context.Context, why error, pause time.Duration) error {
	if c.waits != nil {
		c.waits(why.Error())
		c.waits = nil
	}
	return c.sleep(ctx, pause)
}

func (c *client) url(path string, more url.Values) string {
	q := url.Values{}
	if c.source != "" {
		q.Set(paramSource, c.source)
	}
	if c.importID != "" {
		q.Set(paramImport, c.importID)
	}
	if c.backfill {
		q.Set(paramBackfill, "true")
	}
	maps.Copy(q, more)
	return strings.TrimSuffix(c.base, "/") + path + "?" + q.Encode()
}

// begin asks for an import id and marks the beginning.
func (c *client) begin(ctx context.Context, name string) error {
	var answer beginAnswer
	err := c.again(ctx, func() error {
		return c.post(ctx, c.url("/import/begin", url.Values{paramName: {name}}), nil, &answer)
	})
	if err != nil {
		return fmt.Errorf("begin import: %w", err)
	}
	c.importID = answer.ImportID
	return nil
}

// probe asks whether the server would take a file, with an empty one: a refusal that comes while a large body is being
// sent can be lost with the connection.
func (c *client) probe(ctx context.Context) error {
	err := c.again(ctx, func() error {
		return c.post(ctx, c.url("/import", url.Values{paramDryRun: {"true"}}), nil, nil)
	})
	if err != nil {
		return fmt.Errorf("begin dry run: %w", err)
	}
	return nil
}

// end marks the end.
func (c *client) end(ctx context.Context, name string, counts ingest.Counts) error {
	body, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("end import: %w", err)
	}
	err = c.again(ctx, func() error {
		return c.post(ctx, c.url("/import/end", url.Values{paramName: {name}}), body, nil)
	})
	if err != nil {
		return fmt.Errorf("end import: %w", err)
	}
	return nil
}

// again repeats what failed for a reason that passes.
func (c *client) again(ctx context.Context, f func() error) error {
	pause := firstRetry
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || !passes(ctx, err) || attempt == attempts {
			return err
		}
		if err := c.wait(ctx, err, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestRetry)
	}
}

func (c *client) post(ctx context.Context, address string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if err := statusError(res); err != nil {
		return err
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// statusError turns an answer that is no success into an error with the server's own words.
func statusError(res *http.Response) error {
	if res.StatusCode < 300 {
		return nil
	}
	var said Progress
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxCountsBytes))
	if json.Unmarshal(text, &said) != nil || said.Error == "" {
		said.Error = res.Status
	}
	if res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		return fmt.Errorf("the server is not ready: %s", said.Error)
	}
	return fmt.Errorf("%w: %s", errRefused, said.Error)
}

// FileReport is what became of one file.
type FileReport struct {
	Name   string        `json:"name"`
	Form   Form          `json:"form,omitempty"`
	Counts ingest.Counts `json:"counts"`
	In     uint64        `json:"in"`
	Faults []Fault       `json:"faults,omitempty"`
	// Resumed: the file was through already in the interrupted import.
	Resumed bool `json:"resumed,omitempty"`
	// Damaged says that the file could not be read to its end; what stood before is kept.
	Damaged string `json:"damaged,omitempty"`
}

// watch is what a progress display is told.
type watch func(sent int64, p Progress)

// file sends one file, again from where it got to when the connection breaks.
func (c *client) file(ctx context.Context, in input, at *fileState, save func(), tell watch) (FileReport, error) {
	report := FileReport{Name: in.name}
	var kept ingest.Counts
	before := at.Counts
	pause, failures := firstRetry, 0
	for {
		last, faults, err := c.send(ctx, in, at, tell)
		report.Faults = append(report.Faults, faults...)
		if last.Form != "" {
			report.Form = last.Form
		}
		if err == nil || last.Error != "" && !last.Busy {
			kept.Add(last.Counts)
			report.Counts, report.In, report.Damaged = kept, kept.In(), last.Error
			// A damaged file is damaged wherever it is gone on with: all of it is sent again.
			if *at = (fileState{}); err == nil {
				*at = fileState{Done: true, Offset: last.Offset, Line: last.Line, Counts: sum(before, kept)}
			}
			save()
			return report, nil
		}
		if !passes(ctx, err) || in.path == "-" {
			report.Counts, report.In = kept, kept.In()
			return report, err
		}
		if last.Resumable && last.Offset > at.Offset {
			kept.Add(last.Counts)
			*at = fileState{Offset: last.Offset, Line: last.Line, Counts: sum(before, kept)}
			save()
			pause, failures = firstRetry, 0
		} else if !last.Resumable {
			report.Faults = nil
		}
		if failures++; failures == attempts {
			report.Counts, report.In = kept, kept.In()
			return report, err
		}
		if err := c.wait(ctx, err, pause); err != nil {
			return report, err
		}
		pause = min(2*pause, longestRetry)
	}
}

func sum(a, b ingest.Counts) ingest.Counts {
	a.Add(b)
	return a
}

// mappingOf is how a file is read, by name and text: as --mapping says, else as the file beside it says.
func (c *client) mappingOf(in input) (name string, text []byte, err error) {
	if c.mapping != "" || in.mapping == "" {
		return c.mapping, c.text, nil
	}
	text, err = readMapping(in.mapping)
	return filepath.Base(in.mapping), text, err
}

// send sends a file once, from at on, and returns the last line of progress. A last line with an error is an error.
func (c *client) send(ctx context.Context, in input, at *fileState, tell watch) (last Progress, faults []Fault, err error) {
	body, length, err := c.open(in, at.Offset)
	if err != nil {
		return last, nil, fmt.Errorf("%w: %w", errInput, err)
	}
	defer func() { _ = body.Close() }()
	more := url.Values{paramName: {filepath.Base(in.name)}}
	if at.Offset > 0 {
		more.Set(paramOffset, strconv.FormatInt(at.Offset, 10))
		more.Set(paramLine, strconv.Itoa(at.Line))
	}
	mapping, text, err := c.mappingOf(in)
	if err != nil {
		return last, nil, fmt.Errorf("%w: %w", errInput, err)
	}
	if mapping != "" {
		more.Set(paramMapping, mapping)
	}
	if c.dry {
		more.Set(paramDryRun, "true")
	}
	sent := &sentCounter{r: body}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url("/import", more), io.NopCloser(sent))
	if err != nil {
		return last, nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	req.ContentLength = length
	if length == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if len(text) > 0 {
		req.Header.Set(headerMapping, base64.StdEncoding.EncodeToString(text))
	}
	res, err := c.do(req)
	if err != nil {
		return last, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := statusError(res); err != nil {
		return last, nil, err
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLineOfProgress)
	for lines.Scan() {
		var p Progress
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return last, faults, fmt.Errorf("read the answer: %w", err)
		}
		faults = append(faults, p.Faults...)
		last = p
		tell(sent.n.Load(), p)
	}
	switch {
	case last.Done:
		return last, faults, nil
	case last.Error != "":
		return last, faults, errors.New(last.Error)
	case lines.Err() != nil:
		return last, faults, fmt.Errorf("the connection broke: %w", lines.Err())
	}
	return last, faults, errors.New("the connection ended before the file did")
}

// open opens an input at an offset of its content without compression. The length is -1 when it is not known.
func (c *client) open(in input, offset int64) (io.ReadCloser, int64, error) {
	if in.path == "-" {
		return io.NopCloser(c.stdin), -1, nil
	}
	f, err := os.Open(in.path)
	if err != nil {
		return nil, 0, fmt.Errorf("open input: %w", err)
	}
	if offset == 0 {
		if in.size < 0 {
			return f, -1, nil
		}
		// A file that grows meanwhile is sent as long as it was.
		return readCloser{io.LimitReader(f, in.size), f}, in.size, nil
	}
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err == nil && magic == [2]byte{0x1f, 0x8b} {
		plain, err := gzip.NewReader(f)
		if err == nil {
			_, err = io.CopyN(io.Discard, plain, offset)
		}
		if err != nil {
			_ = f.Close()
			return nil, 0, fmt.Errorf("go on in a compressed file: %w", err)
		}
		return readCloser{plain, f}, -1, nil
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, 0, fmt.Errorf("go on in a file: %w", err)
	}
	return readCloser{io.LimitReader(f, in.size-offset), f}, in.size - offset, nil
}

// readCloser reads from one and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// sentCounter counts what the transport took; the display reads it from another goroutine.
type sentCounter struct {
	r io.Reader
	n atomic.Int64
}

// Read implements io.Reader.
func (s *sentCounter) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n.Add(int64(n))
	return n, err
}
