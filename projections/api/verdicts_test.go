package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// hospital is a world of random accesses that detectors have judged.
type hospital struct {
	*world
	random   *rand.Rand
	accesses []detectiontest.Access
	detector *detectiontest.Generator
}

// newHospital has n accesses to ten records by five readers, some of them to several records or to none.
func newHospital(t testing.TB, seed uint64, n int) *hospital {
	t.Helper()
	h := &hospital{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 5))}
	for len(h.accesses) < n {
		items := make([]*v1.Item, 1+h.random.IntN(5))
		sequence := uint64(len(h.messages) + 1)
		for i := range items {
			at := begin.Add(-time.Duration(h.random.IntN(20*24*60)) * time.Minute)
			a := detectiontest.Access{Position: uint64(proto.At(sequence, i)), Occurred: at, Reader: id("urn:staff", fmt.Sprint("u", h.random.IntN(5)))}
			for _, k := range h.random.Perm(10)[:h.random.IntN(4)] {
				a.Patients = append(a.Patients, id("urn:mrn", fmt.Sprint(k)))
			}
			items[i] = access("ehr", at, nil, a.Reader, func(e *v1.AccessEvent) {
				for _, p := range a.Patients {
					e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{p}})
				}
				e.Workstation, e.Purposes, e.Sensitivity = "WS1", []*v1.Coding{{Code: "TREAT"}, {Code: "TREAT"}}, []string{"HIV"}
				e.Objects = []*v1.Object{{Type: "DocumentReference", Id: id("urn:doc", fmt.Sprint(i)), Name: "note", Count: 2, Sensitivity: []string{"PSY"}}}
				e.Encounter, e.BreakGlass, e.OnBehalfOf = id("urn:enc", "1"), i == 0, &v1.Reader{Name: "Dr. No"}
			})
			h.accesses = append(h.accesses, a)
		}
		h.append(items...)
	}
	h.detector = detectiontest.NewGenerator(seed, uint64(h.head()), begin.Add(-20*24*time.Hour))
	return h
}

// detect lets detectors judge some of the accesses, and puts their causes into the journal.
func (h *hospital) detect(causes int) {
	h.t.Helper()
	for range causes {
		from := h.random.IntN(len(h.accesses))
		findings, alerts := h.detector.Next(h.accesses[from:min(len(h.accesses), from+1+h.random.IntN(len(h.accesses)))])
		cause := uint64(h.append(registered(&v1.SourceRegistered{Name: "cause"})))
		for _, f := range findings {
			f.Cause = cause
		}
		for _, a := range alerts {
			a.Cause = cause
		}
		h.findings.Publish(findings...)
		h.alerts.Publish(alerts...)
	}
}

// judgement is the reference's: the verdict of the latest cause at a position, of one patient of an event.
type judgement struct {
	verdict     v1.Verdict
	explanation v1.Explanation
	missing     []string
	cause       uint64
	standing    v1.Standing
	document    *v1.Document
	// message and place say where the document stands.
	message, place int
}

func (h *hospital) judgements(asOf uint64) map[[2]uint64]judgement {
	out, missing := map[[2]uint64]judgement{}, map[uint64][]string{}
	for message, m := range h.findings.Messages() {
		if m.Cause > asOf {
			continue
		}
		for _, x := range m.Missing {
			if !slices.Contains(missing[m.Cause], x) {
				missing[m.Cause] = append(missing[m.Cause], x)
			}
		}
		position := uint64(0)
		for i, step := range m.Verdicts.Positions {
			position += step
			key := [2]uint64{position, uint64(m.Verdicts.Patients[i])}
			if old := out[key]; m.Cause >= old.cause {
				j := judgement{
					verdict: v1.Verdict(m.Verdicts.Verdicts[i]), explanation: v1.Explanation(m.Verdicts.Explanations[i]), cause: m.Cause,
					standing: v1.Standing_STANDING_PROVISIONAL,
				}
				if m.Closed {
					j.standing = v1.Standing_STANDING_FINAL
				}
				if len(m.Verdicts.Cited) > 0 && m.Verdicts.Cited[i] > 0 {
					j.message, j.place = message, int(m.Verdicts.Cited[i])
					j.document = m.Verdicts.Documents[j.place-1]
				}
				out[key] = j
			}
		}
	}
	for key, j := range out {
		if j.verdict == v1.Verdict_VERDICT_NOT_ASSESSABLE {
			slices.Sort(missing[j.cause])
			j.missing = missing[j.cause]
			out[key] = j
		}
	}
	return out
}

