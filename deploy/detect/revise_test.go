package detect_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// said is a verdict as it was sent.
type said struct {
	verdict v1.Verdict
	why     v1.Explanation
	day     int32
	cause   uint64
}

// about are the verdicts on each event's first patient, in the order in which they were sent.
func (w *written) about() map[proto.Position][]said {
	out := map[proto.Position][]said{}
	for _, m := range w.messages {
		at := proto.Position(0)
		for i, d := range m.Verdicts.GetPositions() {
			if at += proto.Position(d); m.Closed && m.Verdicts.Patients[i] == 0 {
				out[at] = append(out[at], said{v1.Verdict(m.Verdicts.Verdicts[i]), v1.Explanation(m.Verdicts.Explanations[i]), m.Day, m.Cause})
			}
		}
	}
	return out
}

// unalerted are looks of two readers at two records that no alert cites and that have no reason, of a day that was closed in the fortnight's second week;
// and that day.
func unalerted(t *testing.T, h *hospital, w *written) (at [2]proto.Position, of [2]*v1.AccessEvent, d int) {
	t.Helper()
	cited := map[uint64]bool{}
	for _, a := range w.versions {
		for _, c := range a.Accesses {
			cited[c.Position] = true
		}
	}
	about, zero := w.about(), int32(h.start(0).Unix()/86400)
	for _, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for i, item := range items {
			p, e := b.Position(i), item.GetAccess()
			told := about[p]
			if len(told) != 1 || cited[uint64(p)] || told[0].verdict != v1.Verdict_VERDICT_UNEXPLAINED || told[0].day < zero+7 || told[0].day > zero+9 {
				continue
			}
			switch {
			case e.GetReader() == nil || len(e.Patients) != 1 || e.Action != v1.Action_ACTION_READ:
			case of[0] == nil || int(told[0].day-zero) != d:
				at[0], of[0], d = p, e, int(told[0].day-zero)
			case e.Reader.Identifiers[0].Value != of[0].Reader.Identifiers[0].Value && e.Patients[0].Identifiers[0].Value != of[0].Patients[0].Identifiers[0].Value:
				at[1], of[1] = p, e
				return at, of, d
			}
		}
	}
	t.Fatal("no two looks without a reason that no alert cites")
	return at, of, 0
}

// firstRecord is the record of which the journal tells first.
func firstRecord(t *testing.T, h *hospital) *v1.Identifier {
	t.Helper()
	for _, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for _, item := range items {
			if f := item.GetContext(); f.GetResourceType() == "Patient" {
				return &v1.Identifier{System: "source:" + f.Source, Value: "Patient/" + f.ResourceId}
			}
		}
	}
	t.Fatal("no patient")
	return nil
}

// encounter is one of a record in which somebody took part, at the time of a look.
func encounter(h *hospital, e *v1.AccessEvent, status, patient, staff string) []entry {
	at := time.UnixMicro(e.OccurredUs).UTC()
	return h.decode("Encounter.ndjson", fmt.Appendf(nil, `{"resourceType":"Encounter","id":"late","status":%q,"class":{"code":"AMB"},"subject":{"reference":%q},`+
		`"participant":[{"individual":{"reference":%q}}],"period":{"start":%q,"end":%q}}`, status, patient, staff,
		at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339)))
}

// linked is a record that is linked to another one; without links it stands by itself.
func linked(record *v1.Identifier, links ...*v1.IdentityLink) []entry {
	return []entry{{item: &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: "merges", ResourceType: "Patient", ResourceId: "one", Resource: []byte(`{"resourceType":"Patient","id":"one"}`),
		Identifiers: []*v1.Identifier{record}, Links: links,
	}}}}}
}

