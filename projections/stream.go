package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto/fault"
)

// Names of the projectors of what detectors write, in watermarks. Their positions are messages of their streams.
const (
	ProjectorFindings = "findings"
	ProjectorAlerts   = "alerts"
)

// Stream is a stream that detectors write. Its messages are numbered from 1, without gaps.
type Stream[M any] struct {
	// Follow calls fn with every message whose sequence is above from, in order, until ctx ends or fn fails, and returns that
	// error. nil: nothing is projected of the stream.
	Follow func(ctx context.Context, from uint64, fn func(ctx context.Context, sequence uint64, message M) error) error
	// Head is the sequence of the last message; 0 while there is none. Required with Follow.
	Head func() uint64
}

// streamMessage is a message as the tables take it.
type streamMessage interface {
	// receivedUs is the received time of its cause.
	receivedUs() int64
	// fold adds the message's rows. Errors wrap proto.ErrCorrupt.
	fold(r *streamRun, sequence uint64) error
}

// streamDef is one stream: its name in watermarks, its tables in the order of their inserts, and how it is followed.
type streamDef struct {
	name   string
	tables []*table
	head   func() uint64
	follow func(ctx context.Context, from uint64, fn func(ctx context.Context, sequence uint64, m streamMessage) error) error
}

// streamDefs are the streams that are projected.
func (c *Config) streamDefs() []streamDef {
	var out []streamDef
	if c.Findings.Follow != nil {
		out = append(out, streamDef{
			ProjectorFindings, []*table{documentsTable, verdictsTable, findingsTable, judgedTable}, c.Findings.Head, following(c.Findings.Follow, newFindings),
		})
	}
	if c.Alerts.Follow != nil {
		out = append(out, streamDef{ProjectorAlerts, []*table{alertsTable}, c.Alerts.Head, following(c.Alerts.Follow, newAlert)})
	}
	return out
}

func following[M any](
	follow func(context.Context, uint64, func(context.Context, uint64, M) error) error, as func(M) streamMessage,
) func(context.Context, uint64, func(context.Context, uint64, streamMessage) error) error {
	return func(ctx context.Context, from uint64, fn func(context.Context, uint64, streamMessage) error) error {
		return follow(ctx, from, func(ctx context.Context, sequence uint64, m M) error { return fn(ctx, sequence, as(m)) })
	}
}

// streamMark is how far a stream was read: a sequence, and the received time of that message's cause.
type streamMark struct {
	sequence uint64
	at       int64
}

// streamMarks is the watermark of a stream and version as this process wrote it, for whoever waits or asks.
type streamMarks struct {
	mu      sync.Mutex // guards the rest
	current streamMark
	known   bool
	changed chan struct{}
}

func (m *streamMarks) set(to streamMark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current, m.known = to, true
	close(m.changed)
	m.changed = make(chan struct{})
}

// get returns the watermark, whether recovery has read it yet, and a channel that closes at the next change.
func (m *streamMarks) get() (mark streamMark, known bool, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current, m.known, m.changed
}

// stream keeps the tables of one stream up to date, for one version. It is their only writer. It works as the pipeline of the journal
// does, by sequence in place of position: insert table by table, watermark last, and after an error only what is missing.
type stream struct {
	streamDef
	cfg     *Config
	metrics *metrics
	version uint32
	owner   *owner
	marks   *streamMarks
	// trouble is told what keeps the stream from getting on until someone acts, and nil when it gets on.
	trouble func(err error)
	// hook is called after each insert, for tests that break there.
	hook func(stage string) error
	// writer is the name of the session that runs, and into what it inserts under that name.
	writer string
	into   *store.Store
}

func (p *Projector) streams(version uint32) []*stream {
	var out []*stream
	for _, def := range p.cfg.streamDefs() {
		s := &stream{
			streamDef: def, cfg: &p.cfg, metrics: p.metrics, version: version, owner: p.owner,
			marks:   &streamMarks{changed: make(chan struct{})},
			trouble: func(err error) { p.setStreamTrouble(def.name, err) },
		}
		if p.hook != nil {
			s.hook = func(stage string) error { return p.hook(version, stage) }
		}
		out = append(out, s)
	}
	return out
}

// errUnclaimed waits for the journal's first message: until then nobody knows whose the database is.
var errUnclaimed = errors.New("the journal is empty")

// keepUp runs sessions until ctx ends, the stream turns out damaged or the database somebody else's.
func (s *stream) keepUp(ctx context.Context) error {
	wait, before := s.cfg.RetryAfter, uint64(0)
	for {
		err := s.session(ctx)
		level := slog.LevelDebug
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case final(err):
			return err
		case errors.Is(err, errUnclaimed), errors.Is(err, ErrForeign):
		default:
			if refused(err) != 0 {
				s.trouble(err)
			}
			if now, _, _ := s.marks.get(); now.sequence != before || wait == s.cfg.RetryAfter {
				level, wait, before = slog.LevelWarn, s.cfg.RetryAfter, now.sequence
			}
		}
		s.cfg.Logger.Log(ctx, level, "projection of a stream interrupted, recovering", slog.String("stream", s.name), slog.Any("err", err),
			slog.Any("version", s.version))
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, retryGrowth*s.cfg.RetryAfter)
	}
}

// queuedMessages is how many messages wait while a run is inserted; each has at most a few megabytes.
const queuedMessages = 4

