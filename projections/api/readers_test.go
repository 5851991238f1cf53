package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// practitionerFact makes a version of a Practitioner resource of a source.
func practitionerFact(source, resource string, ids []*v1.Identifier, links ...*v1.IdentityLink) *v1.Item {
	item := patientFact(source, resource, "", nil, links...)
	fact := item.GetContext()
	fact.ResourceType = "Practitioner"
	fact.Identifiers = append([]*v1.Identifier{id("source:"+source, "Practitioner/"+resource)}, ids...)
	return item
}

// identifiersOf are the identifiers that summaries list, one slice a reader.
func identifiersOf(list []*v1.ReaderSummary) [][]string {
	var out [][]string
	for _, s := range list {
		var values []string
		for _, id := range s.Reader.Identifiers {
			values = append(values, id.Value)
		}
		out = append(out, values)
	}
	return out
}

// TestOneHumanIsOneReader: one source names the reader by a resource, another by a staff number, and a Practitioner
// resource links both. Before it was known, and after it takes the link back, they are two.
func TestOneHumanIsOneReader(t *testing.T) {
	w := newWorld(t)
	patient, staff := id("urn:mrn", "1"), id("urn:staff", "4711")
	resource := func(e *v1.AccessEvent) { e.Reader.Name, e.Reader.Department = "", "Ward 1" }
	w.append(
		access("ehr", begin.Add(-time.Hour), patient, id("source:ehr", "Practitioner/pr-1"), resource, func(e *v1.AccessEvent) {
			e.Purposes = []*v1.Coding{{Code: "TREAT"}}
		}),
		access("lab", begin.Add(-2*time.Hour), patient, staff, func(e *v1.AccessEvent) {
			e.Reader.Name, e.Reader.Department = "Ada Arzt", "Laboratory"
			e.Reader.Role = &v1.Coding{System: "urn:roles", Code: "doctor", Display: "Doctor"}
			e.Action, e.Outcome = v1.Action_ACTION_PRINT, v1.Outcome_OUTCOME_MINOR_FAILURE
		}),
		access("lab", begin.Add(-3*time.Hour), patient, staff, func(e *v1.AccessEvent) {
			e.Reader.Role = &v1.Coding{Code: "student"}
		}),
		access("lab", begin.Add(-4*time.Hour), patient, id("urn:staff", "9"), func(e *v1.AccessEvent) {
			e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:login", "nine"))
		}),
		access("vpn", begin.Add(-5*time.Hour), patient, id("urn:login", "nine")),
	)
	w.settle()
	var times []time.Time
	for _, fact := range []*v1.Item{
		practitionerFact("ehr", "pr-1", []*v1.Identifier{staff}),
		practitionerFact("ehr", "pr-1", nil),
	} {
		times = append(times, w.clock())
		w.pass(24 * time.Hour)
		w.append(fact)
		w.settle()
	}
	times = append(times, w.clock())
	apart := [][]string{{"Practitioner/pr-1"}, {"4711"}, {"9", "nine"}}
	joined := [][]string{{"Practitioner/pr-1", "4711"}, {"9", "nine"}}
	for i, want := range [][][]string{apart, joined, apart} {
		res := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.AsOfUs = times[i].UnixMicro() })
		if diff := cmp.Diff(want, identifiersOf(res.Readers)); diff != "" {
			t.Errorf("at %d: %s", i, diff)
		}
		if res.Totals.Readers != uint64(len(want)) || res.Totals.Accesses != 5 {
			t.Errorf("at %d: totals %v", i, res.Totals)
		}
		if got := readersOf(res.Accesses); !slices.Equal(got, []string{"Practitioner/pr-1", "4711", "4711", "9", "nine"}) {
			t.Errorf("at %d: accesses do not say what their events said: %v", i, got)
		}
		if res.Accesses[0].Reader.Name != "" || res.Accesses[0].Reader.Role != nil {
			t.Errorf("at %d: an access's reader was filled: %v", i, res.Accesses[0].Reader)
		}
	}
	s := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.AsOfUs = times[1].UnixMicro() }).Readers[0]
	if s.Reader.Name != "Ada Arzt" || s.Reader.Role.GetDisplay() != "Doctor" || s.Reader.Type != v1.ReaderType_READER_TYPE_PRACTITIONER {
		t.Errorf("reader: %v", s.Reader)
	}
	if s.Accesses != 3 || s.Events != 3 || s.Failed != 1 || s.FirstUs != begin.Add(-3*time.Hour).UnixMicro() || s.LastUs != begin.Add(-time.Hour).UnixMicro() {
		t.Errorf("sums: %v", s)
	}
	if diff := cmp.Diff([]string{"Laboratory", "Ward 1"}, s.Departments); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(s.Purposes, []string{"TREAT"}) || len(s.Actions) != 2 {
		t.Errorf("purposes %v, actions %v", s.Purposes, s.Actions)
	}
}

// TestSharedNumberIsNobody: a default staff number in more resources than one human has joins nobody.
func TestSharedNumberIsNobody(t *testing.T) {
	w := newWorld(t)
	var events, facts []*v1.Item
	for i := range 600 {
		name := fmt.Sprint(i)
		facts = append(facts, practitionerFact("ehr", name, []*v1.Identifier{id("urn:staff", "0000")}))
		events = append(events, access("ehr", begin.Add(-time.Duration(i)*time.Hour), id("urn:mrn", "1"), id("source:ehr", "Practitioner/"+name)))
	}
	w.append(facts...)
	w.append(events...)
	w.settle()
	res := w.whoViewed("1")
	if res.Totals.Readers != 600 || len(res.Readers) != 600 || !hasNote(res.Header, "under more than one identifier") {
		t.Errorf("%d readers, notes %v", res.Totals.Readers, res.Header.Notes)
	}
}

// TestRowsReadForLinks holds the links of readers to a budget of their own: tables of identity, and not more of them with
// more accesses.
func TestRowsReadForLinks(t *testing.T) {
	w, service := bulk(t, 40_000, 4_000, 200)
	sql, err := os.ReadFile(filepath.Join("testdata", "bulk_links.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Exec(context.Background(), string(sql), nil); err != nil {
		t.Fatal(store.Detail(err))
	}
	c := &costs{}
	service.SetMeter(c.meter)
	res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "77", Purpose: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	readers := int(res.Msg.Totals.Readers)
	humans := map[int]bool{}
	for _, values := range identifiersOf(res.Msg.Readers) {
		var n int
		if _, err := fmt.Sscanf(values[0], "u%d", &n); err != nil || humans[n/2] {
			t.Errorf("%v is listed twice, or no reader: %v", values, err)
		}
		humans[n/2] = true
	}
	t.Logf("%d rows of identity, %d others for %d readers", c.links, c.rows-c.links, readers)
	for _, line := range c.lines {
		t.Log(line)
	}
	// At most a granule of 64 rows for each identifier, two a reader; and those of the record.
	if limit := uint64(64 * (2*readers + 10)); c.links > limit {
		t.Errorf("%d rows of identity read, want at most %d", c.links, limit)
	}
}
