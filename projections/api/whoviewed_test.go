package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (w *world) whoViewed(patient string, edit ...func(*v1.WhoViewedRequest)) *v1.WhoViewedResponse {
	w.t.Helper()
	m := &v1.WhoViewedRequest{Patient: patient, Purpose: "complaint 12"}
	for _, f := range edit {
		f(m)
	}
	res, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(m))
	if err != nil {
		w.t.Fatalf("who viewed: %v", err)
	}
	return res.Msg
}

// readersOf are what tests tell accesses apart by: the readers, newest access first.
func readersOf(list []*v1.Access) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Reader.GetIdentifiers()[0].GetValue())
	}
	return out
}

func hasNote(h *v1.AnswerHeader, part string) bool {
	return slices.ContainsFunc(h.Notes, func(n string) bool { return strings.Contains(n, part) })
}

func TestOnePatientUnderManyNames(t *testing.T) {
	w := newWorld(t)
	mrn := func(v string) *v1.Identifier { return id("urn:mrn", v) }
	w.append(registered(&v1.SourceRegistered{Name: "ehr", BaseUrl: "https://ehr.example/fhir"}), registered(&v1.SourceRegistered{Name: "pacs"}))
	w.append(
		access("ehr", begin.Add(-50*time.Minute), mrn("100"), id("urn:staff", "by-mrn")),
		access("ehr", begin.Add(-40*time.Minute), id("source:ehr", "Patient/1"), id("urn:staff", "by-relative")),
		access("ehr", begin.Add(-30*time.Minute), id("https://ehr.example/fhir", "Patient/1"), id("urn:staff", "by-absolute")),
		// A contained patient gives the event all of its identifiers.
		access("pacs", begin.Add(-20*time.Minute), id("urn:pacs", "P-7"), id("urn:staff", "by-contained"), func(e *v1.AccessEvent) {
			e.Patients[0].Identifiers = append(e.Patients[0].Identifiers, mrn("100"))
		}),
		access("pacs", begin.Add(-10*time.Minute), nil, id("urn:staff", "by-text"), func(e *v1.AccessEvent) {
			e.Patients = []*v1.Patient{{Text: "Muster, Maria"}}
		}),
		access("ehr", begin.Add(-5*time.Minute), mrn("200"), id("urn:staff", "of-another")),
	)
	w.append(patientFact("ehr", "1", "Maria Muster", []*v1.Identifier{mrn("100")}))
	w.settle()
	want := []string{"by-contained", "by-absolute", "by-relative", "by-mrn"}
	for _, text := range []string{
		"100", "urn:mrn|100", "Patient/1", "source:ehr|Patient/1", "https://ehr.example/fhir/Patient/1",
		"https://ehr.example/fhir/Patient/1/_history/3", "P-7", "urn:pacs|P-7",
	} {
		t.Run(text, func(t *testing.T) {
			res := w.whoViewed(text)
			if diff := cmp.Diff(want, readersOf(res.Accesses)); diff != "" {
				t.Error(diff)
			}
			if len(res.Candidates) > 0 || res.Totals.Accesses != 4 || res.Totals.Events != 4 || res.Totals.Readers != 4 {
				t.Errorf("candidates %v, totals %v", res.Candidates, res.Totals)
			}
			if len(res.Unresolved) != 1 || res.Unresolved[0].Text != "Muster, Maria" || res.Unresolved[0].Events != 1 {
				t.Errorf("unresolved: %v", res.Unresolved)
			}
			if res.Header.UnresolvedEvents != 1 {
				t.Errorf("header counts %d unresolved events", res.Header.UnresolvedEvents)
			}
			if res.Identifiers[0].Via != "asked" || len(res.Identifiers) != 4 {
				t.Errorf("followed: %v", res.Identifiers)
			}
		})
	}
	vias := map[string]string{}
	for _, f := range w.whoViewed("urn:mrn|100").Identifiers {
		vias[f.Identifier.System] = f.Via
		if f.Via != "asked" && f.Position == 0 {
			t.Errorf("%s without a position", f.Via)
		}
	}
	if diff := cmp.Diff(map[string]string{"urn:mrn": "asked", "source:ehr": "same_resource", "urn:pacs": "same_event", "https://ehr.example/fhir": "source_base_url"}, vias); diff != "" {
		t.Error(diff)
	}
}

