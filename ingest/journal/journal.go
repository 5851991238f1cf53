package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

var (
	// ErrFenced refuses entries because another writer appended to the stream: two committers were at work. This one
	// stops for good; an operator decides which one is started again. It belongs to the family of ingest.ErrClosed.
	ErrFenced = fmt.Errorf("another writer appends to this journal: %w", ingest.ErrClosed)
	// ErrGap stops a follower: a batch is missing, so what it makes of the journal would be wrong. Someone must act.
	ErrGap = errors.New("gap in the journal")
	// ErrNoBatch says that no batch stands at a sequence.
	ErrNoBatch = errors.New("no such batch")
	// ErrBadEntry refuses an entry that its adapter made wrong. Sending it again does not help.
	ErrBadEntry = errors.New("bad entry")
	// ErrUnsealable refuses an original because its source's data key of the day can neither be read nor made. Someone
	// must act: entries of other sources are taken meanwhile, those of this one are sent again afterwards.
	ErrUnsealable = errors.New("originals of this source cannot be sealed")
)

// Journal is an open journal. It is safe for concurrent use. It implements ingest.Appender.
type Journal struct {
	cfg        Config
	log        *slog.Logger
	codec      *proto.Codec
	shared     shared
	metrics    *metrics
	space      *space
	clock      *clock
	lock       *pebble.Lock
	durability Durability
	committer  *committer
	openedAt   uint64 // sequence that the stream ended at when this journal was opened

	link     atomic.Pointer[link]
	head     atomic.Uint64
	received atomic.Int64 // received time of the last batch, microseconds
	outputs  outputHeads

	serverMu sync.Mutex // guards server, which a recovery replaces
	server   *server.Server
	indexMu  sync.RWMutex // guards index, which a recovery replaces
	index    *seen

	ctx       context.Context // the life of the goroutines below, ended by Close
	cancel    context.CancelFunc
	ticking   context.CancelFunc
	parts     sync.WaitGroup // ticks and committer
	followers sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

var _ ingest.Appender = (*Journal)(nil)

// Open opens the journal, making it where there is none, and brings its index up to date. It refuses a stream whose
// settings could lose data, and a server that is not known to keep what it acknowledges. The first entry of an opening is a
// tick.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	j := &Journal{cfg: cfg, log: cfg.Logger}
	j.ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := j.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), j.release())
	}
	j.log.InfoContext(ctx, "journal is open", slog.Uint64("sequence", j.Head().Sequence()),
		slog.String("durability", j.durability.State), slog.String("reason", j.durability.Reason))
	j.start()
	return j, nil
}

