package api_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func positionText(p uint64) string { return strconv.FormatUint(p, 10) }

// TestPagesWhileEventsArrive checks that pages add up to the list of the first moment, whatever their size, pairs that
// lie across their borders included.
func TestPagesWhileEventsArrive(t *testing.T) {
	w := newWorld(t)
	patient := id("urn:mrn", "1")
	w.append(registered(&v1.SourceRegistered{Name: "pacs", PairWithinS: 10}))
	var items []*v1.Item
	for i := range 18 {
		at := begin.Add(time.Duration(i*7-3600) * time.Second)
		request := func(e *v1.AccessEvent) { e.RequestId = fmt.Sprint("r", i/2) }
		switch i % 3 {
		case 0: // chains of the rule, every 21 s and alone
			items = append(items, access("pacs", at, patient, id("urn:staff", "v")))
		case 1: // client and server in one second
			items = append(items, access("c", at, patient, id("urn:staff", fmt.Sprint("h", i)), request), access("s", at, patient, id("urn:app", "s"), request, func(e *v1.AccessEvent) { e.Reader.Type = v1.ReaderType_READER_TYPE_APPLICATION }))
		default: // a chain of reports two seconds apart
			for k := range 8 {
				items = append(items, access("pacs", at.Add(time.Duration(2*k)*time.Second), patient, id("urn:staff", "chain")))
			}
		}
	}
	w.append(items...)
	w.settle()
	whole := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1000} })
	if whole.NextPageToken != "" || int(whole.Totals.Accesses) != len(whole.Accesses) || int(whole.Totals.Events) != len(items) {
		t.Fatalf("totals %v, %d rows of %d events", whole.Totals, len(whole.Accesses), len(items))
	}
	if !slices.IsSortedFunc(whole.Accesses, func(a, b *v1.Access) int { return int(b.OccurredUs - a.OccurredUs) }) {
		t.Error("not newest first")
	}
	for _, size := range []uint32{2, 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var want, got []string
			for _, a := range w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1000} }).Accesses {
				want = append(want, rowText(a))
			}
			token := ""
			for page := 1; page == 1 || token != ""; page++ {
				res := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: size, Token: token} })
				for _, a := range res.Accesses {
					got = append(got, rowText(a))
				}
				if page > 1 && (res.Totals != nil || res.Readers != nil || res.Looks != nil) {
					t.Fatal("a later page repeats what only the first has")
				}
				token = res.NextPageToken
				if page%5 == 1 {
					// It would stand in the middle of the list, and in the middle of pairs.
					w.append(access("pacs", begin.Add(time.Duration(page*7-3500)*time.Second), patient, id("urn:staff", "chain")))
					w.settle()
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func rowText(a *v1.Access) string {
	text := fmt.Sprint(a.Position, a.OccurredUs)
	for _, p := range a.Paired {
		text += fmt.Sprint(" ", p.Position)
	}
	return text
}

func TestTokenOfAnotherQuestion(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.append(access("ehr", begin.Add(time.Duration(i)*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")))
	}
	w.settle()
	token := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1} }).NextPageToken
	for name, m := range map[string]*v1.WhoViewedRequest{
		"another subject": {Patient: "2", Purpose: "p", Page: &v1.Page{Token: token}},
		"another period":  {Patient: "1", Purpose: "p", FromUs: 1, Page: &v1.Page{Token: token}},
		"another as-of":   {Patient: "1", Purpose: "p", AsOfUs: 1, Page: &v1.Page{Token: token}},
		"garbage":         {Patient: "1", Purpose: "p", Page: &v1.Page{Token: "xyz"}},
	} {
		if _, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(m)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
