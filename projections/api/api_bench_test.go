package api_test

import (
	"fmt"
	"testing"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// BenchmarkWhoViewed asks for first pages of different patients, without the journaling of the question.
func BenchmarkWhoViewed(b *testing.B) {
	for _, rows := range []uint64{10_000, 100_000} {
		b.Run(fmt.Sprintf("events=%d", rows*10), func(b *testing.B) {
			w, service := bulk(b, rows, rows/10, 200)
			c := &costs{}
			service.SetMeter(c.meter)
			ask := func(n int) {
				patient := fmt.Sprintf("urn:mrn|%d", n%int(rows/10))
				if _, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: patient, Purpose: "p"})); err != nil {
					b.Fatal(err)
				}
			}
			ask(0)
			read := c.rows
			service.SetMeter(nil)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				ask(n)
			}
			b.ReportMetric(float64(read), "rows/op")
		})
	}
}

// BenchmarkWhoViewedHuge asks for the first page of a record of 200,000 accesses: memory must not grow with it.
func BenchmarkWhoViewedHuge(b *testing.B) {
	w, service := bulk(b, 20_000, 1, 300)
	b.ReportAllocs()
	for b.Loop() {
		res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "0", Purpose: "p"}))
		if err != nil || res.Msg.Totals.Accesses < 100_000 {
			b.Fatal(res, err)
		}
	}
}
