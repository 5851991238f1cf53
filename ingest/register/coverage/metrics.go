package coverage

import (
	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// metrics are by source: there are few, and their names name nobody.
type metrics struct {
	events *prometheus.CounterVec
	age    *prometheus.GaugeVec
	gaps   *prometheus.GaugeVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_ingest_source_events_total", Help: "Access events in the journal by source, as coverage has read them.",
		}, []string{"source"}),
		age: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_ingest_source_last_received_age_seconds", Help: "Time from the source's last event to the last tick.",
		}, []string{"source"}),
		gaps: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_ingest_source_gaps", Help: "Gaps that are open now, by source and kind.",
		}, []string{"source", "kind"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.events, m.age, m.gaps)
	}
	return m
}

// tick shows how long ago each source spoke.
func (m *metrics) tick(s *source, now int64) {
	if s.AnyUs != 0 {
		m.age.WithLabelValues(s.name).Set(float64(max(0, now-s.AnyUs)) / 1e6)
	}
	m.gapsOf(s)
}

// gapsOf shows what is open.
func (m *metrics) gapsOf(s *source) {
	holes := 0
	for _, n := range s.Numbers {
		holes += n.open()
	}
	for kind, open := range map[v1.CoverageFact_Kind]int{
		v1.CoverageFact_KIND_SILENCE: one(s.SilentUs), v1.CoverageFact_KIND_LATENESS: one(s.Clock.LateUs),
		v1.CoverageFact_KIND_CLOCK_SKEW: one(s.Clock.SkewUs), v1.CoverageFact_KIND_SEQUENCE_GAP: holes,
	} {
		m.gaps.WithLabelValues(s.name, kindName(kind)).Set(float64(open))
	}
}

func one(us int64) int {
	if us != 0 {
		return 1
	}
	return 0
}

func kindName(kind v1.CoverageFact_Kind) string {
	switch kind {
	case v1.CoverageFact_KIND_SILENCE:
		return "silence"
	case v1.CoverageFact_KIND_LATENESS:
		return "lateness"
	case v1.CoverageFact_KIND_CLOCK_SKEW:
		return "clock_skew"
	case v1.CoverageFact_KIND_SEQUENCE_GAP:
		return "sequence_gap"
	}
	return "other"
}
