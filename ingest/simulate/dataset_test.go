package simulate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/readtrail/readtrail/ingest/simulate"
)

func tiny() simulate.Config {
	return simulate.Config{Seed: 5, Staff: 150, Patients: 1000, Days: 3}
}

// A dataset and a stream are alternatives, and the help does not ask for both.
func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "--out DIR for a dataset, or --live for a stream"},
		{[]string{"--out", "x", "--live"}, "--out and --live are alternatives"},
		{[]string{"--out", "x"}, ""},
		{[]string{"--live"}, ""},
		{[]string{"--out", "x", "--staff", "0"}, "--staff: want 150 or more"},
		{[]string{"--out", "x", "--patients", "0"}, "--patients: want 600 or more"},
		{[]string{"--out", "x", "--days", "0"}, "--days: want 1 or more"},
		{[]string{"--live", "--rate", "0"}, "--rate: want 1 or more"},
		{[]string{"--out", "x", "--incidents", "12", "--incidents-per-day", "2"}, "--incidents and --incidents-per-day can't be used together"},
		{[]string{"--out", "x", "--incidents-per-day=-1"}, "--incidents-per-day: want 0 or more"},
		{[]string{"--out", "x", "--incidents-per-day", "0"}, ""},
		{[]string{"--out", "x", "--incidents", "0"}, ""},
	} {
		var c simulate.Command
		parser, err := kong.New(&c, kong.Name("simulate"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = parser.Parse(tt.args)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.args, err)
		}
		var help strings.Builder
		parser.Stdout, parser.Exit = &help, func(int) {}
		_, _ = parser.Parse([]string{"--help"})
		if !strings.Contains(help.String(), "Usage: simulate [flags]") {
			t.Errorf("the help says\n%s", help.String())
		}
	}
}

// A story of one day is told as one.
func TestTheStoryCounts(t *testing.T) {
	for days, want := range map[int]string{
		1:  " on 2 March 2026: ",
		28: " days between ",
	} {
		text := hospital(t, simulate.Config{Days: days}).Story().Text
		if !strings.Contains(text, want) || strings.Contains(text, " 1 days") || strings.Contains(text, " 1 accesses") || strings.Contains(text, " 1 documents") {
			t.Errorf("%d days: %s", days, text)
		}
	}
}

func TestDatasetIsWhatTheModelSays(t *testing.T) {
	h := hospital(t, tiny())
	dir := filepath.Join(t.TempDir(), "data")
	var progress []simulate.Progress
	m, err := h.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir, Progress: func(p simulate.Progress) { progress = append(progress, p) }})
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	ids := map[string]simulate.Label{}
	for day := range 3 {
		for e := range h.Events(day) {
			want.Write(e.JSON)
			want.WriteByte('\n')
			if e.Label != (simulate.Label{}) {
				ids[e.ID] = e.Label
			}
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "AuditEvent.ndjson"))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("AuditEvent.ndjson differs from the days' events: %v", err)
	}
	if len(progress) != 3 || progress[2].Events != m.Files[0].Records || progress[2].Bytes != int64(len(got)) {
		t.Errorf("progress is %+v", progress)
	}
	f, err := os.Open(filepath.Join(dir, "labels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != len(ids)+1 || int64(len(ids)) != m.Labelled || strings.Join(rows[0], ",") != "event_id,scenario,incident" {
		t.Fatalf("labels.csv has %d rows for %d labelled events: %v", len(rows), len(ids), err)
	}
	for _, row := range rows[1:] {
		if ids[row[0]] != (simulate.Label{Scenario: row[1], Incident: row[2]}) {
			t.Errorf("row %v labels no event", row)
		}
	}
	checkFiles(t, dir, &m)
}

