package csv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
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

func TestEpic(t *testing.T) {
	rows := []string{
		"5987654321\t77\t2026-03-02 13:45:10\tU1\tWS1\tEMERGENCY\t17\tChart Review\tZ100\t4711\r\n",
		"5987654322\t77\t2026-03-02 13:45\tU1\tWS1\tEMERGENCY\t9\tPatient Lists\t\t\n",
		"5987654323\t78\t3/2/2026 1:45:00 PM\tU2\t\t\"ICU, \"\"North\"\"\"\t20\tPrint AVS\tZ101\tNULL\n",
		"5987654323\t78\t3/2/2026 1:45:00 PM\tU2\t\t\"ICU, \"\"North\"\"\"\t20\tPrint AVS\tZ101\tNULL\n",
		"5987654324\t79\tyesterday\tU2\t\tICU\t20\tPrint AVS\tZ101\t1\n",
		"5987654325\t79\t2026-03-02 13:46:00\tU2\tICU\n",
		"5987654326\t79\t2026-03-02 13:47:00\tU3\t\tbed 5\" wide\t20\tChart Review\tZ102\t1",
	}
	text := "\xef\xbb\xbf" + epicHeader + "\r\n" + strings.Join(rows, "")
	m, ok := csv.Detect([]byte(text))
	if !ok || m.Name != "epic-clarity" {
		t.Fatalf("detected %v", m)
	}
	good, bad := decode(t, m, text)
	if len(good) != 5 || len(bad) != 2 {
		t.Fatalf("%d events, %d dead letters", len(good), len(bad))
	}
	for i, want := range []int{0, 1, 2, 3, 6} {
		if string(good[i].Sealed.Original) != rows[want] {
			t.Errorf("event %d: the original is not the row", i)
		}
	}
	e := good[0].Item.GetAccess()
	want := &v1.AccessEvent{
		EventId: e.EventId, Source: "emr", Format: "csv:epic-clarity", ImportId: []byte("import"),
		OccurredUs: time.Date(2026, 3, 2, 12, 45, 10, 0, time.UTC).UnixMicro(),
		Action:     v1.Action_ACTION_READ, ActionCode: "Chart Review", Type: &v1.Coding{System: "urn:readtrail:epic:metric", Code: "17"},
		Patients:    []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "urn:oid:1.2.3", Value: "Z100"}}}},
		Objects:     []*v1.Object{{Type: "Chart Review"}},
		Encounter:   &v1.Identifier{System: "urn:readtrail:epic:csn", Value: "4711"},
		Reader:      &v1.Reader{Identifiers: []*v1.Identifier{{System: "source:emr", Value: "U1"}}, Department: "EMERGENCY"},
		Workstation: "WS1", Session: "77",
		Extensions: []*v1.Extension{{Name: "ACCESS_INSTANT", Value: "5987654321"}},
	}
	if diff := cmp.Diff(want, e, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	list := good[1].Item.GetAccess()
	if len(list.Patients) != 0 || !cmp.Equal(list.Flags, []string{"occurred_to_the_minute"}) {
		t.Errorf("list screen: %d patients, flags %v", len(list.Patients), list.Flags)
	}
	if d := good[2].Item.GetAccess(); d.Reader.Department != `ICU, "North"` || d.Action != v1.Action_ACTION_PRINT || d.Encounter != nil {
		t.Errorf("quoted row: %v", d)
	}
	if good[2].ID == good[3].ID {
		t.Error("equal rows of one file are one event")
	}
	if good[4].Item.GetAccess().Reader.Department != `bed 5" wide` {
		t.Error("a quote within a field is not text")
	}
	places := []struct {
		line, column uint64
		element      string
	}{{6, 15, "ACCESS_TIME"}, {7, 41, ""}}
	for i, b := range bad {
		l := b.Item.GetDeadLetter()
		if l.Line != places[i].line || l.Column != places[i].column || l.Element != places[i].element || l.Origin != "file.txt" {
			t.Errorf("dead letter %d: %v", i, l)
		}
		if string(b.Sealed.Original) != rows[4+i] {
			t.Errorf("dead letter %d: the original is not the row", i)
		}
	}
}

