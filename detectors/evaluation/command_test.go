package evaluation_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/readtrail/readtrail/detectors/evaluation"
)

// TestPlainProgressIsWhole: in a file, each step ends with one line of 100 %, whether it took a moment or an hour, and its lines rise.
func TestPlainProgressIsWhole(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, hospital(t)); err != nil {
		t.Fatal(err)
	}
	bare := t.TempDir() // without any context
	if err := os.CopyFS(bare, fstest.MapFS{"AuditEvent.ndjson.gz": hospital(t)["AuditEvent.ndjson.gz"]}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, bare} {
		plainProgress(t, dir)
	}
}

func plainProgress(t *testing.T, dir string) {
	t.Helper()
	for _, tick := range []time.Duration{0, time.Second, time.Minute} {
		now := time.Unix(0, 0)
		clock := func() time.Time { now = now.Add(tick); return now }
		var aside bytes.Buffer
		c := evaluation.Command{Dir: dir, Budget: 20, Threshold: 0.2}
		if err := c.Run(t.Context(), io.Discard, &aside, decode, clock); err != nil {
			t.Fatal(err)
		}
		var steps []string
		last, whole := map[string]int{}, map[string]int{}
		for line := range strings.Lines(aside.String()) {
			at := strings.LastIndex(strings.TrimSuffix(strings.TrimSpace(line), " %"), " ")
			step, share := strings.TrimSpace(line[:at]), 0
			if _, err := fmt.Sscanf(line[at:], " %d %%\n", &share); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if _, known := last[step]; !known {
				steps = append(steps, step)
			}
			if share < last[step] {
				t.Errorf("every %s: %s falls from %d to %d %%", tick, step, last[step], share)
			}
			if last[step] = share; share == 100 {
				whole[step]++
			}
		}
		if len(steps) != 4 {
			t.Errorf("every %s: steps %q, want four", tick, steps)
		}
		for _, step := range steps {
			if last[step] != 100 || whole[step] != 1 {
				t.Errorf("every %s: %s ends with %d %%, and %d lines say 100 %%:\n%s", tick, step, last[step], whole[step], &aside)
			}
		}
	}
}

// Flags are refused by name where they say nothing, or something else on another machine.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, hospital(t)); err != nil {
		t.Fatal(err)
	}
	run := func(c evaluation.Command) (string, error) {
		c.Dir, c.Budget, c.Threshold = dir, cmp.Or(c.Budget, 20), cmp.Or(c.Threshold, 0.2)
		var out bytes.Buffer
		err := c.Run(t.Context(), &out, io.Discard, decode, func() time.Time { return time.Unix(0, 0) })
		return out.String(), err
	}
	for _, tt := range []struct {
		command evaluation.Command
		want    string
	}{
		{evaluation.Command{Budget: -1}, "--budget"},
		{evaluation.Command{Budget: 100_001}, "--budget"},
		{evaluation.Command{Threshold: 1.1}, "--threshold"},
		{evaluation.Command{Zone: "Mars/Base"}, "--zone"},
		{evaluation.Command{Zone: "Local"}, "--zone"},
	} {
		if _, err := run(tt.command); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.command, err, tt.want)
		}
	}
}
