package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// bench is a server before a real journal, and a client that imports into it.
type bench struct {
	*ingesttest.Rig
	t      testing.TB
	server *httptest.Server
	config importer.Config
	out    bytes.Buffer
}

func newBench(t testing.TB, change func(*importer.ServerConfig), wrap func(http.Handler) http.Handler) *bench {
	t.Helper()
	b := &bench{Rig: ingesttest.Open(t), t: t}
	cfg := importer.ServerConfig{Intake: b.Intake, Source: ingesttest.Sources, BusyWait: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	h, err := importer.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		h = wrap(h)
	}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "os:u", Role: proto.RoleAdministrator, Local: true})))
	}))
	// net/http writes here what it does not expect of a handler.
	b.server.Config.ErrorLog = log.New(complains{t}, "", 0)
	// As the product does it: the local server is a socket.
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	b.server.Listener.Close()
	b.server.Listener = listener
	b.server.Start()
	t.Cleanup(b.server.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	b.config = importer.Config{
		HTTP: &http.Client{Transport: transport}, BaseURL: "http://readtrail.local", Out: &b.out, Progress: io.Discard,
		StateDir: t.TempDir(), Sleep: func(context.Context, time.Duration) error { return nil },
	}
	return b
}

// complains fails a test that the server logs something in.
type complains struct{ t testing.TB }

func (c complains) Write(p []byte) (int, error) {
	c.t.Errorf("the server says %s", p)
	return len(p), nil
}

func (b *bench) run(c importer.Command) (importer.Report, error) {
	b.t.Helper()
	c.Source = "ehr"
	report, err := c.Import(b.t.Context(), b.config)
	var sum ingest.Counts
	for _, f := range report.Files {
		sum.Add(f.Counts)
		if f.In != f.Counts.In() {
			b.t.Errorf("%s: in %d, counted %+v", f.Name, f.In, f.Counts)
		}
	}
	if sum != report.Total || report.In != sum.In() {
		b.t.Errorf("files add up to %+v, the total is %+v", sum, report.Total)
	}
	return report, err
}

func (b *bench) mustRun(c importer.Command) importer.Report {
	b.t.Helper()
	report, err := b.run(c)
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}

func event(i int) string {
	return fmt.Sprintf(`{"resourceType":"AuditEvent","id":"e%d","type":{"code":"rest"},"recorded":"2026-01-01T00:00:00Z","entity":[{"what":{"reference":"Patient/%d"}}]}`, i, i%97)
}

func lines(from, until int) string {
	var b strings.Builder
	for i := from; i < until; i++ {
		b.WriteString(event(i) + "\n")
	}
	return b.String()
}