func TestEpicBreakGlassByPipe(t *testing.T) {
	text := strings.ReplaceAll(epicHeader, "\t", "|") + "|ZC_BTG_REASON.NAME|PAT_BTG_AUDIT.BTG_EXPLANATION\n" +
		"1|2|2026-03-02 13:45:10|U1|WS1|ED|17|Chart Review|Z100|4711|Direct care|\"patient came in | unconscious\nand alone\"\n" +
		"1|2|2026-03-02 13:45:11|U1|WS1|ED|17|Chart Review|Z100|4711||\n"
	m, _ := csv.Detect([]byte(text))
	good, bad := decode(t, m, text)
	if len(good) != 2 || len(bad) != 0 {
		t.Fatalf("%d events, %d dead letters", len(good), len(bad))
	}
	e := good[0].Item.GetAccess()
	if !e.BreakGlass || e.BreakGlassReason.GetCode() != "Direct care" || len(e.Extensions) != 1 {
		t.Errorf("break-glass: %v", e)
	}
	if got := good[0].Sealed.FreeText.GetBreakGlassText(); got != "patient came in | unconscious\nand alone" {
		t.Errorf("text %q", got)
	}
	if good[1].Item.GetAccess().BreakGlass {
		t.Error("break-glass without a reason")
	}
}

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

