package detectors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Number is one of the numbers that explanations and detectors count to. They are starting points, and a site changes them: a village has
// other neighbours than a city. How much a grade weighs is never configured by them, but counted in the hospital at hand; where it is itself a
// likelihood (SerialLooks, GlassRate, Crowd), the grades are no numbers of a site.
type Number struct {
	// Of is the detector whose number it is, or a group: Explanations, Usual, Matching.
	Of string
	// Name is its own, with its unit: days, minutes, metres; what has no unit counts what Says says.
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
	ofMatching     = "Matching"
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
	deskDays
	faintMatch
	likelyMatch
	sureMatch
	deadDays
	nextDoorMetres
	nearbyMetres
	oneDayIn
	weekDays
	openMinutes
	stayMinutes
	severalLooks
	manyLooks
	addressDays
	badgeMinutes
	badgeDays
	glassRecords
	whyRecords
	whyReaders
	whyPerMille
	repeatedDays
	manyRepeatedDays
	serialRecords
	serialDays
	silentDays
	spikeRecords
	spikeMore
	spikeMany
	spikeTimes
	hourRecords
	hourMore
	hourMany
	hourTimes
	aloneFew
	aloneSeveral
	aloneMany
	aloneVeryMany
	exportRecords
	exportMany
	exportVeryMany
	exportMuch
	exportVeryMuch
	leavingDays
	employedDays
	leavingRecords
	leavingMany
	leavingMuch
	leapMinutes
	leapsInTurn
	leapsAgain
	siteMinutes
	nextToMetres
	roadSpeed
	flownKilometres
	airSpeed
	burstMinutes
	severalAttempts
	manyAttempts
	severalRecords
	attemptsADay
	resetMinutes
	accountMinutes
	burstAccounts
	timesUsual
	walkGap
	walkMinutes
	walkRecords
	longWalkRecords
	cohortRecords
	largeCohortRecords
	crowdReaders
	numeralCount
)

