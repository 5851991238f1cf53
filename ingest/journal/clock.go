package journal

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/readtrail/readtrail/ingest"
)

// ErrClock refuses entries because the clock stands further ahead than it can have run. Received times never fall, so
// believing it once would freeze them until the world has caught up. Entries are taken again as soon as the clock is right;
// when it is, and the journal was away for so long, someone says so (Config.MaxClockJump). Append's belong to the family of
// ingest.ErrBusy: callers keep what they have and come again.
var ErrClock = errors.New("the clock is too far ahead")

// DefaultMaxClockJump is longer than any clock is off by a wrong zone or a missed summer time, and short enough that the
// received times, should it be believed wrongly, are right again after a day.
const DefaultMaxClockJump = 24 * time.Hour

// startJump is how long a journal may have been away without anybody's saying so: longer than a holiday and the repair of a
// machine, which must come back by itself. At the start nothing tells a long outage from a wrong clock.
const startJump = 30 * 24 * time.Hour

// AheadTolerance is how far received times may stand ahead of the clock before it is worth saying: clocks are corrected by
// seconds, and nothing that waits for a received time is that exact.
const AheadTolerance = 5 * time.Minute

// clock is the wall clock, believed only as far as it can have run. The system's other clock, which counts from the start
// of the machine through its sleep and cannot be set, says how far that is.
type clock struct {
	wall func() time.Time
	boot func() time.Duration
	jump time.Duration

	anchor time.Time     // of the wall clock when the journal was opened, or the last received time, whichever is later
	since  time.Duration // on the other clock, at the same moment
}

// start believes the wall clock unless it stands too far ahead of the last received time (microseconds; 0: none).
func (c *clock) start(received int64) error {
	c.anchor, c.since = c.wall(), c.boot()
	if received == 0 {
		return nil
	}
	last := time.UnixMicro(received)
	if ahead := c.anchor.Sub(last); ahead > max(c.jump, startJump) {
		return fmt.Errorf("%w: it says %s, %s after the last entry was received; set it right, or, when nothing ran for so long, "+
			"start once with journal.max_clock_jump above that", ErrClock, stampText(c.anchor), ahead.Round(time.Second))
	}
	if last.After(c.anchor) {
		c.anchor = last
	}
	return nil
}

// now returns the time in microseconds, or an error that wraps ErrClock and ingest.ErrBusy.
func (c *clock) now() (int64, error) {
	now := c.wall()
	if ahead := now.Sub(c.anchor) - c.ran(); ahead > c.jump {
		return 0, fmt.Errorf("%w: it says %s, %s more than has passed since the journal was opened; set it right, or, when this machine "+
			"was paused for so long, start Readtrail anew: %w", ErrClock, stampText(now), ahead.Round(time.Second), ingest.ErrBusy)
	}
	return now.UnixMicro(), nil
}

// ran is how long the journal has been open, whatever the wall clock was set to.
func (c *clock) ran() time.Duration { return c.boot() - c.since }

func stampText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// sinceBoot is how long the machine has run, its sleep included.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(bootClockID, &t); err != nil {
		return 0 // then every jump is one; no system that this is built for refuses it
	}
	return time.Duration(t.Nano())
}

// ClockAhead is how far received times stand ahead of the clock: a clock that was wrong, and believed, and set right since.
// They stand still until it has caught up. 0 below AheadTolerance.
func (j *Journal) ClockAhead() time.Duration {
	ahead := time.Duration(j.received.Load()-j.cfg.Now().UnixMicro()) * time.Microsecond
	if ahead <= AheadTolerance {
		return 0
	}
	return ahead
}

// ClockRefused reports whether entries are refused because of the clock; the error wraps ErrClock.
func (j *Journal) ClockRefused() error {
	_, err := j.clock.now()
	return err
}
