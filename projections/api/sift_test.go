package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/readtrail/readtrail/projections/detectiontest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// narrowings are sets of verdicts that lists are narrowed to.
var narrowings = [][]v1.Verdict{
	{v1.Verdict_VERDICT_UNEXPLAINED},
	{v1.Verdict_VERDICT_UNSPECIFIED},
	{v1.Verdict_VERDICT_EXPLAINED, v1.Verdict_VERDICT_NOT_ASSESSABLE},
	{v1.Verdict_VERDICT_UNSPECIFIED, v1.Verdict_VERDICT_EXPLAINED, v1.Verdict_VERDICT_UNEXPLAINED, v1.Verdict_VERDICT_NOT_ASSESSABLE},
}

// TestNarrowedToVerdicts: of a record, of a reader and of a search exactly the accesses with one of the verdicts are listed, over all pages,
// and counted, whatever the size of a page.
func TestNarrowedToVerdicts(t *testing.T) {
	h := newHospital(t, 3, 150)
	h.detect(4)
	h.settle()
	known := h.judgements(^uint64(0))
	for _, wanted := range narrowings {
		h.narrowedRecord(t, wanted, known)
		h.narrowedReader(t, wanted, known)
		h.narrowedSearch(t, wanted, known)
	}
	for name, ask := range map[string]func() error{
		"unknown verdict": func() error {
			_, err := h.service.SearchAccesses(h.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Workstation: "WS1", Purpose: "p", Verdicts: []v1.Verdict{9}}))
			return err
		},
		"token of other verdicts": func() error {
			first := h.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.Page = &v1.Page{Size: 1} })
			_, err := h.service.WhoViewed(h.ctx(), connect.NewRequest(&v1.WhoViewedRequest{
				Patient: "urn:mrn|1", Purpose: "p", Page: &v1.Page{Token: first.NextPageToken}, Filter: &v1.AccessFilter{Verdicts: narrowings[0]},
			}))
			return err
		},
	} {
		if err := ask(); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// matching are the accesses of a fold that a list holds, newest first; patients says which of an access's patients a verdict is about.
func (h *hospital) matching(wanted []v1.Verdict, known map[[2]uint64]judgement, patients func(detectiontest.Access) []int) (out []detectiontest.Access) {
	for _, a := range h.accesses {
		if of := patients(a); len(of) > 0 && slices.Contains(wanted, least(known, a.Position, of).verdict) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b detectiontest.Access) int {
		if c := b.Occurred.Compare(a.Occurred); c != 0 {
			return c
		}
		return int(b.Position) - int(a.Position)
	})
	return out
}

func positionsOf(list []detectiontest.Access) (out []uint64) {
	for _, a := range list {
		out = append(out, a.Position)
	}
	return out
}

func shown(list []*v1.Access) (out []uint64) {
	for _, a := range list {
		out = append(out, a.Position)
	}
	return out
}

func (h *hospital) narrowedRecord(t *testing.T, wanted []v1.Verdict, known map[[2]uint64]judgement) {
	t.Helper()
	want := h.matching(wanted, known, func(a detectiontest.Access) (of []int) {
		for i, p := range a.Patients {
			if p.Value == "1" {
				of = append(of, i)
			}
		}
		return of
	})
	var got []uint64
	var totals *v1.WhoViewedTotals
	for token := ""; ; {
		res := h.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) {
			m.Page, m.Filter = &v1.Page{Size: 3, Token: token}, &v1.AccessFilter{Verdicts: wanted}
		})
		if token == "" {
			totals = res.Totals
		}
		if !hasNote(res.Header, "match the filter") {
			t.Errorf("%v: notes %q", wanted, res.Header.Notes)
		}
		got = append(got, shown(res.Accesses)...)
		if token = res.NextPageToken; token == "" {
			break
		}
	}
	if diff := cmp.Diff(positionsOf(want), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("record, %v: %s", wanted, diff)
	}
	sum := totals.Explained + totals.Unexplained + totals.NotAssessable + totals.NotJudged
	if totals.Accesses != uint64(len(want)) || sum != totals.Accesses || !slices.Contains(wanted, v1.Verdict_VERDICT_EXPLAINED) && totals.Explained > 0 {
		t.Errorf("record, %v: totals %v of %d", wanted, totals, len(want))
	}
}