// checkFiles compares every file with the manifest and looks for a context file of each type.
func checkFiles(t *testing.T, dir string, m *simulate.Manifest) {
	t.Helper()
	for _, file := range m.Files {
		b, err := os.ReadFile(filepath.Join(dir, file.Name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file.Name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if b, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		sum := sha256.Sum256(b)
		if int64(len(b)) != file.Bytes || hex.EncodeToString(sum[:]) != file.SHA256 {
			t.Errorf("%s is not what the manifest says", file.Name)
		}
		typ, _, ndjson := strings.Cut(file.Name, ".ndjson")
		if !ndjson {
			continue
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		lines.Buffer(nil, 1<<20)
		n := int64(0)
		for lines.Scan() {
			if !bytes.HasPrefix(lines.Bytes(), []byte(`{"resourceType":"`+typ+`","id":"`)) || !json.Valid(lines.Bytes()) {
				t.Fatalf("line %d of %s is no %s", n+1, file.Name, typ)
			}
			n++
		}
		if n != file.Records || n == 0 {
			t.Errorf("%s has %d records, the manifest says %d", file.Name, n, file.Records)
		}
	}
	there, err := os.ReadDir(dir)
	if err != nil || len(there) != len(m.Files)+2 {
		t.Errorf("%d files in the directory, %d in the manifest: %v", len(there), len(m.Files), err)
	}
}

func TestDatasetIsReproducible(t *testing.T) {
	hash := func(dir string) string {
		sum := sha256.New()
		there, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range there {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			sum.Write([]byte(f.Name()))
			sum.Write(b)
		}
		return hex.EncodeToString(sum.Sum(nil))
	}
	var sums []string
	for range 2 {
		dir := t.TempDir()
		m, err := hospital(t, tiny()).WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir, Gzip: true})
		if err != nil {
			t.Fatal(err)
		}
		checkFiles(t, dir, &m)
		sums = append(sums, hash(dir))
	}
	if sums[0] != sums[1] {
		t.Error("the same seed gave two different directories")
	}
}

func TestDatasetIsWholeOrNotThere(t *testing.T) {
	h := hospital(t, tiny())
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.WriteDataset(ctx, simulate.DatasetConfig{Dir: dir, Progress: func(simulate.Progress) { cancel() }})
	if err == nil {
		t.Fatal("a cancelled dataset was written")
	}
	if there, _ := os.ReadDir(dir); len(there) > 0 {
		t.Errorf("%d files remain of a cancelled dataset", len(there))
	}
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WriteDataset(t.Context(), simulate.DatasetConfig{Dir: dir}); err == nil {
		t.Error("a directory with files in it was written to")
	}
	if _, err := os.Stat(filepath.Join(dir, "precious")); err != nil {
		t.Error("what was there is gone")
	}
}

func TestCommandWritesADataset(t *testing.T) {
	var c simulate.Command
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := parser.Parse([]string{"--out", dir, "--staff", "150", "--patients", "900", "--days", "2", "--seed", "9", "--gzip", "--incidents-per-day=9", "--weight", "self=0", "--weight", "crowd=90", "--covering"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Run(t.Context(), &out, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "events of 2 days") || !strings.Contains(out.String(), "opened the record of") {
		t.Errorf("it says %q", out.String())
	}
	if s := scenariosOf(manifest(t, dir)); s["self"] > 0 || s["crowd"] == 0 || s["family"] == 0 {
		t.Errorf("the scenarios are %v", s)
	}
	// The command that the dataset's README gives makes the same dataset.
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(readme), "    readtrail simulate ")
	line, _, _ = strings.Cut(line, "\n")
	again := filepath.Join(t.TempDir(), "again")
	var d simulate.Command
	if parser, err = kong.New(&d); err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(strings.Fields(strings.Replace(line, "DIR", again, 1))); err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	a, b := manifest(t, dir), manifest(t, again)
	for i := range a.Files {
		if a.Files[i].SHA256 != b.Files[i].SHA256 {
			t.Errorf("%s differs", a.Files[i].Name)
		}
	}
	for _, args := range [][]string{{}, {"--out", dir, "--live"}} {
		if parser, err = kong.New(new(simulate.Command)); err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func scenariosOf(m simulate.Manifest) map[string]int {
	out := map[string]int{}
	for _, s := range m.Scenarios {
		out[s.Name] = s.Incidents
	}
	return out
}

func manifest(t *testing.T, dir string) simulate.Manifest {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m simulate.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A zone is one by name: that of the machine would give other bytes on another one.
func TestZoneOfTheMachine(t *testing.T) {
	for _, zone := range []string{"Local", "Mars/Base"} {
		if _, err := (&simulate.Command{Zone: zone}).Hospital(time.Unix(0, 0)); err == nil || !strings.HasPrefix(err.Error(), "zone: ") {
			t.Errorf("zone %s: %v", zone, err)
		}
	}
}
