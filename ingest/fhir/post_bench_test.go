package fhir_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
)

// BenchmarkPost posts single events through the handler into a journal that syncs before it acknowledges, 64 callers at
// a time. The network is left out.
func BenchmarkPost(b *testing.B) {
	rig := ingesttest.Open(b)
	h, err := fhir.NewHandler(fhir.Config{Intake: rig.Intake, Source: ingesttest.Sources})
	if err != nil {
		b.Fatal(err)
	}
	ctx := proto.WithCaller(b.Context(), proto.Caller{Name: "source:ehr", Source: "ehr"})
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := auditEvent(fmt.Sprint(n.Add(1)), `,"action":"R","entity":[{"what":{"reference":"Patient/1"}}]`)
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/fhir/AuditEvent", strings.NewReader(body))
			r.Header.Set("Content-Type", fhirJSON)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusCreated {
				b.Errorf("got %d %s", w.Code, w.Body)
				return
			}
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "requests/s")
}
