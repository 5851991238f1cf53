package api_test

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestSystemsAndValuesAreNotOneText: two identifiers that read alike once system and value are joined are two people in every
// statement: accesses, links, candidates, looks and names.
func TestSystemsAndValuesAreNotOneText(t *testing.T) {
	w := newWorld(t)
	// The keys of both are equal: "urn:a|b|c".
	one, other := id("urn:a", "b|c"), id("urn:a|b", "c")
	if projections.PatientKey(one.System, one.Value) != projections.PatientKey(other.System, other.Value) {
		t.Fatal("the identifiers do not meet: the test proves nothing")
	}
	two := func(patient, linked, reader *v1.Identifier) *v1.Item {
		return access("ehr", begin.Add(-time.Hour), patient, reader, func(e *v1.AccessEvent) {
			e.Patients[0].Identifiers = append(e.Patients[0].Identifiers, linked)
			e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:login", reader.Value))
		})
	}
	w.append(two(one, id("urn:mrn", "1"), one), two(other, id("urn:mrn", "2"), other), two(other, id("urn:mrn", "2"), other),
		patientFact("ehr", "7", "", []*v1.Identifier{other}))
	w.settle()
	for _, tt := range []struct {
		number      string
		events      uint64
		identifiers int
		reader      string
	}{{"urn:mrn|1", 1, 2, "b|c"}, {"urn:mrn|2", 2, 3, "c"}} {
		res := w.whoViewed(tt.number)
		if res.Totals.Events != tt.events || len(res.Identifiers) != tt.identifiers || len(res.Readers) != 1 {
			t.Errorf("%s: totals %v, identifiers %v, readers %v", tt.number, res.Totals, res.Identifiers, res.Readers)
			continue
		}
		if got := res.Readers[0].Reader.Identifiers[0].Value; got != tt.reader {
			t.Errorf("%s: the reader is another", tt.number)
		}
		// Nobody looked at this one before.
		if len(res.Looks) != 0 {
			t.Errorf("%s: looks of another record: %v", tt.number, res.Looks)
		}
	}
	if res := w.activity("urn:mrn|1"); res.Totals.Events != 0 {
		t.Errorf("a patient is a reader: %v", res.Totals)
	}
}

// TestCandidatesAreToldApart: a bare value of two people is answered with the events of each.
func TestCandidatesAreToldApart(t *testing.T) {
	w := newWorld(t)
	for i, system := range []string{"urn:a\x1f", "urn:a", "urn:a"} {
		w.append(access("ehr", begin.Add(-time.Duration(i+1)*time.Hour), id(system, "5"), id(system, "r")))
	}
	w.settle()
	check := func(candidates []*v1.Candidate) {
		t.Helper()
		events := map[string]uint64{}
		for _, c := range candidates {
			events[c.Identifier.System] = c.Events
		}
		if len(candidates) != 2 || events["urn:a"] != 2 || events["urn:a\x1f"] != 1 {
			t.Errorf("candidates %v", candidates)
		}
	}
	check(w.whoViewed("5").Candidates)
	check(w.activity("r").Candidates)
}

// TestDetailsAfterAMerge: rows that a merge moved to another part between the list and its details are in the answer.
func TestDetailsAfterAMerge(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.append(access("ehr", begin.Add(-time.Duration(i)*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")))
		w.settle()
	}
	c := &costs{} // statements run side by side
	w.service.SetMeter(func(name string, cost store.Stats) {
		if c.meter(name, cost); name == "record_events" {
			if err := w.store.Exec(context.Background(), "OPTIMIZE TABLE accesses_by_patient_v1 FINAL SETTINGS optimize_skip_merged_partitions = 1", nil); err != nil {
				t.Error(err)
			}
		}
	})
	// Of a period the list is read first, and the page's details after it.
	res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.FromUs = begin.Add(-24 * time.Hour).UnixMicro() })
	if len(res.Accesses) != 3 {
		t.Errorf("%d accesses", len(res.Accesses))
	}
	if n := c.statements["access_details"]; n != 2 {
		t.Errorf("details were read %d times: no part was merged away, so nothing was tried", n)
	}
}