// received is a message on its way from the follower to a run.
type received struct {
	sequence uint64
	message  streamMessage
}

// session recovers, then follows the stream until ctx ends or something fails. It always returns an error.
func (s *stream) session(ctx context.Context) error {
	start, err := s.recover(ctx)
	if err != nil {
		return fmt.Errorf("recover %s: %w", s.name, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	in := make(chan received, queuedMessages)
	g.Go(func() error {
		last := start.mark.sequence
		err := s.follow(ctx, last, func(ctx context.Context, sequence uint64, m streamMessage) error {
			if sequence <= last {
				return nil
			}
			if sequence != last+1 {
				return fmt.Errorf("message %d follows %d: %w", sequence, last, ErrGap)
			}
			last = sequence
			select {
			case in <- received{sequence, m}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err == nil {
			err = errors.New("follower ended")
		}
		return fmt.Errorf("follow %s: %w", s.name, err)
	})
	g.Go(func() error { return s.collect(ctx, start, in) })
	return g.Wait()
}

// collect joins messages to runs and writes them. While it writes, the intake stands still: that is the bound on memory.
func (s *stream) collect(ctx context.Context, start *streamStart, in <-chan received) error {
	w := &streamWriter{stream: s, after: start.mark, verify: verifyRounds * s.cfg.MaxRows}
	r := newStreamRun(s.tables, start.present)
	linger := time.NewTimer(s.cfg.Linger)
	linger.Stop()
	flush := func() error {
		linger.Stop()
		// A stop lets the run in progress finish.
		err := w.write(context.WithoutCancel(ctx), r)
		r = newStreamRun(s.tables, start.present)
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-in:
			if !r.empty() && yearOf(m.message.receivedUs()) != r.year {
				if err := flush(); err != nil {
					return err
				}
			}
			if r.empty() {
				linger.Reset(s.cfg.Linger)
			}
			if err := r.add(m); err != nil {
				return fmt.Errorf("fold message %d of %s: %w", m.sequence, s.name, err)
			}
			if r.rows >= s.cfg.MaxRows || r.bytes() >= s.cfg.MaxBytes {
				if err := flush(); err != nil {
					return err
				}
			}
		case <-linger.C:
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// streamWriter inserts the runs of one session.
type streamWriter struct {
	*stream
	after streamMark
	// verify is how many rows are still counted again after the recovery: of what was on its way when it began. The stream's head, as it
	// was then, would say when that is over, but nobody knows it before the first message came.
	verify int
}

// write inserts a run, table by table, and the watermark.
func (w *streamWriter) write(ctx context.Context, r *streamRun) error {
	if r.empty() {
		return nil
	}
	for i, b := range r.blocks {
		if b.rows == 0 {
			continue
		}
		if err := w.insert(ctx, w.tables[i], b); err != nil {
			return err
		}
	}
	if w.verify > 0 {
		w.verify -= max(1, r.rows)
		if err := w.check(ctx, w.after, r); err != nil {
			return err
		}
	}
	mark := streamMark{r.last, r.at}
	if err := w.mark(ctx, mark); err != nil {
		return err
	}
	w.after = mark
	w.metrics.streamMessages.WithLabelValues(w.name).Add(float64(r.messages))
	return nil
}

// insert writes a block; it is on disk when insert returns nil.
func (s *stream) insert(ctx context.Context, t *table, b *block) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	observe := timer(s.metrics.inserts.WithLabelValues(t.base))
	if err := s.into.InsertNative(ctx, s.statementName(), t.name(s.version), t.columnNames(), b.reader()); err != nil {
		return fmt.Errorf("insert into %s: %w", t.base, err)
	}
	observe()
	s.metrics.rows.WithLabelValues(t.base).Add(float64(b.rows))
	return s.at("insert:" + t.base)
}

// mark writes the watermark: everything up to its sequence is on disk.
func (s *stream) mark(ctx context.Context, to streamMark) error {
	if err := s.at("before:watermark:" + s.name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	if err := s.owner.claim(ctx, s.cfg.Head()); err != nil {
		return err
	}
	b := newBlock(watermarksTable)
	w := b.begin()
	w.u32(s.version)
	w.text(s.name)
	w.u64(to.sequence)
	w.time(to.at)
	w.end()
	err := s.owner.store.InsertNative(ctx, s.statementName(), watermarksTable.base, watermarksTable.columnNames(), b.reader())
	if err != nil {
		return fmt.Errorf("write watermark of %s: %w", s.name, err)
	}
	s.note(to)
	s.trouble(nil)
	return s.at("watermark:" + s.name)
}

// note shows a watermark to metrics and to whoever waits.
func (s *stream) note(to streamMark) {
	s.marks.set(to)
	version := strconv.FormatUint(uint64(s.version), 10)
	s.metrics.position.WithLabelValues(s.name, version).Set(float64(to.sequence))
	s.metrics.received.WithLabelValues(s.name, version).Set(float64(to.at) / 1e6)
}

// at marks a commit point: a crash test may kill here, and a test's hook may fail here.
func (s *stream) at(stage string) error {
	fault.Point("projections:" + stage)
	if s.hook == nil {
		return nil
	}
	return s.hook(stage)
}

// statementName is the name of every insert of this stream and version, by which recovery cancels what still runs.
func (s *stream) statementName() string {
	return "projector-" + s.name + "-v" + strconv.FormatUint(uint64(s.version), 10)
}
