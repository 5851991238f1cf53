package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxToldFaults is how many dead letters of one file its answer lists.
	maxToldFaults = 20
	// tellEvery is how often progress is written: five times a second looks alive and costs nothing.
	tellEvery = 200 * time.Millisecond
	// firstPause and longestPause are how long a busy journal is left alone.
	firstPause, longestPause = 50 * time.Millisecond, 2 * time.Second
)

// run is one file being read.
type run struct {
	*server
	ctx    context.Context
	src    ingest.Source
	file   File
	dry    bool
	line   int
	offset int64
	// skipped is what stood before the content: a byte order mark.
	skipped int64
	// whole knows, once everything is read, whether the file was damaged.
	whole *undamaged

	w        http.ResponseWriter
	control  *http.ResponseController
	told     time.Time
	progress Progress
	faults   int
	emitted  bool
	// watch is nil when nobody watches.
	watch Watch
}

// file takes one file.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	src, ok := s.source(w, r)
	if !ok {
		return
	}
	f, text := s.newRun(w, r, src)
	if text != "" {
		refuse(w, http.StatusBadRequest, text)
		return
	}
	// Progress is written while the body is still being read. HTTP/2 can always do that.
	_ = f.control.EnableFullDuplex()
	_ = f.control.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	// Where reading stops early, net/http reads on after the handler, when it no longer expects that the end of the body
	// begins its watch over the connection: it panics then. Closing the body here comes before.
	defer func() { _ = r.Body.Close() }()
	upload := &idleReader{control: f.control, idle: s.Idle, now: s.Now, r: r.Body}
	if s.Watch != nil {
		f.watch = s.Watch(src.Name)
		defer f.watch.End()
		f.watch.Total(uint64(max(r.ContentLength, 0))) // -1: the client did not say
		upload.came = f.watch.Done
	}
	body, whole, err := openBody(r, upload)
	f.whole = whole
	if err == nil {
		err = f.read(body)
	}
	if err == nil {
		err = whole.err
	}
	f.finish(err)
}

func (s *server) newRun(w http.ResponseWriter, r *http.Request, src ingest.Source) (*run, string) {
	q := r.URL.Query()
	f := &run{
		server: s, ctx: r.Context(), src: src, w: w, control: http.NewResponseController(w), dry: q.Get(paramDryRun) == "true", line: 1,
		file: File{Name: fileName(q.Get(paramName)), Mapping: q.Get(paramMapping)},
	}
	if text := q.Get(paramImport); text != "" {
		id, err := proto.ParseEventID(text)
		if err != nil {
			return nil, "the import id cannot be read"
		}
		f.file.ImportID = id.Bytes()
	}
	if text := r.Header.Get(headerMapping); text != "" {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, "the mapping cannot be read"
		}
		f.file.MappingText = plain
	}
	if text := q.Get(paramOffset); text != "" {
		offset, err := strconv.ParseInt(text, 10, 64)
		line, lineErr := strconv.Atoi(q.Get(paramLine))
		if err != nil || lineErr != nil || offset < 0 || line < 1 {
			return nil, "offset and line are numbers, and belong together"
		}
		f.offset, f.line = offset, line
	}
	return f, ""
}

// read tells the form of the content and reads it accordingly.
func (f *run) read(body *bufio.Reader) error {
	peek, err := body.Peek(peekBytes)
	if err != nil && !errors.Is(err, io.EOF) && len(peek) == 0 {
		return fmt.Errorf("read the file: %w", err)
	}
	form := DetectForm(f.file.Name, peek)
	if f.offset > 0 {
		// Only lines can be gone on with, so the rest of a file is lines whatever it looks like.
		form = FormLines
	}
	f.progress.Form = form
	if f.offset == 0 && bytes.HasPrefix(peek, byteOrderMark) {
		if _, err := body.Discard(len(byteOrderMark)); err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
		f.skipped = int64(len(byteOrderMark))
	}
	switch form {
	case FormEmpty:
		return nil
	case FormLines:
		return f.lines(body)
	case FormJSON:
		return f.document(body, 1)
	case FormHTTP:
		line, err := skipHTTPHead(body)
		if err != nil {
			return err
		}
		return f.document(unchunked(body), line)
	}
	return f.other(form, body)
}