// least is the verdict on an event of the patient for whom least accounts for it.
func least(all map[[2]uint64]judgement, position uint64, patients []int) (out judgement) {
	rank := map[v1.Verdict]int{v1.Verdict_VERDICT_EXPLAINED: 1, v1.Verdict_VERDICT_NOT_ASSESSABLE: 2, v1.Verdict_VERDICT_UNEXPLAINED: 3}
	for _, p := range patients {
		j := all[[2]uint64{position, uint64(p)}]
		if rank[j.verdict] > rank[out.verdict] || rank[j.verdict] == rank[out.verdict] && (j.explanation < out.explanation ||
			j.explanation == out.explanation && (j.cause > out.cause || j.cause == out.cause &&
				(j.message < out.message || j.message == out.message && j.place < out.place))) {
			out = j
		}
	}
	return out
}

func told(a *v1.Access) judgement {
	return judgement{verdict: a.Verdict, explanation: a.Explanation, missing: a.Missing, standing: a.Standing, document: a.Document}
}

// TestVerdictsOfAccesses: each access of each list carries the verdict of the latest cause that was known, about the record that was asked
// for; totals are the verdicts of all pages.
func TestVerdictsOfAccesses(t *testing.T) {
	for seed := range uint64(2) {
		h := newHospital(t, seed, 80)
		h.detect(6)
		h.pass(time.Hour)
		before := h.clock().UnixMicro()
		asOf := uint64(h.head())
		h.pass(time.Hour)
		h.detect(6)
		h.settle()
		byPosition := map[uint64]detectiontest.Access{}
		for _, a := range h.accesses {
			byPosition[a.Position] = a
		}
		check := func(what string, list []*v1.Access, known map[[2]uint64]judgement, record string) map[v1.Verdict]uint64 {
			t.Helper()
			counts := map[v1.Verdict]uint64{}
			for _, a := range list {
				var patients []int
				for i, p := range byPosition[a.Position].Patients {
					if record == "" || p.Value == record {
						patients = append(patients, i)
					}
				}
				if len(byPosition[a.Position].Patients) == 0 {
					patients = []int{0}
				}
				want := least(known, a.Position, patients)
				want.cause, want.message, want.place = 0, 0, 0
				if diff := cmp.Diff(want, told(a), cmp.AllowUnexported(judgement{}), cmpopts.EquateEmpty(), protocmp.Transform()); diff != "" {
					t.Errorf("seed %d, %s, position %d: %s", seed, what, a.Position, diff)
				}
				counts[a.Verdict]++
			}
			return counts
		}
		now, then := h.judgements(^uint64(0)), h.judgements(asOf)
		for record := range 4 {
			for _, at := range []struct {
				asOf  int64
				known map[[2]uint64]judgement
			}{{0, now}, {before, then}} {
				value := fmt.Sprint(record)
				var list []*v1.Access
				var totals *v1.WhoViewedTotals
				for token := ""; ; {
					res := h.whoViewed("urn:mrn|"+value, func(m *v1.WhoViewedRequest) { m.AsOfUs, m.Page = at.asOf, &v1.Page{Size: 7, Token: token} })
					if token == "" {
						totals = res.Totals
					}
					list = append(list, res.Accesses...)
					if token = res.NextPageToken; token == "" {
						break
					}
				}
				counts := check("record "+value, list, at.known, value)
				want := []uint64{
					counts[v1.Verdict_VERDICT_EXPLAINED], counts[v1.Verdict_VERDICT_UNEXPLAINED], counts[v1.Verdict_VERDICT_NOT_ASSESSABLE],
					counts[v1.Verdict_VERDICT_UNSPECIFIED],
				}
				if diff := cmp.Diff(want, []uint64{totals.Explained, totals.Unexplained, totals.NotAssessable, totals.NotJudged}); diff != "" || totals.Accesses != uint64(len(list)) {
					t.Errorf("seed %d, record %d: totals of %d accesses: %s", seed, record, len(list), diff)
				}
			}
		}
		did, err := h.service.ReaderActivity(h.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{Reader: "u1", Purpose: "p", Page: &v1.Page{Size: 500}}))
		if err != nil || len(did.Msg.Accesses) == 0 {
			t.Fatal(err)
		}
		check("reader", did.Msg.Accesses, now, "")
		documents := 0
		for _, a := range h.accesses {
			one, err := h.service.GetEvent(h.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: fmt.Sprint(a.Position), Purpose: "p"}))
			if err != nil {
				t.Fatal(err)
			}
			m := one.Msg
			check("event", []*v1.Access{{
				Position: a.Position, Verdict: m.Verdict, Explanation: m.Explanation, Missing: m.Missing, Standing: m.Standing, Document: m.Document,
			}}, now, "")
			if m.Document != nil {
				documents++
			}
		}
		if documents == 0 {
			t.Errorf("seed %d: no event has a document", seed)
		}
		found, err := h.service.SearchAccesses(h.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Workstation: "WS1", Purpose: "p", Page: &v1.Page{Size: 500}}))
		if err != nil || len(found.Msg.Accesses) != len(h.accesses) {
			t.Fatalf("%d found, %v", len(found.Msg.GetAccesses()), err)
		}
		if counts := check("search", found.Msg.Accesses, now, ""); len(counts) != 4 {
			t.Errorf("not every kind of verdict came: %v", counts)
		}
	}
}

