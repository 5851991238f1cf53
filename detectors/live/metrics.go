package live

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// metrics say what detectors do. Counters count what this process judged, also what it judged again after a start; alerts count what
// was published for the first time.
type metrics struct {
	looks     *prometheus.GaugeVec
	findings  *prometheus.GaugeVec
	heldBack  *prometheus.GaugeVec
	alerts    *prometheus.CounterVec
	events    prometheus.Gauge
	faults    prometheus.Gauge
	held      *prometheus.GaugeVec
	evicted   *prometheus.GaugeVec
	lag       prometheus.Gauge
	learning  prometheus.Gauge
	openDays  prometheus.Gauge
	reversed  prometheus.Gauge
	snapshots *prometheus.CounterVec
	age       prometheus.Gauge
	took      *prometheus.GaugeVec
	size      prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	gauges := func(what, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "readtrail_detectors_" + what, Help: help}, labels)
	}
	counters := func(what, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "readtrail_detectors_" + what, Help: help}, labels)
	}
	m := &metrics{
		looks:     gauges("looks_judged", "Looks that were judged since the engine was made, by verdict.", "verdict"),
		findings:  gauges("findings_made", "Grades above quiet since the engine was made, by detector.", "detector"),
		heldBack:  gauges("findings_held_back", "Grades above quiet that an exemption held back since the engine was made, by detector.", "detector"),
		alerts:    counters("alerts_total", "Versions of alerts published, by state, whether they are shown, and queue of sites.", "state", "shown", "queue"),
		events:    gauges("events_read", "Access events read since the engine was made.").WithLabelValues(),
		faults:    gauges("facts_unreadable", "Context facts that could not be read.").WithLabelValues(),
		held:      gauges("held", "What is held in memory, by what it is.", "what"),
		evicted:   gauges("evicted", "What the memory bounds pushed out, by what it is.", "what"),
		lag:       gauges("lag_seconds", "How old the last batch was when it had been judged.").WithLabelValues(),
		learning:  gauges("learning", "1 while no day was judged yet.").WithLabelValues(),
		openDays:  gauges("open_days_judged", "How often a reader's open day was judged for a hard sign.").WithLabelValues(),
		reversed:  gauges("verdicts_reversed", "Verdicts that a late fact changed.").WithLabelValues(),
		snapshots: counters("snapshots_total", "Snapshots, by what became of them.", "outcome"),
		age:       gauges("snapshot_timestamp_seconds", "When the last snapshot was kept; 0: none was.").WithLabelValues(),
		took:      gauges("snapshot_duration_seconds", "How long the last snapshot took, and how long judging stood still for it.", "part"),
		size:      gauges("snapshot_bytes", "Size of the last snapshot.").WithLabelValues(),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.looks, m.findings, m.heldBack, m.alerts, m.events, m.faults, m.held, m.evicted, m.lag, m.learning, m.openDays, m.reversed, m.snapshots,
		m.age, m.took, m.size,
	} {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) set(s detectors.Stats, lagMicros int64) {
	m.lag.Set(max(0, float64(lagMicros)/1e6))
	m.events.Set(float64(s.Events))
	m.faults.Set(float64(s.Faults))
	m.openDays.Set(float64(s.OpenDays))
	m.reversed.Set(float64(s.Reversed))
	m.learning.Set(0)
	if s.Learning {
		m.learning.Set(1)
	}
	for verdict, n := range map[string]uint64{"explained": s.Explained, "unexplained": s.Unexplained, "not_assessable": s.NotAssessable} {
		m.looks.WithLabelValues(verdict).Set(float64(n))
	}
	for name, n := range s.Findings {
		m.findings.WithLabelValues(name).Set(float64(n))
	}
	held := map[string]float64{}
	for x, n := range s.HeldBack {
		held[x.Detector] += float64(n)
	}
	for name, n := range held {
		m.heldBack.WithLabelValues(name).Set(n)
	}
	for what, n := range map[string]int{
		"readers": s.Readers, "histories": s.Histories, "open_accesses": s.OpenAccesses, "recent_alerts": s.RecentAlerts,
		"kept_accesses": s.KeptAccesses, "lessons": s.Lessons, "known_alerts": s.Known,
		"addresses": s.Addresses, "episodes": s.Episodes, "revisable": s.Revisable,
	} {
		m.held.WithLabelValues(what).Set(float64(n))
	}
	for what, n := range map[string]uint64{
		"readers": s.EvictedReaders, "histories": s.EvictedHistories, "recent_alerts": s.EvictedAlerts, "known_alerts": s.EvictedKnown,
		"care": s.EvictedCare, "addresses": s.EvictedAddresses, "stays": s.EvictedStays, "episodes": s.EvictedEpisodes,
		"revisable": s.EvictedRevisable,
	} {
		m.evicted.WithLabelValues(what).Set(float64(n))
	}
}

// alert counts a version that was published.
func (m *metrics) alert(a *v1.AlertVersion) {
	state := map[v1.AlertState]string{
		v1.AlertState_ALERT_STATE_RAISED: "raised", v1.AlertState_ALERT_STATE_UPDATED: "updated", v1.AlertState_ALERT_STATE_RETRACTED: "retracted",
	}[a.GetState()]
	shown := "no"
	if a.GetShown() {
		shown = "yes"
	}
	m.alerts.WithLabelValues(state, shown, a.GetQueue()).Inc()
}