// lines reads newline-delimited JSON as a stream.
func (f *run) lines(body io.Reader) error {
	f.progress.Resumable = !fhir.NumbersEqualContent(f.src)
	cfg := fhir.LinesConfig{Limits: f.Limits, Origin: f.file.Name, Line: f.line, ImportID: f.file.ImportID}
	begin := f.offset + f.skipped
	err := fhir.Lines(f.ctx, cfg, f.src, body, func(b fhir.Batch) error {
		if err := f.emit(b.Entries); err != nil {
			return err
		}
		f.progress.Offset, f.progress.Line = begin+b.Offset, b.Line
		return f.tell(false)
	})
	if err != nil {
		return fmt.Errorf("import lines: %w", err)
	}
	return nil
}

// document reads one JSON document, or several one after the other.
func (f *run) document(body io.Reader, line int) error {
	data, err := io.ReadAll(io.LimitReader(body, fhir.MaxDocumentBytes+1))
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	size := int64(len(data))
	if size > fhir.MaxDocumentBytes {
		// It is a dead letter now; its rest is read so that the sender can finish and hear about it.
		rest, err := io.Copy(io.Discard, body)
		if err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
		size += rest
	}
	if f.whole.err != nil && size <= fhir.MaxDocumentBytes {
		f.progress.Offset = size
		return f.keep(FormJSON, data, size, f.whole.err)
	}
	doc := fhir.Document{Data: data, Origin: f.file.Name, Line: line, ImportID: f.file.ImportID}
	err = fhir.Documents(f.Limits, f.src, doc, func(entries []ingest.Entry) error {
		if size > fhir.MaxDocumentBytes {
			// The one dead letter that it is knows only of the bytes that were held.
			entries[0].Item.GetDeadLetter().SizeBytes = uint64(size)
		}
		if err := f.emit(entries); err != nil {
			return err
		}
		return f.tell(false)
	})
	if err != nil {
		return fmt.Errorf("import document: %w", err)
	}
	f.progress.Offset = size
	return nil
}

// elementMapping is the element of a decode error that concerns the mapping and not the file.
const elementMapping = "mapping"

// other hands the file to the decoder for its form, or keeps it as one dead letter.
func (f *run) other(form Form, body *bufio.Reader) error {
	unreadable := &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "nothing here reads this form: " + string(form)}
	if decoder := f.Decoders[form]; decoder != nil {
		counted := &countingReader{r: body}
		// What the decoder read before it gave up is part of the original, too.
		var head bytes.Buffer
		file := f.file
		file.Body = io.TeeReader(counted, &capped{to: &head, left: ingest.MaxDeadLetterBytes})
		err := decoder.DecodeFile(f.ctx, f.src, file, func(entries []ingest.Entry) error {
			if err := f.emit(entries); err != nil {
				return err
			}
			f.progress.Offset = counted.n
			return f.tell(false)
		})
		if err == nil || f.emitted || !errors.As(err, &unreadable) || unreadable.Element == elementMapping {
			// A wrong mapping is the caller's mistake and says nothing about the file.
			f.progress.Offset = counted.n
			return err
		}
		return f.keepWhole(form, io.MultiReader(&head, body), unreadable)
	}
	return f.keepWhole(form, body, unreadable)
}

// keepWhole keeps a file that nothing reads as one dead letter.
func (f *run) keepWhole(form Form, body io.Reader, why error) error {
	original, err := io.ReadAll(io.LimitReader(body, ingest.MaxDeadLetterBytes+1))
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	rest, err := io.Copy(io.Discard, body)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	size := int64(len(original)) + rest
	f.progress.Offset = size
	if f.whole.err != nil {
		return f.keep(form, original, size, f.whole.err)
	}
	return f.keep(form, original, size, why)
}

