package serve_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/serve"
)

// TestPaceCollector: a small heap is collected seldom and a large one oftener than Go does, whichever it becomes, unless the operator says how
// often; and what was before comes back.
func TestPaceCollector(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	t.Setenv("GOGC", "150")
	stop := serve.PaceCollector()
	runtime.GC()
	if got := gcPercent(); got != 100 {
		t.Errorf("with GOGC the pace became %d: the operator's is lost", got)
	}
	stop()
	if got := gcPercent(); got != 100 {
		t.Errorf("with GOGC the pace was put back to %d", got)
	}

	if err := os.Unsetenv("GOGC"); err != nil { // Setenv puts back what was there
		t.Fatal(err)
	}
	stop = serve.PaceCollector()
	collectUntil(t, "of a small heap", func(percent uint64) bool { return percent > 100 })
	func() {
		live := make([]byte, 512<<20)
		defer runtime.KeepAlive(live)
		collectUntil(t, "of a large heap", func(percent uint64) bool { return percent > 0 && percent < 100 })
	}()
	collectUntil(t, "of a heap that became small", func(percent uint64) bool { return percent > 100 })
	stop()
	if got := gcPercent(); got != 100 {
		t.Errorf("after the end the pace is %d, not that of before", got)
	}
}

func gcPercent() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// collectUntil collects until the pace, which is set after a collection, is as it should be.
func collectUntil(t *testing.T, what string, is func(percent uint64) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(gcPercent()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the pace %s stays %d", what, gcPercent())
		}
		runtime.GC()
	}
}
