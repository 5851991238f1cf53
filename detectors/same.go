package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// What days leave stands under the numbers that the reader and the record had then, and is joined when it is asked for: a merge moves
// nothing, and an un-merge parts what was counted before the merge. What was counted while they were one stays where they were one.

// historyOf is what other days say of a reader and a record, under each of their numbers.
func (j *judge) historyOf(key pairKey) pairHistory {
	readers, patients := j.state.SameStaff(key.reader), j.state.SamePatient(key.patient)
	if len(readers) <= 1 && len(patients) <= 1 {
		return j.history[key]
	}
	var h pairHistory
	for _, reader := range numbers(readers, key.reader) {
		for _, patient := range numbers(patients, key.patient) {
			if one, known := j.history[pairKey{reader, patient}]; known {
				h.join(one)
			}
		}
	}
	return h
}

// numbers are those of somebody, or the one that there is.
func numbers(same []facts.ID, one facts.ID) []facts.ID {
	if len(same) == 0 {
		return []facts.ID{one}
	}
	return same
}

// join adds the days of another history: the latest of them stay.
func (h *pairHistory) join(other pairHistory) {
	days := slices.Concat(h.alone[:h.aloneDays()], other.alone[:other.aloneDays()])
	slices.Sort(days)
	days = slices.Compact(days)
	h.alone = [len(h.alone)]day{}
	copy(h.alone[:], days[max(len(days)-len(h.alone), 0):])
}

// looks are a reader's records, those without a reason and those whose glass was broken, under each of their numbers. b is what is
// usual under the number at hand.
func (j *judge) looks(reader facts.ID, b *baseline) *baseline {
	same := j.state.SameStaff(reader)
	if len(same) <= 1 {
		return b
	}
	sum := &baseline{}
	for _, n := range same {
		if b := j.base[n]; b != nil {
			sum.alone += b.alone
			sum.looked += b.looked
			sum.glass += b.glass
			sum.whys.with(&b.whys)
		}
	}
	return sum
}
