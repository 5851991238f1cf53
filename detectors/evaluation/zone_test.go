package evaluation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// eventsIn are looks every six hours of some days, stated as clocks of a zone show them; those of utc in UTC.
func eventsIn(t *testing.T, from string, days int, zone string, utc bool) string {
	t.Helper()
	in, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.DateOnly, from)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range 4 * days {
		local := at.Add(time.Duration(i) * 6 * time.Hour).In(in)
		if utc {
			local = local.UTC()
		}
		b.WriteString(event(fmt.Sprintf("%s-%s-%d-%v", zone, from, i, utc), "Practitioner/w", "Patient/p", local.Format(time.RFC3339)))
	}
	return b.String()
}

// TestZone: days are local, also where clocks change within a dataset, and a few events of another site change nothing.
func TestZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, events, want string }{
		{"no change of clocks", eventsIn(t, "2026-01-05", 20, "America/Chicago", false), "UTC-06:00"},
		{"clocks go forward", eventsIn(t, "2026-03-02", 30, "America/Chicago", false), "America/Chicago"},
		{"clocks go back", eventsIn(t, "2025-10-20", 20, "Europe/Vienna", false), "Europe/Berlin"},
		{"winter is written as UTC", eventsIn(t, "2025-08-01", 30, "Europe/London", false) + eventsIn(t, "2025-12-01", 30, "Europe/London", true), "Europe/London"},
		{"one offset all year", eventsIn(t, "2025-08-01", 30, "Africa/Lagos", false) + eventsIn(t, "2025-12-01", 30, "Africa/Lagos", false), "UTC+01:00"},
		{"mostly UTC, some events local", eventsIn(t, "2025-07-01", 30, "Europe/Vienna", true) + eventsIn(t, "2025-07-01", 3, "Europe/Vienna", false), "UTC+02:00"},
		{"half hours", eventsIn(t, "2026-01-05", 5, "America/St_Johns", false), "UTC-03:30"},
		{"two sites", eventsIn(t, "2026-01-05", 20, "America/Chicago", false) + eventsIn(t, "2026-01-05", 12, "America/New_York", false), "UTC-06:00"},
		{
			"two sites over a change", eventsIn(t, "2026-03-02", 30, "America/Chicago", false) + eventsIn(t, "2026-03-02", 10, "America/Phoenix", false),
			"America/Chicago",
		},
		{"UTC alone", eventsIn(t, "2026-03-02", 30, "Europe/Vienna", true), "UTC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			half := len(tt.events) / 2
			half += strings.IndexByte(tt.events[half:], '\n') + 1
			r, _ := evaluate(t, fstest.MapFS{
				"AuditEvent.000.ndjson": file(tt.events[:half]), "AuditEvent.001.ndjson.gz": packed(t, tt.events[half:]),
			})
			if r.Zone != tt.want {
				t.Errorf("zone %s, want %s", r.Zone, tt.want)
			}
		})
	}
}

// TestSummerTime: what happens at half past midnight in summer is of the new day, and told so.
func TestSummerTime(t *testing.T) {
	t.Parallel()
	dir := hospital(t)
	late := event("gone-3", "Practitioner/gone", "Patient/p5", "2026-03-10T00:30:00-05:00")
	dir["AuditEvent.z.ndjson"] = file(late + eventsIn(t, "2026-03-11", 60, "America/Chicago", false))
	_, alerts := evaluate(t, dir)
	for _, a := range alerts {
		if fmt.Sprint(a["events"]) == "[gone-3]" {
			if a["day"] != "2026-03-10" || !strings.Contains(a["explanation"].(string), "00:30") {
				t.Errorf("told on %s: %s; want 00:30 on 2026-03-10", a["day"], a["explanation"])
			}
			return
		}
	}
	t.Error("no alert cites what the leaver did after clocks went forward")
}
