package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestPatientsOfDaysAreCountedAlike: of random histories, a reader's patients by day are the same whether the reports that are listed count
// them or ClickHouse does, in any zone and period; and a page listed with its patients shows those that are looked up for a later page.
func TestPatientsOfDaysAreCountedAlike(t *testing.T) {
	h := &history{rand.New(rand.NewPCG(30, 1))}
	w := newWorld(t)
	for range 12 {
		w.pass(5 * time.Hour)
		items := make([]*v1.Item, 40)
		for i := range items {
			items[i] = h.item(w.clock())
		}
		w.append(items...)
	}
	crowd := access("ehr", w.clock(), nil, id("urn:staff", "9"))
	for n := range 25 {
		crowd.GetAccess().Patients = append(crowd.GetAccess().Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint("c", n))}})
	}
	w.append(crowd, access("ehr", w.clock(), id("urn:mrn", "1"), id("urn:staff", "9")))
	w.settle()
	services, costsOf := map[int]*api.Service{}, map[int]*costs{}
	for _, most := range []int{20_000, 7, 0} {
		s := serve(t, w.config())
		s.SetFewReports(most)
		costsOf[most] = &costs{}
		s.SetMeter(costsOf[most].meter)
		services[most] = s
	}
	ask := func(most int, m *v1.ReaderActivityRequest) *v1.ReaderActivityResponse {
		t.Helper()
		m.Purpose = "audit"
		res, err := services[most].ReaderActivity(w.ctx(), connect.NewRequest(m))
		if err != nil {
			t.Fatal(err)
		}
		res.Msg.Header = nil
		return res.Msg
	}
	from := w.clock().Add(-30 * time.Hour).UnixMicro()
	for _, reader := range []string{"urn:staff|0", "urn:staff|1", "2", "9"} {
		for _, zone := range []string{"UTC", "Pacific/Auckland", "America/St_Johns"} {
			for _, since := range []int64{0, from} {
				request := func() *v1.ReaderActivityRequest {
					return &v1.ReaderActivityRequest{Reader: reader, TimeZone: zone, FromUs: since, Page: &v1.Page{Size: 1000}}
				}
				want := ask(0, request())
				if want.Totals.Patients == 0 {
					t.Fatalf("%s: the history has no patient", reader)
				}
				for _, most := range []int{20_000, 7} {
					if diff := cmp.Diff(want, ask(most, request()), protocmp.Transform()); diff != "" {
						t.Errorf("%s in %s since %d: counted by ClickHouse (-) and up to %d here (+): %s", reader, zone, since, most, diff)
					}
				}
			}
		}
		whole := ask(20_000, &v1.ReaderActivityRequest{Reader: reader, Page: &v1.Page{Size: 1000}})
		var pages []*v1.Access
		for token := ""; len(pages) == 0 || token != ""; {
			page := ask(20_000, &v1.ReaderActivityRequest{Reader: reader, Page: &v1.Page{Size: uint32(1 + len(pages)), Token: token}})
			pages, token = append(pages, page.Accesses...), page.NextPageToken
		}
		if diff := cmp.Diff(whole.Accesses, pages, protocmp.Transform()); diff != "" {
			t.Errorf("%s: one page (-) and several (+): %s", reader, diff)
		}
	}
	all, few, none := costsOf[20_000].statements, costsOf[7].statements, costsOf[0].statements
	// Only the crowd has to be counted in ClickHouse; later pages look their patients up.
	if all["reader_days"] != 8 || few["reader_days"] <= 6 || none["reader_days"] != 24 || all["access_patients"] == 0 || none["access_patients"] != 0 {
		t.Errorf("statements of many, few and no reports counted here: %v, %v, %v", all, few, none)
	}
}

// TestPatientsAreNotReadInVain: when a reader's reports are too many to be counted here, no more than a thousand further patients of theirs
// are read. The answer is the one of ClickHouse alone.
func TestPatientsAreNotReadInVain(t *testing.T) {
	w := newWorld(t)
	var items []*v1.Item
	for n := range 120 {
		list := access("ehr", begin.Add(-time.Duration(n)*time.Hour), nil, id("urn:staff", "9"))
		for k := range 20 {
			list.GetAccess().Patients = append(list.GetAccess().Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint(n%7, "-", k))}})
		}
		items = append(items, list)
	}
	w.append(items...)
	w.settle()
	var answers []*v1.ReaderActivityResponse
	for _, tt := range []struct {
		few  int
		want []uint32
	}{{0, []uint32{20, 1}}, {7, []uint32{20, 1}}, {20_000, []uint32{20}}} {
		w.service.SetFewReports(tt.few)
		var asked []uint32
		w.service.Record(func(name string, params store.Params) {
			if name == "reader_events" {
				asked = append(asked, params["patients"].(uint32)) //nolint:forcetypeassert // as it is asked
			}
		})
		res, err := w.service.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{Reader: "9", Purpose: "audit", Page: &v1.Page{Size: 100}}))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(asked, tt.want) {
			t.Errorf("up to %d reports counted here: patients of an event asked for %d, want %d", tt.few, asked, tt.want)
		}
		res.Msg.Header = nil
		answers = append(answers, res.Msg)
	}
	for _, other := range answers[1:] {
		if diff := cmp.Diff(answers[0], other, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
	if got := answers[0].Totals; got.Accesses != 120 || got.Patients != 140 {
		t.Errorf("%v", got)
	}
}