func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestForms: every way that FHIR JSON lies about in files, and one dead letter for each form that nothing reads.
func TestForms(t *testing.T) {
	indented := func(s string) string {
		var out bytes.Buffer
		if err := json.Indent(&out, []byte(s), "", "  "); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	bundle := `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":` + event(1) + `},{"resource":` + event(2) + `},{"resource":{"resourceType":"AuditEvent","id":"3"}},{"search":{}}]}`
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(event(1)), event(1))
	for _, tt := range []struct {
		name, content string
		form          importer.Form
		stored, dead  uint64
	}{
		{"a.ndjson", lines(0, 3), importer.FormLines, 3, 0},
		{"a.txt", lines(0, 3), importer.FormLines, 3, 0},
		{"windows.ndjson", "\ufeff" + strings.ReplaceAll(lines(0, 3), "\n", "\r\n"), importer.FormLines, 3, 0},
		{"bad-line.ndjson", event(0) + "\n{\"resourceType\":\n" + event(1) + "\nnonsense\n" + event(2), importer.FormLines, 3, 2},
		{"bad-line.txt", event(0) + "\n{\"resourceType\":\n" + event(1) + "\nnonsense\n" + event(2), importer.FormLines, 3, 2},
		{"bad-first.ndjson", "nonsense\n" + event(1), importer.FormLines, 1, 1},
		{"one.json", event(1), importer.FormJSON, 1, 0},
		{"pretty.json", "\ufeff" + indented(event(1)), importer.FormJSON, 1, 0},
		{"several.json", indented(event(1)) + "\n" + indented(event(2)), importer.FormJSON, 2, 0},
		{"one-line-first.json", event(1) + "\n" + indented(event(2)) + "\n" + indented(event(3)), importer.FormJSON, 3, 0},
		{"lines-then-pretty.json", lines(0, 3) + indented(event(4)), importer.FormJSON, 4, 0},
		{"empty-first.json", "{}\n" + indented(event(1)) + "\n", importer.FormJSON, 1, 1},
		{"bundle-on-one-line-first.json", bundle + "\n" + indented(event(3)), importer.FormJSON, 3, 1},
		{"open-bundle-behind.json", event(3) + "\n{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[\n{\"resource\":" + event(1) + "},\n{\"resource\":" + event(2) + "}\n]}\n", importer.FormJSON, 3, 0},
		{"open-to-the-end.json", event(0) + "\n{\"resourceType\":\"Bundle\",\"entry\":[\n" + event(1) + ",\n" + event(2) + "\n", importer.FormJSON, 1, 1},
		{"cut-in-a-text.txt", event(0) + "\n" + event(1)[:40] + "\n" + event(2) + "\n", importer.FormLines, 2, 1},
		{"cut-last-line.txt", event(0) + "\n" + event(1) + "\n" + event(2)[:60], importer.FormLines, 2, 1},
		{"blank-lines.txt", event(0) + "\n\n \n" + event(1) + "\n", importer.FormLines, 2, 0},
		{"array.json", "[\n" + event(1) + ",\n" + event(2) + "]", importer.FormJSON, 2, 0},
		{"bundle.json", bundle, importer.FormJSON, 2, 1},
		{"bundle-pretty.json", indented(bundle), importer.FormJSON, 2, 1},
		{"captured.json", head + "\r\n" + event(1), importer.FormHTTP, 1, 0},
		{"captured-lf.json", strings.ReplaceAll(head, "\r", "") + "\n" + indented(bundle), importer.FormHTTP, 2, 1},
		{"captured-chunked.json", head + "Transfer-Encoding: chunked\r\n\r\n" + chunked, importer.FormHTTP, 1, 0},
		{"a.ndjson.gz", gz(t, lines(0, 5)), importer.FormLines, 5, 0},
		{"broken-first.json", "{\"resourceType\":\n" + event(1) + "\n" + event(2), importer.FormJSON, 0, 1},
		{"unnamed", gz(t, indented(event(1))), importer.FormJSON, 1, 0},
		{"empty.json", " \n", importer.FormEmpty, 0, 0},
		{"nothing", "", importer.FormEmpty, 0, 0},
		{"truncated.json", indented(event(1))[:60], importer.FormJSON, 0, 1},
		{"a.xml", "\ufeff<?xml version=\"1.0\"?><AuditMessage/>", importer.FormXML, 0, 1},
		{"a.hl7", "MSH|^~\\&|A|B\rPID|1\r", importer.FormHL7v2, 0, 1},
		{"a.syslog", "<85>1 2026-01-01T00:00:00Z h a - IHE+RFC-3881 - <AuditMessage/>", importer.FormSyslog, 0, 1},
		{"framed.bin", "66 <85>1 2026-01-01T00:00:00Z h a - IHE+RFC-3881 - <AuditMessage/>", importer.FormSyslog, 0, 1},
		{"a.csv", "when,who,whom\n1,2,3\n", importer.FormDelimited, 0, 1},
		{"a.bin", "\x00\x01\x02", importer.FormUnknown, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil, nil)
			path := write(t, t.TempDir(), tt.name, tt.content)
			for range 2 {
				report := b.mustRun(importer.Command{Paths: []string{path}})
				if f := report.Files[0]; f.Form != tt.form {
					t.Fatalf("found to be %s", f.Form)
				}
				if report.In != tt.stored+tt.dead {
					t.Fatalf("counted %+v, faults %v", report.Total, report.Files[0].Faults)
				}
			}
			var stored, dead uint64
			for _, k := range b.Kept() {
				switch {
				case k.Item.GetAccess() != nil:
					stored++
				case k.Item.GetDeadLetter() != nil:
					dead++
					if tt.stored == 0 && !strings.Contains(tt.content, string(k.Sealed.Original)) {
						t.Error("the dead letter holds other bytes")
					}
				}
			}
			if stored != tt.stored || dead != tt.dead {
				t.Errorf("%d stored and %d dead letters after two imports, want %d and %d", stored, dead, tt.stored, tt.dead)
			}
		})
	}
}

