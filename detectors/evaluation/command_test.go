package evaluation_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/readtrail/readtrail/detectors"
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
		{evaluation.Command{Threshold: math.NaN()}, "--threshold"},
		{evaluation.Command{Threshold: math.Inf(1)}, "--threshold"},
		{evaluation.Command{Threshold: math.Inf(-1)}, "--threshold"},
		{evaluation.Command{Zone: "Mars/Base"}, "--zone"},
		{evaluation.Command{Zone: "Local"}, "--zone"},
	} {
		if _, err := run(tt.command); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.command, err, tt.want)
		}
	}
}

// TestWithoutQueues: reports and alerts speak of queues of sites only where there are some.
func TestWithoutQueues(t *testing.T) {
	for _, queues := range []detectors.SiteQueues{nil, {{Name: "North", Sites: []string{"North"}, Budget: 1}}} {
		var alerts bytes.Buffer
		r, err := evaluation.Run(t.Context(), evaluation.Config{
			Dir: hospital(t), Decode: decode, Alerts: &alerts, Queue: detectors.Queue{Budget: 3}, Queues: queues, Clock: func() time.Time { return time.Unix(0, 0) },
		})
		if err != nil {
			t.Fatal(err)
		}
		report, err := json.Marshal(r)
		if some := len(queues) > 0; err != nil || bytes.Contains(report, []byte(`"shown_by_queue":[{"queue":"North","budget":1,"shown":0},{"queue":"","budget":3,"shown":1}]`)) != some ||
			bytes.Contains(report, []byte("queue")) != some || bytes.Contains(alerts.Bytes(), []byte(`"queue":""`)) != some {
			t.Errorf("queues %v: %s (%v)\n%s", queues, report, err, &alerts)
		}
	}
}

