package csv_test

import (
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/csv"
)

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
