package dataset_test

import (
	"path/filepath"
	"testing"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
)

// TestNumbers: each number that a site can change changes what is found in a case that stands at its boundary, and there is no other number.
func TestNumbers(t *testing.T) {
	t.Parallel()
	type change struct {
		name, in string
		value    int
	}
	rest := map[string]change{}
	for _, c := range []change{
		{"Explanations.care_days", "NoRelation/boundary", 31},
		{"Explanations.unit_days", "explanations/Unit/boundary", 4},
		{"Explanations.order_days", "explanations/Routed/boundary", 8},
		{"Explanations.note_days", "explanations/Wrote/boundary", 4},
		{"Explanations.duty_minutes", "AfterHours/boundary", 59},
		{"Explanations.contract_days", "explanations/Ticket/contract", 3650},
		{"Usual.known_days", "AfterHours/boundary", 60},
		{"NoRelation.dead_days", "NoRelation/dead", 40},
		{"NeighbourAccess.next_door_metres", "NeighbourAccess/boundary", 62},
		{"NeighbourAccess.nearby_metres", "NeighbourAccess/boundary", 252},
		{"AfterHours.one_day_in", "AfterHours/twice", 5},
		{"RepeatedLooks.days", "RepeatedLooks/boundary", 3},
		{"RepeatedLooks.many_days", "RepeatedLooks/fires", 4},
		{"SerialLooks.records", "SerialLooks/boundary", 4},
		{"SerialLooks.more_bits", "SerialLooks/boundary", 2},
		{"SerialLooks.many_bits", "SerialLooks/boundary", 4},
		{"SerialLooks.many_times_bits", "SerialLooks/many-times", 8},
		{"SerialLooks.far_bits", "SerialLooks/far-more", 12},
		{"LeftAccount.silent_days", "LeftAccount/dormant", 59},
		{"Enumeration.gap", "Enumeration/boundary", 13},
		{"Enumeration.pause_minutes", "Enumeration/boundary", 6},
		{"Enumeration.records", "Enumeration/boundary", 5},
		{"Enumeration.many_records", "Enumeration/boundary", 14},
		{"CohortHarvest.records", "CohortHarvest/boundary", 4},
		{"CohortHarvest.many_records", "CohortHarvest/boundary", 13},
		{"Crowd.readers", "Crowd/boundary", 4},
		{"Crowd.more_bits", "Crowd/boundary-five", 7},
		{"Crowd.many_bits", "Crowd/boundary-five", 5},
		{"Crowd.many_times_bits", "Crowd/boundary-nine", 9},
		{"Crowd.far_bits", "Crowd/boundary-twelve", 13},
	} {
		rest[c.name] = c
	}
	for _, n := range detectors.Numbers() {
		c, ok := rest[n.Of+"."+n.Name]
		delete(rest, n.Of+"."+n.Name)
		if !ok {
			t.Errorf("no case shows what %s.%s changes", n.Of, n.Name)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one, err := evaluation.ReadCase(filepath.Join(caseRoot, c.in+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			before, err := one.Run(t.Context(), dataset.Decode)
			if err != nil {
				t.Fatal(err)
			}
			one.Numbers = detectors.Chosen{n.Of: {n.Name: c.value}}
			after, err := one.Run(t.Context(), dataset.Decode)
			if err != nil {
				t.Fatal(err)
			}
			if after.Lines == before.Lines {
				t.Errorf("%s: with %d in place of %d it is found what was found before:\n%s", c.in, c.value, n.Value, before.Lines)
			}
		})
	}
	for name := range rest {
		t.Errorf("there is no number %s", name)
	}
}
