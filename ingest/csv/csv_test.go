package csv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func vienna(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func emr(t testing.TB) ingest.Source {
	return ingest.Source{Name: "emr", Zone: vienna(t), Policy: v1.IdentityPolicy_IDENTITY_POLICY_CONTENT, PatientSystem: "urn:oid:1.2.3"}
}

func preset(t testing.TB, name string) *csv.Mapping {
	t.Helper()
	m, err := csv.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// decode returns what a file holds: events and facts, and dead letters.
func decode(t testing.TB, m *csv.Mapping, text string) (good, bad []ingest.Entry) {
	t.Helper()
	cfg := csv.Config{Mapping: m, Source: emr(t), Origin: "file.txt", ImportID: []byte("import")}
	err := csv.Decode(t.Context(), cfg, strings.NewReader(text), func(b csv.Batch) error {
		for _, e := range b.Entries {
			if e.Item.GetDeadLetter() != nil {
				bad = append(bad, e)
			} else {
				good = append(good, e)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return good, bad
}

const epicHeader = "ACCESS_INSTANT\tPROCESS_ID\tACCESS_TIME\tUSER_ID\tWORKSTATION_ID\tDEPARTMENT_NAME\tMETRIC_ID\tMETRIC_NAME\tPAT_ID\tCSN"

// TestOneBadQuoteCostsOneLine puts a quote that is not closed before good rows.
func TestOneBadQuoteCostsOneLine(t *testing.T) {
	m := preset(t, "epic-clarity")
	row := func(i int, department string) string {
		return fmt.Sprintf("%d\t2\t2026-03-02 13:45:10\tU1\tWS1\t%s\t17\tChart Review\tZ100\t4711\n", i, department)
	}
	for name, others := range map[string]string{"plain rows": "ED", "quoted rows": `"E ""D"" "`, "empty quotes": `""`} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			text.WriteString(epicHeader + "\n")
			for i := range 1000 {
				if i == 10 || i == 500 {
					text.WriteString(row(i, `"open`))
				} else {
					text.WriteString(row(i, others))
				}
			}
			good, bad := decode(t, m, text.String())
			if len(good) != 998 || len(bad) != 2 {
				t.Fatalf("%d events, %d dead letters", len(good), len(bad))
			}
			for i, line := range []uint64{12, 502} {
				if l := bad[i].Item.GetDeadLetter(); l.Line != line {
					t.Errorf("dead letter %d at line %d, want %d", i, l.Line, line)
				}
			}
		})
	}
}

func TestLongLinesAreDeadLettersWhole(t *testing.T) {
	m := preset(t, "epic-clarity")
	long := strings.Repeat("x", 5<<20/2) + "\n"
	good := "1\t2\t2026-03-02 13:45:10\tU1\tWS1\tED\t17\tChart Review\tZ100\t4711\n"
	events, bad := decode(t, m, epicHeader+"\n"+good+long+good)
	if len(events) != 2 || len(bad) != 3 {
		t.Fatalf("%d events, %d dead letters", len(events), len(bad))
	}
	var kept strings.Builder
	for _, b := range bad {
		kept.Write(b.Sealed.Original)
		if b.Item.GetDeadLetter().Line != 3 {
			t.Errorf("dead letter at line %d", b.Item.GetDeadLetter().Line)
		}
	}
	if kept.String() != long {
		t.Error("bytes of the long line are gone")
	}
}

func TestEncodings(t *testing.T) {
	const mapping = "name: t\ntime: {zone: source, layouts: [\"2006-01-02 15:04:05\"]}\nidentity: {policy: content}\n" +
		"event: {occurred: WHEN, reader.id: WHO, reader.name: NAME}\nfile: {encoding: %s}\n"
	for encoding, want := range map[string]string{"latin-1": "M\u00fcller \u0080", "windows-1252": "Müller €"} {
		m, err := csv.Parse(fmt.Appendf(nil, mapping, encoding))
		if err != nil {
			t.Fatal(err)
		}
		good, _ := decode(t, m, "WHEN;WHO;NAME\n2026-01-02 03:04:05;u;M\xfcller \x80\n")
		if got := good[0].Item.GetAccess().Reader.Name; got != want {
			t.Errorf("%s: %q", encoding, got)
		}
	}
	m, err := csv.Parse(fmt.Appendf(nil, mapping, "utf-8"))
	if err != nil {
		t.Fatal(err)
	}
	good, bad := decode(t, m, "WHEN;WHO;NAME\n2026-01-02 03:04:05;u;M\xfcller\n2026-01-02 03:04:05;u;Müller\n")
	if len(good) != 1 || len(bad) != 1 {
		t.Fatalf("%d events, %d dead letters", len(good), len(bad))
	}
	if l := bad[0].Item.GetDeadLetter(); l.Reason != ingest.ReasonInvalidUTF8 || l.Line != 2 || l.Column != 24 || l.Element != "NAME" {
		t.Errorf("dead letter: %v", l)
	}
	err = csv.Decode(t.Context(), csv.Config{Mapping: m, Source: emr(t)}, strings.NewReader("\xff\xfeW\x00"), func(csv.Batch) error { return nil })
	if bad := (*ingest.DecodeError)(nil); !errors.As(err, &bad) || bad.Reason != ingest.ReasonUnsupportedFormat {
		t.Errorf("UTF-16: %v", err)
	}
}

func TestIdentityPolicies(t *testing.T) {
	const mapping = "name: t\ntime: {zone: source, layouts: [\"2006-01-02 15:04:05\"]}\ndrop: [NOTE]\nidentity: %s\n" +
		"event: {occurred: WHEN, reader.id: WHO}\n"
	const text = "ID,WHEN,WHO,NOTE\n1,2026-01-02 03:04:05,u,a\n1,2026-01-02 03:04:05,u,b\n2,2026-01-02 03:04:05,u,\n"
	// The same rows, written otherwise.
	const again = "WHO|NOTE|ID|WHEN\r\n\"u\"|a|1|2026-01-02 03:04:05\r\nu |b| 1|2026-01-02 03:04:05\r\nu||2|2026-01-02 03:04:05"
	for policy, distinct := range map[string]int{
		"{policy: native, columns: [ID]}": 2, "{policy: content}": 2, "{policy: content+ordinal}": 3, "{policy: source}": 2,
	} {
		m, err := csv.Parse(fmt.Appendf(nil, mapping, policy))
		if err != nil {
			t.Fatal(err)
		}
		one, _ := decode(t, m, text)
		two, _ := decode(t, m, again)
		ids := map[proto.EventID]bool{}
		for i := range one {
			ids[one[i].ID] = true
			if one[i].ID != two[i].ID || one[i].Content != two[i].Content {
				t.Errorf("%s: row %d is another event when written otherwise", policy, i)
			}
		}
		if len(ids) != distinct {
			t.Errorf("%s: %d events, want %d", policy, len(ids), distinct)
		}
	}
}

// TestResume decodes a file from each of its batches on: the same entries come, ordinals included.
func TestResume(t *testing.T) {
	var text strings.Builder
	text.WriteString(epicHeader + "\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "%d\t2\t2026-03-02 13:45:10\tU1\tWS1\tED\t17\tChart Review\tZ100\t4711\n", i%10)
	}
	cfg := csv.Config{Mapping: preset(t, "epic-clarity"), Source: emr(t)}
	var all []ingest.Entry
	ends := map[int64]int{0: 0}
	run := func(from int64) (out []ingest.Entry) {
		cfg.From = from
		if err := csv.Decode(t.Context(), cfg, strings.NewReader(text.String()), func(b csv.Batch) error {
			out = append(out, b.Entries...)
			if from == 0 {
				ends[b.Offset] = len(out)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	all = run(0)
	if len(ends) < 3 {
		t.Fatalf("%d batches", len(ends))
	}
	for from, n := range ends {
		got := run(from)
		if len(got) != len(all)-n {
			t.Fatalf("from %d: %d entries, want %d", from, len(got), len(all)-n)
		}
		for i := range got {
			if got[i].ID != all[n+i].ID {
				t.Fatalf("from %d: entry %d differs", from, i)
			}
		}
	}
}

func TestBrokenReader(t *testing.T) {
	text := epicHeader + "\n1\t2\t2026-03-02 13:45:10\tU1\tWS1\tED\t17\tChart Review\tZ100\t4711\n1\t2\t2026-0"
	broken := errors.New("cable")
	n := 0
	err := csv.Decode(t.Context(), csv.Config{Mapping: preset(t, "epic-clarity"), Source: emr(t)},
		&failing{Reader: strings.NewReader(text), err: broken}, func(b csv.Batch) error { n += len(b.Entries); return nil })
	if !errors.Is(err, broken) || n != 1 {
		t.Errorf("%d entries, %v", n, err)
	}
}

type failing struct {
	*strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil {
		err = f.err
	}
	return n, err
}

func TestFileThatDoesNotFit(t *testing.T) {
	m := preset(t, "epic-clarity")
	for name, text := range map[string]string{
		"empty": "", "column missing": "A\tB\n1\t2\n", "column twice": epicHeader + "\tCSN\n", "column unnamed": "A\t\tB\n",
		"header quote": "\"ACCESS", "only a mark": "\xef\xbb\xbf",
	} {
		err := csv.Decode(t.Context(), csv.Config{Mapping: m, Source: emr(t)}, strings.NewReader(text), func(csv.Batch) error { return nil })
		if bad := (*ingest.DecodeError)(nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := csv.Decode(canceled, csv.Config{Mapping: m, Source: emr(t)}, strings.NewReader(epicHeader+"\n"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestDryRun(t *testing.T) {
	var text strings.Builder
	text.WriteString(epicHeader + "\n")
	for i := range 2000 {
		when := "2026-03-02 13:45:10"
		if i%2 == 1 {
			when = "never"
		}
		fmt.Fprintf(&text, "%d\t2\t%s\tU1\x1b[31m\tWS1\tED\t17\tChart Review\tZ100\t4711\n", i, when)
	}
	p, err := csv.DryRun(t.Context(), csv.Config{Mapping: preset(t, "epic-clarity"), Source: emr(t)}, strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if p.Rows != 2000 || p.Bad != 1000 || len(p.First) != 20 || len(p.Errors) != 1000 || p.More != 0 {
		t.Errorf("%d rows, %d bad, %d shown, %d errors", p.Rows, p.Bad, len(p.First), len(p.Errors))
	}
	if e := p.Errors[0]; e.Line != 3 || e.Column != 5 || e.Name != "ACCESS_TIME" {
		t.Errorf("first error: %+v", e)
	}
	var table, object bytes.Buffer
	if err := errors.Join(p.WriteTable(&table), p.WriteJSON(&object)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "urn:oid:1.2.3|Z100") || strings.Contains(table.String(), "\x1b") || !strings.Contains(object.String(), `"line": 3`) {
		t.Errorf("table: %.500s", table.String())
	}
	p, err = csv.DryRun(t.Context(), csv.Config{Mapping: preset(t, "epic-clarity"), Source: emr(t)}, strings.NewReader("A,B\n"))
	if err != nil || len(p.Errors) != 1 || p.Errors[0].Line != 1 {
		t.Errorf("file that does not fit: %+v, %v", p, err)
	}
}

func TestRetry(t *testing.T) {
	broken := "1\t2\tyesterday\tU1\tWS1\tED\t17\tChart Review\tZ100\t4711\n"
	_, bad := decode(t, preset(t, "epic-clarity"), epicHeader+"\n"+broken)
	fixed, err := csv.Parse([]byte("extends: epic-clarity\nname: epic-clarity\ntime: {layouts: [yesterday2006, \"2006-01-02 15:04:05\"]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	letter, sealed := bad[0].Item.GetDeadLetter(), bad[0].Sealed
	_, err = plain.Retry(emr(t), letter.Format, sealed.MediaType, sealed.Original, nil)
	if still := (*ingest.DecodeError)(nil); !errors.As(err, &still) || still.Element != "ACCESS_TIME" {
		t.Errorf("retry without change: %v", err)
	}
	better, err := csv.NewImporter(csv.ImporterConfig{Mappings: map[string]*csv.Mapping{"epic-clarity": fixed}})
	if err != nil {
		t.Fatal(err)
	}
	good := strings.Replace(broken, "yesterday", "2026-03-02 13:45:10", 1)
	entries, err := better.Retry(emr(t), letter.Format, sealed.MediaType, []byte(good), nil)
	if err != nil || len(entries) != 1 || entries[0].Item.GetAccess().Workstation != "WS1" {
		t.Errorf("retry: %v, %v", entries, err)
	}
}