// TestDirectory: context first, no documentation, marks around it all.
func TestDirectory(t *testing.T) {
	b := newBench(t, nil, nil)
	dir := t.TempDir()
	write(t, dir, "AuditEvent.ndjson", lines(0, 10))
	write(t, dir, "Patient.ndjson", `{"resourceType":"Patient","id":"1"}`+"\n")
	write(t, dir, "sub/Practitioner.ndjson.gz", gz(t, `{"resourceType":"Practitioner","id":"1"}`+"\n"))
	for _, name := range []string{"SOURCE.md", "LICENSE", "README.txt", ".hidden/x.json", "_schema/a.xsd", "labels.csv", "manifest.json", "package.json", "x.xsd"} {
		write(t, dir, name, "no data")
	}
	report := b.mustRun(importer.Command{Paths: []string{dir}, Backfill: true})
	if len(report.Files) != 3 || report.Total.Stored != 12 || len(report.Skipped) != 9 {
		t.Fatalf("%+v", report)
	}
	kept := b.Kept()
	if len(kept) != 14 {
		t.Fatalf("%d items", len(kept))
	}
	begin, end := kept[0].Item.GetImportMark(), kept[13].Item.GetImportMark()
	if begin.GetPhase() != v1.ImportMark_PHASE_BEGIN || !begin.Backfill || end.GetPhase() != v1.ImportMark_PHASE_END || end.Stored != 12 || !end.Backfill {
		t.Errorf("marks %v %v", begin, end)
	}
	if kept[1].Item.GetContext() == nil || kept[2].Item.GetContext() == nil || kept[3].Item.GetAccess() == nil {
		t.Error("context does not come first")
	}
	if !bytes.Equal(kept[5].Item.GetAccess().ImportId, begin.ImportId) {
		t.Error("events do not name their import")
	}
	again := b.mustRun(importer.Command{Paths: []string{filepath.Join(dir, "*.ndjson"), filepath.Join(dir, "sub")}})
	if again.Total.Duplicates != 12 || again.Total.Stored != 0 {
		t.Errorf("again: %+v", again.Total)
	}
}

func TestStandardInputAndDryRun(t *testing.T) {
	b := newBench(t, nil, nil)
	b.config.Stdin = strings.NewReader(lines(0, 100) + "nonsense\n")
	report := b.mustRun(importer.Command{Paths: []string{"-"}, DryRun: true})
	if report.Total.Stored != 100 || report.Total.DeadLetters != 1 || len(b.Kept()) != 0 {
		t.Fatalf("%+v, %d kept", report.Total, len(b.Kept()))
	}
	if !strings.Contains(b.out.String(), "standard input:101:1: invalid_json") || !strings.Contains(b.out.String(), "Dry run") {
		t.Errorf("the summary is\n%s", b.out.String())
	}
	b.config.Stdin = strings.NewReader(gz(t, lines(0, 100)))
	if report := b.mustRun(importer.Command{Paths: []string{"-"}, JSON: true}); report.Total.Stored != 100 {
		t.Errorf("%+v", report.Total)
	}
}

