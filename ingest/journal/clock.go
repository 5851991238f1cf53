package journal

import (
	"errors"
	"fmt"
	"sync"
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

// trial is for how long after the opening a clock may still be set right by as much as is believed at a start: machines get
// their time from the network, and that can come after us.
const trial = time.Hour

// clock is the wall clock, believed only as far as it can have run. The system's other clock, which counts from the start
// of the machine through its sleep and cannot be set, says how far that is.
//
// A clock that was wrong at the opening and is set right later jumps too. It is believed as far as a start would be, 30 days
// beyond the last entry, where there is a reason to: the opening was a moment ago, or the clock stood behind what the journal
// already knew, or the system says that a time service keeps it right.
type clock struct {
	wall func() time.Time
	boot func() time.Duration
	jump time.Duration
	// kept reports whether a time service keeps the wall clock right.
	kept func() bool
	// corrected is told when a jump was believed; nil: nobody.
	corrected func(ahead time.Duration)

	opened time.Duration // on the other clock

	mu     sync.Mutex    // guards what follows
	anchor time.Time     // of the wall clock at the opening, or the last received time, whichever is later; later of a correction
	since  time.Duration // on the other clock, at the same moment
	// known is what the journal knew at the opening: its last received time, else the wall clock.
	known time.Time
	// behind says that the wall clock stood behind what was known, so that it must be set right once.
	behind bool
}

// start believes the wall clock unless it stands too far ahead of the last received time (microseconds; 0: none).
func (c *clock) start(received int64) error {
	c.opened = c.boot()
	c.anchor, c.since = c.wall(), c.opened
	c.known = c.anchor
	if received == 0 {
		return nil
	}
	c.known = time.UnixMicro(received)
	if ahead := c.anchor.Sub(c.known); ahead > c.atStart() {
		return fmt.Errorf("%w: it says %s, %s after the last entry was received; set it right, or, when nothing ran for so long, "+
			"start once with journal.max_clock_jump above that", ErrClock, stampText(c.anchor), ahead.Round(time.Second))
	}
	if c.behind = c.known.After(c.anchor); c.behind {
		c.anchor = c.known
	}
	return nil
}

// atStart is how far ahead of the last entry a clock is believed at a start.
func (c *clock) atStart() time.Duration { return max(c.jump, startJump) }

// now returns the time in microseconds, or an error that wraps ErrClock and ingest.ErrBusy.
func (c *clock) now() (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, boot := c.wall(), c.boot()
	ahead := now.Sub(c.anchor) - (boot - c.since)
	if ahead <= c.jump {
		c.behind = c.behind && ahead < 0 // else it was set right
		return now.UnixMicro(), nil
	}
	reason := boot-c.opened < trial || c.behind || c.kept()
	if !reason || now.Sub(c.known)-(boot-c.opened) > c.atStart() {
		return 0, fmt.Errorf("%w: it says %s, %s more than has passed since the journal was opened; set it right, or, when this machine "+
			"was paused for so long, start Readtrail anew: %w", ErrClock, stampText(now), ahead.Round(time.Second), ingest.ErrBusy)
	}
	c.anchor, c.since, c.behind = now, boot, false
	if c.corrected != nil {
		c.corrected(ahead)
	}
	return now.UnixMicro(), nil
}

// ran is how long the journal has been open, whatever the wall clock was set to.
func (c *clock) ran() time.Duration { return c.boot() - c.opened }

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
