package journal

import (
	"context"
	"log/slog"
	"time"

	"github.com/readtrail/readtrail/ingest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// firstTickRetry is how soon a first tick that could not be kept is tried again: until then nothing else is taken.
const firstTickRetry = time.Second

// tick journals the time, so that whoever reads the journal has a clock, and the same one at every replay. A tick that
// cannot be kept is left out: the next one says as much. tried is closed after the first attempt.
func (j *Journal) tick(ctx context.Context, tried chan<- struct{}) {
	last := int64(0)
	for {
		wait := j.cfg.TickEvery
		if at, err := j.tickOnce(ctx, last); err == nil {
			last = at
		} else if ctx.Err() == nil {
			j.log.WarnContext(ctx, "tick was not journaled", slog.Any("err", err))
			if last == 0 {
				wait = min(wait, firstTickRetry)
			}
		}
		if tried != nil {
			close(tried)
			tried = nil
		}
		j.metrics.free.Set(float64(j.space.left()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// tickOnce journals one tick above last, and returns its time.
func (j *Journal) tickOnce(ctx context.Context, last int64) (int64, error) {
	now, err := j.clock.now()
	if err != nil {
		return 0, err
	}
	// Ticks rise strictly, also when the clock was put back: no batch's received time is below a tick in it.
	at := max(now, j.received.Load()+1, last+1)
	_, err = j.Append(ctx, []ingest.Entry{{Item: j.tickAt(at)}}, ingest.Options{Reserved: true})
	return at, err
}

// tickAt says the time, and for how long the journal has been open: whoever sets the clock must not make that look as if it
// had been down.
func (j *Journal) tickAt(at int64) *v1.Item {
	tick := &v1.Tick{AtUs: at, UptimeUs: j.clock.ran().Microseconds(), OpenedAt: j.openedAt}
	return &v1.Item{Body: &v1.Item_Tick{Tick: tick}}
}