// TestInterrupted cuts the connection in the middle, again and again: the import gets through, nothing is lost and
// nothing counts twice.
func TestInterrupted(t *testing.T) {
	const n = 20_000
	for name, file := range map[string]func(testing.TB) (string, string){
		"plain": func(testing.TB) (string, string) { return "a.ndjson", lines(0, n) },
		"gzip":  func(t testing.TB) (string, string) { return "a.ndjson.gz", gz(t, lines(0, n)) },
		"bom":   func(testing.TB) (string, string) { return "a.ndjson", "\ufeff" + lines(0, n) },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			b := newBench(t, nil, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/import" && requests.Add(1) <= 3 {
						r.Body = &cutReader{ReadCloser: r.Body, left: 400_000 / map[bool]int64{true: 20, false: 1}[name == "gzip"]}
					}
					next.ServeHTTP(w, r)
				})
			})
			file, content := file(t)
			report := b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), file, content)}})
			if report.In < n || report.Total.DeadLetters != 0 || report.Total.Conflicts != 0 {
				t.Fatalf("%+v", report.Total)
			}
			if requests.Load() != 4 {
				t.Errorf("%d requests", requests.Load())
			}
			seen := map[string]bool{}
			for _, k := range b.Kept() {
				if a := k.Item.GetAccess(); a != nil {
					if seen[a.SourceEventId] {
						t.Fatal("an event stands twice")
					}
					seen[a.SourceEventId] = true
				}
			}
			if len(seen) != n {
				t.Errorf("%d of %d events", len(seen), n)
			}
		})
	}
}

