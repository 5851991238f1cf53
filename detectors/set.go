package detectors

import "slices"

// A detector is a scale and a function that grades one unit. It keeps nothing: what lasts stands in baselines and histories.
type (
	pairDetector struct {
		Scale
		grade func(*judge, *Pair) Grade
		// tell says in a sentence what it found; normal what would have made it normal, "" when other sentences say that.
		tell   func(*teller, *Pair, Grade) string
		normal string
	}
	readerDetector struct {
		Scale
		grade  func(*judge, *ReaderDay) Grade
		tell   func(*teller, *ReaderDay, Grade) string
		normal string
	}
	recordDetector struct {
		Scale
		grade func(*judge, *RecordDay) Grade
	}
)

// detectorSet is all of them. The order is the ordinal that findings carry: new ones go to the end.
type detectorSet struct {
	pairs   []pairDetector
	readers []readerDetector
	records []recordDetector
	customs customs
}

func allDetectors() detectorSet {
	return detectorSet{
		pairs: []pairDetector{
			noRelation(), selfAccess(), familyAccess(), formerRelation(), neighbourAccess(), coworkerAccess(), watchedRecord(),
			sensitiveRecord(), breakGlass(), afterHours(), nameSearch(), printed(), onlyRead(), strangePlace(),
			repeatedLooks(), serialLooks(), badgedOut(), glassReason(), strangeAddress(),
		},
		readers: []readerDetector{
			leftAccount(), vendorAccess(), volumeSpike(), manyAlone(), enumeration(), cohortHarvest(), bulkExport(), sharedAccount(),
			failedBurst(), accountBadgedOut(), glassRate(), hourSpike(), leavingExport(), addressBurst(), twoSites(),
		},
		records: []recordDetector{crowd()},
	}
}

// Scales are those of all detectors, by their ordinals, pairs first.
func Scales() []Scale {
	all := allDetectors()
	return slices.Concat(
		scalesOf(all.pairs, func(d pairDetector) Scale { return d.Scale }),
		scalesOf(all.readers, func(d readerDetector) Scale { return d.Scale }),
		scalesOf(all.records, func(d recordDetector) Scale { return d.Scale }),
	)
}

func scalesOf[D any](all []D, scale func(D) Scale) []Scale {
	out := make([]Scale, len(all))
	for i, d := range all {
		out[i] = scale(d)
	}
	return out
}

func (s *detectorSet) gradePair(j *judge, p *Pair) {
	for i := range len(s.pairs) - len(s.customs[KeyPair]) {
		p.grades[i] = graded(j, &s.pairs[i].Scale, func() Grade { return s.pairs[i].grade(j, p) })
	}
}

func (s *detectorSet) gradeReader(j *judge, d *ReaderDay) {
	for i := range len(s.readers) - len(s.customs[KeyReader]) {
		d.grades[i] = graded(j, &s.readers[i].Scale, func() Grade { return s.readers[i].grade(j, d) })
	}
}

// gradeCustom lets the custom detectors grade a reader's day and its pairs.
func (s *detectorSet) gradeCustom(j *judge, d *ReaderDay) {
	for k := range d.Pairs {
		for i := len(s.pairs) - len(s.customs[KeyPair]); i < len(s.pairs); i++ {
			d.Pairs[k].grades[i] = graded(j, &s.pairs[i].Scale, func() Grade { return s.pairs[i].grade(j, &d.Pairs[k]) })
		}
	}
	for i := len(s.readers) - len(s.customs[KeyReader]); i < len(s.readers); i++ {
		d.grades[i] = graded(j, &s.readers[i].Scale, func() Grade { return s.readers[i].grade(j, d) })
	}
}

func (s *detectorSet) gradeRecord(j *judge, d *RecordDay) {
	for i := range s.records {
		d.grades[i] = graded(j, &s.records[i].Scale, func() Grade { return s.records[i].grade(j, d) })
	}
}

// graded asks a detector, unless context that it needs is missing altogether.
func graded(j *judge, s *Scale, ask func() Grade) Grade {
	if j.coverage.lacks(s.Needs) {
		return Blind
	}
	return ask()
}
