package api_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestSourcesAreCountedInSteps holds ListSources to a bound of messages an answer, and to new messages only afterwards.
func TestSourcesAreCountedInSteps(t *testing.T) {
	w := newWorld(t)
	w.append(access("source0", begin, id("urn:mrn", "1"), nil))
	w.settle()
	w.unfence()
	for _, file := range []string{"bulk_counts.sql", "bulk_rollup_watermark.sql"} {
		sql, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Exec(context.Background(), string(sql), nil); err != nil {
			t.Fatalf("%s: %s", file, store.Detail(err))
		}
	}
	cfg := w.config()
	cfg.Ask = func(context.Context, []*v1.Question) error { return nil }
	// The projector knows nothing of counts that were made without it.
	cfg.Live = nil
	// The counts end at message 2,400,001; the journal goes on far behind it, so that several answers are needed.
	service := serve(t, cfg)
	var before uint64
	for i, tt := range []struct{ least, most, rows uint64 }{
		{3_900_000, 4_100_000, 2_200_000}, {4_800_001, 4_800_001, 500_000}, {4_800_001, 4_800_001, 20_000},
	} {
		c := &costs{}
		service.SetMeter(c.meter)
		res, err := service.ListSources(w.ctx(), connect.NewRequest(&v1.ListSourcesRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		var events uint64
		for _, s := range res.Msg.Sources {
			events += s.Events
		}
		if events < tt.least || events > tt.most || events < before {
			t.Errorf("answer %d counts %d events, want %d to %d", i, events, tt.least, tt.most)
		}
		if c.rows > tt.rows {
			t.Errorf("answer %d read %d rows, want at most %d", i, c.rows, tt.rows)
		}
		if i == 0 && !hasNote(res.Msg.Header, "still being added up") {
			t.Errorf("notes: %v", res.Msg.Header.Notes)
		}
		before = events
		t.Logf("answer %d: %d events, %d rows", i, events, c.rows)
	}
}
