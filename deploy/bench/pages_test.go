package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Each figure of a page is measured by one page.
func TestPagesAreFigures(t *testing.T) {
	var measured []string
	for _, p := range consolePages {
		measured = append(measured, p.figure)
	}
	if diff := cmp.Diff(pageFigures(), measured); diff != "" {
		t.Errorf("pages that are measured (-promised +measured):\n%s", diff)
	}
}

func TestLinks(t *testing.T) {
	p := page{body: `<a href="/alerts/AAAAAAAAAAAAAAAAAAAAAA">a</a><a href="/alerts/bbbbbbbbbbbbbbbbbbbb-_"><a href="/alerts/AAAAAAAAAAAAAAAAAAAAAA">
		<a href="/alerts?show=all"><a href="/records/cccccccccccccccccccccc"><a href="/alerts/now">`}
	want := []string{"/alerts/AAAAAAAAAAAAAAAAAAAAAA", "/alerts/bbbbbbbbbbbbbbbbbbbb-_"}
	if diff := cmp.Diff(want, p.links("alerts")); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

// What is made of alerts is what casework would have taken: each step counts, ids are the items', and closed cases came to an end.
func TestFurniture(t *testing.T) {
	var alerts []*v1.AlertVersion
	for i := range 2000 {
		s := suspicion{
			day: int32(18_000 + i), reader: fmt.Sprint("r", i), patient: fmt.Sprint("p", i), cause: uint64(i), received: int64(18_000+i) * 86_400e6,
			positions: []uint64{4096},
		}
		alerts = append(alerts, s.alert(i))
	}
	f := &furniture{}
	steps := map[string][]cases.Step{}
	for i, entry := range casesOf(alerts, "os:somebody", f) {
		if id, err := proto.ItemID(entry.Item); err != nil || id != entry.ID {
			t.Fatalf("step %d stands under %s, its item has %s (%v)", i, entry.ID, id, err)
		}
		e := entry.Item.GetCaseEntry()
		steps[string(e.CaseId)] = append(steps[string(e.CaseId)], cases.Step{Position: proto.Position(i), Entry: e})
	}
	open := 0
	for _, all := range steps {
		c := cases.Fold(all)
		if int(c.Version) != len(all) || len(c.Alerts) != 1 {
			t.Errorf("a case of %d steps has version %d and %d alerts", len(all), c.Version, len(c.Alerts))
		}
		if c.ClosedUs == 0 {
			open++
		} else if c.Outcome == nil || c.Assessment == nil {
			t.Error("a closed case came to nothing")
		}
	}
	if len(steps) != f.Cases || open != f.Open || f.Cases != casesInAll || open == 0 {
		t.Errorf("%d cases of which %d are open, noted are %d and %d", len(steps), open, f.Cases, f.Open)
	}
	judged := map[string]bool{}
	for _, entry := range decisionsOn(alerts, "os:somebody") {
		d := entry.Item.GetAlertDecision()
		judged[string(d.AlertId)] = judged[string(d.AlertId)] || d.Disposition > v1.Disposition_DISPOSITION_IN_REVIEW
	}
	newest := alerts[len(alerts)-1].Day
	for _, a := range alerts {
		if judged[string(a.AlertId)] != decidedBy(a.Day, newest) {
			t.Errorf("the alert of day %d, %d days before the newest: judged %v", a.Day, newest-a.Day, judged[string(a.AlertId)])
		}
	}
}
