package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
)

// TestReaderGoneStopsTheQuery: a query whose reader went away ends in the engine.
func TestReaderGoneStopsTheQuery(t *testing.T) {
	engine := start(t, nil)
	s := open(t, engine)
	for name, sql := range map[string]string{
		"before its first row": "SELECT max(sipHash64(number)) FROM numbers(1000000000000)",
		"while rows arrive":    "SELECT number FROM numbers(1000000000000)",
		"not streamed":         "SELECT max(sipHash64(number)) FROM numbers(1000000000000) FORMAT JSON",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stopped := make(chan error, 1)
			go func() {
				stopped <- s.Query(ctx, sql, nil, func(store.Row) error { return nil })
			}()
			waitFor(t, s, 1, "%numbers(1000000000000)%", 0)
			cancel()
			if err := <-stopped; !errors.Is(err, context.Canceled) {
				t.Errorf("the query ended with %v", err)
			}
			waitFor(t, s, 0, "%numbers(1000000000000)%", 0)
		})
	}
}

// TestNothingLeaksFromAFailedStatement: what a failed statement had written is not part of the next answer. The library
// itself puts it there when the statement was killed.
func TestNothingLeaksFromAFailedStatement(t *testing.T) {
	engine := start(t, func(cfg *embedded.Config) { cfg.MaxConcurrent = 1 }) // the next statement has the same session
	c := newClient(t, engine)
	const endless = "SELECT 'secret', max(sipHash64(number)) FROM numbers(1000000000000)"
	for _, format := range []string{"JSON", "TSV", "Native", "CSVWithNames", "RowBinary", "XML"} {
		for name, f := range map[string]func(){
			"failed": func() {
				c.send(http.MethodPost, "default_format="+format, "SELECT 'secret', throwIf(number = 200000) FROM numbers(300000)")
			},
			"unknown":   func() { c.send(http.MethodPost, "default_format="+format, "SELECT 'secret', nosuch") },
			"timed out": func() { c.send(http.MethodPost, "max_execution_time=0.05&default_format="+format, endless) },
			"buffered": func() {
				c.send(http.MethodPost, "wait_end_of_query=1&max_execution_time=0.05&default_format="+format, endless)
			},
			"gone": func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine/?default_format="+format, strings.NewReader(endless))
				if err != nil {
					t.Fatal(err)
				}
				req.SetBasicAuth(embedded.User, c.password)
				if res, err := c.http.Do(req); err == nil {
					_ = res.Body.Close()
				}
			},
		} {
			f()
			if got := c.must("", "SELECT 1"); got != "1\n" {
				t.Errorf("after one that %s as %s the next answer is %.200q", name, format, got)
			}
		}
	}
}

