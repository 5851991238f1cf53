package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// baseline are the settings of every session before a request adds its own.
//   - implicit_select: the library would read "foo" as "SELECT foo", so a mistyped command would be a query.
//   - query_profiler: its timers interrupt the Go runtime's threads, and there is no log to write to.
//   - max_query_size: long lists of identifiers are legal questions; the default refuses them at 256 KiB.
var baseline = map[string]string{
	"implicit_select":                    "0",
	"allow_introspection_functions":      "0",
	"query_profiler_real_time_period_ns": "0",
	"query_profiler_cpu_time_period_ns":  "0",
	"max_query_size":                     "16777216",
	"output_format_native_use_flattened_dynamic_and_json_serialization": "1",
}

// protected are settings a request may not change.
var protected = map[string]bool{"implicit_select": true, "allow_introspection_functions": true, "readonly": true, "profile": true}

// maxWaiting bounds the requests that wait for a session: 64 for each default session, enough for a burst of short
// questions and small enough that a stuck engine is told to callers instead of piling them up.
const maxWaiting = 512

// pool owns the sessions of one engine.
type pool struct {
	lib  *library
	args []string
	base map[string]string

	free    chan *session // capacity = number of sessions
	waiting chan struct{} // capacity = maxWaiting

	control     sync.Mutex // guards controlConn
	controlConn *session

	deafAfter time.Duration // how long a statement may go on once it was told to stop
	deaf      chan struct{} // closed when one did
	giveUp    func()        // closes deaf, once
}

// newEmptyPool returns a pool that has no sessions yet.
func newEmptyPool(lib *library, args []string, size int, deafAfter time.Duration) *pool {
	p := &pool{
		lib: lib, args: args, base: maps.Clone(baseline),
		free: make(chan *session, size), waiting: make(chan struct{}, maxWaiting),
		deafAfter: deafAfter, deaf: make(chan struct{}),
	}
	p.giveUp = sync.OnceFunc(func() { close(p.deaf) })
	return p
}

func newPool(lib *library, args []string, size int, memory int64, deafAfter time.Duration) (*pool, error) {
	p := newEmptyPool(lib, args, size, deafAfter)
	p.base["max_memory_usage"] = fmt.Sprint(memory)
	var err error
	if p.controlConn, err = p.open(); err != nil {
		return nil, err
	}
	for range size {
		s, err := p.open()
		if err != nil {
			return nil, err
		}
		p.free <- s
	}
	return p, nil
}

func (p *pool) open() (*session, error) {
	s, err := p.lib.open(p.args)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(p.base, "default"); err != nil {
		return nil, fmt.Errorf("prepare a session: %w", err)
	}
	return s, nil
}

// acquire waits for a free session, one that has these settings where there is one: to change them is a statement of its own, a third of
// what the shortest question costs.
func (p *pool) acquire(ctx context.Context, settings map[string]string) (*session, error) {
	s, err := p.next(ctx)
	if err != nil {
		return nil, err
	}
	for range len(p.free) + 1 { // the last turn comes back to the one that was used longest ago
		if !s.broken && maps.Equal(s.settings, settings) {
			break
		}
		select {
		case other := <-p.free:
			p.free <- s // there is room: it is one that was taken
			s = other
		default:
		}
	}
	if !s.broken {
		return s, nil
	}
	fresh, err := p.open()
	if err != nil {
		p.free <- s // still broken; the next one tries again
		return nil, fmt.Errorf("replace a session: %w", err)
	}
	s.close()
	return fresh, nil
}

func (p *pool) next(ctx context.Context) (*session, error) {
	select {
	case s := <-p.free:
		return s, nil
	default:
	}
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return nil, refuse(codeTooManyQueries, "Too many simultaneous queries")
	}
	select {
	case s := <-p.free:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// release gives a session back. One whose state nobody knows is replaced before it is used again.
func (p *pool) release(s *session) { p.free <- s }

// kill stops the statement that carries tag, from another session, and returns when it has been asked to.
func (p *pool) kill(tag string) {
	_ = p.order("KILL QUERY WHERE startsWith(query, " + quoteString(tag) + ") ASYNC FORMAT Null")
}

// order runs a short statement on the control session. When it does not come back the engine is given up: every other order would wait
// for it.
func (p *pool) order(query string) error {
	p.control.Lock()
	defer p.control.Unlock()
	defer time.AfterFunc(p.deafAfter, p.giveUp).Stop()
	_, err := p.controlConn.run(query, "Null", nil, nil)
	return err
}

// killEvery is how often a statement that should stop is asked again: it may not have been registered the first time.
const killEvery = 100 * time.Millisecond

// killOnDone stops the tagged statement of a session when ctx ends. The returned function must be called when the statement is over.
func (p *pool) killOnDone(ctx context.Context, s *session, tag string) (over func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		watching.Go(func() { p.listen(s, done) })
		tick := time.NewTicker(killEvery)
		defer tick.Stop()
		for {
			p.kill(tag)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() { close(done); watching.Wait() }
}

// listen gives the engine up when one call of a session that was told to stop does not return: nothing inside can end it, and what waits
// for it (its table's next deletion, its session) would wait for ever. A call that returns, to hand rows to a reader who takes their time
// or to begin the next step, has heard.
func (p *pool) listen(s *session, over <-chan struct{}) {
	for {
		call := s.calls.Load()
		timer := time.NewTimer(p.deafAfter)
		select {
		case <-over:
			timer.Stop()
			return
		case <-timer.C:
		}
		if call%2 == 1 && s.calls.Load() == call {
			p.giveUp()
			return
		}
	}
}

// ping asks the engine for something on the control session.
func (p *pool) ping() error { return p.order("SELECT 1") }

// close takes every session back, waiting for the busy ones until ctx ends, and closes them; closing the last one
// shuts the engine down in order. It reports whether all were free: a session must not be closed under a statement.
func (p *pool) close(ctx context.Context) bool {
	var all []*session
	for range cap(p.free) {
		select {
		case s := <-p.free:
			all = append(all, s)
		case <-ctx.Done():
			return false
		}
	}
	p.control.Lock()
	defer p.control.Unlock()
	for _, s := range all {
		s.close()
	}
	p.controlConn.close()
	return true
}

// prepare makes the session's settings and database exactly these, sending only what differs. After an error the
// session is marked broken: some of the settings may have been applied.
func (s *session) prepare(want map[string]string, database string) error {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if have, ok := s.settings[name]; !ok || have != want[name] {
			changes = append(changes, quoteSetting(name)+" = "+quoteString(want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		if _, ok := want[name]; !ok {
			changes = append(changes, quoteSetting(name)+" = DEFAULT")
		}
	}
	if len(changes) > 0 {
		if _, err := s.run("SET "+strings.Join(changes, ", "), "Null", nil, nil); err != nil {
			s.broken = true
			return err
		}
		s.settings = maps.Clone(want)
	}
	if database != s.database {
		if _, err := s.run("USE "+quoteName(database), "Null", nil, nil); err != nil {
			return err
		}
		s.database = database
	}
	return nil
}

// quoteSetting lets plain names through as they are; anything else becomes a quoted name that the engine refuses.
func quoteSetting(name string) string {
	for i := range len(name) {
		if !wordByte(name[i]) {
			return quoteName(name)
		}
	}
	return name
}
