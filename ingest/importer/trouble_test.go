package importer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/importer"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestNothingFromTheInside: what stands inside of a document that is refused is never an event. The document is one dead
// letter, and what stands behind one that is JSON is still read.
func TestNothingFromTheInside(t *testing.T) {
	deep := func(inner string) string {
		return `{"resourceType":"DocumentReference","id":"d","x":` + strings.Repeat("[", 70) + inner + strings.Repeat("]", 70) + "}"
	}
	twice := `{"resourceType":"DocumentReference","id":"d","a":1,"a":2,"x":[` + "\n" + event(1) + "\n]}"
	for _, tt := range []struct {
		name, content, reason string
		stored                uint64
	}{
		{"deep, one line", deep(event(1)), ingest.ReasonTooDeep, 0},
		{"deep, the inside on a line of its own", deep("\n" + event(1) + "\n"), ingest.ReasonTooDeep, 0},
		{"deep, the inside on many lines", deep("\n" + lines(1, 5)), ingest.ReasonTooDeep, 0},
		{"deep objects", `{"resourceType":"AuditEvent","extension":` + strings.Repeat(`[{"a":`, 5000) + event(1) + strings.Repeat(`}]`, 5000) + "}", ingest.ReasonTooDeep, 0},
		{"deeper than encoding/json reads", `{"a":` + strings.Repeat(`[{"a":`, 6000) + event(1) + strings.Repeat(`}]`, 6000) + "}", ingest.ReasonTooDeep, 0},
		{"a name twice", twice, ingest.ReasonDuplicateKey, 0},
		{"a broken word", `{"resourceType":"AuditEvent","x": tru,` + "\n" + event(1) + "\n}", ingest.ReasonInvalidJSON, 0},
		{"a broken word before", `{"resourceType":"AuditEvent","x": tru {}` + event(1) + "}", ingest.ReasonInvalidJSON, 0},
		{"never closed", `{"resourceType":"AuditEvent","x":[` + "\n" + lines(1, 4), ingest.ReasonInvalidJSON, 0},
		{"closed in a string only", `{"x":"a` + "\n" + `"}` + event(1), ingest.ReasonInvalidJSON, 0},
		{"behind a deep one", deep("\n"+event(1)+"\n") + "\n" + event(2) + event(3), ingest.ReasonTooDeep, 2},
		{"behind a name twice", twice + "\n" + event(2), ingest.ReasonDuplicateKey, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil, nil)
			report := b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "a.json", tt.content)}})
			if report.Total.Stored != tt.stored || report.Total.DeadLetters != 1 {
				t.Fatalf("%+v, faults %v", report.Total, report.Files[0].Faults)
			}
			for _, k := range b.Kept() {
				if k.Item.GetAccess().GetSourceEventId() == "e1" {
					t.Error("the inside became an event")
				}
				letter := k.Item.GetDeadLetter()
				if letter == nil {
					continue
				}
				if letter.Reason != tt.reason {
					t.Errorf("reason %s", letter.Reason)
				}
				if !strings.HasPrefix(tt.content, string(k.Sealed.Original)) || !strings.Contains(string(k.Sealed.Original), event(1)) {
					t.Errorf("the dead letter holds %d of %d bytes", len(k.Sealed.Original), len(tt.content))
				}
			}
		})
	}
}

// TestEndNotKept: all rows are stored and the end mark is not. The error says what to do, and doing it ends the import
// with the counts of both runs. Standard input is not read again.
func TestEndNotKept(t *testing.T) {
	for _, path := range []string{"a.ndjson", "-"} {
		t.Run(path, func(t *testing.T) {
			b := newBench(t, nil, nil)
			var progress bytes.Buffer
			b.config.Progress, b.config.Stdin = &progress, strings.NewReader(lines(0, 10))
			if path != "-" {
				path = write(t, t.TempDir(), path, lines(0, 10))
			}
			b.Fail = func(entries []ingest.Entry) error {
				if entries[0].Item.GetImportMark().GetPhase() == v1.ImportMark_PHASE_END {
					return ingest.ErrBusy
				}
				return nil
			}
			report, err := b.run(importer.Command{Paths: []string{path}, Backfill: true})
			if err == nil || !strings.Contains(err.Error(), "with --resume") || report.Total.Stored != 10 {
				t.Fatalf("%+v, %v", report.Total, err)
			}
			if got := strings.Count(progress.String(), "waiting for the server: "); got != 1 {
				t.Errorf("said %d times that it waits: %s", got, progress.String())
			}
			b.Fail, b.config.Stdin = nil, nil
			again := b.mustRun(importer.Command{Paths: []string{path}, Backfill: true, Resume: true})
			kept := b.Kept()
			end := kept[len(kept)-1].Item.GetImportMark()
			if again.ImportID != report.ImportID || end.GetPhase() != v1.ImportMark_PHASE_END || end.Stored != 10 || !end.Backfill || len(kept) != 12 {
				t.Errorf("%d items, the last is %v", len(kept), kept[len(kept)-1].Item)
			}
		})
	}
}

