package projections

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the projector; none has a label that names a person.
type metrics struct {
	position   *prometheus.GaugeVec
	received   *prometheus.GaugeVec
	rows       *prometheus.CounterVec
	inserts    *prometheus.HistogramVec
	messages   prometheus.Counter
	recoveries prometheus.Counter
	recovered  *prometheus.CounterVec
	repairs    prometheus.Counter
	stopped    prometheus.Gauge
	refused    *prometheus.GaugeVec
	version    prometheus.Gauge

	streamMessages *prometheus.CounterVec
	streamStopped  *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		position: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_projections_position", Help: "Journal position up to which the tables are complete; of findings and alerts: message of their stream.",
		}, []string{"projector", "version"}),
		received: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_projections_received_timestamp_seconds",
			Help: "Received time of that position; the lag of a busy journal is the time since.",
		}, []string{"projector", "version"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_projections_rows_total", Help: "Rows inserted.",
		}, []string{"table"}),
		inserts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "readtrail_projections_insert_seconds", Help: "Time that one insert took until it was on disk.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}, []string{"table"}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "readtrail_projections_messages_total", Help: "Messages of the journal whose rows are in the tables.",
		}),
		recoveries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "readtrail_projections_recoveries_total", Help: "Starts from the watermark, after a start or an error.",
		}),
		recovered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_projections_recovered_rows_total", Help: "Rows above the watermark that recovery found in a table.",
		}, []string{"table"}),
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "readtrail_projections_repairs_total", Help: "Tables cut back to the watermark because rows above it were doubled or lost.",
		}),
		stopped: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "readtrail_projections_stopped", Help: "1 when the projector stopped: it met a gap or a corrupt batch, or another process writes now.",
		}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_projections_refused",
			Help: "1 while ClickHouse refuses what the projector writes for a reason that does not pass by itself, by ClickHouse's code.",
		}, []string{"code"}),
		version: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "readtrail_projections_active_version", Help: "Version that answers questions.",
		}),
		streamMessages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_projections_stream_messages_total", Help: "Messages of what detectors write whose rows are in the tables.",
		}, []string{"stream"}),
		streamStopped: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "readtrail_projections_stream_stopped", Help: "1 when the projector of a stream stopped at damage, while the others go on.",
		}, []string{"stream"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.position, m.received, m.rows, m.inserts, m.messages, m.recoveries, m.recovered, m.repairs, m.stopped, m.refused, m.version,
		m.streamMessages, m.streamStopped,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// registerLag registers how far each stream of the detectors is ahead of the tables that answer.
func (p *Projector) registerLag(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, def := range p.cfg.streamDefs() {
		lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "readtrail_projections_stream_behind_messages",
			Help:        "Messages of what detectors write that are not in the tables yet.",
			ConstLabels: prometheus.Labels{"stream": def.name},
		}, func() float64 {
			for _, s := range p.StreamStatus() {
				if s.Name == def.name && s.Active {
					return float64(s.Head - min(s.Sequence, s.Head))
				}
			}
			return float64(def.head())
		})
		if err := r.Register(lag); err != nil {
			return err
		}
	}
	return nil
}