// TestCancelReachesWhatHasNotBegun: a statement that waits for a session, or that arrives after the Cancel it was sent
// before, never runs.
func TestCancelReachesWhatHasNotBegun(t *testing.T) {
	engine := start(t, func(cfg *embedded.Config) { cfg.MaxConcurrent = 2 })
	s := open(t, engine)
	c := newClient(t, engine)
	exec1(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")

	// Both sessions are busy with answers that nobody reads on, so an insert waits.
	var running sync.WaitGroup
	begun, release := make(chan struct{}, 2), make(chan struct{})
	for range 2 {
		running.Go(func() {
			_ = s.Query(t.Context(), "SELECT number FROM numbers(1000000000000)", nil, func(store.Row) error {
				begun <- struct{}{}
				<-release
				return store.Stop()
			})
		})
	}
	<-begun
	<-begun
	ended := make(chan answer, 1)
	go func() {
		ended <- c.send(http.MethodPost, q("INSERT INTO default.t FORMAT TSV")+"&query_id=writer-1-1-ABC", "1\n")
	}()
	cancelled := make(chan answer, 1)
	go func() {
		cancelled <- c.send(http.MethodPost, "", "KILL QUERY WHERE startsWith(query, '/* readtrail:writer-1-') SYNC")
	}()
	if a := <-ended; a.header.Get("X-ClickHouse-Exception-Code") != "394" {
		t.Errorf("status %d: %s", a.status, a.body)
	}
	close(release)
	running.Wait()
	if a := <-cancelled; a.status != http.StatusOK {
		t.Fatal(a.body)
	}
	if got := c.must("", "SELECT count() FROM default.t"); got != "0\n" {
		t.Errorf("%s rows", got)
	}

	// One that was sent long ago (at the first nanosecond) and one of another name that begins alike.
	if a := c.send(http.MethodPost, q("INSERT INTO default.t FORMAT TSV")+"&query_id=writer-1-1-DEF", "2\n"); a.header.Get("X-ClickHouse-Exception-Code") != "394" {
		t.Errorf("a late one: status %d: %s", a.status, a.body)
	}
	if a := c.send(http.MethodPost, q("INSERT INTO default.t FORMAT TSV")+"&query_id=writer-1-1-1-DEF", "3\n"); a.status != http.StatusOK {
		t.Errorf("another name: status %d: %s", a.status, a.body)
	}
	if err := s.InsertAs(t.Context(), "writer-1", "default.t", []string{"a"}, func(b store.Batch) error { return b.Append(uint64(4)) }); err != nil {
		t.Errorf("a new one: %v: %s", err, store.Detail(err))
	}
	if got := c.must("", "SELECT groupArray(a) FROM (SELECT a FROM default.t ORDER BY a)"); got != "[3,4]\n" {
		t.Errorf("rows %s", got)
	}
}

// deafStep takes seconds for twenty million numbers: to sort them is one step, and the engine looks at orders between two steps only.
const deafStep = "length(arraySort(x -> cityHash64(x), range(a)))"

// stepBytes is what a statement has taken that sorts: the numbers, the hash of each and the order, 160 MB each.
const stepBytes = 400 << 20

// TestDeafStatementEndsTheEngine: a statement that goes on after it was told to stop takes the engine's process with it, which is started
// again with all that was acknowledged.
func TestDeafStatementEndsTheEngine(t *testing.T) {
	for name, c := range map[string]struct {
		like        string
		begin, stop func(ctx context.Context, s *store.Store) error
	}{
		"its reader went away": {
			like: "%arraySort%",
			begin: func(ctx context.Context, s *store.Store) error {
				return s.Query(ctx, "SELECT "+deafStep+" FROM (SELECT toUInt64(materialize(20000000)) AS a)", nil, func(store.Row) error { return nil })
			},
		},
		"it was cancelled": {
			like: "%deaf-1%INSERT%",
			begin: func(_ context.Context, s *store.Store) error {
				return s.InsertAs(t.Context(), "deaf-1", "slow", []string{"a"}, func(b store.Batch) error { return b.Append(uint64(20000000)) })
			},
			stop: func(_ context.Context, s *store.Store) error { return s.Cancel(t.Context(), "deaf-1") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := start(t, func(cfg *embedded.Config) { embedded.DeafAfter(cfg, 50*time.Millisecond) })
			s := open(t, engine)
			exec1(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
			exec1(t, s, "CREATE TABLE slow (a UInt64) ENGINE = Null")
			exec1(t, s, "CREATE MATERIALIZED VIEW v TO t AS SELECT "+deafStep+" AS a FROM slow")
			exec1(t, s, "INSERT INTO t VALUES (1)")
			var err error
			untilDeaf(t, engine, s, c.like, func() {
				ctx, gone := context.WithCancel(t.Context())
				defer gone()
				ended := make(chan error, 1)
				go func() { ended <- c.begin(ctx, s) }()
				waitFor(t, s, 1, c.like, stepBytes)
				gone()
				if c.stop != nil {
					err = c.stop(ctx, s)
				}
				if err := <-ended; err == nil {
					t.Fatal("the statement ended well")
				}
			})
			if c.stop != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("the order to stop ended with %v", err)
			}
			if got := newClient(t, engine).must("", "SELECT sum(a) FROM default.t"); got != "1\n" {
				t.Errorf("rows of before: %s", got)
			}
		})
	}
}

// TestDeafStatementOfASlowReader: it makes no difference that the engine had sent rows, and waited for its reader to take them, when the
// reader went away.
func TestDeafStatementOfASlowReader(t *testing.T) {
	const like = "%numbers(1000000000000)%"
	var log bytes.Buffer
	engine := start(t, func(cfg *embedded.Config) {
		embedded.DeafAfter(cfg, 50*time.Millisecond)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	s, c := open(t, engine), newClient(t, engine)
	untilDeaf(t, engine, s, like, func() {
		res, err := c.begin(t.Context(), http.MethodPost, "max_threads=4", "SELECT number FROM numbers(1000000000000) UNION ALL "+
			"SELECT "+deafStep+" FROM (SELECT number + 8000000 AS a FROM numbers(1000) SETTINGS max_block_size = 1)")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		waitFor(t, s, 1, like, 0)
		for same, last := 0, ""; same < 20; { // until the reader is waited for
			rows := c.must("", "SELECT max(read_rows) FROM system.processes WHERE query LIKE '"+like+"' AND query NOT LIKE '%system.processes%'")
			if same++; rows != last {
				same, last = 0, rows
			}
		}
	})
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "does not hear an order to stop") {
		t.Errorf("the log does not say why: %s", log.String())
	}
}

// untilDeaf tries until the engine's process has ended and another one answers. Who tells a statement to stop in the last moments of a
// step, or between two, is heard: the engine goes on then, and rightly.
func untilDeaf(t *testing.T, engine *embedded.Engine, s *store.Store, like string, try func()) {
	t.Helper()
	const tries = 10
	old := engine.PID()
	for range tries {
		try()
		for heard := false; !heard; {
			n, err := running(t, s, like, 0)
			switch {
			case errors.Is(err, store.ErrUnavailable) || engine.PID() != old:
				if err := engine.WaitReady(t.Context(), old); err != nil {
					t.Fatal(err)
				}
				return
			case err != nil:
				t.Fatalf("%v: %s", err, store.Detail(err))
			}
			heard = n == 0
		}
	}
	t.Fatalf("the engine goes on after %d tries", tries)
}

// TestOrderToStopThatHangs: an engine in which the order itself does not come back hears no other one either.
func TestOrderToStopThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		<-embedded.HangingOrder(t.Context(), time.Minute)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("given up after %s", took)
		}
	})
}

