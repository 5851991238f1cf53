package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

const (
	// fetchBytes is what a follower asks for at a time: two of the largest messages. By number of messages alone it would
	// stall on large ones.
	fetchBytes = 2 * maxPayload
	// fetchMessages bounds it for small ones: without it the client makes room for a million of them, 8 MB a follower. Of two
	// bounds the client counts messages only, so it asks again once it has handed on all that it got: memory stays bounded by bytes.
	fetchMessages, fetchAgain = 4096, 1
	// fetchHeartbeat is how soon a follower notices that nothing comes any more; it is heard twice before it acts.
	fetchHeartbeat = 5 * time.Second
	fetchExpiry    = 30 * time.Second
	// consumerIdle is when the server forgets a consumer that nobody reads.
	consumerIdle = time.Minute
	// followRetry is the wait before a follower tries again on a server that does not answer.
	followRetry = 200 * time.Millisecond
)

// Follow calls fn with every batch from the one that holds the first position after from, in order and without a gap,
// and waits for new ones. That first batch is passed whole: a follower that stopped within a batch skips what it has;
// one that works by batches gives from = proto.EndOf(sequence). fn returns before the next batch is read.
//
// Follow survives reconnects and restarts of the server by beginning again after the last batch that fn took; nothing
// about a follower is kept in NATS. It returns ctx's error, fn's error, ingest.ErrClosed after Close, an error that
// wraps ErrGap when a batch is missing, and one that wraps proto.ErrCorrupt when one cannot be read: both raise the
// alarm, and neither passes by itself.
func (j *Journal) Follow(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
	return j.FollowAs(ctx, "unnamed", from, fn)
}

// FollowAs is Follow for a follower whose position and lag are to be seen in the metrics under its name, of which there
// are few.
func (j *Journal) FollowAs(ctx context.Context, name string, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
	f := &reader{j: j, next: nextSequence(from)}
	f.fn = func(ctx context.Context, b *proto.Batch) error {
		if b.Position(b.Count()-1) <= from {
			return nil
		}
		if err := fn(ctx, b); err != nil {
			return &stopError{err}
		}
		j.metrics.followers.WithLabelValues(name).Set(float64(b.Position(b.Count() - 1)))
		j.metrics.lag.WithLabelValues(name).Set(max(0, float64(j.Head().Sequence())-float64(b.Sequence())))
		return nil
	}
	return j.keepFollowing(ctx, name, f)
}

// keepFollowing reads until it ends, and says why.
func (j *Journal) keepFollowing(ctx context.Context, name string, f *reader) error {
	if j.ctx.Err() != nil {
		return fmt.Errorf("follow: %w", ingest.ErrClosed)
	}
	j.followers.Add(1)
	defer j.followers.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(j.ctx, func() { cancel(ingest.ErrClosed) })()
	err := f.keepReading(ctx)
	var stop *stopError
	switch {
	case errors.As(err, &stop):
		return stop.err
	case errors.Is(err, ErrGap), errors.Is(err, proto.ErrCorrupt):
		j.metrics.gaps.WithLabelValues(name).Inc()
		j.log.ErrorContext(ctx, "follower stopped: the journal is damaged", slog.String("follower", name), slog.Any("err", err))
	}
	return fmt.Errorf("follow: %w", err)
}

// nextSequence is the sequence of the batch that holds the first position after from.
func nextSequence(from proto.Position) uint64 {
	if from == proto.EndOf(from.Sequence()) {
		return from.Sequence() + 1
	}
	return max(1, from.Sequence())
}

// stopError carries the error of a follower's own function.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// reader reads the stream in order, from next on.
type reader struct {
	j    *Journal
	next uint64
	// until ends reading after this sequence; 0: never.
	until uint64
	fn    func(context.Context, *proto.Batch) error
	// output, when set, is the stream of detectors to read in the place of the journal, and raw takes its messages; waiting is how
	// many there still are.
	output string
	raw    func(ctx context.Context, sequence, waiting uint64, data []byte) error
}

// keepReading reads until something happens that trying again does not mend.
func (f *reader) keepReading(ctx context.Context) error {
	for {
		err := f.read(ctx)
		var stop *stopError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil, errors.As(err, &stop), errors.Is(err, ErrGap), errors.Is(err, proto.ErrCorrupt):
			return err
		}
		f.j.log.DebugContext(ctx, "follower begins again", slog.Uint64("sequence", f.next), slog.Any("err", err))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(followRetry):
		}
	}
}