// numbering is all of them. What is kept of a reader or a desk halves every 28 closed days, so that days of it are bounded by what half of four
// weeks of work leaves. Windows of care are 30 days each way by Epic's break-the-glass practice (Salem Health), notes within 72 hours by
// the catalogue (D8), silence of 60 to 90 days by D15; the way between two sites is flown at 800 km an hour, as an airliner does and as identity
// providers have it (Okta: 805), and driven at 120, which nobody keeps up from door to door where motorways allow 130; the others are ours,
// tried on simulated hospitals.
func numbering() [numeralCount]Number {
	return [numeralCount]Number{
		careDays:     {ofExplanations, "care_days", "how far before and after an access what is documented of the patient's care is a reason", 30, 1, 365},
		unitDays:     {ofExplanations, "unit_days", "how far before and after care a department counts as having the patient now; before an order, how far it is a reason", 3, 0, 30},
		orderDays:    {ofExplanations, "order_days", "how long after an order the department that performs it has to do with it, and so has a look that names it", 7, 0, 90},
		noteDays:     {ofExplanations, "note_days", "how far before and after an access work on the record is a reason", 3, 1, 7},
		dutyMinutes:  {ofExplanations, "duty_minutes", "how long before and after a shift somebody counts as on duty", 60, 0, 480},
		contractDays: {ofExplanations, "contract_days", "a vendor's task that is longer is a contract, which is enough only for who has no tasks", 90, 1, 3650},

		knownDays: {ofUsual, "known_days", "days on which a reader was seen before what is usual for them means something", 5, 1, 20},
		deskDays:  {ofUsual, "desk_days", "days on which a workstation was used before it is known which department it belongs to", 4, 1, 20},

		faintMatch:  {ofMatching, "faint_per_mille", "grade of a match of two people from which it is a hint", 250, 1, 1000},
		likelyMatch: {ofMatching, "likely_per_mille", "the same: likely", 500, 1, 1000},
		sureMatch:   {ofMatching, "sure_per_mille", "the same: as good as said", 850, 1, 1000},

		deadDays: {"NoRelation", "dead_days", "days after a patient's death, beyond which nobody has to do with the record", 30, 1, 365},

		nextDoorMetres: {"NeighbourAccess", "next_door_metres", "homes that are next door to each other", 60, 1, 1000},
		nearbyMetres:   {"NeighbourAccess", "nearby_metres", "homes that are a few houses apart", 250, 1, 10_000},

		oneDayIn: {"AfterHours", "one_day_in", "an hour is unusual where the reader worked on less than one day in so many", 20, 5, 200},
		weekDays: {"AfterHours", "week_days", "days on which a reader was seen, two weeks of work, before it is known whether they work at weekends", 10, 5, 60},

		openMinutes: {"NameSearch", "open_minutes", "how soon after a search by name a record is opened", 3, 1, 60},
		stayMinutes: {"NameSearch", "stay_minutes", "how long a record stays open on a day, for somebody who only looks", 2, 1, 60},

		severalLooks: {"OnlyRead", "looks", "looks at one record on a day, several", 2, 2, 100},
		manyLooks:    {"OnlyRead", "many_looks", "the same, many", 5, 2, 1000},

		addressDays: {"StrangeAddress", "days", "days of readers on which an address or its network was used before it is one of the hospital; the day itself is one", 2, 2, 20},

		badgeMinutes: {"BadgedOut", "slack_minutes", "how far from a stay, each way, somebody counts as in the building", 15, 0, 240},
		badgeDays:    {"BadgedOut", "known_days", "days at workstations in the house before it is known whether somebody badges", 4, 1, 8},

		glassRecords: {"GlassRate", "records", "records whose glass the reader broke, at least", 3, 1, 1000},

		whyRecords:  {"GlassReason", "records", "records whose glass others of the role broke, before their reasons are known", 30, 1, 10_000},
		whyReaders:  {"GlassReason", "readers", "how many others of the role they are, at least", 3, 1, 7},
		whyPerMille: {"GlassReason", "per_mille", "below which share of the role's reasons a kind is hardly ever given", 20, 1, 500},

		repeatedDays:     {"RepeatedLooks", "days", "days on which one record was opened without a reason", 2, 2, 8},
		manyRepeatedDays: {"RepeatedLooks", "many_days", "the same, many", 3, 2, 8},

		serialRecords: {serialName, "records", "records that were opened without a reason, at least", 3, 1, 1000},
		serialDays:    {serialName, "days", "how far back such records are told as one series", 90, 7, 120},

		silentDays: {"LeftAccount", "silent_days", "days without any event, after which an account has been silent for long", 60, 7, 730},

		spikeRecords: {"VolumeSpike", "records", "different records on one day, at least", 12, 1, 10_000},
		spikeMore:    {"VolumeSpike", "more_spreads", "spreads (1.5 times the median deviation) above the reader's usual day: more than usual", 4, 1, 100},
		spikeMany:    {"VolumeSpike", "many_spreads", "the same: many more", 6, 1, 100},
		spikeTimes:   {"VolumeSpike", "many_times_spreads", "the same: many times more", 10, 1, 100},

		hourRecords: {"HourSpike", "records", "different records within an hour, at least", 8, 1, 10_000},
		hourMore:    {"HourSpike", "more_spreads", "spreads above the reader's usual busiest hour: more than usual", 4, 1, 100},
		hourMany:    {"HourSpike", "many_spreads", "the same: many more", 6, 1, 100},
		hourTimes:   {"HourSpike", "many_times_spreads", "the same: many times more", 10, 1, 100},

		aloneFew:      {"ManyUnexplained", "records", "records without a reason on one day, a few", 2, 1, 1000},
		aloneSeveral:  {"ManyUnexplained", "several_records", "the same, several", 4, 1, 1000},
		aloneMany:     {"ManyUnexplained", "many_records", "the same, many", 10, 1, 1000},
		aloneVeryMany: {"ManyUnexplained", "very_many_records", "the same, very many", 31, 1, 10_000},

		exportRecords:  {"BulkExport", "records", "records of which something was printed or exported on one day, several", 4, 1, 1000},
		exportMany:     {"BulkExport", "many_records", "the same, many", 12, 1, 10_000},
		exportVeryMany: {"BulkExport", "very_many_records", "the same, very many", 40, 1, 100_000},
		exportMuch:     {"BulkExport", "many_documents", "documents that were printed or exported on one day, many", 25, 1, 10_000},
		exportVeryMuch: {"BulkExport", "very_many_documents", "the same, very many", 100, 1, 100_000},

		leavingDays:    {"LeavingExport", "days", "how soon an employment ends, for its end to be near", 90, 1, 365},
		employedDays:   {"LeavingExport", "employed_days", "how long an employment lasts, for its end to say anything", 180, 1, 3650},
		leavingRecords: {"LeavingExport", "records", "records of which something was printed or exported on one day, several", 4, 1, 1000},
		leavingMany:    {"LeavingExport", "many_records", "the same, many", 12, 1, 10_000},
		leavingMuch:    {"LeavingExport", "many_documents", "documents that were printed or exported on one day, many", 25, 1, 10_000},

		leapMinutes: {"SharedAccount", "minutes", "how close in time two departments exclude each other", 4, 1, 60},
		leapsInTurn: {"SharedAccount", "changes", "changes between departments that are too fast, several", 2, 2, 100},
		leapsAgain:  {"SharedAccount", "many_changes", "the same, many", 4, 2, 100},

		siteMinutes:     {"TwoSites", "minutes", "how close in time two sites exclude each other where it is not known how far apart they are", 10, 1, 240},
		nextToMetres:    {"TwoSites", "next_to_metres", "sites that are so close exclude nothing", 500, 0, 10_000},
		roadSpeed:       {"TwoSites", "km_per_hour", "how fast anybody gets by road from one site to another, from door to door", 120, 10, 1000},
		flownKilometres: {"TwoSites", "flown_km", "sites that are farther apart are flown between", 300, 1, 20_000},
		airSpeed:        {"TwoSites", "flown_km_per_hour", "how fast", 800, 100, 3000},

		burstMinutes:    {"FailedBurst", "minutes", "how long a burst of one account's refused attempts lasts", 10, 1, 240},
		severalAttempts: {"FailedBurst", "attempts", "attempts refused in a burst, several", 4, 2, 1000},
		manyAttempts:    {"FailedBurst", "many_attempts", "the same, many", 10, 2, 10_000},
		severalRecords:  {"FailedBurst", "records", "records that were refused in a burst, several", 3, 1, 100},
		attemptsADay:    {"FailedBurst", "attempts_a_day", "attempts refused on one day that are many without any burst", 20, 2, 10_000},
		resetMinutes:    {"FailedBurst", "reset_minutes", "how long before their account was reset somebody tries a password that they forgot", 60, 0, 1440},

		accountMinutes: {"AddressBurst", "minutes", "how long a burst of many accounts at one address lasts", 15, 1, 240},
		burstAccounts:  {"AddressBurst", "accounts", "accounts that were refused at one address, at least", 4, 2, 1000},
		timesUsual:     {"AddressBurst", "times_usual", "how many times the accounts of a usual day are far beyond it", 2, 1, 100},

		walkGap:         {"Enumeration", "gap", "how far apart two record numbers of a walk may be", 12, 1, 1000},
		walkMinutes:     {"Enumeration", "pause_minutes", "how long a walk may rest", 5, 1, 120},
		walkRecords:     {"Enumeration", "records", "records in the order of their numbers", 6, 3, 1000},
		longWalkRecords: {"Enumeration", "many_records", "the same, many", 15, 3, 10_000},

		cohortRecords:      {"CohortHarvest", "records", "records of one kind without a reason", 5, 3, 1000},
		largeCohortRecords: {"CohortHarvest", "many_records", "the same, many", 12, 3, 10_000},

		crowdReaders: {"Crowd", "readers", "readers of one record without a reason, at least", 3, 2, 1000},
	}
}

