package projections_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// TestRebuildEqualsLive rebuilds while events arrive: the new version holds the fold, row for row as the old one does, and
// the live projector goes on with it.
func TestRebuildEqualsLive(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(21)
	g.fill(t, j, 60, 30, time.Date(2024, 12, 31, 23, 30, 0, 0, time.UTC))
	p := newProjector(t, s, j)
	stop := running(t, p)
	waitFor(t, "the live version", func() bool { return reached(p, j.Head()) })

	var last projections.Progress
	err := p.Rebuild(t.Context(), func(now projections.Progress) {
		if now.Position < last.Position {
			t.Errorf("position went from %d back to %d", last.Position, now.Position)
		}
		if len(j.messages) < 80 {
			g.fill(t, j, 1, 20, time.Date(2025, 5, 1, 0, len(j.messages), 0, 0, time.UTC))
		}
		last = now
	})
	if err != nil {
		t.Fatal(err)
	}
	if !last.Flipped || last.Version != 2 || last.Rows == 0 {
		t.Errorf("last report %+v", last)
	}
	if version, err := projections.ActiveVersion(t.Context(), s); err != nil || version != 2 {
		t.Errorf("active version %d, %v", version, err)
	}
	g.fill(t, j, 5, 20, time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC))
	waitFor(t, "the new version to be live", func() bool {
		all, _ := p.Status()
		return len(all) > 0 && all[0].Version == 2 && reached(p, j.Head())
	})
	_ = stop()
	checkTables(t, s, j, 2)
	if n := tablesOf(t, s, 1); n == 0 {
		t.Error("the old version is gone while questions may still read it")
	}
	// The old version goes at the next start.
	project(t, newProjector(t, s, j), j)
	checkTables(t, s, j, 2)
	if n := tablesOf(t, s, 1); n != 0 {
		t.Errorf("%d tables of the old version are left", n)
	}
}

func tablesOf(t testing.TB, s *store.Store, version int) (n uint64) {
	t.Helper()
	query := "SELECT count() FROM system.tables WHERE database = currentDatabase() AND endsWith(name, {v:String})"
	err := s.Query(t.Context(), query, store.Params{"v": fmt.Sprintf("_v%d", version)}, func(row store.Row) error { return row.Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func rowsOf(t testing.TB, s *store.Store, table string) (n uint64) {
	t.Helper()
	if err := s.Query(t.Context(), "SELECT count() FROM "+table, nil, func(row store.Row) error { return row.Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRebuildDoesNotLinger: what a rebuild has read goes into the tables once there is nothing more to read, although live
// rollups would wait an hour for more.
func TestRebuildDoesNotLinger(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(24)
	g.fill(t, j, 40, 30, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	g.fill(t, j, 1, 30, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) // the last message is of another run than those before
	p := newProjector(t, s, j, func(c *projections.Config) { c.Linger, c.RollupInterval = time.Hour, time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := p.Rebuild(ctx, nil); err != nil {
		t.Fatal(err)
	}
	checkTables(t, s, j, 1)
}

// TestRebuildGoesOn breaks a rebuild off at several points, also just before the flip; the next one goes on with the same
// version, and the old version answers until then.
func TestRebuildGoesOn(t *testing.T) {
	for _, stage := range []string{"insert:accesses_by_patient", "before:watermark:accesses", "watermark:rollups", "before:flip"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(22)
			g.fill(t, j, 40, 30, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
			project(t, newProjector(t, s, j), j)

			p := newProjector(t, s, j)
			ctx, cancel := context.WithCancel(t.Context())
			var once sync.Once
			p.SetHook(func(version uint32, at string) error {
				if version == 2 && at == stage {
					once.Do(cancel)
					return errKilled
				}
				return nil
			})
			if err := p.Rebuild(ctx, nil); err == nil {
				t.Fatal("the rebuild was not broken off")
			}
			if version, err := projections.ActiveVersion(t.Context(), s); err != nil || version != 1 {
				t.Fatalf("active version %d, %v", version, err)
			}
			p = newProjector(t, s, j)
			var last projections.Progress
			first := true
			err := p.Rebuild(t.Context(), func(now projections.Progress) {
				if now.Position > now.Target {
					t.Errorf("beyond its target: %+v", now)
				}
				if first && stage == "before:flip" && (now.Position == 0 || now.Rows == 0) {
					t.Errorf("what an earlier rebuild did is not counted: %+v", now)
				}
				last, first = now, false
			})
			if err != nil {
				t.Fatal(err)
			}
			if rows := rowsOf(t, s, "accesses_by_patient_v2"); last.Version != 2 || !last.Flipped || last.Rows != rows {
				t.Errorf("last report %+v, the table holds %d rows", last, rows)
			}
			checkTables(t, s, j, 2)
		})
	}
}

func TestRebuildStopsAtDamage(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(23)
	g.fill(t, j, 10, 10, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	project(t, newProjector(t, s, j), j)
	j.corrupt(4)
	if err := newProjector(t, s, j).Rebuild(t.Context(), nil); !errors.Is(err, proto.ErrCorrupt) {
		t.Fatalf("rebuild: %v, want ErrCorrupt", err)
	}
	if version, err := projections.ActiveVersion(t.Context(), s); err != nil || version != 1 {
		t.Errorf("active version %d, %v", version, err)
	}
}

// watcher remembers what it was told last.
type watcher struct {
	total, done, rows uint64
	ended             int
}

func (w *watcher) Total(n uint64)   { w.total = n }
func (w *watcher) Done(n uint64)    { w.done = n }
func (w *watcher) Results(n uint64) { w.rows = n }
func (w *watcher) End()             { w.ended++ }

// TestRebuildService: administrators only, progress streams, the last report says that the version answers.
func TestRebuildService(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(24)
	g.fill(t, j, 10, 10, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	p := newProjector(t, s, j)
	project(t, p, j)
	var watched []*watcher
	_, handler := projections.NewService(p, func() projections.Watch {
		watched = append(watched, &watcher{})
		return watched[len(watched)-1]
	}).Handler()
	caller := proto.Caller{Name: "token:1", Role: proto.RoleInvestigator}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), caller)))
	}))
	defer server.Close()
	client := readtrailv1connect.NewProjectionServiceClient(server.Client(), server.URL)

	rebuild := func() ([]*v1.RebuildResponse, error) {
		stream, err := client.Rebuild(t.Context(), connect.NewRequest(&v1.RebuildRequest{}))
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		var all []*v1.RebuildResponse
		for stream.Receive() {
			all = append(all, stream.Msg())
		}
		return all, stream.Err()
	}
	if _, err := rebuild(); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("investigator: %v", err)
	}
	caller.Role = proto.RoleAdministrator
	all, err := rebuild()
	if err != nil || len(all) == 0 {
		t.Fatalf("administrator: %d reports, %v", len(all), err)
	}
	last := all[len(all)-1]
	if diff := cmp.Diff([]any{uint64(2), true, uint64(j.Head())}, []any{last.Version, last.Flipped, last.Position}); diff != "" {
		t.Error(diff)
	}
	if len(watched) != 1 { // the rebuild that was refused is none
		t.Fatalf("%d rebuilds were watched", len(watched))
	}
	head := proto.Position(last.Position).Sequence()
	if diff := cmp.Diff([]any{head, head, last.Rows, 1}, []any{watched[0].total, watched[0].done, watched[0].rows, watched[0].ended}); diff != "" {
		t.Error(diff)
	}
}
