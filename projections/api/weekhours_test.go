package api_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The hours of the week are told in the zone of the answer, on both sides of a change of the clock, and add up to the
// accesses of the whole answer, not of its page.
func TestWeekHours(t *testing.T) {
	w := newWorld(t)
	patient, reader := id("urn:mrn", "1"), id("urn:staff", "s")
	for _, at := range []time.Time{
		time.Date(2025, 10, 25, 23, 30, 0, 0, time.UTC), // Sunday 01:30 in Vienna, summer time
		time.Date(2025, 10, 26, 1, 30, 0, 0, time.UTC),  // Sunday 02:30, after the clock went back
		time.Date(2026, 2, 1, 23, 0, 0, 0, time.UTC),    // Monday 00:00
		time.Date(2026, 2, 8, 23, 59, 59, 0, time.UTC),  // Monday 00:59:59
	} {
		w.append(access("ehr", at, patient, reader))
	}
	w.settle()
	const sunday = 6 * 24
	want := make([]uint64, 7*24)
	want[0], want[sunday+1], want[sunday+2] = 2, 1, 1

	page := &v1.Page{Size: 1}
	record := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.TimeZone, m.Page = "Europe/Vienna", page })
	if diff := cmp.Diff(want, record.WeekHours); diff != "" {
		t.Errorf("of the record: %s", diff)
	}
	did, err := w.service.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{
		Reader: "urn:staff|s", Purpose: "complaint 12", TimeZone: "Europe/Vienna", Page: page,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, did.Msg.WeekHours); diff != "" {
		t.Errorf("of the reader: %s", diff)
	}

	next := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) {
		m.TimeZone, m.Page = "Europe/Vienna", &v1.Page{Size: 1, Token: record.NextPageToken}
	})
	if len(next.Accesses) != 1 || len(next.WeekHours) != 0 {
		t.Errorf("second page: %d accesses, %d hours", len(next.Accesses), len(next.WeekHours))
	}
	if nobody := w.whoViewed("urn:mrn|2"); len(nobody.WeekHours) != 0 {
		t.Errorf("a record nobody viewed has %d hours", len(nobody.WeekHours))
	}
}