// TestSlowReaderIsNotDeaf: a statement that was told to stop while its reader takes their time, which is no fault of the engine's, leaves
// it as it is.
func TestSlowReaderIsNotDeaf(t *testing.T) {
	const deafAfter = time.Second
	engine := start(t, func(cfg *embedded.Config) { embedded.DeafAfter(cfg, deafAfter) })
	s, c := open(t, engine), newClient(t, engine)
	old := engine.PID()
	res, err := c.begin(t.Context(), http.MethodPost, "query_id=slow-1-1-A", "SELECT number FROM numbers(1000000000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	waitFor(t, s, 1, "%numbers(1000000000000)%", 0)
	ctx, cancel := context.WithTimeout(t.Context(), 3*deafAfter)
	defer cancel()
	if _, err := c.begin(ctx, http.MethodPost, "", "KILL QUERY WHERE startsWith(query, '/* readtrail:slow-1-') SYNC"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("cancelled while the reader held it: %v", err)
	}
	_ = res.Body.Close()
	waitFor(t, s, 0, "%numbers(1000000000000)%", 0)
	if pid := engine.PID(); pid != old {
		t.Errorf("the engine was started again")
	}
}

// waitFor asks until as many statements like this run as wanted that have taken as many bytes of memory.
func waitFor(t *testing.T, s *store.Store, want uint64, like string, bytes uint64) {
	t.Helper()
	for {
		n, err := running(t, s, like, bytes)
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
		if n == want {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("never")
		}
	}
}

// running counts the statements like this that have taken as many bytes of memory.
func running(t *testing.T, s *store.Store, like string, bytes uint64) (n uint64, err error) {
	t.Helper()
	err = s.Query(t.Context(), `SELECT count() FROM system.processes
		WHERE query LIKE {like:String} AND query NOT LIKE '%system.processes%' AND peak_memory_usage >= {bytes:UInt64}`,
		store.Params{"like": like, "bytes": bytes}, func(r store.Row) error { return r.Scan(&n) })
	return n, err
}