// TestQueuesFile: a file of queues is read as a configuration says them, and refused by its name.
func TestQueuesFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, hospital(t)); err != nil {
		t.Fatal(err)
	}
	run := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "queues.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		c := evaluation.Command{Dir: dir, Budget: 20, Threshold: 0.2, Queues: path}
		err := c.Run(t.Context(), &out, io.Discard, decode, func() time.Time { return time.Unix(0, 0) })
		return strings.Join(strings.Fields(out.String()), " "), err
	}
	text, err := run("queues:\n  - {name: North, sites: [North], budget: 12}\n")
	if err != nil || !strings.Contains(text, "0.1 of at most 32;") || !strings.Contains(text, "queue North 0.0 of at most 12 everything else 0.1 of at most 20") {
		t.Errorf("%v: %s", err, text)
	}
	for text, want := range map[string]string{
		"":                                  "names no queue",
		"queues: []":                        "names no queue",
		"queues: [{name: A, site: [B]}]":    "field site not found",
		"budget: 3":                         "field budget not found",
		"queues: [{name: A, sites: [B]}]":   `"A": budget 0; want 1 to 100,000`,
		"queues: [{sites: [B], budget: 1}]": "queue 1 has no name",
	} {
		if _, err := run(text); err == nil || !strings.HasPrefix(err.Error(), "--queues: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestExemptionsFile: a file of exemptions is read as a configuration says them, the report says what each held back, and it is refused by its name.
func TestExemptionsFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, hospital(t)); err != nil {
		t.Fatal(err)
	}
	run := func(text string, asJSON bool) (string, error) {
		path := filepath.Join(t.TempDir(), "exemptions.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		c := evaluation.Command{Dir: dir, Budget: 20, Threshold: 0.2, Exemptions: path, JSON: asJSON}
		err := c.Run(t.Context(), &out, io.Discard, decode, func() time.Time { return time.Unix(0, 0) })
		return strings.Join(strings.Fields(out.String()), " "), err
	}
	const file = "exemptions:\n  - {detector: HourSpike, role: nurse, from: 2026-03-01, until: 2026-04-01, reason: register, owner: office}\n"
	if text, err := run(file, false); err != nil || !strings.Contains(text, "exempt HourSpike nurse, 2026-03-01 until 2026-04-01: 0 held back, it covers nobody: the staff list has no such role (register; office)") {
		t.Errorf("%v: %s", err, text)
	}
	const asJSON = `"exemptions": [ { "detector": "HourSpike", "role": "nurse", "from": "2026-03-01", "until": "2026-04-01", "reason": "register", "owner": "office", "held_back": 0, "covers_nobody": "the staff list has no such role" } ]`
	if text, err := run(file, true); err != nil || !strings.Contains(text, asJSON) {
		t.Errorf("%v: %s", err, text)
	}
	for text, want := range map[string]string{
		"":                               "names no exemption",
		"exemptions: []":                 "names no exemption",
		"exemptions: [{detectors: A}]":   "field detectors not found",
		"queues: []":                     "field queues not found",
		"exemptions: [{detector: Self}]": `exemptions[0].detector: no detector is called "Self"`,
	} {
		if _, err := run(text, false); err == nil || !strings.HasPrefix(err.Error(), "--exemptions: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The keys that a program reads are there whatever came out, null or empty where there is nothing to tell; people read that no alert was shown.
func TestReportOfNothing(t *testing.T) {
	look := event("e1", "Practitioner/a", "Patient/p1", "2026-03-05T10:15:00-06:00")
	for name, tt := range map[string]struct {
		events    string
		labels    string
		null      []string
		text, not []string
	}{
		"no look": {
			events: "this is no event\n", null: []string{"precision_at_budget", "recall_at_budget", "average_precision"},
			text: []string{"shown a day no alert was shown, of at most 20; 0 candidates"},
		},
		"no labels": {
			null: []string{"precision_at_budget", "recall_at_budget", "average_precision"}, text: []string{"no alert was shown, of at most 20"},
			not: []string{"precision"},
		},
		"no incident": {
			labels: "event_id,scenario,incident\n", null: []string{"precision_at_budget", "recall_at_budget", "average_precision"},
			text: []string{"precision at the budget no alert was shown", "average precision no incident is labelled"},
		},
		"an incident": {
			labels: "event_id,scenario,incident\ne1,family,f1\n", null: []string{"precision_at_budget"},
			text: []string{"precision at the budget no alert was shown", "recall at the budget 0.0 %"},
		},
	} {
		dir := t.TempDir()
		files := fstest.MapFS{"AuditEvent.ndjson": file(cmp.Or(tt.events, look))}
		if tt.labels != "" {
			files["labels.csv"] = file(tt.labels)
		}
		if err := os.CopyFS(dir, files); err != nil {
			t.Fatal(err)
		}
		run := func(asJSON bool) []byte {
			var out bytes.Buffer
			c := evaluation.Command{Dir: dir, Budget: 20, Threshold: 0.2, Zone: "UTC", JSON: asJSON}
			if err := c.Run(t.Context(), &out, io.Discard, decode, func() time.Time { return time.Unix(0, 0) }); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
		report := map[string]json.RawMessage{}
		if err := json.Unmarshal(run(true), &report); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{
			"events", "explained_share", "budget", "alerts_per_day", "precision_at_budget", "recall_at_budget", "average_precision", "recall_by_scenario",
			"findings_by_detector", "events_per_second", "peak_rss_bytes",
		} {
			value, ok := report[key]
			if is := string(value) == "null"; !ok || is != slices.Contains(tt.null, key) {
				t.Errorf("%s: %s is %q", name, key, value)
			}
		}
		text := strings.Join(strings.Fields(string(run(false))), " ")
		for _, want := range tt.text {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the report does not say %q:\n%s", name, want, text)
			}
		}
		for _, no := range tt.not {
			if strings.Contains(text, no) {
				t.Errorf("%s: the report says %q:\n%s", name, no, text)
			}
		}
	}
}
