package fhir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

const (
	// chunkBytes is how much is decoded at a time: about 170 events of 1.5 KB, a millisecond of work.
	chunkBytes = 256 << 10
	// fullChunk is when it is handed on: what is not filled stays in memory until the last of its events is on disk.
	fullChunk = chunkBytes - chunkBytes/8
	// shortRead tells a live stream, whose lines are not to wait for a full chunk, from a file: net/http's buffer is
	// 4 KiB, so a sender that is ahead of us fills at least that.
	shortRead = 4 << 10
	// MaxLineBytes bounds one line; a longer one becomes a dead letter, the lines behind it are read.
	MaxLineBytes = 8 << 20
	// batchEntries and batchBytes close what goes to the journal in one call: five of its messages, enough to
	// keep it busy while the next call's entries are decoded.
	batchEntries = proto.MaxBatchItems / 2
	batchBytes   = 3 << 20
)

// LinesConfig says how a stream of lines is read.
type LinesConfig struct {
	// Limits of one resource; zero takes the defaults.
	Limits Limits
	// Workers decode side by side; default one a processor.
	Workers int
	// Origin, Line and ImportID go into dead letters and events; Line is the number of the stream's first line, default 1.
	Origin   string
	Line     int
	ImportID []byte
}

// Batch is what a stream brought, in its order.
type Batch struct {
	Entries []ingest.Entry
	// Offset counts the bytes of the stream, and Line is the number of the line, up to which everything is in this batch
	// or those before it: where an interrupted import goes on.
	Offset int64
	Line   int
}

// chunk is whole lines on their way through a worker.
type chunk struct {
	data    []byte
	line    int
	end     int64
	endLine int
	// tooLong: data is the beginning of one line that was longer than the limit. lineSize is all of it, size with the
	// newline behind it.
	tooLong        bool
	size, lineSize int64

	entries []ingest.Entry
	done    chan struct{}
}

