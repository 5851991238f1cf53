package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/api"
)

// TestRowsReadBySearches holds searches of events to what they may read: 400,000 rows of ten years, 40,000 a year.
func TestRowsReadBySearches(t *testing.T) {
	w, service := bulk(t, 40_000, 4_000, 200)
	day := func(year, month, day int) int64 {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
	patient := [][]api.Subject{{{System: "urn:mrn", Value: "77", Exact: true}}}
	reader := [][]api.Subject{{{System: "urn:staff", Value: "u7", Exact: true}}}
	if _, err := service.Candidates(w.ctx(), api.EventSearch{Patients: patient}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		limit uint64
		q     api.EventSearch
	}{
		// Ten parts, in each a granule of 512 or two.
		"patient":                 {8_000, api.EventSearch{Patients: patient}},
		"patient and four months": {6_000, api.EventSearch{Patients: patient, Recorded: api.Span{From: day(2018, 3, 1), Until: day(2018, 7, 1)}}},
		// A reader has 200 rows a year: a granule of 1,024 or two a part; with a period, of the parts that reach into it.
		"agent":                {11_500, api.EventSearch{Readers: reader}},
		"agent and two months": {2_100, api.EventSearch{Readers: reader, Recorded: api.Span{From: day(2018, 3, 1), Until: day(2018, 5, 1)}}},
		// An object is in one part.
		"entity": {2_100, api.EventSearch{Entities: [][]api.Subject{{{System: "urn:o", Value: "123456", Exact: true}}}}},
		// The year, not the ten.
		"a day": {41_000, api.EventSearch{Recorded: api.Span{From: day(2018, 3, 1), Until: day(2018, 3, 2)}}},
		"a day at a site": {41_000, api.EventSearch{
			Recorded: api.Span{From: day(2018, 3, 1), Until: day(2018, 3, 2)}, Sites: []string{"north"}, Addresses: []string{"ws1"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &costs{}
			service.SetMeter(c.meter)
			found, err := service.Candidates(w.ctx(), tt.q)
			if err != nil || found == 0 {
				t.Fatalf("%d events, %v", found, err)
			}
			rows := uint64(0)
			for statement, n := range c.byStatement() {
				if strings.HasPrefix(statement, "events_by_") {
					rows += n
				}
			}
			t.Logf("%d rows for %d events", rows, found)
			if rows == 0 || rows > tt.limit {
				t.Errorf("%d rows read, want at most %d\n%s", rows, tt.limit, strings.Join(c.lines, "\n"))
			}
		})
	}
}