// TestLateFactWithoutAlert: what comes late turns the verdict on a look that no alert tells of, once, within the hour, and for as long as the
// configuration says; who-viewed would go on to say that there is no reason. It goes by the numbers that reader and record have by then, and what is
// withdrawn turns it back. An engine that is restored in between goes on as if nothing had been.
func TestLateFactWithoutAlert(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	looks, events, d := unalerted(t, h, w)
	at, event, beside := looks[0], events[0], events[1]
	patient, staff := event.Patients[0].Identifiers[0], event.Reader.Identifiers[0]
	another := &v1.Identifier{System: patient.System, Value: "Patient/900900900"}
	earlier := firstRecord(t, h) // by whose number what it becomes one with is known
	account := &v1.Identifier{System: staff.System, Value: "Practitioner/900900900"}
	replaced := func(from, to *v1.Identifier) *v1.IdentityLink {
		return &v1.IdentityLink{Kind: v1.IdentityLink_KIND_REPLACED_BY, From: from, To: to}
	}
	whole := encounter(h, event, "finished", patient.Value, staff.Value)
	const none, attending = v1.Explanation_EXPLANATION_UNSPECIFIED, v1.Explanation_EXPLANATION_ATTENDING
	type come struct {
		after time.Duration
		what  []entry
	}
	const days = 24 * time.Hour
	for name, c := range map[string]struct {
		come []come
		why  []v1.Explanation
	}{
		"nothing":                     {nil, []v1.Explanation{none}},
		"the day after it was closed": {[]come{{3 * days, whole}}, []v1.Explanation{none, attending}},
		"at the end of a week":        {[]come{{9 * days, whole}}, []v1.Explanation{none, attending}},
		"too late":                    {[]come{{10*days + time.Hour, whole}}, []v1.Explanation{none}},
		"of another record":           {[]come{{3 * days, encounter(h, event, "finished", another.Value, staff.Value)}}, []v1.Explanation{none}},
		"after another look of the day": {
			[]come{{3 * days, encounter(h, beside, "finished", beside.Patients[0].Identifiers[0].Value, beside.Reader.Identifiers[0].Value)}, {4 * days, linked(another)}, {5 * days, whole}},
			[]v1.Explanation{none, attending},
		},
		"withdrawn within the hour": {[]come{{3 * days, whole}, {3 * days, encounter(h, event, "entered-in-error", patient.Value, staff.Value)}}, []v1.Explanation{none}},
		"withdrawn, and stated again": {
			[]come{{3 * days, whole}, {3*days + 5*time.Hour, encounter(h, event, "entered-in-error", patient.Value, staff.Value)}, {4 * days, whole}},
			[]v1.Explanation{none, attending, none, attending},
		},
		"of a record that becomes this one": {
			[]come{{3 * days, encounter(h, event, "finished", another.Value, staff.Value)}, {4 * days, linked(another, replaced(another, patient))}},
			[]v1.Explanation{none, attending},
		},
		"of the record that this one becomes a part of": {
			[]come{{3 * days, encounter(h, event, "finished", another.Value, staff.Value)}, {4 * days, linked(patient, replaced(patient, another))}},
			[]v1.Explanation{none, attending},
		},
		"of a record that has been known for longer, which this one becomes a part of": {
			[]come{{3 * days, linked(patient, replaced(patient, earlier))}, {4 * days, encounter(h, event, "finished", earlier.Value, staff.Value)}},
			[]v1.Explanation{none, attending},
		},
		"of this record, which was a part of one that has been known for longer when it was judged": {
			[]come{{1 * days, linked(patient, replaced(patient, earlier))}, {3 * days, linked(patient)}, {4 * days, whole}},
			[]v1.Explanation{none, attending},
		},
		"of an account that becomes this one": {
			[]come{{3 * days, encounter(h, event, "finished", patient.Value, account.Value)}, {4 * days, []entry{owns("other", []*v1.Identifier{staff, account})}}},
			[]v1.Explanation{none, attending},
		},
		"of this record, which was a part of another one when it was judged": {
			[]come{{1 * days, linked(patient, replaced(patient, another))}, {3 * days, linked(patient)}, {4 * days, whole}},
			[]v1.Explanation{none, attending},
		},
		"of the other record, which this one was a part of when it was judged": {
			[]come{
				{1 * days, linked(patient, replaced(patient, another))},
				{3 * days, linked(patient)},
				{4 * days, encounter(h, event, "finished", another.Value, staff.Value)},
			},
			[]v1.Explanation{none},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			late := h.copy(t)
			var all []arrival
			for _, c := range c.come {
				all = append(all, arrival{h.start(d).Add(c.after), c.what})
			}
			late.insert(all...)
			for last := late.batches[len(late.batches)-1].Received(); len(all) > 0 && last.Before(all[len(all)-1].at.Add(3*time.Hour)); {
				last = last.Add(time.Hour)
				late.add(last, tick(last))
			}
			got := judged(t, late)
			told := got.about()[at]
			var why []v1.Explanation
			for _, s := range told {
				why = append(why, s.why)
			}
			if !slices.Equal(why, c.why) {
				t.Fatalf("the verdict came as %v, want %v", told, c.why)
			}
			if name != "the day after it was closed" {
				return
			}
			received := late.batches[proto.Position(told[1].cause).Sequence()-1].Received()
			if wait := received.Sub(all[0].at); wait > 2*time.Hour || told[1].day != told[0].day {
				t.Errorf("it was told after %s, of day %d for %d", wait, told[1].day, told[0].day)
			}
			n := receivedBy(late.batches, all[0].at) // it has the fact, and has not looked again
			cfg := engineConfig(t, late)
			e, before := run(t, cfg, late.batches[:n])
			r := restored(t, cfg, snapshotOf(t, e))
			before.more(t, r, late.batches[n:])
			if err := before.same(got); err != nil {
				t.Errorf("restored in between: %v", err)
			}
		})
	}
}

