package views_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTimesAt(t *testing.T) {
	vienna, samoa := zone(t, "Europe/Vienna"), zone(t, "Pacific/Apia")
	at := func(z *time.Location, day, hour int) int64 {
		return time.Date(2026, 3, day, hour, 0, 0, 0, z).UnixMicro()
	}
	search := &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{Site: "North"}}
	alerts := &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{}}
	cases := func(days uint32) *v1.ViewQuestion_Cases {
		return &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{DueWithinDays: days}}
	}
	// Half past noon in Vienna on the day after its clocks were set forward.
	now := time.Date(2026, 3, 30, 12, 30, 0, 0, vienna)
	for _, c := range []struct {
		name string
		q    *v1.ViewQuestion
		want views.Times
	}{
		{"no window", &v1.ViewQuestion{Page: search}, views.Times{}},
		{"a fixed one", &v1.ViewQuestion{Page: search, Window: &v1.ViewWindow{FromUs: 5, UntilUs: 9}}, views.Times{From: 5, Until: 9}},
		{"today", &v1.ViewQuestion{Page: search, Window: &v1.ViewWindow{LastDays: 1}}, views.Times{From: at(vienna, 30, 0), Until: at(vienna, 31, 0)}},
		{"days of 23 hours are days", &v1.ViewQuestion{Page: search, Window: &v1.ViewWindow{LastDays: 7}}, views.Times{From: at(vienna, 24, 0), Until: at(vienna, 31, 0)}},
		{"another zone has another day", &v1.ViewQuestion{Page: search, TimeZone: samoa.String(), Window: &v1.ViewWindow{LastDays: 1}}, views.Times{From: at(samoa, 30, 0), Until: at(samoa, 31, 0)}},
		{"alerts have days", &v1.ViewQuestion{Page: alerts, Window: &v1.ViewWindow{LastDays: 2}}, views.Times{FromDay: "2026-03-29", ToDay: "2026-03-30"}},
		{"alerts, fixed", &v1.ViewQuestion{Page: alerts, Window: &v1.ViewWindow{UntilUs: at(vienna, 3, 0)}}, views.Times{ToDay: "2026-03-02"}},
		{"cases that are due", &v1.ViewQuestion{Page: cases(7)}, views.Times{DueBefore: time.Date(2026, 4, 7, 0, 0, 0, 0, vienna).UnixMicro()}},
		{"cases, any", &v1.ViewQuestion{Page: cases(0)}, views.Times{}},
	} {
		if diff := cmp.Diff(c.want, views.TimesAt(c.q, now, vienna)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestEveryPageIsKnown: a question of each kind has a page of its own, so that none can be saved that nobody finds.
func TestEveryPageIsKnown(t *testing.T) {
	fields := (&v1.ViewQuestion{}).ProtoReflect().Descriptor().Oneofs().ByName("page").Fields()
	seen := map[v1.ViewPage]bool{}
	for i := range fields.Len() {
		q := &v1.ViewQuestion{}
		q.ProtoReflect().Set(fields.Get(i), q.ProtoReflect().NewField(fields.Get(i)))
		page := views.PageOf(q)
		if page == v1.ViewPage_VIEW_PAGE_UNSPECIFIED || seen[page] {
			t.Errorf("%s: page %s", fields.Get(i).Name(), page)
		}
		seen[page] = true
	}
	if len(seen) != len(v1.ViewPage_name)-1 {
		t.Errorf("%d of %d pages have a question", len(seen), len(v1.ViewPage_name)-1)
	}
}

func TestEntryID(t *testing.T) {
	id, err := proto.MintEventID(time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if views.EntryID(id, 1) == views.EntryID(id, 2) || views.EntryID(id, 1) == views.EntryID(id, 257) {
		t.Error("versions are not told apart by their ids")
	}
}
