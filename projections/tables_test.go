package projections_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
)

// TestTables compares what the projector writes with what the migrations make.
func TestTables(t *testing.T) {
	s := storetest.Open(t)
	p := newProjector(t, s, newMemoryJournal(t))
	version, err := p.Prepare(t.Context())
	if err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	all := projections.Tables(version)
	maps.Copy(all, projections.StreamTables(version))
	for name, want := range all {
		var got []string
		query := "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {t:String} AND default_kind = '' ORDER BY position"
		err := s.Query(t.Context(), query, store.Params{"t": name}, func(row store.Row) error {
			var column string
			err := row.Scan(&column)
			got = append(got, column)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: written columns (-) and the table's (+): %s", name, diff)
		}
	}
	// Again: everything is there, nothing is made twice.
	if again, err := p.Prepare(t.Context()); err != nil || again != version {
		t.Errorf("second start: version %d, %v", again, err)
	}
	var made []string
	err = s.Query(t.Context(), "SELECT name FROM migrations ORDER BY name", nil, func(row store.Row) error {
		var name string
		err := row.Scan(&name)
		made = append(made, name)
		return err
	})
	if err != nil || len(made) != len(slices.Compact(made)) || len(made) == 0 {
		t.Errorf("migrations recorded: %v, %v", made, err)
	}
}

// newProjector returns a projector over an in-memory journal, with short waits.
func newProjector(t testing.TB, s *store.Store, j *memoryJournal, change ...func(*projections.Config)) *projections.Projector {
	t.Helper()
	cfg := projections.Config{
		Store: s, Follow: j.Follow, Head: j.Head, Logger: testLogger(t), Linger: 5 * 1e6, RollupInterval: 20 * 1e6, RetryAfter: 10 * 1e6,
	}
	for _, f := range change {
		f(&cfg)
	}
	p, err := projections.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reached reports whether all projectors of the live version have read up to a position.
func reached(p *projections.Projector, target proto.Position) bool {
	all, _ := p.Status()
	for _, s := range all {
		if s.Position.Sequence() < target.Sequence() {
			return false
		}
	}
	return len(all) > 0
}