func TestMergeAndUnmerge(t *testing.T) {
	w := newWorld(t)
	one, two := id("urn:mrn", "1"), id("urn:mrn", "2")
	w.append(access("ehr", begin.Add(-time.Hour), one, id("urn:staff", "of-one")), access("ehr", begin.Add(-2*time.Hour), two, id("urn:staff", "of-two")))
	w.append(patientFact("ehr", "1", "", []*v1.Identifier{one}), patientFact("ehr", "2", "", []*v1.Identifier{two}))
	w.settle()
	days := []time.Time{w.clock()}
	merged := &v1.IdentityLink{Kind: v1.IdentityLink_KIND_REPLACED_BY, From: id("source:ehr", "Patient/2"), To: id("source:ehr", "Patient/1")}
	for _, step := range []*v1.Item{
		patientFact("ehr", "2", "", []*v1.Identifier{two}, merged),
		patientFact("ehr", "2", "", []*v1.Identifier{two}),
	} {
		w.pass(24 * time.Hour)
		w.append(step)
		w.settle()
		days = append(days, w.clock())
	}
	alone, both := []string{"of-two"}, []string{"of-one", "of-two"}
	check := func(name string, want []string, asOf int64) {
		t.Helper()
		res := w.whoViewed("urn:mrn|2", func(m *v1.WhoViewedRequest) { m.AsOfUs = asOf })
		if diff := cmp.Diff(want, readersOf(res.Accesses)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	check("before the merge", alone, days[0].UnixMicro())
	check("the second before the merge", alone, days[1].Add(-time.Second).UnixMicro())
	check("merged", both, days[1].UnixMicro())
	check("the day after, before the un-merge", both, days[2].Add(-time.Microsecond).UnixMicro())
	check("un-merged", alone, days[2].UnixMicro())
	check("now", alone, 0)

	res := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.AsOfUs = days[1].UnixMicro() })
	if diff := cmp.Diff(both, readersOf(res.Accesses)); diff != "" {
		t.Errorf("the surviving record: %s", diff)
	}
	if !slices.ContainsFunc(res.Identifiers, func(f *v1.FollowedIdentifier) bool { return f.Via == "replaces" }) {
		t.Errorf("the merge is not named: %v", res.Identifiers)
	}
	past := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) { m.AsOfUs = begin.Add(-24 * time.Hour).UnixMicro() })
	if past.Header.Position != 0 || len(past.Accesses) > 0 || !hasNote(past.Header, "is not known") {
		t.Errorf("before anything was received: %v", past.Header)
	}
}

func TestSeeAlsoIsNotFollowed(t *testing.T) {
	w := newWorld(t)
	one, two := id("urn:mrn", "1"), id("urn:mrn", "2")
	w.append(
		access("ehr", begin, one, id("urn:staff", "a")), access("ehr", begin, two, id("urn:staff", "b")),
		patientFact("ehr", "1", "", []*v1.Identifier{one}, &v1.IdentityLink{Kind: v1.IdentityLink_KIND_SEE_ALSO, From: id("source:ehr", "Patient/1"), To: two}),
		&v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
			Source: "hr", ResourceType: "Person", ResourceId: "p", Identifiers: []*v1.Identifier{one, two},
			Links: []*v1.IdentityLink{{Kind: v1.IdentityLink_KIND_PERSON, From: one, To: two}},
		}}},
	)
	w.settle()
	if got := readersOf(w.whoViewed("urn:mrn|1").Accesses); !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %v", got)
	}
}