// closed is a message that closes a day.
func closed(cause uint64, day, at time.Time) *v1.Findings {
	return &v1.Findings{Cause: cause, Last: true, Day: detectiontest.Day(day), AtUs: at.UnixMicro(), Closed: true}
}

// TestHowFarDetectorsHaveJudged: a day counts as judged once it was closed, also where its cause says something new of an earlier day
// behind it; a sign of the open day judges no day, whenever it was found.
func TestHowFarDetectorsHaveJudged(t *testing.T) {
	w := newWorld(t)
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.TimeZone, cfg.LearningDays = vienna, 14
	service := newService(t, cfg)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w.append(access("ehr", noon, id("urn:mrn", "1"), id("urn:staff", "r")))
	gap := func(absent bool) *v1.Item {
		return &v1.Item{Body: &v1.Item_ContextGap{ContextGap: &v1.ContextGap{Context: "roster", Absent: absent, Blind: []string{"AfterHours"}}}}
	}
	for _, step := range []struct {
		name    string
		publish func()
		want    *v1.DetectionProgress
		note    string
	}{
		{"nothing", func() {}, &v1.DetectionProgress{LearningUntil: "2026-03-15"}, ""},
		{"a sign of the open day", func() {
			// Half past midnight in Vienna: the day is over, its period of grace is not.
			f := closed(uint64(proto.At(1, 0)), noon, time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC))
			f.Closed = false
			w.findings.Publish(f)
		}, &v1.DetectionProgress{LearningUntil: "2026-03-15"}, "no whole day"},
		{"an imported history", func() {
			f := closed(uint64(proto.At(1, 1)), noon.AddDate(-1, 0, 0), noon)
			f.Backfill = true
			w.findings.Publish(f)
		}, &v1.DetectionProgress{HistoryUntil: "2025-03-01"}, "what was imported, up to 2025-03-01, and no day since"},
		{"the day before", func() {
			w.findings.Publish(closed(uint64(proto.At(2, 0)), noon.AddDate(0, 0, -1), time.Date(2026, 2, 28, 23, 30, 0, 0, time.UTC)))
			w.append(gap(true))
		}, &v1.DetectionProgress{JudgedUntil: "2026-02-28", Missing: []*v1.MissingContext{{Context: "roster", Blind: []string{"AfterHours"}}}}, "until 2026-02-28"},
		{"the day itself", func() {
			f := closed(uint64(proto.At(3, 0)), noon, time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC))
			f.Last = false
			late := closed(uint64(proto.At(3, 0)), noon.AddDate(0, 0, -4), time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC))
			late.Ordinal = 1
			w.findings.Publish(f, late)
			w.append(gap(false))
		}, &v1.DetectionProgress{JudgedUntil: "2026-03-01"}, ""},
		{"an import's last day, later", func() {
			f := closed(uint64(proto.At(4, 0)), noon.AddDate(0, 0, 1), time.Date(2026, 3, 9, 6, 0, 0, 0, time.UTC))
			f.Backfill = true
			w.findings.Publish(f)
		}, &v1.DetectionProgress{JudgedUntil: "2026-03-01"}, ""},
	} {
		step.publish()
		w.append(registered(&v1.SourceRegistered{Name: "tick"}))
		w.settle()
		res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		got := res.Msg.Header.Detection
		if (got == nil) != (step.want == nil) || got.GetJudgedUntil() != step.want.GetJudgedUntil() || got.GetLearningUntil() != step.want.GetLearningUntil() ||
			step.want.GetHistoryUntil() != "" && got.GetHistoryUntil() != step.want.GetHistoryUntil() {
			t.Errorf("%s: %v", step.name, got)
		}
		if len(got.GetMissing()) != len(step.want.GetMissing()) {
			t.Errorf("%s: missing %v", step.name, got.GetMissing())
		}
		if step.note != "" && !noted(res.Msg.Header, step.note) || step.note == "" && noted(res.Msg.Header, "Detectors") {
			t.Errorf("%s: notes %v", step.name, res.Msg.Header.Notes)
		}
	}
}
