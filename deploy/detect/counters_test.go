package detect_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// countersOf are rules with counters of every kind: whatever is counted, of each key, over stretches and days, with conditions of their own and without. What
// a hard rule finds of readers and pairs is always sent.
const countersOf = `rules:
- name: CountedPair
  about: Something was counted.
  normal: Something else would have made it normal.
  hard: true
  key: pair
  counters:
    records: {of: records, per: reader, over: 30m, when: access.look}
    readers: {of: readers, per: record}
    mine: {of: accesses, per: pair, over: 2h, when: access.look}
    writes: {of: accesses, per: record, over: 1h, when: access.write}
  when: counters.records >= 3 && counters.readers >= 2 && counters.mine >= 1 && counters.writes <= 5
  grades: [{at_least: 1, word: seen}]
- name: CountedReader
  about: Something was counted.
  normal: Something else would have made it normal.
  hard: true
  key: reader
  counters:
    mine: {per: pair, when: access.look}
    all: {per: reader, over: 1h}
    crowd: {of: readers, per: record, over: 3h, when: access.look}
  when: counters.mine == 2 && counters.all >= 4 && counters.crowd > 1
  count: {of: records}
  grades: [{at_least: 2, word: seen}]
- name: CountedRecord
  about: Something was counted.
  normal: Something else would have made it normal.
  hard: true
  key: record
  counters:
    browsed: {of: records, per: reader, when: access.look}
    crowd: {of: readers, per: record}
    mine: {per: pair}
  when: counters.browsed >= 4 && counters.crowd >= 2 && counters.mine <= 3
  count: {of: readers, over: 4h}
  grades: [{at_least: 2, word: seen}]
`

// counting is a hospital of a week under those rules: as it comes, or as an import that is judged at its end.
func counting(t *testing.T, backfill bool) *hospital {
	t.Helper()
	const days = 7
	h := newHospital(t, simulate.Config{Seed: 3, Staff: 150, Patients: 700, Days: days, Incidents: 20})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.Rules, c.LearningDays = countersOf, 2 }))
	h.before("")
	if !backfill {
		h.live(0, days, "")
		for hour := range 72 {
			at := h.start(days).Add(time.Duration(hour) * time.Hour)
			h.add(at, tick(at))
		}
		return h
	}
	at := h.start(days)
	mark := func(phase v1.ImportMark_Phase) entry {
		return entry{item: &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{ImportId: []byte("a week"), Phase: phase, Backfill: true}}}}
	}
	h.add(at, mark(v1.ImportMark_PHASE_BEGIN))
	for day := range days {
		h.add(at, h.care(day, "")...)
		events := h.events(day)
		for i := range events {
			events[i].item.GetAccess().ImportId = []byte("a week")
		}
		h.add(at, events...)
	}
	h.add(at, mark(v1.ImportMark_PHASE_END))
	return h
}

// counted are the findings of closed days of readers and pairs by those rules, each with how often it was sent, and how often each rule found something.
func counted(e *detectors.Engine, w *written) map[string]int {
	out := map[string]int{}
	for _, m := range w.messages {
		for _, f := range m.Findings {
			if m.Closed && f.Detector != "CountedRecord" && strings.HasPrefix(f.Detector, "Counted") {
				out[fmt.Sprint(m.Day, f.Detector, f.Words, f.Reader.GetValue(), f.Patient.GetValue())]++
			}
		}
	}
	for name, n := range e.Stats().Findings {
		if strings.HasPrefix(name, "Counted") {
			out[name] = int(n)
		}
	}
	return out
}

// What counters say is the same by several hands, by engines restored from snapshots, and in an import that is judged at its end.
func TestCountersSayTheSame(t *testing.T) {
	t.Parallel()
	h := counting(t, false)
	e, want := run(t, engineConfig(t, h), h.batches)
	must(t, restoredOften(t, h, len(h.batches)/4).same(want))
	found := counted(e, want)
	t.Logf("%d findings; %d, %d and %d per rule", len(found)-3, found["CountedPair"], found["CountedReader"], found["CountedRecord"])
	if len(found) < 50 || found["CountedPair"] < 20 || found["CountedReader"] < 20 || found["CountedRecord"] < 20 {
		t.Error("the test sees little")
	}
	old := counting(t, true)
	e, got := run(t, engineConfig(t, old), old.batches)
	if diff := cmp.Diff(found, counted(e, got)); diff != "" {
		t.Error("live (-) and in an import (+):", diff)
	}
}