func TestAmbiguousValueAsksBack(t *testing.T) {
	w := newWorld(t)
	w.append(
		access("ehr", begin, id("source:ehr", "Patient/1"), id("urn:staff", "a")),
		access("ehr", begin.Add(time.Second), id("source:ehr", "Patient/1"), id("urn:staff", "a")),
		access("lab", begin, id("source:lab", "Patient/1"), id("urn:staff", "b")),
	)
	w.settle()
	res := w.whoViewed("Patient/1")
	want := []*v1.Candidate{{Identifier: id("source:ehr", "Patient/1"), Events: 2}, {Identifier: id("source:lab", "Patient/1"), Events: 1}}
	if len(res.Candidates) != 2 || !protobuf.Equal(res.Candidates[0], want[0]) || !protobuf.Equal(res.Candidates[1], want[1]) {
		t.Errorf("candidates: %v", res.Candidates)
	}
	if res.Totals != nil || len(res.Accesses)+len(res.Readers)+len(res.Identifiers)+len(res.Unresolved) > 0 {
		t.Error("more than candidates is filled")
	}
	if got := readersOf(w.whoViewed("source:lab|Patient/1").Accesses); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the exact form: %v", got)
	}
	// Once linked, the value means one record.
	w.append(patientFact("ehr", "1", "", []*v1.Identifier{id("urn:mrn", "9")}), patientFact("lab", "1", "", []*v1.Identifier{id("urn:mrn", "9")}))
	w.settle()
	if res := w.whoViewed("Patient/1"); len(res.Candidates) > 0 || res.Totals.Accesses != 3 {
		t.Errorf("linked: %v %v", res.Candidates, res.Totals)
	}
}

func TestUnknownPatientIsNotKnown(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin.Add(-time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")))
	w.settle()
	res := w.whoViewed("nobody")
	if !hasNote(res.Header, "nothing is known of it") || len(res.Header.Coverage) != 1 {
		t.Errorf("header: %v", res.Header)
	}
	before := w.whoViewed("urn:mrn|1", func(m *v1.WhoViewedRequest) {
		m.FromUs, m.UntilUs = begin.Add(-72*time.Hour).UnixMicro(), begin.Add(-48*time.Hour).UnixMicro()
	})
	if !hasNote(before.Header, "No source covers this period") || len(before.Accesses) > 0 {
		t.Errorf("an uncovered period: %v", before.Header.Notes)
	}
}

func TestTwoReportsOfOneLook(t *testing.T) {
	w := newWorld(t)
	patient := id("urn:mrn", "1")
	request := func(r string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) { e.RequestId = r }
	}
	application := func(e *v1.AccessEvent) { e.Reader.Type = v1.ReaderType_READER_TYPE_APPLICATION }
	at := begin.Add(-time.Hour)
	w.append(registered(&v1.SourceRegistered{Name: "pacs", PairWithinS: 10}))
	w.append(
		access("client", at, patient, id("urn:staff", "human"), request("r-1")),
		access("server", at.Add(2*time.Second), patient, id("urn:app", "portal"), request("r-1"), application),
		// The same constant id an hour earlier is another look, and so is another patient's.
		access("server", at.Add(-time.Hour), patient, id("urn:staff", "earlier"), request("r-1")),
		access("server", at.Add(time.Second), id("urn:mrn", "2"), id("urn:staff", "other"), request("r-1")),
		// One source reports twice, without a request id.
		access("pacs", at.Add(10*time.Minute), patient, id("urn:staff", "viewer")),
		access("pacs", at.Add(10*time.Minute+4*time.Second), patient, id("urn:staff", "viewer")),
		access("pacs", at.Add(10*time.Minute+40*time.Second), patient, id("urn:staff", "viewer")),
	)
	w.settle()
	res := w.whoViewed("urn:mrn|1")
	if diff := cmp.Diff([]string{"viewer", "viewer", "human", "earlier"}, readersOf(res.Accesses)); diff != "" {
		t.Fatal(diff)
	}
	if res.Totals.Accesses != 4 || res.Totals.Events != 6 || res.Totals.Readers != 3 {
		t.Errorf("totals: %v", res.Totals)
	}
	human := res.Accesses[2]
	if len(human.Paired) != 1 || human.Paired[0].Source != "server" {
		t.Fatalf("paired: %v", human.Paired)
	}
	event, err := w.service.GetEvent(w.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: positionText(human.Paired[0].Position), Purpose: "x"}))
	if err != nil {
		t.Fatal(err)
	}
	if p := event.Msg.Paired; len(p) != 1 || p[0].Position != human.Position {
		t.Errorf("the other report does not name the first: %v", p)
	}
}