// Lines decodes newline-delimited JSON, one document a line, on all processors, and hands the entries to emit in the
// order of the lines: one call at a time, while the next ones are decoded. A bad line is a dead letter in its place.
// The error is the reader's, emit's or the context's.
func Lines(ctx context.Context, cfg LinesConfig, src ingest.Source, r io.Reader, emit func(Batch) error) error {
	workers := cfg.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Line <= 0 {
		cfg.Line = 1
	}
	group, ctx := errgroup.WithContext(ctx)
	// A chunk waiting for each worker. order also holds those that are decoded and wait for the journal: with 3 MiB of them
	// the next batch is full before the last one is on disk.
	jobs, order := make(chan *chunk, workers), make(chan *chunk, 6*workers)
	var readErr error // belongs to the reading goroutine until Wait returns
	group.Go(func() error {
		defer close(order)
		defer close(jobs)
		// A reader that fails does not stop what was read before it failed.
		readErr = readChunks(ctx, cfg, r, func(c *chunk) error {
			for _, to := range []chan *chunk{order, jobs} {
				select {
				case to <- c:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
		return nil
	})
	for range workers {
		group.Go(func() error {
			d := NewDecoder(cfg.Limits)
			for c := range jobs {
				c.decode(d, cfg, src)
				close(c.done)
			}
			return nil
		})
	}
	group.Go(func() error { return collect(ctx, src, order, emit) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	if readErr != nil {
		return fmt.Errorf("read lines: %w", readErr)
	}
	return nil
}

// collect puts chunks together in order and emits them.
func collect(ctx context.Context, src ingest.Source, order <-chan *chunk, emit func(Batch) error) error {
	var batch Batch
	size, emitted := 0, int64(0)
	number := numberer(src)
	flush := func() error {
		number(batch.Entries)
		err := emit(batch)
		batch.Entries, size, emitted = nil, 0, batch.Offset
		return err
	}
	for {
		var c *chunk
		var ok bool
		select {
		case c, ok = <-order:
		default:
			// Nothing more is ready: what is here need not wait for it.
			if len(batch.Entries) > 0 {
				if err := flush(); err != nil {
					return err
				}
			}
			select {
			case c, ok = <-order:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if !ok {
			if ctx.Err() != nil || batch.Offset == emitted {
				return ctx.Err()
			}
			return flush()
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if batch.Entries == nil {
			batch.Entries = make([]ingest.Entry, 0, batchEntries)
		}
		batch.Entries = append(batch.Entries, c.entries...)
		batch.Offset, batch.Line = c.end, c.endLine
		size += len(c.data)
		if len(batch.Entries) >= batchEntries || size >= batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// numberer returns what numbers equal contents of one file, for sources that want it. It remembers 16 bytes an event.
func numberer(src ingest.Source) func([]ingest.Entry) {
	if !NumbersEqualContent(src) {
		return func([]ingest.Entry) {}
	}
	seen := map[proto.ContentHash]uint64{}
	return func(entries []ingest.Entry) {
		for i := range entries {
			n := seen[entries[i].Content]
			seen[entries[i].Content] = n + 1
			if n > 0 {
				Renumber(&entries[i], src, n)
			}
		}
	}
}

// decode decodes the lines of a chunk.
func (c *chunk) decode(d *Decoder, cfg LinesConfig, src ingest.Source) {
	if c.tooLong {
		letter := ingest.DeadLetter(src, ingest.Fault{
			Err: &ingest.DecodeError{
				Reason:  ingest.ReasonTooLarge,
				Message: fmt.Sprintf("the line has %d bytes, the limit is %d (only the first %d bytes are kept)", c.lineSize, MaxLineBytes, len(c.data)),
			},
			Original: c.data, MediaType: MediaType, Format: "fhir", Origin: cfg.Origin, Line: c.line, ImportID: cfg.ImportID,
		})
		letter.Item.GetDeadLetter().SizeBytes = uint64(c.lineSize)
		c.entries = append(c.entries, letter)
		return
	}
	c.entries = make([]ingest.Entry, 0, len(c.data)/1024+1)
	line, rest := c.line, c.data
	for len(rest) > 0 {
		text := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			text, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			// The entry keeps text: its capacity must not reach into the next line.
			doc := Document{Data: slices.Clip(text), Origin: cfg.Origin, Line: line, ImportID: cfg.ImportID}
			c.entries = d.appendEntries(c.entries, src, doc)
		}
		line++
	}
}

// readChunks cuts the stream at newlines and hands the pieces on.
func readChunks(ctx context.Context, cfg LinesConfig, r io.Reader, hand func(*chunk) error) error {
	var offset int64
	line := cfg.Line
	buf := make([]byte, 0, chunkBytes)
	cut := func(n int) error {
		c := &chunk{data: buf[:n:n], line: line, done: make(chan struct{})}
		offset += int64(n)
		line += bytes.Count(c.data, newline)
		c.end, c.endLine = offset, line
		rest := buf[n:]
		buf = append(make([]byte, 0, max(chunkBytes, 2*len(rest))), rest...)
		return hand(c)
	}
	last := -1 // the last newline in buf
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		before := len(buf)
		buf = buf[:before+n]
		if i := bytes.LastIndexByte(buf[before:], '\n'); i >= 0 {
			last = before + i
		}
		switch {
		case last >= 0 && (len(buf) >= fullChunk || n < shortRead):
			if err := cut(last + 1); err != nil {
				return err
			}
			last = -1
		case last < 0 && len(buf) > MaxLineBytes:
			c, err := skipLine(r, &buf, line)
			if err != nil {
				return err
			}
			offset += c.size
			line++
			c.end, c.endLine = offset, line
			if err := hand(c); err != nil {
				return err
			}
			last = bytes.LastIndexByte(buf, '\n')
		}
		switch {
		case errors.Is(err, io.EOF):
			if len(buf) > 0 {
				return cut(len(buf))
			}
			return nil
		case err != nil:
			return fmt.Errorf("at line %d: %w", line, err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// skipLine reads to the end of a line that is longer than the limit and keeps its beginning.
func skipLine(r io.Reader, buf *[]byte, line int) (*chunk, error) {
	c := &chunk{line: line, tooLong: true, done: make(chan struct{})}
	if i := bytes.IndexByte(*buf, '\n'); i >= 0 {
		c.data, c.size, c.lineSize = (*buf)[:i:i], int64(i+1), int64(i)
		*buf = append(make([]byte, 0, chunkBytes), (*buf)[i+1:]...)
	} else {
		c.data, c.size = *buf, int64(len(*buf))
		*buf = make([]byte, 0, chunkBytes)
		for {
			n, err := r.Read((*buf)[:chunkBytes])
			piece := (*buf)[:n]
			if i := bytes.IndexByte(piece, '\n'); i >= 0 {
				c.lineSize = c.size + int64(i)
				c.size = c.lineSize + 1
				*buf = append(make([]byte, 0, chunkBytes), piece[i+1:]...)
				break
			}
			c.size += int64(n)
			c.lineSize = c.size
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("at line %d: %w", line, err)
			}
		}
	}
	c.data = c.data[:min(len(c.data), ingest.MaxDeadLetterBytes)]
	return c, nil
}

var newline = []byte{'\n'}
