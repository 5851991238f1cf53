package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Alerts are measured on 5,000 events/s, 250 every 50 ms; beside them, every second of these, one event of an account whose owner had
// left.
const (
	alertEvery = 50 * time.Millisecond
	alertBatch = 250
	alertSigns = 2
)

// alerting measures the time from the acknowledgement of an event that shows a hard sign until its alert stands in the ALERTS stream,
// synced, with the embedded journal and the detectors as `up` wires them.
func (b *bench) alerting(ctx context.Context) (err error) {
	dir, err := b.folder("alerting")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	cfg, err := config.Load("", nil)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if err := cfg.MoveTo(dir); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if err := cfg.MakeDirs(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	keys, err := cfg.Keys.Open()
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	quiet := slog.New(slog.DiscardHandler)
	jc := cfg.JournalConfig()
	jc.Dir, jc.Keys, jc.Logger, jc.TickEvery = filepath.Join(dir, "journal"), keys, quiet, time.Second
	jn, err := journal.Open(ctx, jc)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	defer func() { err = errors.Join(err, jn.Close(context.WithoutCancel(ctx))) }()
	runner, _, err := detect.Open(detect.Config{Settings: cfg, Journal: jn, Zone: time.UTC, Logger: quiet})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(running) }()
	waits, err := b.alertWaits(ctx, jn)
	stop()
	if end := <-ended; !errors.Is(end, context.Canceled) {
		return errors.Join(err, end)
	}
	if err != nil {
		return err
	}
	b.add(figAlert, float64(quantile(waits, 0.99).Milliseconds()), "p50 %d ms, of %d alerts", quantile(waits, 0.5).Milliseconds(), len(waits))
	return nil
}

// alertWaits sends events for a while and returns how long each hard sign took.
func (b *bench) alertWaits(ctx context.Context, jn *journal.Journal) ([]time.Duration, error) {
	rounds := int(b.size.visible / alertEvery)
	sim, err := feed(simulate.Config{Seed: 3, Staff: 1000, Patients: 20_000, Days: 2 + rounds*alertBatch/40_000, Zone: time.UTC}, "")
	if err != nil {
		return nil, err
	}
	add := func(items []*v1.Item) error {
		_, err := jn.Append(ctx, asEntries(items), ingest.Options{})
		return err //nolint:wrapcheck // says what failed
	}
	if err := sim.decodeInto(ctx, "people.ndjson", resources(sim.sim.People()), 1000, add); err != nil {
		return nil, err
	}
	if err := add(leavers(rounds/alertSigns + 1)); err != nil {
		return nil, err
	}
	var all []*v1.Item
	for day := 0; len(all) < rounds*alertBatch; day++ {
		if err := sim.decodeInto(ctx, "AuditEvent.ndjson", events(sim.sim.Events(day), 1), 1000, func(items []*v1.Item) error {
			all = append(all, items...)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	accepted, seen := map[proto.Position]time.Time{}, map[proto.Position]time.Time{}
	following, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() {
		followed <- jn.FollowAlerts(following, "bench", 0, func(_ context.Context, _ uint64, a *v1.AlertVersion) error {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range a.GetAccesses() {
				if at := proto.Position(c.GetPosition()); seen[at].IsZero() {
					seen[at] = time.Now()
				}
			}
			return nil
		})
	}()
	next := time.Now()
	var flying sync.WaitGroup
	for round := range rounds {
		time.Sleep(time.Until(next))
		next = next.Add(alertEvery)
		now := time.Now().UnixMicro()
		batch := all[round*alertBatch : (round+1)*alertBatch]
		for i, it := range batch {
			it.GetAccess().OccurredUs = now + int64(i)
		}
		flying.Go(func() { _ = add(batch) })
		if round%alertSigns != 0 {
			continue
		}
		sign := leaverEvent(round/alertSigns, now)
		flying.Go(func() {
			results, err := jn.Append(ctx, asEntries([]*v1.Item{sign}), ingest.Options{})
			if err == nil {
				mu.Lock()
				accepted[results[0].Position] = time.Now()
				mu.Unlock()
			}
		})
	}
	flying.Wait()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		mu.Lock()
		all := len(seen) >= len(accepted)
		mu.Unlock()
		if all {
			break
		}
	}
	stop()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		return nil, err
	}
	var waits []time.Duration
	for at, begin := range accepted {
		if seen[at].IsZero() {
			return nil, fmt.Errorf("no alert for the event at %s after a minute", at)
		}
		waits = append(waits, seen[at].Sub(begin))
	}
	return waits, nil
}

func asEntries(items []*v1.Item) []ingest.Entry {
	out := make([]ingest.Entry, len(items))
	for i, it := range items {
		out[i].Item = it
		if id, err := proto.ItemID(it); err == nil && !id.IsZero() {
			out[i].ID, out[i].Content = id, proto.HashContent(id.Bytes())
		}
	}
	return out
}

// leavers are accounts whose owners had left.
func leavers(n int) []*v1.Item {
	var out []*v1.Item
	for i := range n {
		text := fmt.Sprintf(`{"resourceType":"PractitionerRole","id":"left-%d","practitioner":{"reference":"Practitioner/left-%d"},`+
			`"period":{"start":"2015-01-01","end":"2016-01-01"}}`, i, i)
		out = append(out, &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
			EventId: benchID("role", i), Source: "dataset", ResourceType: "PractitionerRole", ResourceId: fmt.Sprintf("left-%d", i),
			Resource: []byte(text),
		}}})
	}
	return out
}

func leaverEvent(i int, at int64) *v1.Item {
	return &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		EventId: benchID("sign", i), Source: "dataset", OccurredUs: at, RecordedUs: at, Action: v1.Action_ACTION_READ,
		Reader: &v1.Reader{
			Type: v1.ReaderType_READER_TYPE_STAFF, Identifiers: []*v1.Identifier{{System: "source:dataset", Value: fmt.Sprintf("Practitioner/left-%d", i)}},
		},
		Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:dataset", Value: fmt.Sprintf("Patient/p-%d", i)}}}},
	}}}
}

func benchID(kind string, i int) []byte {
	return proto.NewEventID(proto.EventIdentity{Source: "bench", Key: fmt.Appendf(nil, "%s %d", kind, i)}).Bytes()
}