func TestFailedIncidentalAndUnnamed(t *testing.T) {
	w := newWorld(t)
	patient := id("urn:mrn", "1")
	minute := func(n int) time.Time { return begin.Add(-time.Duration(n) * time.Minute) }
	w.append(
		access("ehr", minute(1), patient, id("urn:staff", "a"), func(e *v1.AccessEvent) { e.Outcome = v1.Outcome_OUTCOME_SERIOUS_FAILURE }),
		access("ehr", minute(2), patient, id("urn:staff", "a"), func(e *v1.AccessEvent) { e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL }),
		access("ehr", minute(3), patient, id("urn:staff", "a"), func(e *v1.AccessEvent) {
			e.BreakGlass = true
			e.Purposes = []*v1.Coding{{Code: "ETREAT"}}
			e.Reader.Department = "Emergency"
		}),
		access("ehr", minute(4), patient, nil),
	)
	w.settle()
	res := w.whoViewed("1")
	want := &v1.WhoViewedTotals{Readers: 1, Accesses: 4, Events: 4, Failed: 1, Incidental: 1, BreakGlass: 1, UnnamedReader: 1, NotJudged: 4}
	if !protobuf.Equal(res.Totals, want) {
		t.Errorf("totals: %v", res.Totals)
	}
	if len(res.Readers) != 1 {
		t.Fatalf("readers: %v", res.Readers)
	}
	r := res.Readers[0]
	if r.Accesses != 3 || r.Failed != 1 || r.Incidental != 1 || !r.BreakGlass || !slices.Equal(r.Purposes, []string{"ETREAT"}) || !slices.Contains(r.Departments, "Emergency") {
		t.Errorf("reader: %v", r)
	}
	if r.FirstUs != minute(3).UnixMicro() || r.LastUs != minute(1).UnixMicro() {
		t.Errorf("first and last: %d %d", r.FirstUs, r.LastUs)
	}
}

