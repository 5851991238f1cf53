package proto_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

func sampleItems(tb testing.TB, g *sample.Generator, n int) []proto.BatchItem {
	tb.Helper()
	out := make([]proto.BatchItem, n)
	for i := range out {
		e := g.Next()
		it := &v1.Item{Body: &v1.Item_Access{Access: e.Access}, Content: e.Content.Check()}
		var err error
		out[i], err = proto.NewBatchItem(it, sample.Source, &v1.SealedItem{Original: e.Original, MediaType: "application/fhir+json"})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// BenchmarkEncode reports what a batch takes: bytes an event, and events a second on one core.
func BenchmarkEncode(b *testing.B) {
	keys, err := proto.OpenKeyRing(b.TempDir(), make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	codec, err := proto.NewCodec(keys)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 4, 16, 64, 350, 4096} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			g := sample.New(1)
			pool := make([][]proto.BatchItem, 16)
			for i := range pool {
				pool[i] = sampleItems(b, g, n)
			}
			b.ReportAllocs()
			bytes, i := 0, 0
			for b.Loop() {
				out, err := codec.Encode(uint64(i+1), time.Unix(1_800_000_000, 0), pool[i%len(pool)])
				if err != nil {
					b.Fatal(err)
				}
				bytes += len(out)
				i++
			}
			b.ReportMetric(float64(bytes)/float64(n*i), "bytes/event")
			b.ReportMetric(float64(n*i)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