// TestMarksMayUseTheReserve: an import that cannot end because nothing else is taken would never be judged.
func TestMarksMayUseTheReserve(t *testing.T) {
	var mu sync.Mutex
	var reserved []bool
	var b *bench
	b = newBench(t, func(cfg *importer.ServerConfig) {
		intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: appends(func(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error) {
			mu.Lock()
			reserved = append(reserved, opts.Reserved)
			mu.Unlock()
			return b.Append(ctx, entries, opts)
		})})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Intake = intake
	}, nil)
	b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "a.ndjson", lines(0, 3))}})
	if want := []bool{true, false, true}; !slices.Equal(reserved, want) {
		t.Errorf("reserved %v, want %v", reserved, want)
	}
}

type appends func(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error)

func (f appends) Append(ctx context.Context, entries []ingest.Entry, opts ingest.Options) ([]ingest.Result, error) {
	return f(ctx, entries, opts)
}

// TestNobodyThere: a server that was never there is no reason to wait.
func TestNobodyThere(t *testing.T) {
	path := write(t, t.TempDir(), "a.ndjson", lines(0, 1))
	dial := func(network, address string) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*http.Client{
		"no socket": dial("unix", filepath.Join(t.TempDir(), "none")),
		"refused":   dial("tcp", listener.Addr().String()),
	} {
		for _, dry := range []bool{false, true} {
			b := newBench(t, nil, nil)
			b.config.HTTP = client
			b.config.Sleep = func(context.Context, time.Duration) error {
				t.Errorf("%s: it waits", name)
				return context.Canceled
			}
			if _, err := b.run(importer.Command{Paths: []string{path}, DryRun: dry}); err == nil || !strings.Contains(err.Error(), "is it running") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestDamagedFile: a damaged file does not get better by trying again; the rest is through and the import is closed.
func TestDamagedFile(t *testing.T) {
	whole := gz(t, lines(0, 20_000))
	for name, content := range map[string]string{
		"cut":     whole[:len(whole)/2],
		"corrupt": whole[:len(whole)/2] + strings.Repeat("\xff", 64) + whole[len(whole)/2+64:],
		"head":    whole[:5],
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, nil)
			b.config.Sleep = func(context.Context, time.Duration) error {
				t.Error("it waits")
				return context.Canceled
			}
			dir := t.TempDir()
			report, err := b.run(importer.Command{Paths: []string{write(t, dir, "a.ndjson.gz", content), write(t, dir, "b.ndjson", event(-1)+"\n")}})
			if err == nil || strings.Contains(err.Error(), "--resume") || report.Files[0].Damaged == "" {
				t.Fatalf("%+v, %v", report, err)
			}
			kept := b.Kept()
			if last := kept[len(kept)-1].Item; last.GetImportMark().GetPhase() != v1.ImportMark_PHASE_END || report.Files[1].Counts.Stored != 1 {
				t.Errorf("the last is %v, %+v", last, report)
			}
		})
	}
}

