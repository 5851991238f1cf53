package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// casesEvery is how often cases are counted for metrics, whatever scrapes them.
	casesEvery = time.Minute
	// casesTimeout bounds one count: a scrape waits for it.
	casesTimeout = 5 * time.Second
)

// caseMetrics counts cases, and broken glasses that nobody reviewed, when metrics are read. They are counts of all of them, and name nobody.
type caseMetrics struct {
	s                          *Service
	open, overdue              *prometheus.Desc
	unreviewed, unreviewedTime *prometheus.Desc

	mu      sync.Mutex // guards what follows
	now     *countedWork
	counted time.Time
}

// countedWork is what waits for people.
type countedWork struct {
	cases *v1.CaseTotals
	// glasses wait for a review, the first of them since a time in microseconds.
	glasses uint64
	since   int64
}

func newCaseMetrics(s *Service) *caseMetrics {
	return &caseMetrics{
		s:          s,
		open:       prometheus.NewDesc("readtrail_projections_cases_open", "Cases that are open.", nil, nil),
		overdue:    prometheus.NewDesc("readtrail_projections_case_notices_overdue", "Notices of breaches that are not sent though their time is over.", nil, nil),
		unreviewed: prometheus.NewDesc("readtrail_projections_glass_unreviewed", "Broken glasses that nobody has reviewed.", nil, nil),
		unreviewedTime: prometheus.NewDesc("readtrail_projections_glass_unreviewed_oldest_seconds",
			"How long ago the first of the broken glasses that nobody has reviewed was broken; 0 where there is none.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *caseMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.open
	to <- m.overdue
	to <- m.unreviewed
	to <- m.unreviewedTime
}

// Collect implements prometheus.Collector. While cases cannot be counted it tells none, rather than none open.
func (m *caseMetrics) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.s.cfg.Now(); m.now == nil || now.Sub(m.counted) >= casesEvery || now.Before(m.counted) {
		ctx, cancel := context.WithTimeout(context.Background(), casesTimeout)
		defer cancel()
		counted, err := m.count(ctx)
		if err != nil {
			m.s.logger.DebugContext(ctx, "cases could not be counted", slog.Any("err", err))
		}
		m.now, m.counted = counted, now
	}
	if m.now == nil {
		return
	}
	oldest := 0.0
	if m.now.since != 0 {
		oldest = m.s.cfg.Now().Sub(time.UnixMicro(m.now.since)).Seconds()
	}
	for of, value := range map[*prometheus.Desc]float64{
		m.open: float64(m.now.cases.Open), m.overdue: float64(m.now.cases.Overdue), m.unreviewed: float64(m.now.glasses), m.unreviewedTime: oldest,
	} {
		to <- prometheus.MustNewConstMetric(of, prometheus.GaugeValue, value)
	}
}

func (m *caseMetrics) count(ctx context.Context) (*countedWork, error) {
	p, err := m.s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	all, err := p.allCases(ctx)
	if err != nil {
		return nil, err
	}
	totals := &v1.CaseTotals{}
	for _, x := range all {
		countCase(totals, caseRow(x, m.s.cfg.TimeZone, m.s.cfg.Now()))
	}
	glasses, since, err := p.glassWaiting(ctx)
	if err != nil {
		return nil, err
	}
	return &countedWork{totals, glasses, since}, nil
}
