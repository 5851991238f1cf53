package detect_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(300)       // tests hold several engines, and to collect them took a fifth of their time
	debug.SetMemoryLimit(4 << 30) // a machine of eight is enough
	storetest.Main(m, removeQuiet)
}

// TestStreamsAreProjected: what detectors publish to the embedded journal's streams stands in ClickHouse, each message once, over a stop
// of everything in between; projections begin before there are any streams.
func TestStreamsAreProjected(t *testing.T) {
	t.Parallel()
	db, dir := storetest.Open(t), t.TempDir()
	keys, err := proto.OpenKeyRing(t.TempDir(), make([]byte, 32))
	must(t, err)
	random := detectiontest.NewGenerator(3, 4096, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	access := detectiontest.Access{
		Position: 4096, Occurred: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Reader: &v1.Identifier{System: "urn:staff", Value: "u1"},
		Patients: []*v1.Identifier{{System: "urn:mrn", Value: "1"}},
	}
	verdicts, alerts := 0, 0
	for range 2 {
		jn, err := journal.Open(t.Context(), journal.Config{
			Dir: filepath.Join(dir, "journal"), Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: keys,
			Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		must(t, err)
		_, err = jn.Append(t.Context(), []ingest.Entry{{Item: &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: 1}}}}}, ingest.Options{})
		must(t, err)
		found := projections.Stream[*v1.Findings]{Head: jn.FindingsHead, Follow: func(ctx context.Context, from uint64, fn func(context.Context, uint64, *v1.Findings) error) error {
			return jn.FollowFindings(ctx, "test", from, fn)
		}}
		told := projections.Stream[*v1.AlertVersion]{Head: jn.AlertsHead, Follow: func(ctx context.Context, from uint64, fn func(context.Context, uint64, *v1.AlertVersion) error) error {
			return jn.FollowAlerts(ctx, "test", from, fn)
		}}
		p, err := projections.New(projections.Config{
			Store: db, Head: jn.Head, Findings: found, Alerts: told, Linger: time.Millisecond, RetryAfter: 50 * time.Millisecond,
			Follow: func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
				return jn.FollowAs(ctx, "test", from, fn)
			},
		})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()

		out, err := jn.OpenOutput(t.Context())
		must(t, err)
		for range 20 {
			f, a := random.Next([]detectiontest.Access{access})
			for i := range a {
				a[i].Ordinal = uint32(i)
			}
			must(t, out.PublishFindings(t.Context(), f))
			must(t, out.PublishAlerts(t.Context(), a))
			for _, m := range f {
				verdicts += len(m.Verdicts.Positions)
			}
			alerts += len(a)
		}
		if found.Head() != out.Findings().Sequence || told.Head() != out.Alerts().Sequence || told.Head() != uint64(alerts) {
			t.Errorf("heads %d and %d, want %d and %d", found.Head(), told.Head(), out.Findings().Sequence, out.Alerts().Sequence)
		}
		for deadline := time.Now().Add(time.Minute); !caughtUp(p); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not projected: %+v", p.StreamStatus())
			}
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		must(t, jn.Close(t.Context()))
	}
	for query, want := range map[string]int{
		"SELECT count() FROM verdicts_v1": verdicts, "SELECT count() FROM alerts_v1": alerts, "SELECT uniqExact(sequence) FROM alerts_v1": alerts,
	} {
		var rows uint64
		must(t, db.Query(t.Context(), query, nil, func(row store.Row) error { return row.Scan(&rows) }))
		if rows != uint64(want) || want == 0 {
			t.Errorf("%s: %d, want %d", query, rows, want)
		}
	}
}

// caughtUp reports whether both streams are in the tables.
func caughtUp(p *projections.Projector) bool {
	all := p.StreamStatus()
	for _, s := range all {
		if s.Head == 0 || s.Sequence < s.Head {
			return false
		}
	}
	return len(all) == 2
}
