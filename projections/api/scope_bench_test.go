package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// BenchmarkBreachScope asks for a year of one reader after the other, 5,000 reports about as many patients, without the
// journaling of the question.
func BenchmarkBreachScope(b *testing.B) {
	for _, rows := range []uint64{20_000, 100_000} {
		b.Run(fmt.Sprintf("events=%d", rows*10), func(b *testing.B) {
			readers := rows / 5_000
			w, service := bulk(b, rows, rows/2, readers)
			c := &costs{}
			service.SetMeter(c.meter)
			year := func(n int) *v1.ScopeQuery {
				// Each answer is another scope: none of them was kept.
				from := int64(1_451_606_400_000_000) + int64(n)
				return &v1.ScopeQuery{Reader: fmt.Sprintf("u%d", n%int(readers)), FromUs: from, UntilUs: from + 31_536_000_000_000}
			}
			ask := func(n int) *v1.BreachScopeResponse {
				res, err := service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: year(n), Purpose: "p"}))
				if err != nil {
					b.Fatal(err)
				}
				return res.Msg
			}
			if res := ask(0); res.Totals.Counts.Reports < 4_000 {
				b.Fatal(res.Totals)
			}
			b.Log("\n" + strings.Join(c.lines, "\n"))
			read := c.rows
			service.SetMeter(nil)
			b.ReportAllocs()
			n := 0
			before := processorTime()
			for b.Loop() {
				n++
				ask(n)
			}
			processorTime().report(b, before, float64(b.N), "op")
			b.ReportMetric(float64(read), "rows/op")
		})
	}
}

// BenchmarkExport writes a scope of a million reports; its memory must not grow with them.
func BenchmarkExport(b *testing.B) {
	w, service := bulk(b, 100_000, 20_000, 200)
	formats := []v1.ExportScopeRequest_Format{v1.ExportScopeRequest_FORMAT_CSV, v1.ExportScopeRequest_FORMAT_NDJSON, v1.ExportScopeRequest_FORMAT_FHIR}
	for _, format := range formats {
		b.Run(format.String(), func(b *testing.B) { benchExport(b, w, service, format) })
	}
	w.judge(b)
	b.Run("judged/"+formats[0].String(), func(b *testing.B) { benchExport(b, w, service, formats[0]) })
}

func benchExport(b *testing.B, w *world, service *api.Service, format v1.ExportScopeRequest_Format) {
	var reports, bytes uint64
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		reports += exportAll(b, w, service, format, func(part *v1.ExportScopeResponse) { bytes += uint64(len(part.Data)) })
	}
	processorTime().report(b, before, float64(reports)/1e3, "1000-reports")
	b.ReportMetric(float64(reports)/b.Elapsed().Seconds(), "reports/s")
	b.SetBytes(int64(bytes / uint64(b.N)))
}

func exportAll(b *testing.B, w *world, service *api.Service, format v1.ExportScopeRequest_Format, take func(*v1.ExportScopeResponse)) (reports uint64) {
	err := service.Export(w.ctx(), &v1.ExportScopeRequest{
		Query: &v1.ScopeQuery{FromUs: 1, UntilUs: 1_900_000_000_000_000}, Purpose: "p", Format: format,
	}, func(part *v1.ExportScopeResponse) error {
		take(part)
		reports = max(reports, part.Reports)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return reports
}

// cpuTime is seconds of processor time: what a figure means on a machine that others use too.
type cpuTime struct{ self, engine float64 }

func (t cpuTime) report(b *testing.B, before cpuTime, n float64, of string) {
	b.ReportMetric(1e3*(t.self-before.self)/n, "go-ms/"+of)
	b.ReportMetric(1e3*(t.engine-before.engine)/n, "engine-ms/"+of)
}

// processorTime reads the time of this process and of its child, the engine; zero where there is no /proc.
func processorTime() cpuTime {
	var out cpuTime
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return out
	}
	self := strconv.Itoa(os.Getpid())
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, rest, _ := strings.Cut(string(text), " ")
		_, rest, ok := strings.Cut(rest, ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		switch seconds := (user + system) / 100; { // clock ticks a second
		case pid == self:
			out.self = seconds
		case fields[1] == self:
			out.engine += seconds
		}
	}
	return out
}