// hard is a rule that an explanation does not silence, with a condition.
func hard(name, key, counters, when string, more ...string) string {
	if len(more) == 0 {
		more = []string{"grades: [{at_least: 1, word: seen}]"}
	}
	if counters != "" {
		counters = "  counters: " + counters + "\n"
	}
	return "- name: " + name + "\n  about: Something was counted.\n  normal: Something else would have made it normal.\n  key: " + key + "\n  hard: true\n" + counters +
		"  when: " + when + "\n  " + strings.Join(more, "\n  ") + "\n"
}

// On the open day one reader's day so far is known: a counter of that reader counts it, and one per record says nothing before the day is closed. Of pairs at
// random nothing around them is known, so counters say nothing.
func TestCountersOnTheOpenDay(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{
		Seed: 5, Staff: 150, Patients: 1500, Days: 4, Incidents: 30, NoStory: true, Weights: onlyScenarios("self", "terminated"),
	})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) {
		c.LearningDays = 2
		c.Rules = "rules:\n" + hard("HardReader", "pair", "{n: {of: records, per: reader}}", "access.look && counters.n >= 1") +
			hard("HardRecord", "pair", "{n: {of: readers, per: record}}", "access.look && counters.n >= 1")
	}))
	h.before("")
	h.live(0, 4, "")
	for hour := range 72 {
		at := h.start(4).Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	cfg := engineConfig(t, h)
	cfg.Chance = true
	e, w := run(t, cfg, h.batches)
	n := map[string]int{}
	for _, m := range w.messages {
		for _, f := range m.Findings {
			if strings.HasPrefix(f.Detector, "Hard") {
				n[fmt.Sprint(f.Detector, " closed ", m.Closed)]++
			}
		}
	}
	if n["HardReader closed false"] == 0 || n["HardRecord closed false"] > 0 || n["HardReader closed true"] == 0 || n["HardRecord closed true"] == 0 {
		t.Errorf("findings: %v", n)
	}
	s := e.Stats()
	if s.ChancePairs == 0 || s.ChanceFindings["NoRelation"] == 0 || s.ChanceFindings["HardReader"]+s.ChanceFindings["HardRecord"] > 0 {
		t.Errorf("of %d pairs at random: %v", s.ChancePairs, s.ChanceFindings)
	}
}

// Of a day that was closed, what comes late is at hand beside what its alerts rest on, and no more: counters say nothing of it, so that a condition like
// "nobody else opened it" does not come true of a record that many opened. A rule without counters speaks of it.
func TestCountersOnALateDay(t *testing.T) {
	t.Parallel()
	const late = 3
	h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 700, Days: 6, Incidents: 6, NoStory: true})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) {
		c.LearningDays = 2
		c.Rules = "rules:\n" + hard("HardLook", "pair", "", "access.look") +
			hard("HardAlone", "pair", "{n: {of: readers, per: record}}", "access.look && counters.n == 1") +
			hard("HardFew", "reader", "{n: {of: records, per: reader}}", "access.look && counters.n <= 1")
	}))
	h.before("")
	h.live(0, 6, "")
	var most *v1.AccessEvent
	readers := map[string]map[string]bool{}
	for _, e := range h.events(late) {
		a := e.item.GetAccess()
		if a.GetMode() != v1.AccessMode_ACCESS_MODE_DELIBERATE || a.GetAction() != v1.Action_ACTION_READ || len(a.Patients) != 1 {
			continue
		}
		record := a.Patients[0].Identifiers[0].Value
		if readers[record] == nil {
			readers[record] = map[string]bool{}
		}
		readers[record][a.Reader.Identifiers[0].Value] = true
		if most == nil || len(readers[record]) > len(readers[most.Patients[0].Identifiers[0].Value]) {
			most = a
		}
	}
	if most == nil || len(readers[most.Patients[0].Identifiers[0].Value]) < 3 {
		t.Fatal("no record of many readers")
	}
	again, _ := pb.Clone(most).(*v1.AccessEvent)
	again.SourceEventId, again.EventId, again.RequestId = "late", nil, ""
	again.Reader.Identifiers = again.Reader.Identifiers[:1]
	again.Reader.Identifiers[0].Value = "Practitioner/late"
	end := h.start(6).Add(30 * time.Hour)
	h.add(end, tick(end))
	h.add(end.Add(time.Minute), entry{item: &v1.Item{Body: &v1.Item_Access{Access: again}}})
	for hour := range 48 {
		at := end.Add(time.Duration(hour+1) * time.Hour)
		h.add(at, tick(at))
	}
	_, w := run(t, engineConfig(t, h), h.batches)
	n, day, closings := map[string]int{}, int32(h.start(late).Unix()/86_400), 0
	for _, m := range w.messages {
		if m.Day != day || !m.Closed {
			continue
		}
		closings++
		for _, f := range m.Findings {
			if f.Reader.GetValue() == "Practitioner/late" {
				n[f.Detector]++
			}
		}
	}
	if n["HardLook"] == 0 || n["HardAlone"] > 0 || n["HardFew"] > 0 {
		t.Errorf("of an access that came late, in %d messages: %v", closings, n)
	}
}