// cutReader fails after some bytes, as a connection does.
type cutReader struct {
	io.ReadCloser
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF // as net/http has it
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// TestResume: a server that stays away ends the run; --resume goes on with the same import, where it stopped.
func TestResume(t *testing.T) {
	const n = 30_000
	b := newBench(t, nil, nil)
	appends := 0
	b.Fail = func(entries []ingest.Entry) error {
		if entries[0].Item.GetImportMark() == nil {
			if appends++; appends > 2 {
				return fmt.Errorf("full: %w", ingest.ErrBusy)
			}
		}
		return nil
	}
	dir := t.TempDir()
	paths := []string{write(t, dir, "first.ndjson", lines(0, 10)), write(t, dir, "second.ndjson", lines(10, n))}
	report, err := b.run(importer.Command{Paths: paths})
	if err == nil || report.Total.Stored == 0 || report.Total.Stored >= n {
		t.Fatalf("%+v, %v", report.Total, err)
	}
	b.Fail = nil
	rest := b.mustRun(importer.Command{Paths: paths, Resume: true})
	if rest.ImportID != report.ImportID || !rest.Files[0].Resumed {
		t.Errorf("%+v", rest)
	}
	if got := report.Total.Stored + rest.Total.Stored; got != n || rest.Total.Duplicates != 0 {
		t.Errorf("%d stored before, %+v after", report.Total.Stored, rest.Total)
	}
	marks := 0
	for _, k := range b.Kept() {
		if k.Item.GetImportMark() != nil {
			marks++
		}
	}
	if marks != 2 {
		t.Errorf("%d marks", marks)
	}
}

// TestPlainProgress: without a terminal, a line now and then.
func TestPlainProgress(t *testing.T) {
	b := newBench(t, nil, nil)
	var progress bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.config.Progress, b.config.Now = &progress, func() time.Time { now = now.Add(6 * time.Second); return now }
	path := write(t, t.TempDir(), "a.ndjson", lines(0, 20_000))
	b.mustRun(importer.Command{Paths: []string{path}})
	if !strings.Contains(progress.String(), "a.ndjson: ") || !strings.Contains(progress.String(), "entries, ") || strings.Contains(progress.String(), "\r") {
		t.Errorf("progress is\n%s", progress.String())
	}
	if !strings.Contains(b.out.String(), "stored") || !strings.Contains(b.out.String(), "20000") {
		t.Errorf("the summary is\n%s", b.out.String())
	}
}

// TestBarLine: the line never fills the terminal, which would wrap it, and says what matters most for as long as it can.
func TestBarLine(t *testing.T) {
	const name, state = "exports/2026/AuditEvent.ndjson.gz", "237.4k entries, 11.5k/s, 26s left"
	for width := range 200 {
		for _, share := range []float64{-1, 0, 0.431, 1} {
			line := importer.BarLine(width, "7/17 ", name, state, share)
			if n := utf8.RuneCountInString(line); n > max(width-1, 0) {
				t.Errorf("%d characters on a terminal of %d: %q", n, width, line)
			}
			if width > len(state)+6 && !strings.Contains(line, state) {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
	for width, want := range map[int]string{
		110: "7/17 exports/2026/AuditEvent.ndjson.gz  ██████░░░░░░░░░░  43%  237.4k entries, 11.5k/s, 26s left",
		80:  "7/17 …Event.ndjson.gz  ██████░░░░░░░░░░  43%  237.4k entries, 11.5k/s, 26s left",
		60:  "██████░░░░░░░░░░  43%  237.4k entries, 11.5k/s, 26s left",
		40:  "43%  237.4k entries, 11.5k/s, 26s left",
		24:  "43%  237.4k entries, 11",
	} {
		if got := importer.BarLine(width, "7/17 ", name, state, 0.431); got != want {
			t.Errorf("width %d\n got %s\nwant %s", width, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t, func(cfg *importer.ServerConfig) {
		cfg.Source = func(string) (ingest.Source, bool) { return ingest.Source{}, false }
	}, nil)
	_, err := b.run(importer.Command{Paths: []string{write(t, t.TempDir(), "a.ndjson", lines(0, 1))}})
	if err == nil || !strings.Contains(err.Error(), "not registered") {
		t.Errorf("got %v", err)
	}
	large := write(t, t.TempDir(), "large.ndjson", lines(0, 50_000))
	if _, err := b.run(importer.Command{Paths: []string{large}, DryRun: true}); err == nil || !strings.Contains(err.Error(), "not registered") {
		t.Errorf("a dry run: %v", err)
	}
	if _, err := b.run(importer.Command{Paths: []string{"/no/such/file"}}); err == nil {
		t.Error("a missing file is no error")
	}
	if _, err := b.run(importer.Command{Paths: []string{filepath.Join(t.TempDir(), "*.json")}}); err == nil {
		t.Error("a pattern without a match is no error")
	}
}

// TestLongLines: a line without end costs bounded memory and one dead letter; the line behind it lands.
func TestLongLines(t *testing.T) {
	b := newBench(t, nil, nil)
	content := event(1) + "\n{\"resourceType\":\"" + strings.Repeat("x", 20<<20) + "\n" + event(2) + "\n"
	report := b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "a.ndjson.gz", gz(t, content))}})
	if report.Total.Stored != 2 || report.Total.DeadLetters != 1 {
		t.Fatalf("%+v", report.Total)
	}
	note := fmt.Sprintf("(only the first %d bytes are kept)", ingest.MaxDeadLetterBytes)
	for _, k := range b.Kept() {
		if d := k.Item.GetDeadLetter(); d != nil && (d.Line != 2 || d.SizeBytes != 20<<20+17 || !strings.HasSuffix(d.Message, note) || d.Reason != ingest.ReasonTooLarge || len(k.Sealed.Original) != ingest.MaxDeadLetterBytes) {
			t.Errorf("%v with %d bytes", d, len(k.Sealed.Original))
		}
	}
}

// TestLongDocument: a document beyond the limit is one dead letter that says how much is missing.
func TestLongDocument(t *testing.T) {
	b := newBench(t, nil, nil)
	content := "{\n\"resourceType\":\"" + strings.Repeat("x", 70<<20) + "\n" + event(1)
	report := b.mustRun(importer.Command{Paths: []string{write(t, t.TempDir(), "a.json.gz", gz(t, content))}})
	if report.Total.Stored != 0 || report.Total.DeadLetters != 1 {
		t.Fatalf("%+v", report.Total)
	}
	for _, k := range b.Kept() {
		if d := k.Item.GetDeadLetter(); d != nil && (d.SizeBytes != uint64(len(content)) || !strings.HasSuffix(d.Message, "bytes are kept)")) {
			t.Errorf("%v, the document has %d bytes", d, len(content))
		}
	}
}

// rows is a decoder for tests: each line is a context fact, "!" cannot be read.
type rows struct{}

func (rows) DecodeFile(_ context.Context, src ingest.Source, file importer.File, emit func([]ingest.Entry) error) error {
	data, err := io.ReadAll(file.Body)
	if err != nil {
		return err
	}
	if string(data) == "!" || file.Mapping == "" && file.MappingText == nil {
		return &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "name a mapping"}
	}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		id := proto.NewEventID(proto.EventIdentity{Source: src.Name, Key: []byte(line)})
		fact := &v1.ContextFact{EventId: id.Bytes(), Source: src.Name, ResourceType: "Row", ResourceId: fmt.Sprint(i), ImportId: file.ImportID}
		if err := emit([]ingest.Entry{{Item: &v1.Item{Body: &v1.Item_Context{Context: fact}}, ID: id, Content: proto.HashContent([]byte(line)), Source: src.Name}}); err != nil {
			return err
		}
	}
	return nil
}

