package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// onOnePage asks for more accesses than there are.
func onOnePage(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1000} }

// record makes the events of a record of two identifiers, with everything that a page shows: two reports of one access, chains of
// a source's rule, events that name the record twice, objects, labels and an encounter.
func record(w *world) {
	mrn, pid := id("urn:mrn", "1"), id("urn:pid", "p1")
	w.append(registered(&v1.SourceRegistered{Name: "pacs", PairWithinS: 10}))
	var items []*v1.Item
	for i := range 12 {
		at := begin.Add(time.Duration(i*400-9000) * time.Second)
		full := func(e *v1.AccessEvent) {
			e.Objects = []*v1.Object{{Type: "Note", Id: id("urn:o", fmt.Sprint(i)), Name: "n"}, {Type: "Image", Id: id("urn:o", "x"), Count: 3}}
			e.Purposes = []*v1.Coding{{Code: "TREAT"}, {Code: fmt.Sprint("p", i%2)}}
			e.Encounter, e.Site, e.Workstation, e.BreakGlass = id("urn:visit", fmt.Sprint(i)), "north", "ws", true
		}
		request := func(e *v1.AccessEvent) { e.RequestId = fmt.Sprint("r", i) }
		switch i % 4 {
		case 0:
			items = append(items, access("c", at, mrn, id("urn:staff", "a"), full, request),
				access("s", at.Add(time.Second), pid, id("urn:app", "s"), request, func(e *v1.AccessEvent) {
					e.Purposes = []*v1.Coding{{Code: "HOPERAT"}}
				}))
		case 1:
			for k := range 3 {
				items = append(items, access("pacs", at.Add(time.Duration(2*k)*time.Second), mrn, id("urn:staff", "b"), full))
			}
		case 2: // the record under both identifiers, and somebody else between them
			items = append(items, access("c", at, mrn, id("urn:staff", "a"), full, func(e *v1.AccessEvent) {
				e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", "other")}}, &v1.Patient{Identifiers: []*v1.Identifier{pid}})
			}))
		default:
			items = append(items, access("c", at, pid, id("urn:staff", fmt.Sprint("c", i)), full))
		}
	}
	w.append(items...)
	w.append(patientFact("c", "9", "Doe, Jo", []*v1.Identifier{mrn, pid}))
	w.settle()
}

// TestListedInFull: what a record's first page shows is the same whether it was read with the list, in part with it, or looked
// up after it.
func TestListedInFull(t *testing.T) {
	w := newWorld(t)
	record(w)
	c := &costs{}
	w.service.SetMeter(c.meter)
	ask := func(edit ...func(*v1.WhoViewedRequest)) *v1.WhoViewedResponse {
		t.Helper()
		res := w.whoViewed("urn:mrn|1", edit...)
		if len(res.Accesses) == 0 || len(res.Identifiers) != 3 {
			t.Fatalf("%d accesses, identifiers %v", len(res.Accesses), res.Identifiers)
		}
		return res
	}
	listed := ask(onOnePage)
	if n := c.statements["access_details"]; n != 0 {
		t.Fatalf("details were read %d times: the list was not read in full", n)
	}
	compare := func(how string, got *v1.WhoViewedResponse) {
		t.Helper()
		for what, diff := range map[string]string{
			"accesses": cmp.Diff(listed.Accesses[:len(got.Accesses)], got.Accesses, protocmp.Transform()),
			"readers":  cmp.Diff(listed.Readers, got.Readers, protocmp.Transform()),
			"totals":   cmp.Diff(listed.Totals, got.Totals, protocmp.Transform()),
		} {
			if diff != "" {
				t.Errorf("%s: %s differ:\n%s", how, what, diff)
			}
		}
	}
	two := 0
	for _, a := range listed.Accesses {
		if len(a.Patients) == 2 {
			two++
		}
	}
	if two != 3 || len(listed.Accesses) == int(listed.Totals.Events) {
		t.Fatalf("%d accesses of %d events, %d name the record twice: the record proves nothing", len(listed.Accesses), listed.Totals.Events, two)
	}
	compare("a period of everything", ask(onOnePage, func(m *v1.WhoViewedRequest) { m.FromUs = 1 }))
	if n := c.statements["access_details"]; n != 1 {
		t.Fatalf("details were read %d times: nothing was compared", n)
	}
	for n := range 30 {
		w.service.SetBounds(n+1, 1000)
		compare(fmt.Sprintf("the first %d rows in full", n+1), ask(onOnePage))
		size := n%5 + 1
		small := ask(func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: uint32(size)} })
		if len(small.Accesses) != size || small.NextPageToken == "" {
			t.Fatalf("%d accesses on a page of %d", len(small.Accesses), size)
		}
		compare(fmt.Sprintf("a page of %d, the first %d rows in full", size, n+1), small)
	}
}

