package detectors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Number is one of the numbers that explanations and detectors count to. They are starting points, and a site changes them: a village has
// other neighbours than a city. How much a grade weighs is never configured by them, but counted in the hospital at hand.
type Number struct {
	// Of is the detector whose number it is, or Explanations, or Usual.
	Of string
	// Name is its own, with its unit: days, minutes, metres, bits; what has no unit counts what Says says.
	Name string
	// Says is what is counted to it.
	Says string
	// Value is what holds where a site says nothing; Least and Most are the bounds.
	Value, Least, Most int
}

// Groups of numbers that belong to no detector.
const (
	ofExplanations = "Explanations"
	ofUsual        = "Usual"
)

// numeral is the ordinal of a number.
type numeral int

const (
	careDays numeral = iota
	unitDays
	orderDays
	noteDays
	dutyMinutes
	contractDays
	knownDays
	deadDays
	nextDoorMetres
	nearbyMetres
	oneDayIn
	repeatedDays
	manyRepeatedDays
	serialRecords
	serialMore
	serialMany
	serialTimes
	serialFar
	silentDays
	walkGap
	walkMinutes
	walkRecords
	longWalkRecords
	cohortRecords
	largeCohortRecords
	crowdReaders
	crowdMore
	crowdMany
	crowdTimes
	crowdFar
	numeralCount
)

// numbering is all of them. Windows of care are 30 days each way by Epic's break-the-glass practice (Salem Health), notes within 72 hours by
// the catalogue (D8), silence of 60 to 90 days by D15; the others are ours, tried on simulated hospitals.
func numbering() [numeralCount]Number {
	return [numeralCount]Number{
		careDays:     {ofExplanations, "care_days", "how far before and after an access what is documented of the patient's care is a reason", 30, 1, 365},
		unitDays:     {ofExplanations, "unit_days", "how far before and after care a department counts as having the patient now", 3, 0, 30},
		orderDays:    {ofExplanations, "order_days", "how long after an order the department that performs it has to do with it", 7, 0, 90},
		noteDays:     {ofExplanations, "note_days", "how far before and after an access work on the record is a reason", 3, 0, 7},
		dutyMinutes:  {ofExplanations, "duty_minutes", "how long before and after a shift somebody counts as on duty", 60, 0, 480},
		contractDays: {ofExplanations, "contract_days", "a vendor's task that is longer is a contract, which is enough only for who has no tasks", 90, 1, 3650},

		knownDays: {ofUsual, "known_days", "days on which a reader was seen before what is usual for them means something", 5, 1, 60},

		deadDays: {"NoRelation", "dead_days", "days after a patient's death, beyond which nobody has to do with the record", 30, 1, 365},

		nextDoorMetres: {"NeighbourAccess", "next_door_metres", "homes that are next door to each other", 60, 1, 1000},
		nearbyMetres:   {"NeighbourAccess", "nearby_metres", "homes that are a few houses apart", 250, 1, 10_000},

		oneDayIn: {"AfterHours", "one_day_in", "an hour is unusual where the reader worked on less than one day in so many", 20, 5, 200},

		repeatedDays:     {"RepeatedLooks", "days", "days on which one record was opened without a reason", 2, 2, 8},
		manyRepeatedDays: {"RepeatedLooks", "many_days", "the same, many", 3, 2, 8},

		serialRecords: {serialName, "records", "records that were opened without a reason, at least", 3, 1, 1000},
		serialMore:    {serialName, "more_bits", "likelihood of the reader's own rate against that of peers, halved: more than usual", 1, 1, 20},
		serialMany:    {serialName, "many_bits", "the same: many more", 3, 1, 20},
		serialTimes:   {serialName, "many_times_bits", "the same: many times more", 5, 1, 20},
		serialFar:     {serialName, "far_bits", "the same: far more than anybody", 8, 1, 20},

		silentDays: {"LeftAccount", "silent_days", "days without any event, after which an account has been silent for long", 60, 7, 730},

		walkGap:         {"Enumeration", "gap", "how far apart two record numbers of a walk may be", 12, 1, 1000},
		walkMinutes:     {"Enumeration", "pause_minutes", "how long a walk may rest", 5, 1, 120},
		walkRecords:     {"Enumeration", "records", "records in the order of their numbers", 6, 3, 1000},
		longWalkRecords: {"Enumeration", "many_records", "the same, many", 15, 3, 10_000},

		cohortRecords:      {"CohortHarvest", "records", "records of one kind without a reason", 5, 3, 1000},
		largeCohortRecords: {"CohortHarvest", "many_records", "the same, many", 12, 3, 10_000},

		crowdReaders: {"Crowd", "readers", "readers of one record without a reason, at least", 3, 2, 1000},
		crowdMore:    {"Crowd", "more_bits", "likelihood of so many readers without a reason against what is usual, halved: more than usual", 4, 1, 20},
		crowdMany:    {"Crowd", "many_bits", "the same: many more", 8, 1, 20},
		crowdTimes:   {"Crowd", "many_times_bits", "the same: many times more", 12, 1, 20},
		crowdFar:     {"Crowd", "far_bits", "the same: a crowd", 16, 1, 20},
	}
}