func TestOtherDecoders(t *testing.T) {
	b := newBench(t, func(cfg *importer.ServerConfig) {
		cfg.Decoders = map[importer.Form]importer.Decoder{importer.FormDelimited: rows{}}
	}, nil)
	dir := t.TempDir()
	path := write(t, dir, "a.csv", "a,b,c\n1,2,3\n")
	if report := b.mustRun(importer.Command{Paths: []string{path}}); report.Total.DeadLetters != 1 {
		t.Fatalf("%+v", report.Total)
	}
	for _, k := range b.Kept() {
		if k.Item.GetDeadLetter() != nil && string(k.Sealed.Original) != "a,b,c\n1,2,3\n" {
			t.Errorf("kept %q", k.Sealed.Original)
		}
	}
	if report := b.mustRun(importer.Command{Paths: []string{path}, Mapping: "epic"}); report.Total.Stored != 2 {
		t.Errorf("%+v", report.Total)
	}
	if report := b.mustRun(importer.Command{Paths: []string{path}, Mapping: write(t, dir, "m.yaml", "x: y")}); report.Total.Duplicates != 2 {
		t.Errorf("%+v", report.Total)
	}
}

// TestCorpora imports everything that real senders left, twice: all of it is accounted for both times.
func TestCorpora(t *testing.T) {
	dir := ingesttest.Corpora(t)
	delimited, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(cfg *importer.ServerConfig) {
		cfg.Decoders = map[importer.Form]importer.Decoder{importer.FormDelimited: delimited}
	}, nil)
	first := b.mustRun(importer.Command{Paths: []string{dir}})
	t.Logf("%d files, in %d = %+v; %d skipped", len(first.Files), first.In, first.Total, len(first.Skipped))
	for _, f := range first.Files {
		if f.Form != importer.FormJSON && f.Form != importer.FormLines && f.Form != importer.FormDelimited && f.Counts.DeadLetters > 1 {
			t.Errorf("%s (%s): %d dead letters for one file", f.Name, f.Form, f.Counts.DeadLetters)
		}
	}
	items := len(b.Kept())
	second := b.mustRun(importer.Command{Paths: []string{dir}})
	if second.Total.Stored+second.Total.DeadLetters+second.Total.Conflicts != 0 {
		t.Errorf("again: %+v", second.Total)
	}
	if second.In != first.In || len(b.Kept()) != items+2 {
		t.Errorf("in %d and then %d, %d items and then %d", first.In, second.In, items, len(b.Kept()))
	}
}

// TestDetectFormIsQuick: nobody makes the server look again and again at what seems to begin something.
func TestDetectFormIsQuick(t *testing.T) {
	text := []byte("{}\n" + strings.Repeat("[\n", 30_000) + "x\n")
	begin := time.Now()
	if form := importer.DetectForm("x.json", text); form != importer.FormLines {
		t.Errorf("found to be %s", form)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestDetectFormNeverPanics(*testing.T) {
	for _, s := range []string{"{", "[", "<", "HTTP/", "1", "12345678 ", "MSH", "\xef\xbb\xbf", "a,b\n", "\n\n", "{\n\n"} {
		for i := range len(s) + 1 {
			importer.DetectForm("x", []byte(s[:i]))
		}
	}
}
