package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// recovery is the committer's state as the stream tells it.
type recovery struct {
	last     uint64 // last sequence in the stream
	received int64
	index    *seen
	lost     lost // batches that may still turn up, and probes
	fenced   bool
	err      error // the journal closed before the stream could be read
}

// Waits between attempts to recover: short, because callers are refused meanwhile; bounded, because a full disk or an
// absent server may stay so for hours.
const (
	recoverFirst = 50 * time.Millisecond
	recoverMost  = 2 * time.Second
)

// errDeaf says that the server answers questions but keeps nothing.
var errDeaf = errors.New("server keeps nothing that is published")

// recover reads the stream until it is known what it holds, and whether it takes messages. Nothing is accepted before
// it returns. It does not give up; ctx ends it.
func (j *Journal) recover(ctx context.Context, r recovery, cause error) recovery {
	// A server that refused is not deaf, and what it refused is not in the stream. After anything else it is asked to
	// keep something: a tick.
	probe := !refused(cause)
	for wait := recoverFirst; ; wait = min(2*wait, recoverMost) {
		err := j.recoverOnce(ctx, &r, probe)
		switch {
		case err == nil && r.fenced:
			j.log.ErrorContext(ctx, "another writer appends to this journal; this one stopped for good",
				slog.Uint64("sequence", r.last))
			return r
		case err == nil:
			j.log.InfoContext(ctx, "appends go on", slog.Uint64("sequence", r.last))
			return r
		case ctx.Err() != nil:
			r.err = ctx.Err()
			return r
		}
		probe = true
		level := slog.LevelWarn
		if damaged(err) {
			level = slog.LevelError
		}
		j.log.LogAttrs(ctx, level, "stream is not ready for appends", slog.Any("err", err))
		select {
		case <-ctx.Done():
			r.err = ctx.Err()
			return r
		case <-time.After(wait):
		}
	}
}

// damaged reports whether someone must act: the stream does not hold what was acknowledged.
func damaged(err error) bool { return errors.Is(err, ErrGap) || errors.Is(err, proto.ErrCorrupt) }

func (j *Journal) recoverOnce(ctx context.Context, r *recovery, probe bool) error {
	err := j.readAgain(ctx, r)
	if err == nil && !r.fenced && probe {
		if err = j.space.check(true); err == nil {
			err = j.probe(ctx, r)
		}
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, ingest.ErrBusy) || damaged(err) || j.cfg.External != nil {
		return err // a restart mends no damage, and an external server is restarted by its own keeper
	}
	j.log.WarnContext(ctx, "embedded server is restarted", slog.Any("err", err))
	j.metrics.restarts.Inc()
	if restartErr := j.restart(ctx); restartErr != nil {
		return fmt.Errorf("restart after %w: %w", err, restartErr)
	}
	return err
}

// readAgain brings the index up to the end of the stream. What stands there and was never acknowledged must be a batch
// of this committer's; anything else is another writer's, and fences this one.
func (j *Journal) readAgain(ctx context.Context, r *recovery) error {
	l := j.current()
	timeout := apiTimeout
	if j.cfg.External != nil {
		timeout = askTimeout
	}
	short, cancel := context.WithTimeout(ctx, timeout)
	asking, unwatch := l.whileConnected(short)
	info, err := l.stream.Info(asking)
	unwatch()
	cancel()
	if err != nil {
		return fmt.Errorf("read stream state: %w", err)
	}
	end := info.State.LastSeq
	j.space.stored.Store(int64(info.State.Bytes))
	if end < r.last {
		return fmt.Errorf("stream ends at %d, but %d was acknowledged: %w", end, r.last, ErrGap)
	}
	if r.index, err = j.reopenIndex(r.index); err != nil {
		return err
	}
	return j.replay(ctx, r.index, end, func(b *proto.Batch) error {
		if b.Sequence() <= r.last {
			return nil
		}
		root := proto.Hash(b.Head.Root)
		if !r.lost.has(b.Sequence(), root) {
			r.fenced = true
		}
		r.last = b.Sequence()
		r.received = max(r.received, b.Head.ReceivedUs)
		j.received.Store(r.received)
		j.advance(b.Position(b.Count() - 1))
		return nil
	})
}

// probe appends a tick, the one entry that the journal may make of its own accord.
func (j *Journal) probe(ctx context.Context, r *recovery) error {
	now, err := j.clock.now()
	if err != nil {
		return err
	}
	at := max(now, r.received+1)
	it, err := proto.NewBatchItem(j.tickAt(at), "", nil)
	if err != nil {
		return fmt.Errorf("make tick: %w", err)
	}
	sequence := r.last + 1
	message, root, err := j.codec.EncodeWithRoot(sequence, time.UnixMicro(at), []proto.BatchItem{it})
	if err != nil {
		return fmt.Errorf("make tick: %w", err)
	}
	future, err := publish(j.current(), sequence, message)
	if err != nil {
		return err
	}
	r.lost.add(sequence, root)
	ctx, cancel := context.WithTimeout(ctx, j.cfg.PublishTimeout)
	defer cancel()
	if err := await(ctx, future, sequence); err != nil {
		if outOfTurn(err) {
			r.lost.drop(sequence, root) // never written; other refusals can come after a write, when the sync failed
		}
		if refused(err) {
			return fmt.Errorf("%w: %w", ingest.ErrBusy, err) // it hears; the stream is read again
		}
		return fmt.Errorf("%w: %w", errDeaf, err)
	}
	return j.readAgain(ctx, r)
}

// reopenIndex returns a working index: the one there is, if it still answers.
func (j *Journal) reopenIndex(index *seen) (*seen, error) {
	if !index.broken.Load() {
		return index, nil
	}
	j.indexMu.Lock()
	defer j.indexMu.Unlock()
	if err := index.close(); err != nil {
		j.log.Warn("broken index could not be closed", slog.Any("err", err))
	}
	fresh, err := openSeen(j.indexDir(), j.cfg.IndexCache, j.log)
	if err != nil {
		return index, err
	}
	j.index = fresh
	return fresh, nil
}
