package detect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/detectors/live"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestJournal runs the detectors as an installation does: along the embedded journal, into its streams, stopped and started again
// in between, with the rule set and the changes of context journaled by themselves. What the streams hold then is what an engine
// makes of the journal from its beginning.
func TestJournal(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 21, Staff: 150, Patients: 600, Days: 7, Incidents: 25})
	h.before("vendors.csv")
	h.live(0, 7, "")
	for hour := range 50 {
		at := h.start(7).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	var now atomic.Int64
	now.Store(h.start(0).UnixMicro())
	dir := t.TempDir()
	cfg := journal.Config{
		Dir: filepath.Join(dir, "journal"), Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: h.keys, MaxClockJump: 100 * 24 * time.Hour,
		Now:    func() time.Time { return time.UnixMicro(now.Load()) },
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	settings, err := config.Load("", nil)
	must(t, err)
	settings.DataDir, settings.Site.TimeZone = dir, h.zone.String()
	settings.Detectors.LearningDays, settings.Detectors.SnapshotInterval, settings.Detectors.Workers = 3, time.Millisecond, 4

	fed := 0
	for _, until := range []int{len(h.batches) / 3, len(h.batches) / 2, len(h.batches)} {
		jn, err := journal.Open(t.Context(), cfg)
		must(t, err)
		runner, _, err := detect.Open(detect.Config{Settings: settings, Journal: jn, Zone: h.zone, Logger: cfg.Logger})
		must(t, err)
		judgeBatches(t, runner, jn, &now, h.batches[fed:until])
		fed = until
		if until < len(h.batches) {
			must(t, jn.Close(t.Context()))
			continue
		}
		compareStreams(t, h, jn)
		must(t, jn.Close(context.Background()))
	}
}

// judgeBatches has a runner judge what batches hold, appended to a journal as of their times, and ends it.
func judgeBatches(t *testing.T, runner *live.Runner, jn *journal.Journal, now *atomic.Int64, batches []*proto.Batch) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	for _, b := range batches {
		now.Store(max(now.Load()+1, b.Head.ReceivedUs))
		_, err := jn.Append(t.Context(), entriesOf(t, b), ingest.Options{})
		must(t, err)
	}
	for runner.Status().Position < jn.Head() {
		select {
		case err := <-ended:
			t.Fatalf("detectors ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestAbsentIsLoggedOnce: what never came is logged once a start, when the days of learning are over.
func TestAbsentIsLoggedOnce(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 3, Staff: 150, Patients: 600, Days: 3})
	h.before("Observation")
	h.live(0, 3, "Observation")
	for hour := range 50 {
		at := h.start(3).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	var now atomic.Int64
	now.Store(h.start(0).UnixMicro())
	dir := t.TempDir()
	jn, err := journal.Open(t.Context(), journal.Config{
		Dir: filepath.Join(dir, "journal"), Reserve: 1 << 20, LastReserve: 1 << 10, TickEvery: -1, Keys: h.keys, MaxClockJump: 100 * 24 * time.Hour,
		Now: func() time.Time { return time.UnixMicro(now.Load()) },
	})
	must(t, err)
	settings, err := config.Load("", nil)
	must(t, err)
	settings.DataDir, settings.Site.TimeZone, settings.Detectors.LearningDays = dir, h.zone.String(), 2
	var log bytes.Buffer // read when the runner, which alone writes to it, has ended
	runner, _, err := detect.Open(detect.Config{Settings: settings, Journal: jn, Zone: h.zone, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	judgeBatches(t, runner, jn, &now, h.batches)
	must(t, jn.Close(context.Background()))
	var said []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "never came") {
			said = append(said, line)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "kinds=[Observation]") {
		t.Errorf("logged: %q, want Observation once", said)
	}
}

func entriesOf(t *testing.T, b *proto.Batch) []ingest.Entry {
	t.Helper()
	out := make([]ingest.Entry, b.Count())
	for i := range out {
		item, err := b.Item(i)
		must(t, err)
		out[i].Item = item
		if out[i].ID, err = proto.ItemID(item); err != nil {
			t.Fatal(err)
		}
		if !out[i].ID.IsZero() {
			out[i].Content = proto.HashContent(out[i].ID.Bytes())
		}
		if sealed, err := b.Original(i); err == nil {
			out[i].Sealed, out[i].Source = sealed, "simulated"
		}
	}
	return out
}

// compareStreams holds the streams against what an engine makes of the journal.
func compareStreams(t *testing.T, h *hospital, jn *journal.Journal) {
	t.Helper()
	var batches []*proto.Batch
	read := errors.New("all read")
	err := jn.Follow(t.Context(), 0, func(_ context.Context, b *proto.Batch) error {
		if batches = append(batches, b); b.Position(b.Count()-1) >= jn.Head() {
			return read
		}
		return nil
	})
	if !errors.Is(err, read) {
		t.Fatal(err)
	}
	e, want := run(t, engineConfig(t, h), batches)
	out, err := jn.OpenOutput(t.Context())
	must(t, err)
	got := &written{}
	if err := jn.FollowFindings(t.Context(), "test", 0, func(_ context.Context, sequence uint64, m *v1.Findings) error {
		data, err := m.MarshalVT()
		got.findings = append(got.findings, data)
		if sequence == out.Findings().Sequence {
			return read
		}
		return err
	}); !errors.Is(err, read) {
		t.Fatal(err)
	}
	if err := jn.FollowAlerts(t.Context(), "test", 0, func(_ context.Context, sequence uint64, m *v1.AlertVersion) error {
		data, err := m.MarshalVT()
		got.alerts = append(got.alerts, data)
		if sequence == out.Alerts().Sequence {
			return read
		}
		return err
	}); !errors.Is(err, read) {
		t.Fatal(err)
	}
	if err := got.same(want); err != nil {
		t.Error(err)
	}
	rules, gaps := 0, map[string]int{}
	for _, b := range batches {
		items, err := b.Items()
		must(t, err)
		for _, it := range items {
			if it.GetRuleSet() != nil {
				rules++
			}
			if g := it.GetContextGap(); g != nil {
				gaps[g.Context]++
			}
		}
	}
	if rules != 1 || gaps["vendors' tasks"] != 1 || len(e.Gaps()) != 0 {
		t.Errorf("the journal holds %d rule sets and these changes of context: %v; %d are still proposed", rules, gaps, len(e.Gaps()))
	}
	if len(want.alerts) < 15 || slices.IndexFunc(want.versions, func(a *v1.AlertVersion) bool { return a.Hard }) < 0 {
		t.Errorf("%d alerts: the test saw nothing", len(want.alerts))
	}
}