// TestFarDownAList: an event that names hundreds of patients is shown in the record of the last of them too.
func TestFarDownAList(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin.Add(-time.Hour), id("urn:mrn", "0"), id("urn:staff", "a"), func(e *v1.AccessEvent) {
		for i := 1; i < 40; i++ {
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint(i))}})
		}
	}))
	w.settle()
	for _, patient := range []string{"0", "19", "20", "39"} {
		for how, edit := range map[string]func(*v1.WhoViewedRequest){"all time": onOnePage, "a period": func(m *v1.WhoViewedRequest) { m.FromUs = 1 }} {
			res := w.whoViewed("urn:mrn|"+patient, edit)
			if len(res.Accesses) != 1 || len(res.Accesses[0].Patients) != 1 || res.Accesses[0].Patients[0].Identifiers[0].Value != patient {
				t.Errorf("patient %s, %s: %v", patient, how, res.Accesses)
			}
		}
	}
	if res := w.activity("urn:staff|a"); len(res.Accesses) != 1 || len(res.Accesses[0].Patients) != 20 {
		t.Errorf("the reader's list shows %v", res.Accesses)
	}
}

// TestLooksAddUpAlike: looks are the same whether they are added up here or in ClickHouse.
func TestLooksAddUpAlike(t *testing.T) {
	w := newWorld(t)
	record(w)
	for i := range 6 {
		for _, patient := range []string{"urn:mrn|1", "urn:pid|p1", "urn:mrn|other"} {
			w.whoViewed(patient, func(m *v1.WhoViewedRequest) { m.Purpose = fmt.Sprint("purpose ", i%4) })
		}
		w.pass(11 * time.Minute)
	}
	w.settle()
	ask := func(rows int) *v1.WhoViewedResponse {
		w.service.SetBounds(1000, rows)
		res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.AsOfUs = w.clock().UnixMicro() - 1 })
		return res
	}
	few := ask(1000)
	if few.LooksTotal < 6 || len(few.Looks) != int(few.LooksTotal) {
		t.Fatalf("%d looks of %d: nothing is compared", len(few.Looks), few.LooksTotal)
	}
	c := &costs{}
	w.service.SetMeter(c.meter)
	many := ask(3)
	if c.statements["looks_counted"] != 1 {
		t.Fatal("the looks were not counted in ClickHouse")
	}
	if diff := cmp.Diff(few.Looks, many.Looks, protocmp.Transform()); diff != "" || few.LooksTotal != many.LooksTotal {
		t.Errorf("%d and %d looks:\n%s", few.LooksTotal, many.LooksTotal, diff)
	}
}

// TestRecordAsOfBeforeItsLaterEvents: what the journal did not hold yet is in no answer as of then, however many of the record's newest
// rows it has.
func TestRecordAsOfBeforeItsLaterEvents(t *testing.T) {
	w := newWorld(t)
	looked := func(reader string, ago time.Duration) *v1.Item {
		return access("ehr", begin.Add(-ago), id("urn:mrn", "1"), id("urn:staff", reader))
	}
	w.append(looked("a", 3*time.Hour), looked("b", 5*time.Hour), looked("c", 7*time.Hour))
	w.settle()
	early := w.clock().UnixMicro()
	w.pass(time.Minute)
	w.append(looked("x", time.Hour), looked("y", 2*time.Hour), looked("z", 6*time.Hour))
	w.settle()
	for _, full := range []int{1, 2, 3, 4, 100} {
		w.service.SetBounds(full, 100)
		res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.AsOfUs = early })
		if got := readersOf(res.Accesses); !slices.Equal(got, []string{"a", "b", "c"}) || res.Totals.Accesses != 3 || res.Totals.Readers != 3 {
			t.Errorf("%d rows in full, as of before: %v, totals %v", full, got, res.Totals)
		}
		if got := readersOf(w.whoViewed("urn:mrn|1").Accesses); !slices.Equal(got, []string{"x", "y", "a", "b", "z", "c"}) {
			t.Errorf("%d rows in full, now: %v", full, got)
		}
	}
}
