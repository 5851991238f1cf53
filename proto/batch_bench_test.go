package proto_test

import (
	"fmt"
	"syscall"
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
	for _, n := range []int{1, 4, 16, 64, 350, 512, 1024, 2048, 4096} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			g := sample.New(1)
			pool := make([][]proto.BatchItem, 16)
			for i := range pool {
				pool[i] = sampleItems(b, g, n)
			}
			b.ReportAllocs()
			begin := cpu(b)
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
			b.ReportMetric(float64(cpu(b)-begin)/float64(n*i), "cpu-ns/event")
		})
	}
}

// cpu returns the processor time of this process: unlike the clock it does not mind what else the machine does.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkItems reports what a follower pays to open a batch.
func BenchmarkItems(b *testing.B) {
	keys, err := proto.OpenKeyRing(b.TempDir(), make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	codec, err := proto.NewCodec(keys)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 64, 350} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			data, err := codec.Encode(1, time.Unix(1_800_000_000, 0), sampleItems(b, sample.New(1), n))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			begin, i := cpu(b), 0
			for ; b.Loop(); i++ {
				batch, err := codec.Decode(1, data)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := batch.Items(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu(b)-begin)/float64(n*i), "cpu-ns/event")
		})
	}
}
