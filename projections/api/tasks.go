package api

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// rateOver is over how long a task's rate is told: long enough not to jump, short enough to follow a file that became slow.
	rateOver = 30 * time.Second
	// rateStep is how often the way of a task is noted for that: thirty marks.
	rateStep = time.Second
)

// Tasks are what runs in this process and takes a while: imports, rebuilds, the journal judged anew. It is safe for concurrent use. What ran is
// not kept: it is in the journal, or its answer went to who asked.
type Tasks struct {
	now func() time.Time

	mu  sync.Mutex
	all []*Task // oldest first; under mu
}

// Task is one of them.
type Task struct {
	of      *Tasks
	kind    v1.RunningTask_Kind
	source  string
	unit    string
	started time.Time

	done, total, results atomic.Uint64

	mu    sync.Mutex
	marks []mark // under mu
}

// mark is how far a task was.
type mark struct {
	at   time.Time
	done uint64
}

// NewTasks is none yet. now may be nil.
func NewTasks(now func() time.Time) *Tasks {
	if now == nil {
		now = time.Now
	}
	return &Tasks{now: now}
}

// Begin notes a task, until its End. source is who sends; unit is "bytes" or "messages".
func (t *Tasks) Begin(kind v1.RunningTask_Kind, source, unit string) *Task {
	task := &Task{of: t, kind: kind, source: source, unit: unit, started: t.now()}
	task.marks = []mark{{task.started, 0}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, task)
	return task
}

// Total says how much there is; 0: it is not known.
func (t *Task) Total(n uint64) { t.total.Store(n) }

// Done says how much is done.
func (t *Task) Done(n uint64) {
	t.done.Store(n)
	now := t.of.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := t.marks[len(t.marks)-1]; now.Sub(last.at) < rateStep {
		return
	}
	t.marks = append(t.marks, mark{now, n})
	for len(t.marks) > 2 && now.Sub(t.marks[1].at) >= rateOver { // one is at least so old
		t.marks = t.marks[1:]
	}
}

// Results says what came of it so far.
func (t *Task) Results(n uint64) { t.results.Store(n) }

// End takes the task away.
func (t *Task) End() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.all = slices.DeleteFunc(t.of.all, func(x *Task) bool { return x == t })
}

// Running tells what runs now, oldest first.
func (t *Tasks) Running() (out []*v1.RunningTask) {
	t.mu.Lock()
	all := slices.Clone(t.all)
	t.mu.Unlock()
	now := t.now()
	for _, task := range all {
		out = append(out, task.tell(now))
	}
	return out
}

func (t *Task) tell(now time.Time) *v1.RunningTask {
	t.mu.Lock()
	from := t.marks[0]
	t.mu.Unlock()
	x := &v1.RunningTask{
		Kind: t.kind, Source: t.source, StartedUs: t.started.UnixMicro(), Done: t.done.Load(), Total: t.total.Load(), Unit: t.unit, Results: t.results.Load(),
		AtUs: now.UnixMicro(),
	}
	if spent := now.Sub(from.at).Seconds(); spent > 0 && x.Done > from.done {
		x.PerSecond = float64(x.Done-from.done) / spent
	}
	if x.PerSecond > 0 && x.Total > x.Done {
		x.LeftUs = int64(float64(x.Total-x.Done) / x.PerSecond * 1e6)
	}
	return x
}
