package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A filter leaves exactly what matches: listed over all pages, counted, and told by a note. Two reports of one access are
// one, and match when one of them does.
func TestFilters(t *testing.T) {
	w := newWorld(t)
	patient := id("urn:mrn", "1")
	departments := []string{"Cardiology", "Records", ""}
	actions := []v1.Action{v1.Action_ACTION_READ, v1.Action_ACTION_PRINT}
	var all []*v1.AccessEvent // newest first
	var items []*v1.Item
	for i := range 72 {
		item := access("ehr", begin.Add(-time.Duration(i)*time.Hour), patient, id("urn:staff", fmt.Sprint(i)), func(e *v1.AccessEvent) {
			e.Reader.Department, e.Action, e.BreakGlass = departments[i%3], actions[i/3%2], i/6%2 == 1
			if i/12%2 == 1 {
				e.Outcome = v1.Outcome_OUTCOME_SERIOUS_FAILURE
			}
			if i/24%2 == 1 {
				e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL
			}
		})
		all, items = append(all, item.GetAccess()), append(items, item)
	}
	w.append(items...)
	w.settle()
	for name, f := range map[string]*v1.AccessFilter{
		"none": {}, "action": {Action: v1.Action_ACTION_PRINT}, "department": {Department: "cardiology"}, "break-glass": {BreakGlass: true},
		"failed": {Failed: true}, "deliberate": {WithoutIncidental: true},
		"several": {Action: v1.Action_ACTION_READ, Department: "Records", WithoutIncidental: true}, "nothing": {Department: "Nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, e := range all {
				if matches(f, e) {
					want = append(want, e.Reader.Identifiers[0].Value)
				}
			}
			var got []string
			page := &v1.Page{Size: 7}
			for {
				res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.Page, m.Filter = page, f })
				got = append(got, readersOf(res.Accesses)...)
				if noted := hasNote(res.Header, "match the filter"); noted == (name == "none") {
					t.Errorf("notes: %q", res.Header.Notes)
				}
				if page.Token == "" && (res.Totals.Accesses != uint64(len(want)) || len(res.Readers) != len(want)) {
					t.Errorf("totals %v, %d readers, want %d", res.Totals, len(res.Readers), len(want))
				}
				if res.NextPageToken == "" {
					break
				}
				page = &v1.Page{Size: 7, Token: res.NextPageToken}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	first := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 7} })
	for name, m := range map[string]*v1.WhoViewedRequest{
		"token of another filter": {Page: &v1.Page{Token: first.NextPageToken}, Filter: &v1.AccessFilter{Failed: true}},
		"unknown action":          {Filter: &v1.AccessFilter{Action: 99}},
		"long department":         {Filter: &v1.AccessFilter{Department: strings.Repeat("x", 257)}},
	} {
		m.Patient, m.Purpose = "urn:mrn|1", "complaint 12"
		if _, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(m)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func matches(f *v1.AccessFilter, e *v1.AccessEvent) bool {
	return (f.Action == 0 || e.Action == f.Action) && (f.Department == "" || strings.EqualFold(e.Reader.Department, f.Department)) &&
		(!f.BreakGlass || e.BreakGlass) && (!f.Failed || e.Outcome != v1.Outcome_OUTCOME_SUCCESS) &&
		(!f.WithoutIncidental || e.Mode != v1.AccessMode_ACCESS_MODE_INCIDENTAL)
}

// The client's report of an access states the department, the server's does not: the access matches, as one.
func TestFilterOfPairs(t *testing.T) {
	w := newWorld(t)
	patient, reader := id("urn:mrn", "1"), id("urn:staff", "s")
	for i, department := range []string{"Cardiology", ""} {
		w.append(access("ehr", begin.Add(-time.Hour+time.Duration(i)*time.Second), patient, reader, func(e *v1.AccessEvent) {
			e.RequestId, e.Reader.Department = "request-1", department
		}))
	}
	w.settle()
	res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.Filter = &v1.AccessFilter{Department: "Cardiology"} })
	if res.Totals.Accesses != 1 || res.Totals.Events != 2 || len(res.Accesses) != 1 {
		t.Errorf("totals %v, %d accesses", res.Totals, len(res.Accesses))
	}
}