func (j *Journal) open(ctx context.Context) error {
	var err error
	if j.metrics, err = newMetrics(j.cfg.Metrics); err != nil {
		return err
	}
	if j.codec, err = proto.NewCodec(j.cfg.Keys); err != nil {
		return err
	}
	if err := os.MkdirAll(j.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if err := os.Chmod(j.cfg.Dir, 0o700); err != nil { //nolint:gosec // a directory needs its x bit
		return fmt.Errorf("close directory to others: %w", err)
	}
	if j.lock, err = pebble.LockDirectory(j.cfg.Dir, vfs.Default); err != nil {
		return fmt.Errorf("another process uses the journal in this directory: %w", err)
	}
	if err := j.connect(ctx); err != nil {
		return err
	}
	if j.durability, err = durabilityOf(ctx, j.cfg, j.current()); err != nil {
		return err
	}
	j.metrics.durable.WithLabelValues(j.durability.State).Set(1)
	if j.index, err = openSeen(j.indexDir(), j.cfg.IndexCache, j.log); err != nil {
		return err
	}
	return j.readState(ctx)
}

// connect starts the embedded server, if there is one to start, and finds the stream.
func (j *Journal) connect(ctx context.Context) error {
	var fallback int64
	if j.cfg.External == nil {
		srv, err := startServer(j.cfg.Dir, j.cfg.noSync, j.log)
		if err != nil {
			return err
		}
		j.serverMu.Lock()
		j.server = srv
		j.serverMu.Unlock()
		total, err := totalSpace(j.cfg.Dir)
		if err != nil {
			return err
		}
		fallback = max(total-j.cfg.Reserve, 2*j.cfg.Reserve)
	}
	l, err := dial(j.cfg, j.server)
	if err != nil {
		return err
	}
	if err := l.useStream(ctx, j.cfg, fallback); err != nil {
		l.close()
		return err
	}
	if old := j.link.Swap(l); old != nil {
		close(old.gone)
		old.close()
	}
	return nil
}

// restart replaces the embedded server and the connection to it. Followers find the new one by themselves.
func (j *Journal) restart(ctx context.Context) error {
	j.serverMu.Lock()
	srv := j.server
	j.server = nil
	j.serverMu.Unlock()
	if srv != nil {
		stopServer(srv)
	}
	return j.connect(ctx)
}

// readState learns from the stream where the journal ends, and brings the index there.
func (j *Journal) readState(ctx context.Context) error {
	l := j.current()
	info, err := l.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read stream state: %w", err)
	}
	j.space = &space{dir: j.cfg.Dir, disk: j.cfg.External == nil, reserve: j.cfg.Reserve, last: j.cfg.LastReserve}
	j.space.limit.Store(info.Config.MaxBytes)
	j.space.stored.Store(int64(info.State.Bytes))
	end := info.State.LastSeq
	j.openedAt = end
	if end > 0 && info.State.FirstSeq != 1 {
		return fmt.Errorf("stream begins at sequence %d, want 1: %w", info.State.FirstSeq, ErrGap)
	}
	if end > 0 {
		last, err := j.ReadBatch(ctx, end)
		if err != nil {
			return err
		}
		j.received.Store(last.Head.ReceivedUs)
		j.advance(last.Position(last.Count() - 1))
	}
	j.clock = &clock{wall: j.cfg.Now, boot: j.cfg.boot, jump: j.cfg.MaxClockJump, kept: j.cfg.kept, corrected: func(ahead time.Duration) {
		j.log.WarnContext(j.ctx, "clock was set right, and is believed", slog.Duration("ahead", ahead))
	}}
	if err := j.clock.start(j.received.Load()); err != nil {
		return err
	}
	if err := j.checkIndex(ctx, end); err != nil {
		return err
	}
	return j.replay(ctx, j.index, end, nil)
}

// checkIndex throws the index away when it is not this journal's: the batch at its mark is another one, or there is none.
func (j *Journal) checkIndex(ctx context.Context, end uint64) error {
	m, err := j.index.mark()
	if err == nil && m.sequence == 0 {
		return nil
	}
	if err == nil && m.sequence <= end {
		b, readErr := j.ReadBatch(ctx, m.sequence)
		if readErr != nil {
			return readErr
		}
		if proto.Hash(b.Head.Root) == m.root {
			return nil
		}
	}
	j.log.WarnContext(ctx, "index of seen events is not this journal's and is rebuilt", slog.Uint64("index", m.sequence), slog.Uint64("journal", end))
	suspect(j.indexDir())
	if err := j.index.close(); err != nil {
		return err
	}
	j.index, err = openSeen(j.indexDir(), j.cfg.IndexCache, j.log)
	return err
}

func (j *Journal) start() {
	c := newCommitter(j)
	c.index, c.received = j.index, j.received.Load()
	c.acked = j.Head().Sequence()
	c.issued = c.acked
	c.enter(taking)
	j.committer = c
	j.parts.Go(func() { c.run(j.ctx) })
	ctx, cancel := context.WithCancel(j.ctx)
	j.ticking = cancel
	if j.cfg.TickEvery > 0 {
		tried := make(chan struct{})
		j.parts.Go(func() { j.tick(ctx, tried) })
		<-tried // within PublishTimeout: whoever appends next finds a tick before it, or is refused
	}
}

