package coverage

import (
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// outageAfter is how long nothing at all may enter the journal before Readtrail itself counts as down: ten ticks. What is
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

// alive notes that the journal took something. The first that it takes after an outage tells of it.
func (m *Monitor) alive(facts []*v1.CoverageFact, at int64) []*v1.CoverageFact {
	s := &m.state
	last := s.NowUs
	s.NowUs = max(s.NowUs, at)
	if last == 0 || at-last <= outageAfter {
		return facts
	}
	if s.Outages = append(s.Outages, outage{last, at}); len(s.Outages) > keptOutages {
		s.Outages = s.Outages[1:]
	}
	return append(facts, &v1.CoverageFact{Kind: v1.CoverageFact_KIND_OUTAGE, FromUs: last, UntilUs: at, Amount: (at - last) / 1e6})
}
