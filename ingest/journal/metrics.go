package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/ingest"
)

type metrics struct {
	entries   *prometheus.CounterVec
	refused   *prometheus.CounterVec
	batches   prometheus.Counter
	items     prometheus.Histogram
	bytes     prometheus.Counter
	batchSize prometheus.Histogram
	latency   prometheus.Histogram
	inFlight  prometheus.Gauge
	free      prometheus.Gauge
	head      prometheus.Gauge
	replayed  prometheus.Counter
	restarts  prometheus.Counter
	faults    *prometheus.CounterVec
	state     *prometheus.GaugeVec
	followers *prometheus.GaugeVec
	lag       *prometheus.GaugeVec
	gaps      *prometheus.CounterVec
	skew      prometheus.Gauge
	durable   *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	name := func(what string) prometheus.Opts { return prometheus.Opts{Name: "readtrail_journal_" + what} }
	counter := func(what, help string, labels ...string) *prometheus.CounterVec {
		o := name(what)
		o.Help = help
		return prometheus.NewCounterVec(prometheus.CounterOpts(o), labels)
	}
	gauge := func(what, help string, labels ...string) *prometheus.GaugeVec {
		o := name(what)
		o.Help = help
		return prometheus.NewGaugeVec(prometheus.GaugeOpts(o), labels)
	}
	histogram := func(what, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "readtrail_journal_" + what, Help: help, Buckets: buckets})
	}
	m := &metrics{
		entries:   counter("entries_total", "Entries answered, by what became of them.", "status"),
		refused:   counter("refused_total", "Calls refused or left unknown, by reason.", "reason"),
		batches:   counter("batches_total", "Batches acknowledged.").WithLabelValues(),
		items:     histogram("batch_items", "Items in a batch.", prometheus.ExponentialBuckets(1, 4, 7)),
		bytes:     counter("bytes_total", "Bytes of acknowledged batches.").WithLabelValues(),
		batchSize: histogram("batch_size_bytes", "Bytes of a batch.", prometheus.ExponentialBuckets(512, 4, 8)),
		latency:   histogram("append_duration_seconds", "From the call of Append to its answer.", prometheus.ExponentialBuckets(0.001, 2, 14)),
		inFlight:  gauge("in_flight_batches", "Batches published and not yet acknowledged.").WithLabelValues(),
		free:      gauge("free_bytes", "Space left for the journal: the disk's or the stream's, whichever is less.").WithLabelValues(),
		head:      gauge("head_position", "Last acknowledged position.").WithLabelValues(),
		replayed:  counter("index_replayed_total", "Items put into the index from the journal rather than from an append.").WithLabelValues(),
		restarts:  counter("server_restarts_total", "Restarts of a deaf embedded server.").WithLabelValues(),
		faults:    counter("faults_total", "Failed appends that set the committer back, by kind.", "kind"),
		state:     gauge("state", "1 for the state that the committer is in.", "state"),
		followers: gauge("follower_position", "Position up to which a follower has read.", "follower"),
		lag:       gauge("follower_lag_batches", "Batches between a follower and the head when it last read.", "follower"),
		gaps:      counter("follower_gaps_total", "Followers stopped because a batch was missing or corrupt. Must be 0.", "follower"),
		durable:   gauge("durability", "1 for what an acknowledgement is worth: verified or attested.", "state"),
		skew:      gauge("clock_behind_seconds", "How far the clock stands behind the last received time.").WithLabelValues(),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.entries, m.refused, m.batches, m.items, m.bytes, m.batchSize, m.latency, m.inFlight, m.free, m.head, m.replayed,
		m.restarts, m.faults, m.state, m.followers, m.lag, m.gaps, m.skew, m.durable,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) enter(s state) {
	for _, each := range []state{taking, recovering, fenced, closed} {
		value := 0.0
		if each == s {
			value = 1
		}
		m.state.WithLabelValues(each.String()).Set(value)
	}
}

func (m *metrics) count(s ingest.Status) {
	m.entries.WithLabelValues([...]string{"unknown", "stored", "duplicate", "conflict"}[s]).Inc()
}

func refusalReason(err error) string {
	switch {
	case errors.Is(err, ErrClock):
		return "clock"
	case errors.Is(err, ingest.ErrBusy):
		return "busy"
	case errors.Is(err, ErrFenced):
		return "fenced"
	case errors.Is(err, ErrUnsealable):
		return "unsealable"
	case errors.Is(err, ingest.ErrClosed):
		return "closed"
	}
	return "other"
}

func faultKind(err error) string {
	switch {
	case errors.Is(err, errEncode):
		return "encoding"
	case outOfTurn(err):
		return "out_of_turn"
	case refused(err):
		return "refused"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		return "timeout"
	}
	return "other"
}
