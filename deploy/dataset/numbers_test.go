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
		{"Usual.known_days", "AfterHours/boundary", 20},
		{"Matching.faint_per_mille", "FamilyAccess/boundary", 500},
		{"Matching.likely_per_mille", "SelfAccess/boundary", 850},
		{"Matching.sure_per_mille", "SelfAccess/boundary", 999},
		{"NoRelation.dead_days", "NoRelation/dead", 40},
		{"NeighbourAccess.next_door_metres", "NeighbourAccess/boundary", 62},
		{"NeighbourAccess.nearby_metres", "NeighbourAccess/boundary", 252},
		{"AfterHours.one_day_in", "AfterHours/twice", 5},
		{"AfterHours.week_days", "AfterHours/sunday", 20},
		{"RepeatedLooks.days", "RepeatedLooks/boundary", 3},
		{"RepeatedLooks.many_days", "RepeatedLooks/fires", 4},
		{"SerialLooks.records", "SerialLooks/boundary", 4},
		{"SerialLooks.days", "SerialLooks/fires", 7},
		{"LeftAccount.silent_days", "LeftAccount/dormant", 59},
		{"Enumeration.gap", "Enumeration/boundary", 13},
		{"Enumeration.pause_minutes", "Enumeration/boundary", 6},
		{"Enumeration.records", "Enumeration/boundary", 5},
		{"Enumeration.many_records", "Enumeration/boundary", 14},
		{"CohortHarvest.records", "CohortHarvest/boundary", 4},
		{"CohortHarvest.many_records", "CohortHarvest/boundary", 13},
		{"Crowd.readers", "Crowd/boundary", 4},
		{"Usual.desk_days", "TwoSites/boundary", 3},
		{"NameSearch.open_minutes", "NameSearch/boundary", 4},
		{"NameSearch.stay_minutes", "NameSearch/short-stay-boundary", 3},
		{"OnlyRead.looks", "OnlyRead/boundary", 3},
		{"OnlyRead.many_looks", "OnlyRead/boundary", 4},
		{"StrangeAddress.days", "StrangeAddress/boundary", 3},
		{"BadgedOut.slack_minutes", "BadgedOut/boundary", 16},
		{"BadgedOut.known_days", "BadgedOut/boundary", 8},
		{"GlassRate.records", "GlassRate/boundary", 4},
		{"GlassReason.records", "GlassReason/boundary", 29},
		{"GlassReason.readers", "GlassReason/boundary-readers", 2},
		{"GlassReason.per_mille", "GlassReason/boundary-share", 21},
		{"VolumeSpike.records", "VolumeSpike/boundary", 15},
		{"VolumeSpike.more_spreads", "VolumeSpike/boundary", 5},
		{"VolumeSpike.many_spreads", "VolumeSpike/boundary", 7},
		{"VolumeSpike.many_times_spreads", "VolumeSpike/boundary", 11},
		{"HourSpike.records", "HourSpike/boundary", 10},
		{"HourSpike.more_spreads", "HourSpike/boundary", 5},
		{"HourSpike.many_spreads", "HourSpike/boundary", 7},
		{"HourSpike.many_times_spreads", "HourSpike/boundary", 11},
		{"ManyUnexplained.records", "ManyUnexplained/boundary", 3},
		{"ManyUnexplained.several_records", "ManyUnexplained/boundary", 5},
		{"ManyUnexplained.many_records", "ManyUnexplained/boundary", 11},
		{"ManyUnexplained.very_many_records", "ManyUnexplained/boundary", 32},
		{"BulkExport.records", "BulkExport/boundary", 3},
		{"BulkExport.many_records", "BulkExport/boundary", 11},
		{"BulkExport.very_many_records", "BulkExport/boundary", 41},
		{"BulkExport.many_documents", "BulkExport/boundary", 24},
		{"BulkExport.very_many_documents", "BulkExport/boundary", 101},
		{"LeavingExport.days", "LeavingExport/boundary", 91},
		{"LeavingExport.employed_days", "LeavingExport/boundary", 179},
		{"LeavingExport.records", "LeavingExport/boundary", 3},
		{"LeavingExport.many_records", "LeavingExport/boundary", 11},
		{"LeavingExport.many_documents", "LeavingExport/boundary", 24},
		{"SharedAccount.minutes", "SharedAccount/far-side-boundary", 5},
		{"SharedAccount.changes", "SharedAccount/boundary", 3},
		{"SharedAccount.many_changes", "SharedAccount/boundary", 5},
		{"TwoSites.minutes", "TwoSites/boundary", 11},
		{"TwoSites.next_to_metres", "TwoSites/distance-boundary", 520},
		{"TwoSites.km_per_hour", "TwoSites/distance-boundary", 121},
		{"TwoSites.flown_km", "TwoSites/distance-boundary", 299},
		{"TwoSites.flown_km_per_hour", "TwoSites/distance-boundary", 810},
		{"FailedBurst.minutes", "FailedBurst/burst-boundary", 11},
		{"FailedBurst.attempts", "FailedBurst/boundary", 3},
		{"FailedBurst.many_attempts", "FailedBurst/boundary", 11},
		{"FailedBurst.records", "FailedBurst/burst-boundary", 2},
		{"FailedBurst.attempts_a_day", "FailedBurst/burst-boundary", 19},
		{"FailedBurst.reset_minutes", "FailedBurst/reset-boundary", 61},
		{"AddressBurst.minutes", "AddressBurst/boundary", 16},
		{"AddressBurst.accounts", "AddressBurst/boundary", 3},
		{"AddressBurst.times_usual", "AddressBurst/boundary", 1},
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
			if after.Lines == before.Lines && after.Notes == before.Notes {
				t.Errorf("%s: with %d in place of %d it is found what was found before:\n%s", c.in, c.value, n.Value, before.Lines)
			}
		})
	}
	for name := range rest {
		t.Errorf("there is no number %s", name)
	}
}
