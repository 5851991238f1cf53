package importer_test

import (
	"sync"
	"testing"

	"github.com/readtrail/readtrail/ingest/importer"
)

// watcher remembers what it was told of one file.
type watcher struct {
	mu                   sync.Mutex
	total, done, results uint64
	rises                bool
	ended                int
}

func (w *watcher) Total(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total = n
}

func (w *watcher) Done(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rises = w.rises && n >= w.done
	w.done = n
}

func (w *watcher) Results(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results = n
}

func (w *watcher) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended++
}

// TestFilesAreWatched: every file that comes is told with its bytes, up to its end, and then no more.
func TestFilesAreWatched(t *testing.T) {
	var mu sync.Mutex
	var all []*watcher
	sources := map[string]bool{}
	b := newBench(t, func(c *importer.ServerConfig) {
		c.Watch = func(source string) importer.Watch {
			mu.Lock()
			defer mu.Unlock()
			sources[source] = true
			all = append(all, &watcher{rises: true})
			return all[len(all)-1]
		}
	}, nil)
	b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "AuditEvent.ndjson", lines(0, 5000))}})
	mu.Lock()
	defer mu.Unlock()
	if len(all) != 1 || len(sources) != 1 {
		t.Fatalf("%d files watched, of %v", len(all), sources)
	}
	w := all[0]
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == 0 || !w.rises || w.total != 0 && w.total != w.done || w.results != 5000 || w.ended != 1 {
		t.Errorf("%d of %d bytes, %d taken in, ended %d times, rising %v", w.done, w.total, w.results, w.ended, w.rises)
	}
}