// When a late fact explains all of an alert, a hard rule that told it goes on where it does not ask for the reason, although the rest of the day is not
// at hand any more.
func TestHardRulesAreNotExplainedAway(t *testing.T) {
	t.Parallel()
	base := newHospital(t, simulate.Config{Seed: 11, Staff: 150, Patients: 700, Days: 6, Incidents: 45})
	base.rules(base.start(0), ruleSet(t, nil))
	base.before("")
	base.live(0, 6, "")
	for hour := range 72 {
		at := base.start(6).Add(time.Duration(hour) * time.Hour)
		base.add(at, tick(at))
	}
	pair, day := v1.Shape_SHAPE_PAIR, v1.Shape_SHAPE_READER_DAY
	for _, tt := range []struct {
		name  string
		shape v1.Shape
		rule  string
		back  bool
	}{
		{"a pair by what else the reader did", pair, hard("HardRule", "pair", "{n: {of: records, per: reader}}", "access.look && counters.n >= 2"), false},
		{"a pair by who else opened it", pair, hard("HardRule", "pair", "{n: {of: readers, per: record}}", "access.look && counters.n >= 1"), false},
		{"a reader without counters", day, hard("HardRule", "reader", "", "access.look", "count: {of: records}", "grades: [{at_least: 2, word: seen}]"), false},
		{"a pair without a reason", pair, hard("HardRule", "pair", "{n: {of: records, per: reader}}", "access.look && !explained && counters.n >= 1"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rs := ruleSet(t, func(c *ruleset.Config) { c.Rules, c.LearningDays = "rules:\n"+tt.rule, 2 })
			h := changed(t, base, rs, (*v1.AccessEvent).GetSite)
			_, w := run(t, engineConfig(t, h), h.batches)
			var of *v1.AlertVersion
			for _, a := range w.versions {
				told := slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "HardRule" })
				built := slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool {
					return slices.Contains([]string{"SelfAccess", "WatchedRecord", "LeftAccount", "VendorAccess", "FamilyAccess"}, d.Detector)
				})
				if a.Shape == tt.shape && a.State == v1.AlertState_ALERT_STATE_RAISED && told && !built && !a.Hard && !a.Sampled {
					of = a
				}
			}
			if of == nil {
				t.Fatal("no alert tells the rule")
			}
			at := time.UnixMicro(of.Accesses[0].OccurredUs)
			late := h.copy(t)
			var care []entry
			for n, p := range of.Patients {
				care = append(care, attended(late, n, of.Readers[0].Identifier, p.Identifier, at)...)
			}
			late.after(time.UnixMicro(of.AtUs), care...)
			_, got := run(t, engineConfig(t, h), late.batches)
			var last *v1.AlertVersion
			for _, a := range got.versions {
				if bytes.Equal(a.AlertId, of.AlertId) {
					last = a
				}
			}
			if back := last.GetState() == v1.AlertState_ALERT_STATE_RETRACTED; back != tt.back {
				t.Errorf("the alert is %s, because %q", last.GetState(), last.GetBecause())
			}
			if v := verdictAt(got, of.Accesses[0].Position); !strings.HasPrefix(v, "VERDICT_EXPLAINED") {
				t.Errorf("the access is %s: the test sees nothing", v)
			}
		})
	}
}