// TestDamagedDocument: what can be read of a damaged document is one dead letter, and so is the line that a file of lines
// was cut in; when the document comes whole, it is an event.
func TestDamagedDocument(t *testing.T) {
	// Text that does not shrink, so that half of the file is about half of the document.
	var noise strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&noise, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	document := strings.Replace(event(1), `"type"`, `"language":"`+noise.String()+`","type"`, 1)
	whole := gz(t, document)
	checksum := []byte(whole)
	checksum[len(checksum)-6] ^= 0xff
	manyLines := lines(0, 4000)
	for _, tt := range []struct {
		name, file, content string
		of                  string
	}{
		{"cut", "a.json.gz", whole[:len(whole)/2], document},
		{"corrupt", "a.json.gz", whole[:len(whole)/2] + strings.Repeat("\xff", 64) + whole[len(whole)/2+64:], ""},
		{"checksum", "a.json.gz", string(checksum), document},
		{"a form that nothing reads", "a.xml.gz", gz(t, "<?xml version='1.0'?><a>"+noise.String())[:len(whole)/2], ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil, nil)
			dir := t.TempDir()
			report, err := b.run(importer.Command{Paths: []string{write(t, dir, tt.file, tt.content)}})
			if err == nil || report.Files[0].Damaged == "" || report.Total != (ingest.Counts{DeadLetters: 1}) {
				t.Fatalf("%+v, %v", report, err)
			}
			for _, k := range b.Kept() {
				d := k.Item.GetDeadLetter()
				if d == nil {
					continue
				}
				if got := string(k.Sealed.Original); d.Reason != importer.ReasonDamaged || d.Message == "" || len(got) < 50_000 || tt.of != "" && !strings.HasPrefix(tt.of, got) {
					t.Errorf("%v with %d bytes", d, len(got))
				}
			}
			if again := b.mustRun(importer.Command{Paths: []string{write(t, dir, "a.json.gz", whole)}}); again.Total.Stored != 1 {
				t.Errorf("the whole document: %+v", again.Total)
			}
		})
	}
	t.Run("lines", func(t *testing.T) {
		b := newBench(t, nil, nil)
		packed := gz(t, manyLines)
		report, err := b.run(importer.Command{Paths: []string{write(t, t.TempDir(), "a.ndjson.gz", packed[:len(packed)-len(packed)/7])}})
		if err == nil || report.Total.Stored == 0 || report.Total.DeadLetters != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		for _, k := range b.Kept() {
			if d := k.Item.GetDeadLetter(); d != nil && (d.Line != report.Total.Stored+1 || !strings.HasPrefix(event(int(report.Total.Stored)), string(k.Sealed.Original))) {
				t.Errorf("%v with %q behind %d lines", d, k.Sealed.Original, report.Total.Stored)
			}
		}
	})
	t.Run("a connection that breaks", func(t *testing.T) {
		requests := 0
		b := newBench(t, nil, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/import" {
					if requests++; requests == 1 {
						r.Body = &cutReader{ReadCloser: r.Body, left: 50_000}
					}
				}
				next.ServeHTTP(w, r)
			})
		})
		report := b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "a.json.gz", whole)}})
		if report.Total != (ingest.Counts{Stored: 1}) || requests != 2 {
			t.Errorf("%+v in %d requests", report.Total, requests)
		}
	})
}

// TestDeadLettersAreTold: an import of which something became a dead letter ends with an error of its own, unless so much
// is allowed; what was sent before --resume counts, what was known before does not.
func TestDeadLettersAreTold(t *testing.T) {
	mixed := event(0) + "\n" + event(1) + "\nnonsense\n{\"resourceType\":\"AuditEvent\"}\n"
	for _, tt := range []struct {
		name, content string
		command       importer.Command
		want          string
	}{
		{"all landed", lines(0, 3), importer.Command{}, ""},
		{"some", mixed, importer.Command{}, "2 of 4 entries became dead letters: nothing is lost"},
		{"all", "nonsense\n", importer.Command{}, "1 of 1 entry became a dead letter: "},
		{"fewer than allowed", mixed, importer.Command{AllowDeadLetters: 3}, ""},
		{"as many as allowed", mixed, importer.Command{AllowDeadLetters: 2}, ""},
		{"more than allowed", mixed, importer.Command{AllowDeadLetters: 1}, "2 of 4"},
		{"any number", mixed, importer.Command{AllowDeadLetters: -1}, ""},
		{"a dry run", mixed, importer.Command{DryRun: true}, "2 of 4 entries would become dead letters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil, nil)
			tt.command.Source, tt.command.Paths = "ehr", []string{write(t, t.TempDir(), "a.ndjson", tt.content)}
			err := tt.command.Run(t.Context(), b.config)
			if errors.Is(err, importer.ErrDeadLetters) != (tt.want != "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got %v", err)
			}
			if tt.command.DryRun {
				return
			}
			if err := tt.command.Run(t.Context(), b.config); err != nil {
				t.Errorf("what was known before: %v", err)
			}
		})
	}
	t.Run("in the run before", func(t *testing.T) {
		b := newBench(t, nil, nil)
		dir := t.TempDir()
		c := importer.Command{Source: "ehr", Paths: []string{write(t, dir, "a.ndjson", mixed), write(t, dir, "b.ndjson", lines(5, 6))}}
		appends := 0
		b.Fail = func(entries []ingest.Entry) error {
			if entries[0].Item.GetImportMark() == nil {
				if appends++; appends > 1 {
					return ingest.ErrBusy
				}
			}
			return nil
		}
		if err := c.Run(t.Context(), b.config); err == nil || errors.Is(err, importer.ErrDeadLetters) {
			t.Fatalf("interrupted: %v", err)
		}
		b.Fail, c.Resume = nil, true
		if err := c.Run(t.Context(), b.config); !errors.Is(err, importer.ErrDeadLetters) || !strings.HasPrefix(err.Error(), "2 of 5 entries") {
			t.Errorf("resumed: %v", err)
		}
	})
}

func TestNoFiles(t *testing.T) {
	b := newBench(t, nil, nil)
	b.mustRun(importer.Command{Paths: []string{t.TempDir()}})
	if got := b.out.String(); got != "no files found\n" {
		t.Errorf("it says %q", got)
	}
	if len(b.Kept()) != 0 {
		t.Error("an import of nothing left something")
	}
}
