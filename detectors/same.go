package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

// A day is judged by the numbers that readers and records go by when it is judged: whose account it was, or which record it is a part of, may
// become known between the access and the closing. What days leave stands under the numbers that the reader and the record had when it was
// accessed, and is joined when it is asked for: a merge moves nothing, and an un-merge parts what was before the merge. What was counted while
// they were one stays where they were one.

// accessKey tells an access from all others: which of an event's patients it is about.
type accessKey struct {
	position proto.Position
	nth      uint16
}

func (a *Access) key() accessKey { return accessKey{a.Position, a.Nth} }

func (c *Cited) key() accessKey { return accessKey{c.Position, c.Nth} }

// thenNumbers are the numbers that accesses had, of those whose reader or record goes by another one now.
type thenNumbers map[accessKey]pairKey

// now brings accesses to the numbers by which their readers and records are known now, and says which numbers they had. What is handed in
// stays as it is.
func (j *judge) now(all []Access) ([]Access, thenNumbers) {
	var then thenNumbers
	for i := range all {
		a := &all[i]
		now := pairKey{j.state.CanonicalStaff(a.Reader), j.state.Canonical(a.Patient)}
		if was := (pairKey{a.Reader, a.Patient}); was != now {
			if then == nil {
				all, then = slices.Clone(all), thenNumbers{}
				a = &all[i]
			}
			then[a.key()] = was
			a.Reader, a.Patient = now.reader, now.patient
		}
	}
	return all, then
}

// of are the numbers that a pair's reader and record had; those that they have now, where they had several on the day.
func (t thenNumbers) of(p *Pair) pairKey {
	now := pairKey{p.Reader, p.Patient}
	if len(t) == 0 {
		return now
	}
	one := t.one(&p.Accesses[0])
	for i := range p.Accesses {
		if t.one(&p.Accesses[i]) != one {
			return now
		}
	}
	return one
}

func (t thenNumbers) one(a *Access) pairKey {
	if was, other := t[a.key()]; other {
		return was
	}
	return pairKey{a.Reader, a.Patient}
}

// underAny reports whether something holds of a reader and a record under one of their numbers.
func (j *judge) underAny(key pairKey, holds func(pairKey) bool) bool {
	readers, patients := j.state.SameStaff(key.reader), j.state.SamePatient(key.patient)
	if len(readers) <= 1 && len(patients) <= 1 {
		return holds(key)
	}
	for _, reader := range numbers(readers, key.reader) {
		for _, patient := range numbers(patients, key.patient) {
			if holds(pairKey{reader, patient}) {
				return true
			}
		}
	}
	return false
}

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
