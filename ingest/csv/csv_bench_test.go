package csv_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/readtrail/readtrail/ingest/csv"
)

// BenchmarkDecode decodes an Epic export of 100,000 rows: parse, map, hash, and the event ids.
func BenchmarkDecode(b *testing.B) {
	const rows = 100_000
	var text bytes.Buffer
	text.WriteString(epicHeader + "\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d\t%d\t2026-03-%02d %02d:%02d:%02d\tU%d\tWS%d\tEMERGENCY DEPARTMENT\t%d\tChart Review\tZ%d\t%d\n",
			5987654321+i, i%997, 1+i%28, i%24, i%60, i%59, i%3000, i%800, i%40, i%50000, 100000+i)
	}
	cfg := csv.Config{Mapping: preset(b, "epic-clarity"), Source: emr(b), ImportID: []byte("import")}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := csv.Decode(b.Context(), cfg, bytes.NewReader(text.Bytes()), func(batch csv.Batch) error {
			n += len(batch.Entries)
			return nil
		}); err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