func TestCoverageGapIsNamed(t *testing.T) {
	w := newWorld(t)
	night := begin.Add(-6 * time.Hour)
	gap := func(from, until time.Time) *v1.Item {
		c := &v1.CoverageFact{Source: "pacs", Kind: v1.CoverageFact_KIND_SILENCE, FromUs: from.UnixMicro()}
		if !until.IsZero() {
			c.UntilUs = until.UnixMicro()
		}
		return &v1.Item{Body: &v1.Item_Coverage{Coverage: c}}
	}
	w.append(
		registered(&v1.SourceRegistered{Name: "ehr"}), registered(&v1.SourceRegistered{Name: "pacs"}), registered(&v1.SourceRegistered{Name: "lab"}),
		access("ehr", begin.Add(-24*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")),
		access("pacs", begin.Add(-24*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")),
		access("lab", begin.Add(-24*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")),
		access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")),
		access("pacs", begin, id("urn:mrn", "1"), id("urn:staff", "a")),
		access("lab", begin, id("urn:mrn", "1"), id("urn:staff", "a")),
	)
	w.pass(time.Minute)
	open := w.append(gap(night, time.Time{}))
	w.settle()
	during := w.clock()
	w.pass(time.Hour)
	w.append(gap(night, night.Add(2*time.Hour)))
	w.settle()

	whole := w.whoViewed("1")
	if len(whole.Header.Gaps) != 1 || whole.Header.Gaps[0].UntilUs != night.Add(2*time.Hour).UnixMicro() || !hasNote(whole.Header, "Source pacs was silent") {
		t.Errorf("gap: %v, notes %v", whole.Header.Gaps, whole.Header.Notes)
	}
	quiet := w.whoViewed("1", func(m *v1.WhoViewedRequest) {
		m.FromUs, m.UntilUs = night.Add(2*time.Hour).UnixMicro(), night.Add(3*time.Hour).UnixMicro()
	})
	if len(quiet.Header.Gaps) > 0 {
		t.Errorf("a quiet hour has a gap: %v", quiet.Header.Gaps)
	}
	past := w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.AsOfUs = during.UnixMicro() })
	if len(past.Header.Gaps) != 1 || past.Header.Gaps[0].UntilUs != 0 || past.Header.Position>>12 != open.Sequence() {
		t.Errorf("while it was open: %v", past.Header)
	}
	if len(whole.Header.Coverage) != 3 || whole.Header.Coverage[0].FirstOccurredUs != begin.Add(-24*time.Hour).UnixMicro() {
		t.Errorf("coverage: %v", whole.Header.Coverage)
	}
}

// TestOutageIsReadtrails: what Readtrail did not take is told as its own, and of no source.
func TestOutageIsReadtrails(t *testing.T) {
	w := newWorld(t)
	from, until := begin.Add(-2*time.Hour), begin.Add(-time.Hour)
	w.append(
		registered(&v1.SourceRegistered{Name: "ehr"}), access("ehr", begin.Add(-24*time.Hour), id("urn:mrn", "1"), id("urn:staff", "a")),
		&v1.Item{Body: &v1.Item_Coverage{Coverage: &v1.CoverageFact{
			Kind: v1.CoverageFact_KIND_OUTAGE, FromUs: from.UnixMicro(), UntilUs: until.UnixMicro(), Amount: 3600,
		}}},
	)
	w.settle()
	h := w.whoViewed("1").Header
	if len(h.Gaps) != 1 || h.Gaps[0].Kind != v1.CoverageFact_KIND_OUTAGE || h.Gaps[0].Source != "" || !hasNote(h, "Readtrail itself was down from") {
		t.Errorf("gaps: %v, notes %q", h.Gaps, h.Notes)
	}
	if len(h.Coverage) != 1 {
		t.Errorf("Readtrail is told as a source: %v", h.Coverage)
	}
}

// TestFilledSequenceGap: numbers that came after all make the gap none, from then on; another one of the same beginning
// stays.
func TestFilledSequenceGap(t *testing.T) {
	w := newWorld(t)
	from, until := begin.Add(-2*time.Hour), begin.Add(-time.Hour)
	told := func(until time.Time, amount int64) *v1.Item {
		return &v1.Item{Body: &v1.Item_Coverage{Coverage: &v1.CoverageFact{
			Source: "ehr", Kind: v1.CoverageFact_KIND_SEQUENCE_GAP, FromUs: from.UnixMicro(), UntilUs: until.UnixMicro(), Amount: amount,
		}}}
	}
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}), access("ehr", from, id("urn:mrn", "1"), id("urn:staff", "a")))
	w.append(told(until, 3), told(begin, 7))
	w.settle()
	open := w.clock()
	w.pass(time.Hour)
	w.append(told(until, 0))
	w.settle()
	amounts := func(asOf int64) (out []int64) {
		for _, g := range w.whoViewed("1", func(m *v1.WhoViewedRequest) { m.AsOfUs = asOf }).Header.Gaps {
			out = append(out, g.Amount)
		}
		slices.Sort(out)
		return out
	}
	if got := amounts(open.UnixMicro()); !slices.Equal(got, []int64{3, 7}) {
		t.Errorf("before it was filled: %v", got)
	}
	if got := amounts(0); !slices.Equal(got, []int64{7}) {
		t.Errorf("after it was filled: %v", got)
	}
}