func TestContextPresets(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"hr-staff": {
			"EMPLOYEE_ID;USER_ID;FIRST_NAME;LAST_NAME;DEPARTMENT;JOB_TITLE;START_DATE;END_DATE;EMAIL\nE1;u1;Eva;Huber;ICU;Nurse;2020-01-01;;\n",
			[]string{
				`{"id":"E1","identifier":[{"system":"source:emr","value":"u1"}],"resourceType":"Practitioner","name":[{"family":"Huber","given":["Eva"]}]}`,
				`{"id":"E1/ICU/Nurse","resourceType":"PractitionerRole","code":[{"text":"Nurse"}],"organization":{"display":"ICU"},"period":{"start":"2020-01-01"},"practitioner":{"reference":"Practitioner/E1"}}`,
			},
		},
		"roster": {
			"EMPLOYEE_ID,DEPARTMENT,SHIFT_START,SHIFT_END\nE1,ICU,2026-07-01 07:00,2026-07-01 19:00\n",
			[]string{`{"id":"E1/2026-07-01 07:00","resourceType":"Slot","contained":[{"actor":[{"reference":"Practitioner/E1"},{"display":"ICU"}],"id":"schedule","resourceType":"Schedule"}],"end":"2026-07-01T19:00:00+02:00","schedule":{"reference":"#schedule"},"start":"2026-07-01T07:00:00+02:00","status":"busy"}`},
		},
		"watch-list": {
			"LIST\tPATIENT_ID\tREASON\tADDED\nVIP\tZ1\tmayor\t2026-01-01\n",
			[]string{`{"id":"VIP/Z1","resourceType":"WatchListEntry","list":"VIP","reason":"mayor","subject":{"identifier":{"system":"urn:oid:1.2.3","value":"Z1"}}}`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m, ok := csv.Detect([]byte(tc.text))
			if !ok || m.Name != name {
				t.Fatalf("detected %v", m)
			}
			good, bad := decode(t, m, tc.text)
			if len(bad) > 0 {
				t.Fatalf("dead letter: %v", bad[0].Item.GetDeadLetter())
			}
			var got []string
			for _, e := range good {
				got = append(got, string(e.Item.GetContext().Resource))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMappingsAreChecked(t *testing.T) {
	const good = "name: t\ntime: {zone: UTC, layouts: [\"2006-01-02 15:04:05\"]}\nidentity: {policy: content}\nevent: {occurred: A}\n"
	if _, err := csv.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown key":         good + "colour: red\n",
		"unknown inner key":   strings.Replace(good, "occurred: A", "occurred: {column: A, colour: red}", 1),
		"unknown field":       strings.Replace(good, "occurred: A", "occurred: A, mood: B", 1),
		"unknown word":        strings.Replace(good, "occurred: A", "occurred: A, action: {column: B, values: {x: peek}}", 1),
		"no occurred":         strings.Replace(good, "occurred: A", "reader.id: A", 1),
		"no zone":             strings.Replace(good, "zone: UTC, ", "", 1),
		"bad zone":            strings.Replace(good, "zone: UTC", "zone: Mars", 1),
		"no seconds":          strings.Replace(good, "15:04:05", "15:04", 1),
		"no identity":         strings.Replace(good, "identity: {policy: content}\n", "", 1),
		"native, no columns":  strings.Replace(good, "content", "native", 1),
		"zone abbreviation":   strings.Replace(good, "15:04:05", "15:04:05 MST", 1),
		"header and columns":  good + "file: {columns: [A]}\n",
		"no header, none":     good + "file: {header: false}\n",
		"delimiter":           good + "file: {delimiter: ab}\n",
		"two documents":       good + "---\n" + good,
		"column and constant": strings.Replace(good, "occurred: A", "occurred: {column: A, const: b}", 1),
		"bad preset":          "extends: none\n",
		"not YAML":            "\t:",
	} {
		if _, err := csv.Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	m, err := csv.Parse([]byte("extends: epic-clarity\nname: epic-europe\ntime: {layouts: [\"02.01.2006 15:04:05\"]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Time.Zone != "source" || len(m.Time.Layouts) != 1 || len(m.Event) < 5 || m.Name != "epic-europe" {
		t.Errorf("extended: %+v", m.Time)
	}
	for _, name := range csv.Presets() {
		preset(t, name)
	}
}

func TestTimes(t *testing.T) {
	zone := vienna(t)
	layouts := csv.Time{Layouts: []string{"2006-01-02 15:04:05"}, Ambiguous: "earlier", Nonexistent: "shift"}
	cases := []struct{ policy, text, want, flag string }{
		{"", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z", ""},
		{"", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z", "occurred_ambiguous"},
		{"later", "2026-10-25 02:30:00", "2026-10-25T01:30:00Z", "occurred_ambiguous"},
		{"refuse", "2026-10-25 02:30:00", "", ""},
		{"", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z", ""},
		{"", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z", ""},
		{"", "2026-03-29 02:30:00", "2026-03-29T01:30:00Z", "occurred_nonexistent"},
		{"refuse", "2026-03-29 02:30:00", "", ""},
		{"", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z", ""},
		{"", "2026-07-01 12:00:00.123456", "2026-07-01T10:00:00.123456Z", ""},
		{"", "2026-02-30 12:00:00", "", ""},
		{"", "2026-07-01", "", ""},
	}
	for _, tc := range cases {
		times := layouts
		if tc.policy != "" {
			times.Ambiguous, times.Nonexistent = tc.policy, tc.policy
		}
		at, flags, err := csv.ParseTime(times, zone, tc.text)
		if (err != nil) != (tc.want == "") {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if err == nil && (at[0].Format(time.RFC3339Nano) != tc.want || flags[0] != tc.flag) {
			t.Errorf("%s %s: %v %v", tc.text, tc.policy, at, flags)
		}
	}
	at, _, err := csv.ParseTime(csv.Time{Layouts: []string{"unix_ms"}}, zone, "1767312000123")
	if err != nil || at[0].UnixMilli() != 1767312000123 {
		t.Errorf("unix_ms: %v %v", at, err)
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

// TestCorpus takes the two layouts of the hospital web app: every row is an event.
func TestCorpus(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "hospital-web-app-behaviour-csv")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpora beside the repository: %v", err)
	}
	im, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		format string
		rows   int
	}{
		"hospital_behavior_dataset_20250920_164513.csv": {"csv:hospital-web-app-simulated", 5000},
		// SOURCE.md counts line ends; the last row has none.
		"hospital_behavior_dataset_2025-10-17.csv": {"csv:hospital-web-app-logged", 206},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			var originals bytes.Buffer
			actions, ids := map[v1.Action]int{}, map[proto.EventID]bool{}
			rows := 0
			err = im.DecodeFile(t.Context(), emr(t), importer.File{Name: name, Body: bytes.NewReader(content)}, func(entries []ingest.Entry) error {
				for _, e := range entries {
					rows++
					originals.Write(e.Sealed.Original)
					a := e.Item.GetAccess()
					if a == nil {
						t.Fatalf("dead letter: %v", e.Item.GetDeadLetter())
					}
					if a.Format != want.format || a.OccurredUs == 0 || a.Outcome == 0 || proto.ReaderKey(a) == "" || a.NetworkAddress == "" || a.Reader.Role == nil {
						t.Fatalf("row %d: incomplete", rows)
					}
					actions[a.Action]++
					ids[e.ID] = true
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if rows != want.rows || len(ids) != rows {
				t.Errorf("%d rows, %d ids, want %d", rows, len(ids), want.rows)
			}
			_, body, _ := bytes.Cut(content, []byte{'\n'})
			if !bytes.Equal(originals.Bytes(), body) {
				t.Error("the originals together are not the file")
			}
			t.Logf("actions: %v", actions)
		})
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