// TestContextAfterTheEvents: an import of events, and another one of all context when they are judged. Nearly all that can be explained is in the
// end, as when context comes first.
func TestContextAfterTheEvents(t *testing.T) {
	t.Parallel()
	sim := newHospital(t, simulate.Config{Seed: 6, Staff: 150, Patients: 600, Days: 6, Incidents: 20})
	at := sim.start(6)
	mark := func(phase v1.ImportMark_Phase) entry {
		return entry{item: &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{ImportId: []byte("events"), Phase: phase, Backfill: true}}}}
	}
	verdicts := func(first string, limit int) (map[v1.Verdict]int, map[v1.Verdict]int, *detectors.Engine) {
		h := sim.copy(t)
		h.rules(at, ruleSet(t, nil))
		context := func(of string) {
			if of == "people" {
				h.add(at, h.people("")...)
				return
			}
			for day := -3; day < 6; day++ { // without the roster, which names nearly everybody who works here
				h.add(at, h.care(day, "Slot")...)
			}
		}
		if first != "" {
			context("people")
		}
		if first == "all" {
			context("care")
		}
		h.add(at, mark(v1.ImportMark_PHASE_BEGIN))
		for day := range 6 {
			events := h.events(day) // which both have, of one import
			for i := range events {
				events[i].item.GetAccess().ImportId = []byte("events")
			}
			h.add(at, events...)
		}
		h.add(at, mark(v1.ImportMark_PHASE_END), tick(at))
		if first == "" {
			context("people")
		}
		if first != "all" {
			context("care")
		}
		for hour := range 3 {
			at := at.Add(time.Duration(hour+1) * time.Hour)
			h.add(at, tick(at))
		}
		cfg := engineConfig(t, h)
		cfg.HeldInMemory, cfg.Limits.Revisable = 1000, limit
		e, w := run(t, cfg, h.batches)
		for _, m := range w.messages {
			if m.Closed && !m.Backfill {
				t.Errorf("day %d, which was imported, is told as judged", m.Day)
			}
		}
		before, after := map[v1.Verdict]int{}, map[v1.Verdict]int{}
		for _, told := range w.about() {
			before[told[0].verdict]++
			after[told[len(told)-1].verdict]++
		}
		t.Logf("%q first: %v, then %v", first, before, after)
		return before, after, e
	}
	want, _, _ := verdicts("all", 0)
	if before, after, _ := verdicts("people", 0); before[v1.Verdict_VERDICT_NOT_ASSESSABLE] < 100 || !maps.Equal(want, after) {
		t.Errorf("care after the events: %v, then %v; want %v", before, after, want)
	}
	first, last, e := verdicts("", 0)
	explained := v1.Verdict_VERDICT_EXPLAINED
	if n := want[explained]; n < 1000 || first[explained] > n*95/100 || last[explained] < n*99/100 {
		t.Errorf("%d are explained when context comes first; %d and in the end %d when it comes after", n, first[explained], last[explained])
	}
	if n := last[v1.Verdict_VERDICT_NOT_ASSESSABLE]; n != 0 {
		t.Errorf("%d are still not assessable", n)
	}
	s := e.Stats()
	if held := last[v1.Verdict_VERDICT_NOT_ASSESSABLE] + last[v1.Verdict_VERDICT_UNEXPLAINED]; s.Revisable < held || s.EvictedRevisable != 0 {
		t.Errorf("%d are held of %d without a reason, %d pushed out", s.Revisable, held, s.EvictedRevisable)
	}
	if !slices.ContainsFunc(e.Spilled(), func(name string) bool { return strings.HasPrefix(name, "imported-unexplained-") }) {
		t.Errorf("nothing of it is in a file: %v", e.Spilled())
	}
	const limit = 500
	_, _, e = verdicts("", limit)
	if s := e.Stats(); s.Revisable > limit || s.Revisable == 0 || s.EvictedRevisable == 0 {
		t.Errorf("%d are held, %d pushed out", s.Revisable, s.EvictedRevisable)
	}
	zero := sim.start(0).UTC().Add(12*time.Hour).Unix() / 86400
	held := func(day int64) bool {
		return slices.ContainsFunc(e.Spilled(), func(name string) bool { return strings.Contains(name, fmt.Sprintf("-%d-", zero+day)) })
	}
	if held(0) || !held(5) {
		t.Errorf("the oldest days are held, or the latest are not: %v", e.Spilled())
	}
}
