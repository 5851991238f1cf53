package detect_test

import (
	"syscall"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// processor is the processor time of this process, in nanoseconds.
func processor(tb testing.TB) int64 {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkEngine judges a fortnight, all detectors on, from decoded batches: cpu-ns/event is what the engine takes beside reading.
func BenchmarkEngine(b *testing.B) {
	h := fortnight()
	for _, batch := range h.batches {
		if _, err := batch.Items(); err != nil {
			b.Fatal(err)
		}
	}
	var e *detectors.Engine
	begin := processor(b)
	for b.Loop() {
		e, _ = run(b, engineConfig(b, h), h.batches)
	}
	b.ReportMetric(float64(processor(b)-begin)/float64(b.N)/float64(e.Stats().Events), "cpu-ns/event")
}
