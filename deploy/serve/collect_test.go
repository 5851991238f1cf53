package serve_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/readtrail/readtrail/deploy/serve"
)

// TestCollectOften: the collector runs oftener than by default, unless the operator says how often.
func TestCollectOften(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	t.Setenv("GOGC", "150")
	serve.CollectOften()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("with GOGC the pace became %d: the operator's is lost", got)
	}
	if err := os.Unsetenv("GOGC"); err != nil { // Setenv puts back what was there
		t.Fatal(err)
	}
	serve.CollectOften()
	if got := debug.SetGCPercent(100); got <= 0 || got >= 100 {
		t.Errorf("without GOGC the pace is %d", got)
	}
}
