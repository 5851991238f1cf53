package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// decided are decisions on alerts of one kind, all promised as likely, so many of them misuse in which a detector showed a grade.
func decided(scenario string, n, misuse int, chance, grade uint32) []detectors.Outcome {
	out := make([]detectors.Outcome, n)
	for i := range out {
		out[i] = detectors.Outcome{Scenario: scenario, Chance: chance, Misuse: i < misuse, Grades: map[string]uint32{scenario: grade, "NoRelation": 2}}
	}
	return out
}

// TestCalibrate: of a custom detector's kind of misuse the share and its own grades are learned; what is learned is a weight that holds,
// and less misuse than promised makes its alerts less likely.
func TestCalibrate(t *testing.T) {
	own := parse(t, "pair", `access.workstation == "kiosk"`, "grades: [{at_least: 1, word: seen}, {at_least: 3, word: often}]", "misuse: [500, 200]", "share: 200")
	all := []detectors.CustomDetector{own}
	if w, report := detectors.Calibrate(decided("TestedRule", 4, 4, 500, 1), all); len(w) != 0 || !report[len(report)-1].TooFew {
		t.Errorf("four decisions taught something: %v, %+v", w, report[len(report)-1])
	}
	weights, report := detectors.Calibrate(decided("TestedRule", 40, 4, 500, 2), all)
	if len(weights) != 1 || weights[0].Scenario != "TestedRule" {
		t.Fatalf("weights of %d kinds: %v", len(weights), weights)
	}
	// The share is (4 + 10) / (20 + 10) of 200; the grades are 20*500 and 20*200 + 4*1000, over 24.
	want := detectors.ScenarioWeights{Scenario: "TestedRule", Share: 93, Grades: map[string][]int{"TestedRule": {416, 333}}}
	if diff := cmp.Diff(want, weights[0]); diff != "" {
		t.Error(diff)
	}
	if r := report[len(report)-1]; r.Before != 200 || r.After != 93 || r.Decided != 40 || r.Misuse != 4 || r.Expected != 20 {
		t.Errorf("report %+v", r)
	}
	settings := detectors.Settings{Custom: all, Weights: weights}
	if err := settings.Validate(); err != nil {
		t.Errorf("what was learned is refused: %v", err)
	}
	if (detectors.Settings{Weights: weights}).Validate() == nil {
		t.Error("weights of a detector that is not there are accepted")
	}
	settings.Weights = []detectors.ScenarioWeights{{Scenario: "TestedRule", Share: 93, Grades: map[string][]int{"TestedRule": {1, 2, 3}}}}
	if settings.Validate() == nil {
		t.Error("grades that the detector does not have are accepted")
	}
	weighed := func(w []detectors.ScenarioWeights) detectors.Weight {
		h := newHospital(t)
		busy(h)
		h.weights = w
		h.access(minutes(0), "c5", "p33", func(e *v1.AccessEvent) { e.Workstation = "kiosk" })
		got := h.judge(own)
		if len(got.alerts) == 0 || got.weights["TestedRule"] == 0 {
			t.Fatalf("the rule's kind of misuse has no alert: %v", got.weights)
		}
		return got.weights["TestedRule"]
	}
	if before, after := weighed(nil), weighed(weights); after >= before {
		t.Errorf("a rule that was mostly wrong weighs %d after it was learned, %d before", after, before)
	}
}

// TestCalibratedSharesLeaveRoom: what custom detectors of a key claim together stays within what they may claim.
func TestCalibratedSharesLeaveRoom(t *testing.T) {
	a := renamed{parse(t, "pair", "access.look", "grades: [{at_least: 1, word: seen}]", "share: 200"), "FirstRule"}
	b := renamed{parse(t, "pair", "access.look", "grades: [{at_least: 1, word: seen}]", "share: 150"), "SecondRule"}
	c := renamed{parse(t, "pair", "access.look", "grades: [{at_least: 1, word: seen}]", "share: 100"), "UndecidedRule"}
	all := []detectors.CustomDetector{a, b, c}
	weights, _ := detectors.Calibrate(append(decided("FirstRule", 60, 60, 100, 1), decided("SecondRule", 60, 60, 100, 1)...), all)
	sum := 100
	for _, w := range weights {
		sum += w.Share
	}
	if len(weights) != 2 || sum > 500 || sum < 490 || weights[0].Share <= weights[1].Share {
		t.Errorf("%v claim %d together", weights, sum)
	}
	if err := (detectors.Settings{Custom: all, Weights: weights}).Validate(); err != nil {
		t.Errorf("what was learned is refused: %v", err)
	}
	weights[0].Share += 100
	if (detectors.Settings{Custom: all, Weights: weights}).Validate() == nil {
		t.Error("custom detectors may claim more than half of all misuse")
	}
}