// keep keeps what there is of a file of a size as one dead letter.
func (f *run) keep(form Form, original []byte, size int64, why error) error {
	letter := ingest.DeadLetter(f.src, ingest.Fault{
		Err: fhir.AsDecodeError(why), Original: original, MediaType: mediaTypeOf(form), Format: string(form), Origin: f.file.Name,
		ImportID: f.file.ImportID,
	})
	letter.Item.GetDeadLetter().SizeBytes = uint64(size)
	return f.emit([]ingest.Entry{letter})
}

func mediaTypeOf(form Form) string {
	switch form {
	case FormXML:
		return "application/xml"
	case FormHL7v2:
		return "x-application/hl7-v2+er7"
	case FormJSON:
		return fhir.MediaType
	case FormDelimited, FormSyslog:
		return "text/plain"
	}
	return "application/octet-stream"
}

// emit puts entries into the journal and counts them. A busy journal is tried again for a while.
func (f *run) emit(entries []ingest.Entry) error {
	if f.dry {
		f.countDry(entries)
		return nil
	}
	deadline := f.Now().Add(f.BusyWait)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		results, counts, err := f.Intake.Submit(f.ctx, f.src, entries, ingest.Options{})
		if err == nil {
			f.emitted = f.emitted || len(entries) > 0
			f.progress.Counts.Add(counts)
			f.tellFaults(entries, results)
			return nil
		}
		if !errors.Is(err, ingest.ErrBusy) || f.Now().After(deadline) {
			return fmt.Errorf("import: %w", err)
		}
		f.progress.Waiting = true
		tellErr := f.tell(true)
		f.progress.Waiting = false
		if tellErr != nil {
			return tellErr
		}
		select {
		case <-time.After(pause):
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
}

// countDry counts what would come of the entries, duplicates apart: only the journal knows those.
func (f *run) countDry(entries []ingest.Entry) {
	f.emitted = f.emitted || len(entries) > 0
	for i := range entries {
		if proto.KindOf(entries[i].Item) == v1.Kind_KIND_DEAD_LETTER {
			f.progress.Counts.DeadLetters++
		} else {
			f.progress.Counts.Stored++
		}
	}
	f.tellFaults(entries, nil)
}

// tellFaults tells of dead letters among the entries. results are where they stand; nil in a dry run.
func (f *run) tellFaults(entries []ingest.Entry, results []ingest.Result) {
	for i := range entries {
		letter := entries[i].Item.GetDeadLetter()
		if letter == nil || f.faults >= maxToldFaults {
			continue
		}
		f.faults++
		fault := Fault{Reason: letter.Reason, Element: letter.Element, Message: letter.Message, Line: letter.Line, Column: letter.Column}
		if results != nil {
			fault.Position = uint64(results[i].Position)
		}
		f.progress.Faults = append(f.progress.Faults, fault)
	}
}

// tell writes a line of progress, not more often than people can read unless it must be now.
func (f *run) tell(now bool) error {
	if f.watch != nil {
		f.watch.Results(f.progress.Counts.Stored)
	}
	if at := f.Now(); !now && at.Sub(f.told) < tellEvery {
		return nil
	}
	f.told = f.Now()
	if err := json.NewEncoder(f.w).Encode(f.progress); err != nil {
		return fmt.Errorf("tell progress: %w", err)
	}
	f.progress.Faults = nil
	if err := f.control.Flush(); err != nil {
		return fmt.Errorf("tell progress: %w", err)
	}
	return nil
}

// finish writes the last line: done, or what went wrong and whether coming back helps.
func (f *run) finish(err error) {
	var decodeErr *ingest.DecodeError
	switch {
	case err == nil:
		f.progress.Done = true
	case errors.As(err, &decodeErr):
		f.progress.Error = decodeErr.Error()
	case errors.Is(err, ingest.ErrBusy), errors.Is(err, ingest.ErrClosed):
		f.progress.Error, f.progress.Busy = "the journal is busy: send the rest later", true
	default:
		f.Logger.WarnContext(f.ctx, "import of a file failed", slog.String("source", f.src.Name), slog.Any("err", err))
		f.progress.Error, f.progress.Busy = "the import was interrupted: send the rest again", true
	}
	_ = f.tell(true)
}
