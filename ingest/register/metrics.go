package register

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	authentications *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		authentications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_ingest_authentications_total",
			Help: "Requests by what authentication made of them: accepted, or the reason of the refusal.",
		}, []string{"result"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.authentications)
	}
	return m
}
