package register_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/register"
	"github.com/readtrail/readtrail/ingest/register/coverage"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestOnTheRealJournal registers a source on an embedded journal, lets it fall silent, and starts over without and with
// the snapshots.
func TestOnTheRealJournal(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), TickEvery: -1, MaxBytes: 64 << 20, Reserve: 2, LastReserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	last := func(context.Context) (proto.Position, error) { return j.Head(), nil }
	dir := t.TempDir()
	var credential string
	for round := range 3 {
		r, err := register.Open(register.Config{Path: filepath.Join(dir, "register.json"), Follow: j.Follow, Last: last, Append: j})
		if err != nil {
			t.Fatal(err)
		}
		m, err := coverage.Open(coverage.Config{Path: filepath.Join(dir, fmt.Sprint("coverage", round/2)), Follow: j.Follow, Last: last, Append: j})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- r.Run(ctx) }()
		go func() { done <- m.Run(ctx) }()
		select {
		case <-r.Ready():
		case err := <-done:
			t.Fatalf("round %d: %v", round, err)
		}
		if round == 0 {
			made, err := client(t, r, administrator).RegisterSource(t.Context(), connect.NewRequest(&v1.RegisterSourceRequest{Source: pacs(), NewCredential: true}))
			if err != nil {
				t.Fatal(err)
			}
			credential = made.Msg.Credential
			for now, minute := time.Now(), 5; minute <= 120; minute += 5 { // fewer, and Readtrail would have been down
				tick := &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: now.Add(time.Duration(minute) * time.Minute).UnixMicro()}}}
				if _, err := j.Append(t.Context(), []ingest.Entry{{Item: tick}}, ingest.Options{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if s, ok := r.ByCredential(credential); !ok || s.Name != "pacs" {
			t.Errorf("round %d: the credential is unknown", round)
		}
		awaitCoverage(t, j, round)
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
}

// awaitCoverage waits for the one fact: two hours without a word of a source that may be silent for one.
func awaitCoverage(t *testing.T, j *journal.Journal, round int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	facts := 0
	err := j.Follow(ctx, 0, func(_ context.Context, b *proto.Batch) error {
		items, err := b.Items()
		if err != nil {
			return err
		}
		for _, it := range items {
			if f := it.GetCoverage(); f != nil {
				facts++
				if f.Source != "pacs" || f.Kind != v1.CoverageFact_KIND_SILENCE || f.UntilUs != 0 {
					t.Errorf("round %d: %v", round, f)
				}
			}
		}
		if facts > 0 && b.Sequence() >= j.Head().Sequence() { // a batch may be read before its append returns
			return context.Canceled
		}
		return nil
	})
	if facts != 1 {
		t.Errorf("round %d: %d facts, %v", round, facts, err)
	}
}