func (h *hospital) narrowedReader(t *testing.T, wanted []v1.Verdict, known map[[2]uint64]judgement) {
	t.Helper()
	everybody := func(a detectiontest.Access) []int {
		of := []int{0}
		for i := range a.Patients {
			of = append(of, i)
		}
		return of
	}
	want := h.matching(wanted, known, func(a detectiontest.Access) []int {
		if a.Reader.Value != "u1" {
			return nil
		}
		return everybody(a)
	})
	days, all := map[string]map[string]bool{}, map[string]bool{}
	for _, a := range want {
		day := a.Occurred.UTC().Format(time.DateOnly)
		if days[day] == nil {
			days[day] = map[string]bool{}
		}
		for _, p := range a.Patients {
			days[day][p.Value], all[p.Value] = true, true
		}
	}
	var got []uint64
	for token := ""; ; {
		res, err := h.service.ReaderActivity(h.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{
			Reader: "u1", Purpose: "p", Verdicts: wanted, Page: &v1.Page{Size: 3, Token: token},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if m := res.Msg; token == "" {
			if m.Totals.Accesses != uint64(len(want)) || m.Totals.Patients != uint64(len(all)) || len(m.Days) != len(days) {
				t.Errorf("reader, %v: totals %v, %d days; want %d accesses, %d patients, %d days", wanted, m.Totals, len(m.Days), len(want), len(all), len(days))
			}
			for _, d := range m.Days {
				if d.Patients != uint64(len(days[d.Day])) {
					t.Errorf("reader, %v: %s: %d patients, want %d", wanted, d.Day, d.Patients, len(days[d.Day]))
				}
			}
		}
		got = append(got, shown(res.Msg.Accesses)...)
		if token = res.Msg.NextPageToken; token == "" {
			break
		}
	}
	if diff := cmp.Diff(positionsOf(want), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("reader, %v: %s", wanted, diff)
	}
}

// narrowedSearch looks into few reports a page, so that pages end before they are full.
func (h *hospital) narrowedSearch(t *testing.T, wanted []v1.Verdict, known map[[2]uint64]judgement) {
	t.Helper()
	want := h.matching(wanted, known, func(a detectiontest.Access) []int {
		of := []int{0}
		for i := range a.Patients {
			of = append(of, i)
		}
		return of
	})
	for _, looked := range []int{5, 50_000} {
		h.service.SetSearched(looked)
		var got []uint64
		short := 0
		for token := ""; ; {
			res, err := h.service.SearchAccesses(h.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{
				Workstation: "WS1", Purpose: "p", Verdicts: wanted, Page: &v1.Page{Size: 4, Token: token},
			}))
			if err != nil {
				t.Fatal(err)
			}
			m := res.Msg
			got = append(got, shown(m.Accesses)...)
			if token = m.NextPageToken; token == "" {
				break
			}
			if len(m.Accesses) < 4 {
				short++
				if !hasNote(m.Header, "older ones follow") {
					t.Errorf("a page of %d: notes %q", len(m.Accesses), m.Header.Notes)
				}
			}
		}
		if diff := cmp.Diff(positionsOf(want), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("search, %v, looking into %d: %s", wanted, looked, diff)
		}
		if few := len(want) < len(h.accesses)/2; few && looked == 5 && short == 0 || looked > 5 && short > 0 {
			t.Errorf("search, %v, looking into %d: %d short pages, %s", wanted, looked, short, fmt.Sprint(len(want)))
		}
	}
}
