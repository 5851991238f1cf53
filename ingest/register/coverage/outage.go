package coverage

import (
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// outageAfter is for how long nothing at all may enter the journal before it is asked whether Readtrail was down: ten ticks. What is
// shorter is shorter than any silence that is judged.
const outageAfter = int64(10 * time.Minute / time.Microsecond)

// keptOutages bounds what silences are measured against: more outages than that within one silence count as silence.
const keptOutages = 64

// outages are the stretches in which Readtrail took nothing, oldest first. What a source did not say then is not its
// silence, and what it says of then afterwards is not late.
type outages []outage

type outage struct {
	FromUs  int64 `json:"from_us"`
	UntilUs int64 `json:"until_us"`
}

// within is how much of a stretch Readtrail was down.
func (o outages) within(from, until int64) (us int64) {
	for _, each := range o {
		us += max(0, min(until, each.UntilUs)-max(from, each.FromUs))
	}
	return us
}

// hold reports whether Readtrail was down at a time.
func (o outages) hold(us int64) bool {
	for _, each := range o {
		if us >= each.FromUs && us < each.UntilUs {
			return true
		}
	}
	return false
}

// alive notes that the journal took something. After a stretch in which it took nothing, the next tick tells whether
// Readtrail was down, or the clock was set.
func (m *Monitor) alive(at int64) {
	s := &m.state
	if last := s.NowUs; last != 0 && at-last > outageAfter {
		s.Gap = outage{last, at}
	}
	s.NowUs = max(s.NowUs, at)
}

// ticked takes what a tick says of its opening of the journal. A stretch counts as an outage only before the journal was
// opened: by its uptime, which goes by a clock that cannot be set. Within one opening there is none. Else whoever may set the
// clock could hide a source's silence.
func (m *Monitor) ticked(facts []*v1.CoverageFact, tick *v1.Tick) []*v1.CoverageFact {
	s := &m.state
	gap, opened := s.Gap, s.OpenedAt
	s.Gap, s.OpenedAt = outage{}, tick.OpenedAt
	if tick.UptimeUs <= 0 || tick.OpenedAt == opened {
		return facts
	}
	gap.UntilUs = min(gap.UntilUs, tick.AtUs-tick.UptimeUs)
	length := gap.UntilUs - gap.FromUs
	if length <= outageAfter {
		return facts
	}
	if s.Outages = append(s.Outages, gap); len(s.Outages) > keptOutages {
		s.Outages = s.Outages[1:]
	}
	return append(facts, &v1.CoverageFact{Kind: v1.CoverageFact_KIND_OUTAGE, FromUs: gap.FromUs, UntilUs: gap.UntilUs, Amount: length / 1e6})
}
