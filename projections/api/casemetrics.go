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

// caseMetrics counts cases when metrics are read. They are counts of all cases, and name nobody.
type caseMetrics struct {
	s             *Service
	open, overdue *prometheus.Desc

	mu      sync.Mutex // guards what follows
	totals  *v1.CaseTotals
	counted time.Time
}

func newCaseMetrics(s *Service) *caseMetrics {
	return &caseMetrics{
		s:       s,
		open:    prometheus.NewDesc("readtrail_projections_cases_open", "Cases that are open.", nil, nil),
		overdue: prometheus.NewDesc("readtrail_projections_case_notices_overdue", "Notices of breaches that are not sent though their time is over.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *caseMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.open
	to <- m.overdue
}

// Collect implements prometheus.Collector. While cases cannot be counted it tells none, rather than none open.
func (m *caseMetrics) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.s.cfg.Now(); m.totals == nil || now.Sub(m.counted) >= casesEvery || now.Before(m.counted) {
		ctx, cancel := context.WithTimeout(context.Background(), casesTimeout)
		defer cancel()
		totals, err := m.count(ctx)
		if err != nil {
			m.s.logger.DebugContext(ctx, "cases could not be counted", slog.Any("err", err))
		}
		m.totals, m.counted = totals, now
	}
	if m.totals == nil {
		return
	}
	to <- prometheus.MustNewConstMetric(m.open, prometheus.GaugeValue, float64(m.totals.Open))
	to <- prometheus.MustNewConstMetric(m.overdue, prometheus.GaugeValue, float64(m.totals.Overdue))
}

func (m *caseMetrics) count(ctx context.Context) (*v1.CaseTotals, error) {
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
	return totals, nil
}
