package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// pacedRate is the rate at which memory is measured, in events/s.
const pacedRate = 30_000

// memory imports at a steady rate through standard input and reads the largest resident memory of the Go process since
// the import began; the engine is a process of its own and not counted.
func (b *bench) memory(ctx context.Context) (err error) {
	dir, err := b.folder("memory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	// One source, so that the stream does not break off between files.
	events := int(pacedRate * b.size.paced.Seconds())
	data, err := decadeOf(ctx, filepath.Join(dir, "events"), events*21/20)
	if err != nil {
		return err
	}
	main := data.files[0]
	if main.source != simulate.SourceEHR {
		return fmt.Errorf("the first source is %s", main.source)
	}
	s, err := startServer(ctx, b.binary, dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.registerSources(ctx); err != nil {
		return err
	}
	f, err := os.Open(main.path)
	if err != nil {
		return fmt.Errorf("open events: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open events: %w", err)
	}
	if err := resetPeak(s.pid()); err != nil {
		return err
	}
	begin := time.Now()
	each := float64(info.Size()) / float64(main.events)
	if err := s.importFile(ctx, main.source, "-", &pacedReader{r: f, rate: each * pacedRate, begin: begin}, main.events); err != nil {
		return err
	}
	rate := perSecond(main.events, time.Since(begin))
	behind, _, err := s.awaitProjected(ctx)
	if err != nil {
		return err
	}
	b.add(figMemory, peak(s.pid())/1e6, "%s events at %s/s, projections %.1f s behind at the end", number(float64(main.events)),
		number(rate), behind.Seconds())
	if rate < 0.95*pacedRate && !b.smoke {
		b.note("Memory was measured at %s events/s: this machine did not take %s.", number(rate), number(pacedRate))
	}
	return nil
}

// pacedReader gives bytes at a steady rate. What it fell behind it makes up for.
type pacedReader struct {
	r     io.Reader
	rate  float64 // bytes a second
	begin time.Time
	given int64
}

// paceStep is how much is given at a time: a dozen milliseconds at the rate of the figure.
const paceStep = 512 << 10

// Read implements io.Reader.
func (p *pacedReader) Read(b []byte) (int, error) {
	due := time.Duration(float64(p.given) / p.rate * float64(time.Second))
	time.Sleep(time.Until(p.begin.Add(due)))
	n, err := p.r.Read(b[:min(len(b), paceStep)])
	p.given += int64(n)
	return n, err //nolint:wrapcheck // a reader passes io.EOF on
}
