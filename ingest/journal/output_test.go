package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/journal"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func openOutput(tb testing.TB, j *journal.Journal) *journal.Output {
	tb.Helper()
	out, err := j.OpenOutput(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// found makes messages of findings: of causes from first on, three each.
func found(first, causes int) []*v1.Findings {
	var out []*v1.Findings
	for cause := first; cause < first+causes; cause++ {
		for ordinal := range 3 {
			out = append(out, &v1.Findings{Cause: uint64(cause) << 12, Ordinal: uint32(ordinal), Last: ordinal == 2, Day: int32(cause)})
		}
	}
	return out
}

// readFindings reads a stream until it has seen so many messages.
func readFindings(tb testing.TB, j *journal.Journal, after uint64, n int) []string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	var out []string
	done := errors.New("done")
	err := j.FollowFindings(ctx, "test", after, func(_ context.Context, sequence uint64, m *v1.Findings) error {
		out = append(out, fmt.Sprintf("%d: %d.%d", sequence, m.Cause>>12, m.Ordinal))
		if len(out) == n {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		tb.Fatalf("read %d of %d messages: %v", len(out), n, err)
	}
	return out
}

// TestOutputHoldsNoEventUp: events are taken while as much output as is ever on its way waits for the disk.
func TestOutputHoldsNoEventUp(t *testing.T) {
	t.Parallel()
	j := open(t, testConfig(t, t.TempDir()))
	if err := journal.HoldOutput(j); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, numbered(0), numbered(1))
}

// What was written before a stop is not written again, whoever offers it, and nothing is left out.
func TestOutputIsWrittenOnce(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	j := open(t, cfg)
	out := openOutput(t, j)
	all := found(1, 20)
	if err := out.PublishFindings(t.Context(), all[:31]); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	j = open(t, cfg)
	out = openOutput(t, j)
	if m := out.Findings(); m.Sequence != 31 || uint64(m.Cause) != all[30].Cause || m.Ordinal != all[30].Ordinal {
		t.Fatalf("the stream ends at %+v", m)
	}
	if m := out.Alerts(); m != (journal.Mark{}) {
		t.Fatalf("a stream without messages ends at %+v", m)
	}
	if err := out.PublishFindings(t.Context(), all[5:]); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, m := range all {
		want = append(want, fmt.Sprintf("%d: %d.%d", i+1, m.Cause>>12, m.Ordinal))
	}
	if got := readFindings(t, j, 0, len(all)); !slices.Equal(got, want) {
		t.Errorf("read %v", got)
	}
	if got := readFindings(t, j, 40, len(all)-40); !slices.Equal(got, want[40:]) {
		t.Errorf("read from the middle: %v", got)
	}
}

// Two writers do not mix: the second one to write is refused for good.
func TestOutputHasOneWriter(t *testing.T) {
	t.Parallel()
	j := open(t, testConfig(t, t.TempDir()))
	first, second := openOutput(t, j), openOutput(t, j)
	if err := first.PublishFindings(t.Context(), found(1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := second.PublishFindings(t.Context(), found(7, 1)); !errors.Is(err, journal.ErrFenced) {
		t.Fatalf("a second writer got %v", err)
	}
	if got := readFindings(t, j, 0, 3); !slices.Equal(got, []string{"1: 1.0", "2: 1.1", "3: 1.2"}) {
		t.Errorf("read %v", got)
	}
}

// An embedded server that is replaced takes the streams with it, and followers go on where they were.
func TestOutputSurvivesARestartOfTheServer(t *testing.T) {
	t.Parallel()
	j := open(t, testConfig(t, t.TempDir()))
	out := openOutput(t, j)
	var seen []uint64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- j.FollowAlerts(ctx, "test", 0, func(_ context.Context, sequence uint64, m *v1.AlertVersion) error {
			if seen = append(seen, m.Cause); len(seen) == 40 {
				cancel()
			}
			if sequence != uint64(len(seen)) {
				return fmt.Errorf("message %d has sequence %d", len(seen), sequence)
			}
			return nil
		})
	}()
	var want []uint64
	for i := range 40 {
		if i == 20 {
			if err := journal.Restart(t.Context(), j); err != nil {
				t.Fatal(err)
			}
		}
		a := &v1.AlertVersion{AlertId: make([]byte, 20), Version: 1, Cause: uint64(i + 1)}
		if err := out.PublishAlerts(t.Context(), []*v1.AlertVersion{a}); err != nil {
			t.Fatal(err)
		}
		want = append(want, a.Cause)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) || !slices.Equal(seen, want) {
			t.Fatalf("read %v, then %v", seen, err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the follower did not go on")
	}
}
