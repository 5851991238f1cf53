package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/readtrail/readtrail/ingest"
)

// checkKeys makes sure that the originals of a batch can be sealed on the day that it was received. Their callers saw to
// that before, so that it reads no file, unless the day changed meanwhile. It returns the source that has no good key.
func (j *Journal) checkKeys(b *batch) (string, error) {
	last := ""
	for i := range b.items {
		it := &b.items[i]
		if it.Sealed == nil || it.Source == last {
			continue
		}
		last = it.Source
		if err := j.checkKey(it.Source, b.received); err != nil {
			return it.Source, err
		}
	}
	return "", nil
}

func (j *Journal) checkKey(source string, at time.Time) error {
	if err := j.cfg.Keys.Check(source, at); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsealable, err)
	}
	return nil
}

// withdraw takes the open batch back before it left, because the originals of one source cannot be sealed, or, without a
// source, because of the clock. No batch comes after it yet, so its sequence goes to the next one. Who brought such an
// original is told why; who only stood beside it is to come again. The clock is everybody's.
func (c *committer) withdraw(ctx context.Context, b *batch, source string, cause error) {
	for _, id := range b.ids {
		delete(c.recent, id)
	}
	c.issued = b.sequence - 1
	busy := fmt.Errorf("%w: another entry of the batch could not be sealed", ingest.ErrBusy)
	for _, req := range b.requests {
		if source == "" || req.seals(source) {
			c.answer(req, cause)
		} else {
			c.answer(req, busy)
		}
	}
	c.j.log.LogAttrs(ctx, slog.LevelError, "batch was withdrawn before it left", slog.Any("err", cause))
}

// seals reports whether the request has an original of source.
func (r *request) seals(source string) bool {
	for i := range r.items {
		if it := &r.items[i]; it.Sealed != nil && it.Source == source {
			return true
		}
	}
	return false
}

// setBack deals with the first batch in flight having failed. When it could not even be encoded, neither it nor any
// batch after it was published: the stream needs no reading, and its sequences are given out again.
func (c *committer) setBack(ctx context.Context, head *batch) {
	if !errors.Is(head.err, errEncode) {
		c.fail(ctx, head.err, nil)
		return
	}
	for _, req := range head.requests {
		c.answer(req, head.err)
	}
	c.giveUp(fmt.Errorf("%w: %w", ingest.ErrBusy, errSkipped))
	c.issued = c.acked
	c.j.metrics.faults.WithLabelValues(faultKind(head.err)).Inc()
	c.j.log.LogAttrs(ctx, slog.LevelError, "batch could not be encoded", slog.Any("err", head.err))
}

// giveUp waits for everything in flight, then answers it and the open batch with err.
func (c *committer) giveUp(err error) {
	unfinished := 0
	for _, b := range c.inFlight {
		if !b.finished {
			unfinished++
		}
	}
	for range unfinished {
		(<-c.finished).finished = true
	}
	batches := c.inFlight
	if c.open != nil {
		batches = append(batches, c.open)
	}
	for _, b := range batches {
		if b.message != nil && !b.unsent {
			c.lost.add(b.sequence, b.root)
		}
		for _, req := range b.requests {
			c.answer(req, err)
		}
	}
	c.timer.Stop()
	c.open, c.due, c.inFlight, c.flying = nil, false, nil, 0
	c.forget() // what was looked up ahead counts on what is cleared now
	clear(c.recent)
	c.j.metrics.inFlight.Set(0)
}

// fail answers everything that is not acknowledged with ErrBusy, and starts to read the stream again: what became of a
// batch without an answer only the stream can tell. There is one recovery at a time: a failure during it joins it.
// current is a request that stands in no batch yet, or nil.
func (c *committer) fail(ctx context.Context, cause error, current *request) {
	busy := fmt.Errorf("%w: %w", ingest.ErrBusy, cause)
	c.giveUp(busy)
	if current != nil {
		c.answer(current, busy)
	}
	c.j.metrics.faults.WithLabelValues(faultKind(cause)).Inc()
	c.j.log.LogAttrs(ctx, slog.LevelWarn, "append failed; reading the stream again", slog.Any("err", cause))
	if state(c.state.Load()) != taking {
		return
	}
	c.enter(recovering)
	known := recovery{last: c.acked, received: c.received, index: c.index, lost: lost{}}
	known.lost.addAll(c.lost)
	ctx, c.cancelRecovery = context.WithCancel(ctx)
	c.flights.Go(func() { c.recovered <- c.j.recover(ctx, known, cause) })
}

// resume goes on from what the stream says.
func (c *committer) resume(r recovery) {
	c.cancelRecovery()
	c.acked, c.issued, c.received, c.index = r.last, r.last, r.received, r.index
	r.lost.addAll(c.lost)
	c.lost = r.lost
	c.lost.settle(r.last)
	switch {
	case r.fenced:
		c.enter(fenced)
	case r.err != nil: // only when the journal closes
		c.enter(closed)
	default:
		c.ticked = true // the recovery's own
		c.enter(taking)
	}
}
