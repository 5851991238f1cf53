package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LiveConfig says how fast a live stream runs.
type LiveConfig struct {
	// Rate is events a second. Default 20; at most 100,000.
	Rate int
	// Every is how often events that are due are handed over. Default 250 ms.
	Every time.Duration
	// Now tells the time. Default the clock of the machine.
	Now func() time.Time
}

// Defaults and bounds of LiveConfig.
const (
	DefaultRate  = 20
	maxRate      = 100_000
	defaultEvery = 250 * time.Millisecond
	// debt is how much of the rate is made up for after the sink was slow; the rest is forgotten, so that a stream does not
	// answer an outage with a flood.
	debt = 2 * time.Second
)

func (c LiveConfig) withDefaults() (LiveConfig, error) {
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var errs []error
	if c.Rate < 1 || c.Rate > maxRate {
		errs = append(errs, fmt.Errorf("rate: %d is not within 1 and %d", c.Rate, maxRate))
	}
	if c.Every < time.Millisecond || c.Every > time.Minute {
		errs = append(errs, fmt.Errorf("every: %s is not within 1ms and 1m", c.Every))
	}
	return c, errors.Join(errs...)
}

// Live hands events that carry the current time to sink, at a steady rate, until ctx ends (it then returns nil) or sink
// fails. What happens is what the model has for this hour of this day: the readers are on duty, the patients are in care
// or at the door, nights are mostly nurses. The hospital is lived through again and again to reach the rate, with other
// chances each time, so ids never repeat, not even after a restart. Live events carry no labels.
func (h *Hospital) Live(ctx context.Context, cfg LiveConfig, sink func(context.Context, []Event) error) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return fmt.Errorf("live: %w", err)
	}
	feed := liveFeed{h: h}
	ticker := time.NewTicker(cfg.Every)
	defer ticker.Stop()
	done, sent := cfg.Now(), int64(0)
	for {
		now := cfg.Now()
		if behind := now.Sub(done); behind > debt || behind < 0 {
			done, sent = now, 0
		}
		due := int64(now.Sub(done)) * int64(cfg.Rate) / int64(time.Second)
		if n := int(due - sent); n > 0 {
			if err := sink(ctx, feed.take(now, n)); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return fmt.Errorf("live: %w", err)
			}
			sent = due
		}
		if due >= int64(cfg.Rate) {
			whole := due / int64(cfg.Rate)
			done, sent = done.Add(time.Duration(whole)*time.Second), sent-whole*int64(cfg.Rate)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// liveFeed is what of the present is still to be told.
type liveFeed struct {
	h    *Hospital
	w    *writer
	rest []access
	pass uint64
}

// Around the present, accesses of the model count as happening now.
const (
	before = 20 * minute
	after  = 40 * minute
	// enough is how many accesses are worth a pass; with fewer, in the night of a small hospital, the whole day counts.
	enough = 20
)

// take returns the next n events, stamped with the present.
func (f *liveFeed) take(now time.Time, n int) []Event {
	out := make([]Event, 0, n)
	at := now.UnixMilli()
	for range n {
		if len(f.rest) == 0 {
			f.relive(now)
		}
		if len(f.rest) == 0 {
			return out
		}
		out = append(out, f.w.event(&f.rest[0], at))
		f.rest = f.rest[1:]
	}
	return out
}

// relive computes the day once more and keeps what happens around now.
func (f *liveFeed) relive(now time.Time) {
	f.pass = max(f.pass+1, uint64(now.UnixMicro()))
	p := f.h.plan(f.h.Day(now), f.pass)
	at := now.UnixMilli()
	from, to := 0, len(p.accesses)
	for from < to && p.accesses[from].at < at-before {
		from++
	}
	for to > from && p.accesses[to-1].at > at+after {
		to--
	}
	if to-from < enough {
		from, to = 0, len(p.accesses)
	}
	f.w, f.rest = newWriter(f.h, p), p.accesses[from:to]
}
