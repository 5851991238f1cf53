package serve

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// gcPercent is how much a large heap may grow between two collections, in per cent of what is live. At 30,000 events/s Go's own 100 makes
	// the process a tenth larger, and the collector takes so little of the processor that the import's rate does not show the difference
	// (go tool task bench, memory and import).
	gcPercent = 65
	// smallHeap is what a heap may grow to, in bytes, however little of it is live. A server that is only asked questions has some 45 MB live:
	// at 65 % it collected them every fifth question, which took a quarter of its processor time.
	smallHeap = 192 << 20
)

// PaceCollector has the collector run seldom while the heap is small, and oftener than Go's own setting while it is large, which trades
// processor time for memory. An operator's GOGC is left as it is. What is returned puts back the pace of before.
func PaceCollector() (stop func()) {
	if _, set := os.LookupEnv("GOGC"); set {
		return func() {}
	}
	p := &pacer{percent: gcPercent}
	p.before = debug.SetGCPercent(p.percent)
	p.pace()
	return p.stop
}

// pacer sets the collector's pace after each collection.
type pacer struct {
	mu      sync.Mutex // guards all
	percent int
	before  int
	stopped bool
}

// pace sets the pace by what the last collection left, and has the next one call it again: that frees an object that nothing refers to.
func (p *pacer) pace() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if percent := growth(live[0].Value.Uint64()); percent != p.percent { // to set it stops the process for a moment
		debug.SetGCPercent(percent)
		p.percent = percent
	}
	runtime.AddCleanup(&struct{ p *pacer }{p}, (*pacer).pace, p)
}

func (p *pacer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	debug.SetGCPercent(p.before)
}

// growth is how much a heap of so many live bytes may grow, in per cent: in steps, lest each collection set another one.
func growth(live uint64) int {
	const step = 20
	if live == 0 { // nothing was collected yet
		return gcPercent
	}
	return max(gcPercent, (int(smallHeap*100/live)-100)/step*step)
}