// TestLinksOfReadersAreKept: the links of readers are read once, until something links readers anew, and an answer as of
// before knows nothing of that.
func TestLinksOfReadersAreKept(t *testing.T) {
	w := newWorld(t)
	for _, reader := range []string{"a", "b"} {
		w.append(access("ehr", begin.Add(-time.Hour), id("urn:mrn", "1"), id("urn:staff", reader)))
	}
	w.settle()
	c := &costs{}
	w.service.SetMeter(c.meter)
	ask := func(readers, patient, links int) {
		t.Helper()
		clear(c.statements)
		if res := w.whoViewed("urn:mrn|1"); len(res.Readers) != readers {
			t.Errorf("%d readers, want %d", len(res.Readers), readers)
		}
		if got := c.statements["identity_step"]; got != patient+links {
			t.Errorf("links were read %d times, want %d of the patient and %d of the readers", got, patient, links)
		}
	}
	ask(2, 1, 1)
	ask(2, 1, 0)
	// Links of patients change nothing for readers.
	w.append(access("ehr", begin.Add(-2*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a"), func(e *v1.AccessEvent) {
		e.Patients[0].Identifiers = append(e.Patients[0].Identifiers, id("urn:pid", "1"))
	}))
	w.settle()
	ask(2, 2, 0)
	before := w.clock()
	w.pass(time.Minute)
	w.append(access("ehr", begin.Add(-3*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a"), func(e *v1.AccessEvent) {
		e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:staff", "b"))
	}))
	w.settle()
	ask(1, 2, 1)
	if res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.AsOfUs = before.UnixMicro() }); len(res.Readers) != 2 {
		t.Errorf("as of before the link: %d readers", len(res.Readers))
	}
	ask(1, 2, 0)
	w.append(practitionerFact("ehr", "1", []*v1.Identifier{id("urn:staff", "a")}))
	w.settle()
	ask(1, 2, 2) // the resource that the fact links is asked about too
}

// TestLooksThatAreNotProjectedYet: a question counts as a look from its acknowledgement on, and its pages are one look wherever they stand.
func TestLooksThatAreNotProjectedYet(t *testing.T) {
	w := newWorld(t)
	for i := range 2 {
		w.append(access("ehr", begin.Add(-time.Duration(i+1)*time.Hour), id("urn:mrn", "1"), id("urn:staff", "r")))
	}
	w.settle()
	first := w.whoViewed("urn:mrn|1")
	w.settle()
	cfg := w.config()
	stuck, _ := w.projector.Live()
	cfg.Live = func() (projections.Live, bool) { return stuck, true }
	service := serve(t, cfg)
	ask := func(patient, purpose string) *v1.WhoViewedResponse {
		t.Helper()
		w.pass(time.Second)
		res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: patient, Purpose: purpose}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	ask("urn:mrn|1", "second")
	ask("urn:mrn|2", "another record")
	ask("urn:mrn|1", "second")
	// One more page of the question that stands in the table, from the service that began it.
	if refreshed := w.whoViewed("urn:mrn|1"); refreshed.Header.QuestionId != first.Header.QuestionId {
		t.Fatal("a refresh is another question")
	}
	res := ask("urn:mrn|1", "third")
	if len(res.Looks) != 2 || res.LooksTotal != 2 || res.Header.Behind != 0 {
		t.Fatalf("looks %v of %d, %d behind", res.Looks, res.LooksTotal, res.Header.Behind)
	}
	if l := res.Looks[0]; l.Purpose != "second" || l.Pages != 2 || l.Query != "WhoViewed" || l.Asker != "token:1" || l.Rows == 0 {
		t.Errorf("newest look: %v", l)
	}
	if l := res.Looks[1]; l.QuestionId != first.Header.QuestionId || l.Pages != 2 || l.AskedUs != begin.UnixMicro() {
		t.Errorf("oldest look: %v", l)
	}
}