// steps are numbers that rise from grade to grade.
func steps() [][]numeral {
	return [][]numeral{
		{faintMatch, likelyMatch, sureMatch},
		{nextDoorMetres, nearbyMetres},
		{repeatedDays, manyRepeatedDays},
		{walkRecords, longWalkRecords},
		{cohortRecords, largeCohortRecords},
		{severalLooks, manyLooks},
		{spikeMore, spikeMany, spikeTimes},
		{hourMore, hourMany, hourTimes},
		{aloneFew, aloneSeveral, aloneMany, aloneVeryMany},
		{exportRecords, exportMany, exportVeryMany},
		{exportMuch, exportVeryMuch},
		{leavingRecords, leavingMany},
		{leapsInTurn, leapsAgain},
		{roadSpeed, airSpeed},
		{severalAttempts, manyAttempts},
	}
}

// Numbers are all numbers that a site can change, those of one detector together.
func Numbers() []Number {
	all := numbering()
	return all[:]
}

// Chosen are the numbers that a site changed: by detector, or group, and name.
type Chosen map[string]map[string]int

// UnmarshalYAML takes whole numbers by detector and name, and nothing else: half a record is none.
func (c *Chosen) UnmarshalYAML(n *yaml.Node) error {
	fault := func(at *yaml.Node, where, want string) error {
		return fmt.Errorf("line %d: numbers%s: want %s", at.Line, where, want)
	}
	if n.Kind != yaml.MappingNode {
		return fault(n, "", "numbers by detector and name, such as {LeftAccount: {silent_days: 90}}")
	}
	out := Chosen{}
	for i := 0; i < len(n.Content); i += 2 {
		of, names := n.Content[i].Value, n.Content[i+1]
		if names.Kind != yaml.MappingNode {
			return fault(names, "."+of, "numbers by name, such as {silent_days: 90}")
		}
		if out[of] != nil {
			return fault(names, "."+of, "each detector once")
		}
		out[of] = map[string]int{}
		for k := 0; k < len(names.Content); k += 2 {
			name, value := names.Content[k].Value, names.Content[k+1]
			var number int
			if value.Tag != "!!int" || value.Decode(&number) != nil {
				return fault(value, "."+of+"."+name, "a whole number")
			}
			if _, twice := out[of][name]; twice {
				return fault(value, "."+of+"."+name, "each number once")
			}
			out[of][name] = number
		}
	}
	*c = out
	return nil
}

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

// inWords is a number of a unit: "thirty days", "one day".
func (n *numerals) inWords(of numeral, unit string) string { return count(int(n[of]), unit) }