// Close stops taking entries, answers those that were taken, and closes everything. When ctx ends first, entries without
// an answer are left to their callers to send again; nothing acknowledged is lost either way. It may be called again.
func (j *Journal) Close(ctx context.Context) error {
	j.closeOnce.Do(func() {
		j.ticking()
		close(j.committer.stopping)
		select {
		case <-j.committer.stopped:
		case <-ctx.Done():
			j.current().close() // fails what is in flight
		}
		j.cancel()
		j.parts.Wait()
		j.followers.Wait()
		j.closeErr = j.release()
		j.log.InfoContext(ctx, "journal is closed", slog.Uint64("sequence", j.Head().Sequence()))
	})
	return j.closeErr
}

// release gives back what open took, in reverse order.
func (j *Journal) release() error {
	j.cancel()
	var errs []error
	j.indexMu.Lock()
	if j.index != nil {
		errs = append(errs, j.index.close())
	}
	j.indexMu.Unlock()
	if l := j.link.Load(); l != nil {
		l.close()
	}
	j.serverMu.Lock()
	srv := j.server
	j.server = nil
	j.serverMu.Unlock()
	if srv != nil {
		stopServer(srv)
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

func (j *Journal) indexDir() string { return filepath.Join(j.cfg.Dir, "seen") }

func (j *Journal) current() *link { return j.link.Load() }

// advance moves the head, which only rises.
func (j *Journal) advance(p proto.Position) {
	for {
		old := j.head.Load()
		if uint64(p) <= old {
			return
		}
		if j.head.CompareAndSwap(old, uint64(p)) {
			j.metrics.head.Set(float64(p))
			return
		}
	}
}

// Head returns the last acknowledged position; 0 for an empty journal.
func (j *Journal) Head() proto.Position { return proto.Position(j.head.Load()) }

// Durability says what an acknowledgement is worth, and how that is known.
func (j *Journal) Durability() Durability { return j.durability }

// Ready returns nil when appends are taken, else why not.
func (j *Journal) Ready() error {
	if err := j.committer.refusal(false); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.ClockRefused(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if !j.current().nc.IsConnected() {
		return fmt.Errorf("journal: not connected to NATS: %w", ingest.ErrBusy)
	}
	return nil
}

// Stats describes the stream.
type Stats struct {
	// Messages is the number of batches, Bytes what they take in the stream.
	Messages, Bytes uint64
	// First and Last are stream sequences; 0 when empty.
	First, Last uint64
	// MaxBytes is the stream's limit, Free what is left below it or on the disk, whichever is less, in bytes.
	MaxBytes, Free int64
}

// Stats asks the server for the state of the stream.
func (j *Journal) Stats(ctx context.Context) (Stats, error) {
	info, err := j.current().stream.Info(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("read stream state: %w", err)
	}
	s := Stats{Messages: info.State.Msgs, Bytes: info.State.Bytes, Last: info.State.LastSeq, MaxBytes: info.Config.MaxBytes, Free: j.space.left()}
	if s.Messages > 0 {
		s.First = info.State.FirstSeq
	}
	return s, nil
}

// ReadBatch returns the batch at a stream sequence. Errors wrap ErrNoBatch or proto.ErrCorrupt.
func (j *Journal) ReadBatch(ctx context.Context, sequence uint64) (*proto.Batch, error) {
	if sequence == 0 {
		return nil, fmt.Errorf("read batch 0: sequences begin at 1: %w", ErrNoBatch)
	}
	msg, err := j.current().stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("read batch %d: %w", sequence, ErrNoBatch)
	}
	if err != nil {
		return nil, fmt.Errorf("read batch %d: %w", sequence, err)
	}
	return j.codec.Decode(sequence, msg.Data)
}

// Locate returns where the event with this id stands. It knows every acknowledged event.
func (j *Journal) Locate(_ context.Context, id proto.EventID) (proto.Position, bool, error) {
	j.indexMu.RLock()
	defer j.indexMu.RUnlock()
	if j.index.shut.Load() {
		return 0, false, fmt.Errorf("locate event: %w", ingest.ErrClosed)
	}
	s, ok, err := j.index.get(id)
	if err != nil {
		return 0, false, fmt.Errorf("locate event: %w", err)
	}
	return s.position, ok, nil
}