// replayTries is how often in a row a start tries to read on where a cluster that finds a new leader has lost the reader.
const replayTries = 30

// readThrough reads up to until. What the reader's own function fails with ends it, and so does a server that stays away.
func (f *reader) readThrough(ctx context.Context) error {
	var own error
	fn := f.fn
	f.fn = func(ctx context.Context, b *proto.Batch) error { own = fn(ctx, b); return own }
	for tries, next := 0, f.next; ; tries++ {
		err := f.read(ctx)
		if f.next > next {
			tries, next = 0, f.next
		}
		if err == nil || own != nil || tries >= replayTries || ctx.Err() != nil || errors.Is(err, ErrGap) || errors.Is(err, proto.ErrCorrupt) {
			return err
		}
		f.j.log.WarnContext(ctx, "reading on after the stream was lost", slog.Uint64("sequence", f.next), slog.Any("err", err))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(followRetry):
		}
	}
}

// read makes a consumer and reads from it until it breaks.
func (f *reader) read(ctx context.Context) error {
	l := f.j.current()
	ctx, unwatch := l.whileConnected(ctx)
	defer unwatch()
	stream := l.stream
	if f.output != "" {
		var err error
		if stream, err = l.js.Stream(ctx, f.output); err != nil {
			return fmt.Errorf("look for stream %s: %w", f.output, err)
		}
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read stream state: %w", err)
	}
	if info.State.LastSeq+1 < f.next {
		return fmt.Errorf("journal ends at %d, before %d that the follower has read: %w", info.State.LastSeq, f.next-1, ErrGap)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: f.next, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: consumerIdle,
	})
	if err != nil {
		return fmt.Errorf("make consumer: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
		defer cancel()
		if l.nc.IsConnected() {
			_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name) // else the server does after consumerIdle
		}
	}()
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes),
		jetstream.PullThresholdMessages(fetchAgain), jetstream.PullExpiry(fetchExpiry), jetstream.PullHeartbeat(fetchHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return fmt.Errorf("read consumer: %w", err)
	}
	defer messages.Stop()
	for delivered := uint64(1); f.until == 0 || f.next <= f.until; delivered++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read consumer: %w", err)
		}
		if err := f.take(ctx, msg, delivered); err != nil {
			return err
		}
	}
	return nil
}

// errSkip says that a message was lost between server and follower, not in the stream.
var errSkip = errors.New("consumer skipped a message")

func (f *reader) take(ctx context.Context, msg jetstream.Msg, delivered uint64) error {
	meta, err := msg.Metadata()
	if err != nil {
		return fmt.Errorf("read consumer: %w", err)
	}
	if meta.Sequence.Consumer != delivered {
		return errSkip
	}
	if meta.Sequence.Stream != f.next {
		return fmt.Errorf("batch %d follows batch %d: %w", meta.Sequence.Stream, f.next-1, ErrGap)
	}
	if f.raw != nil {
		if err := f.raw(ctx, f.next, meta.NumPending, msg.Data()); err != nil {
			return err
		}
		f.next++
		return nil
	}
	b, err := f.j.shared.decode(f.j.codec, f.next, msg.Data())
	if err != nil {
		return err
	}
	if err := f.fn(ctx, b); err != nil {
		return err
	}
	f.next++
	return nil
}

// replay enters what stands in the journal after the index's mark, up to end. each, when given, sees every batch.
func (j *Journal) replay(ctx context.Context, index *seen, end uint64, each func(*proto.Batch) error) error {
	m, err := index.mark()
	if err != nil || m.sequence >= end {
		return err
	}
	begin, reported := time.Now(), time.Now()
	f := &reader{j: j, next: m.sequence + 1, until: end}
	f.fn = func(ctx context.Context, b *proto.Batch) error {
		if err := index.learn(b); err != nil {
			return err
		}
		j.metrics.replayed.Add(float64(b.Count()))
		if time.Since(reported) > 10*time.Second {
			reported = time.Now()
			j.log.InfoContext(ctx, "index of seen events is being brought up to date", slog.Uint64("sequence", b.Sequence()), slog.Uint64("journal", end))
		}
		if each != nil {
			return each(b)
		}
		return nil
	}
	if err := f.readThrough(ctx); err != nil {
		return fmt.Errorf("replay journal into index: %w", err)
	}
	j.log.InfoContext(ctx, "index of seen events is up to date", slog.Uint64("batches", end-m.sequence), slog.Duration("took", time.Since(begin)))
	return nil
}
