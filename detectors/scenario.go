package detectors

import "maps"

// relationOfMisuse is how close somebody who misuses a record is to it by document: mostly not at all. The first four say that
// curiosity also strikes where one works. Order: unit, window, often, sometimes, none and in care elsewhere, none and in nobody's
// care, none and dead; the rest is by name.
var relationOfMisuse = []int{60, 40, 50, 70, 350, 390, 10}

// looking is what somebody does who is curious: nothing but reading, more often than not several parts.
var looking = []int{170, 430, 370}

// pairScenarios are kinds of misuse of one record by one reader. Shares follow who snoops (domain notes: family 77 % of
// insider violations, then co-workers, neighbours, VIPs), flattened so that the rare kinds are found as well; what the law protects
// more weighs as much as neighbours do, because such a look harms most. All numbers are
// starting points, in the place of which a site puts what dispositions teach by calibration (detectors.weights_file).
func pairScenarios() []Scenario {
	with := func(name string, share int, grades map[string][]int) Scenario {
		all := map[string][]int{
			"NoRelation": relationOfMisuse, "OnlyRead": looking, "NameSearch": {300, 50}, "AfterHours": {120, 120, 100}, "Printed": {120},
			"StrangePlace": {100, 60}, "RepeatedLooks": {130, 90}, "SerialLooks": {100, 100, 100, 100},
			"StrangeAddress": {20},
		}
		maps.Copy(all, grades)
		return Scenario{Name: name, Share: share, Grades: all}
	}
	return []Scenario{
		with("family", 240, map[string][]int{"FamilyAccess": {80, 260, 560}}),
		with("former partner", 100, map[string][]int{"FormerRelation": {400, 400}, "RepeatedLooks": {200, 250}}),
		with("neighbour", 120, map[string][]int{"NeighbourAccess": {150, 350, 420}}),
		with("co-worker", 140, map[string][]int{"CoworkerAccess": {250, 650}}),
		with("person in the news", 110, map[string][]int{"WatchedRecord": {650, 250}}),
		with("own record", 60, map[string][]int{"SelfAccess": {150, 800}}),
		with("broken glass", 60, map[string][]int{"BreakGlassMisuse": {30, 370, 550}, "GlassReason": {150}}),
		with(curiosityScenario, 60, map[string][]int{"NameSearch": {470, 80}, "NoRelation": {20, 20, 20, 40, 400, 450, 30}}),
		with(serialScenario, 40, map[string][]int{"SerialLooks": {100, 200, 300, 350}, "NoRelation": {10, 10, 10, 40, 450, 450, 20}}),
		with("dead patient", 60, map[string][]int{"NoRelation": {10, 10, 10, 10, 10, 20, 920}}),
		with("borrowed account", 30, map[string][]int{"StrangePlace": {50, 900}, "BadgedOut": {80, 270}}),
		with("stolen account", 20, map[string][]int{"StrangeAddress": {900}}),
		with("protected record", 120, map[string][]int{"SensitiveRecord": {900}, "NoRelation": {20, 20, 20, 60, 430, 420, 10}}),
	}
}

// readerScenarios are kinds of misuse that show in a reader's whole day.
func readerScenarios() []Scenario {
	return []Scenario{
		{Name: "left account", Share: 120, Grades: map[string][]int{"LeftAccount": {80, 880}}},
		{Name: "vendor", Share: 120, Grades: map[string][]int{"VendorAccess": {60, 900}}},
		{Name: "enumeration", Share: 180, Grades: map[string][]int{
			"Enumeration": {150, 800}, "ManyUnexplained": {10, 60, 330, 580}, "VolumeSpike": {150, 200, 300},
			"HourSpike": {150, 150, 250},
		}},
		{Name: "harvest", Share: 140, Grades: map[string][]int{
			"CohortHarvest": {350, 550}, "ManyUnexplained": {10, 150, 440, 380}, "VolumeSpike": {200, 200, 200},
			"HourSpike": {150, 100, 100},
		}},
		{Name: "bulk export", Share: 140, Grades: map[string][]int{
			"BulkExport": {30, 120, 350, 480}, "ManyUnexplained": {100, 200, 300, 250}, "VolumeSpike": {150, 150, 200},
			"HourSpike": {60, 50, 60}, "LeavingExport": {20, 40, 240},
		}},
		{Name: "shared account", Share: 140, Grades: map[string][]int{
			"SharedAccount": {120, 110, 230, 170, 330}, "ManyUnexplained": {200, 150, 30, 10}, "AccountBadgedOut": {80, 270},
			"FailedBurst": {80, 20, 30, 70}, "AddressBurst": {20, 80},
		}},
		{Name: "shared between sites", Share: 40, Grades: map[string][]int{"TwoSites": {350, 600}}},
		{Name: "guessed account", Share: 40, Grades: map[string][]int{
			"AddressBurst": {150, 600}, "FailedBurst": {200, 50, 100, 300},
		}},
		{Name: "many records", Share: 140, Grades: map[string][]int{
			"ManyUnexplained": {150, 450, 250, 100}, "VolumeSpike": {100, 100, 100}, "FailedBurst": {40, 20, 60, 60},
		}},
		{Name: "glass often broken", Share: 20, Grades: map[string][]int{
			"GlassRate": {200, 250, 250, 250}, "ManyUnexplained": {350, 150, 30, 10},
		}},
	}
}

// recordScenarios are kinds of misuse that show in all readers of a record.
func recordScenarios() []Scenario {
	return []Scenario{{Name: "crowd", Share: 1000, Grades: map[string][]int{"Crowd": {100, 200, 300, 380}}}}
}
