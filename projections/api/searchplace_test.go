package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestSearchByPlace: a search by workstation, by network address or by both finds what a look at every event finds, page by page, in any period,
// as of any time: in months that follow each other and in months that do not, of readers who are named and who are not, and at times that
// calendars of the tables do not reach.
func TestSearchByPlace(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(3, 17))
	months := []time.Time{
		time.Date(1950, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC), begin.AddDate(-1, 0, 0), begin.AddDate(0, -2, 0), begin,
	}
	var all []*v1.AccessEvent
	for n := range 160 {
		at := months[random.IntN(len(months))].Add(time.Duration(random.IntN(40*24*60)) * time.Minute).Add(time.Duration(n) * time.Microsecond)
		item := access("ehr", at, id("urn:mrn", fmt.Sprint(n%7)), id("urn:staff", fmt.Sprint(random.IntN(9))), func(e *v1.AccessEvent) {
			e.Workstation, e.NetworkAddress = []string{"", "WS-1", "WS-2"}[random.IntN(3)], []string{"", "10.0.0.1", "WS-1"}[random.IntN(3)]
			if n%11 == 0 {
				e.Reader = nil
			}
			if n%13 == 0 {
				e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", "other")}})
			}
			e.BreakGlass = n%3 == 0
		})
		w.append(item)
		all = append(all, item.GetAccess())
	}
	w.settle()
	for range 60 {
		m := &v1.SearchAccessesRequest{Purpose: "p", BreakGlass: random.IntN(4) == 0, Page: &v1.Page{Size: uint32(1 + random.IntN(20))}}
		switch random.IntN(3) {
		case 0:
			m.Workstation = "WS-1"
		case 1:
			m.NetworkAddress = []string{"10.0.0.1", "WS-1"}[random.IntN(2)]
		default:
			m.Workstation, m.NetworkAddress = "WS-2", "10.0.0.1"
		}
		if random.IntN(2) == 0 {
			m.FromUs = months[1+random.IntN(len(months)-1)].AddDate(0, 0, random.IntN(60)).UnixMicro()
		}
		if random.IntN(2) == 0 {
			m.UntilUs = months[1+random.IntN(len(months)-1)].AddDate(0, 0, random.IntN(60)).UnixMicro()
		}
		if m.FromUs != 0 && m.UntilUs != 0 && m.FromUs >= m.UntilUs {
			m.FromUs = 0
		}
		var want, got []int64
		for _, e := range all {
			if (m.Workstation == "" || m.Workstation == e.Workstation) && (m.NetworkAddress == "" || m.NetworkAddress == e.NetworkAddress) &&
				(m.FromUs == 0 || e.OccurredUs >= m.FromUs) && (m.UntilUs == 0 || e.OccurredUs < m.UntilUs) && (!m.BreakGlass || e.BreakGlass) {
				want = append(want, e.OccurredUs)
			}
		}
		slices.Sort(want)
		slices.Reverse(want)
		for {
			res, err := w.service.SearchAccesses(w.ctx(), connect.NewRequest(m))
			if err != nil {
				t.Fatalf("%v: %v", m, err)
			}
			for _, a := range res.Msg.Accesses {
				got = append(got, a.OccurredUs)
			}
			if m.Page.Token = res.Msg.NextPageToken; m.Page.Token == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: looked at every event (-) and found (+): %s", m, diff)
		}
	}
}
