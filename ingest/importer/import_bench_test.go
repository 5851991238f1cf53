package importer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/importer"
)

// BenchmarkImport sends a file over a socket into a journal that syncs before it acknowledges.
func BenchmarkImport(b *testing.B) {
	const n = 50_000
	path := write(b, b.TempDir(), "a.ndjson", manyEvents(b, n))
	b.Run("ndjson", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			bench := newBench(b, nil, nil)
			b.StartTimer()
			begin := time.Now()
			report := bench.mustRun(importer.Command{Paths: []string{path}})
			if report.Total.Stored != n {
				b.Fatalf("%+v", report.Total)
			}
			b.ReportMetric(n/time.Since(begin).Seconds(), "events/s")
		}
	})
}

// manyEvents makes n events of about 1.5 KB from a published example.
func manyEvents(tb testing.TB, n int) string {
	tb.Helper()
	data, err := os.ReadFile("../fhir/testdata/balp/AuditEvent-ex-auditBasicReadServer.json")
	if err != nil {
		tb.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(data, &event); err != nil {
		tb.Fatal(err)
	}
	delete(event, "text")
	event["id"] = "ID-HERE"
	event["recorded"] = "TIME-HERE"
	text, err := json.Marshal(event)
	if err != nil {
		tb.Fatal(err)
	}
	template := strings.ReplaceAll(string(text), "Patient/ex-patient", "Patient/PATIENT-HERE")
	var out strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		out.WriteString(strings.NewReplacer("ID-HERE", fmt.Sprintf("event-%08d", i), "TIME-HERE",
			at.Add(time.Duration(i)*37*time.Millisecond).Format(time.RFC3339Nano), "PATIENT-HERE", fmt.Sprint(i%9973)).Replace(template))
		out.WriteByte('\n')
	}
	return out.String()
}
