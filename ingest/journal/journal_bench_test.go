package journal_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/sample"
)

// sampleEntries are events with their originals, as an adapter offers them.
func sampleEntries(seed uint64, n int) []ingest.Entry {
	g := sample.New(seed)
	out := make([]ingest.Entry, n)
	for i := range out {
		e := g.Next()
		out[i] = ingest.Entry{
			Item: &v1.Item{Body: &v1.Item_Access{Access: e.Access}}, ID: e.ID, Content: e.Content,
			Source: sample.Source, Sealed: &v1.SealedItem{Original: e.Original, MediaType: "application/fhir+json"},
		}
	}
	return out
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

// BenchmarkAppend appends b.N events with originals: one a call by many callers, as single POSTs do, and many a call,
// as imports do. The disk syncs before every answer.
func BenchmarkAppend(b *testing.B) {
	for _, bc := range []struct{ callers, entries int }{{1, 1}, {64, 1}, {1, 500}, {4, 500}} {
		b.Run(fmt.Sprintf("callers=%d/entries=%d", bc.callers, bc.entries), func(b *testing.B) {
			j := open(b, testConfig(b, b.TempDir()))
			calls := max(1, b.N/bc.entries)
			entries := sampleEntries(1, calls*bc.entries)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			begin := cpu(b)
			for range bc.callers {
				wg.Go(func() {
					for {
						at := int(next.Add(1)-1) * bc.entries
						if at >= len(entries) {
							return
						}
						if _, err := j.Append(b.Context(), entries[at:at+bc.entries], ingest.Options{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(len(entries))/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(cpu(b)-begin)/float64(len(entries)), "cpu-ns/event")
			reportBytes(b, j, len(entries))
		})
	}
}

func reportBytes(b *testing.B, j *journal.Journal, events int) {
	b.Helper()
	s, err := j.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.Bytes)/float64(events), "bytes/event")
	b.ReportMetric(float64(events)/float64(s.Messages), "events/batch")
}

// BenchmarkBytes reports what an event takes in the stream, with its original and all that surrounds it, by batch size.
// Each round appends 8 batches.
func BenchmarkBytes(b *testing.B) {
	for _, n := range []int{1, 16, 64, 350} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			j := open(b, testConfig(b, b.TempDir()))
			events := 0
			for b.Loop() {
				for _, e := range slices.Collect(slices.Chunk(sampleEntries(uint64(events), 8*n), n)) {
					if _, err := j.Append(b.Context(), e, ingest.Options{Atomic: true}); err != nil {
						b.Fatal(err)
					}
				}
				events += 8 * n
			}
			reportBytes(b, j, events)
		})
	}
}

// BenchmarkFollow follows 50,000 events from the beginning and opens every item, and replays them into a lost index.
func BenchmarkFollow(b *testing.B) {
	const events = 50_000
	j := open(b, testConfig(b, b.TempDir()))
	entries := sampleEntries(1, events)
	for at := 0; at < events; at += 5000 {
		if _, err := j.Append(b.Context(), entries[at:at+5000], ingest.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	done := errors.New("done")
	for _, open := range []bool{false, true} {
		b.Run(fmt.Sprintf("open=%t", open), func(b *testing.B) {
			begin := cpu(b)
			n := 0
			for b.Loop() {
				n++
				runtime.GC() // what the round before has opened is forgotten
				err := j.Follow(b.Context(), 0, func(_ context.Context, batch *proto.Batch) error {
					if open {
						if _, err := batch.Items(); err != nil {
							return err
						}
					}
					if batch.Sequence() == j.Head().Sequence() {
						return done
					}
					return nil
				})
				if err != done { //nolint:errorlint // the very same
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(cpu(b)-begin)/float64(n*events), "cpu-ns/event")
		})
	}
}