// steps are numbers that rise from grade to grade.
func steps() [][]numeral {
	return [][]numeral{
		{nextDoorMetres, nearbyMetres},
		{repeatedDays, manyRepeatedDays},
		{serialMore, serialMany, serialTimes, serialFar},
		{walkRecords, longWalkRecords},
		{cohortRecords, largeCohortRecords},
		{crowdMore, crowdMany, crowdTimes, crowdFar},
	}
}

// Numbers are all numbers that a site can change, those of one detector together.
func Numbers() []Number {
	all := numbering()
	return all[:]
}

// Chosen are the numbers that a site changed: by detector, or group, and name.
type Chosen map[string]map[string]int

// Validate reports everything that is wrong with what was chosen.
func (c Chosen) Validate() error {
	_, err := c.numerals()
	return err
}

// numerals are those in force.
type numerals [numeralCount]int64

// numerals puts what is chosen in the place of the defaults. What is wrong is left out, and reported.
func (c Chosen) numerals() (numerals, error) {
	var out numerals
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("numbers: "+format, args...)) }
	all := numbering()
	for n, one := range all {
		out[n] = int64(one.Value)
	}
	for _, of := range slices.Sorted(maps.Keys(c)) {
		for _, name := range slices.Sorted(maps.Keys(c[of])) {
			value := c[of][name]
			n := slices.IndexFunc(all[:], func(one Number) bool { return one.Of == of && one.Name == name })
			switch {
			case n < 0 && !slices.ContainsFunc(all[:], func(one Number) bool { return one.Of == of }):
				fault("%s: there are no numbers of that name", of)
			case n < 0:
				fault("%s.%s: there is no such number", of, name)
			case value < all[n].Least || value > all[n].Most:
				fault("%s.%s: %d; want %d to %d", of, name, value, all[n].Least, all[n].Most)
			default:
				out[n] = int64(value)
			}
		}
	}
	if len(faults) > 0 {
		return out, errors.Join(faults...)
	}
	for _, rising := range steps() {
		for i := 1; i < len(rising); i++ {
			if below, above := rising[i-1], rising[i]; out[below] > out[above] {
				fault("%s: %s (%d) must not be more than %s (%d)", all[above].Of, all[below].Name, out[below], all[above].Name, out[above])
			}
		}
	}
	return out, errors.Join(faults...)
}

// days, minutes are a number of them in microseconds.
func (n *numerals) days(of numeral) int64    { return n[of] * (24 * time.Hour).Microseconds() }
func (n *numerals) minutes(of numeral) int64 { return n[of] * time.Minute.Microseconds() }

// bits are a number of them as a weight.
func (n *numerals) bits(of numeral) Weight { return Weight(n[of]) * bit }

// inWords is a number of a unit: "thirty days", "one day".
func (n *numerals) inWords(of numeral, unit string) string { return count(int(n[of]), unit) }
