package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// crowd (D6): more readers without any reason in one record on one day than such records have. The core of a record with many
// readers: each of them looks harmless alone (SNAD 2012). The weight is half the logarithm of the likelihood ratio of two Poisson
// processes: so many readers without a reason against what is usual among as many readers as the record had, in records of patients who are where this one is.
func crowd() recordDetector {
	return recordDetector{
		Scale: Scale{
			Name: "Crowd", Catalogue: "D6", Key: KeyRecord, Peers: PeersAll, Needs: NeedsCare,
			Words: []string{
				"more readers without a reason than usual", "many more readers without a reason than usual",
				"many times more readers without a reason than usual", "a crowd of readers without a reason",
			},
			Weights: []Weight{-bit, 4 * bit, 8 * bit, 12 * bit, 17 * bit},
		},
		grade: func(j *judge, d *RecordDay) Grade {
			if j.coverage.lacks(NeedsCare) {
				return Blind
			}
			n := uint64(len(d.Readers))
			if int64(n) < j.numbers[crowdReaders] {
				return Quiet
			}
			switch w := poissonGain(n, (n+uint64(d.Others))*j.usualThere(d)) / 2; {
			case w >= 16*bit:
				return 4
			case w >= 12*bit:
				return 3
			case w >= 8*bit:
				return 2
			case w >= 4*bit:
				return 1
			}
			return Quiet
		},
	}
}

// usualThere is how many of a million looks at records of patients who are where a record's patient is have no reason, that record left out: an
// emergency department is not a ward. What is known of few looks is drawn to what is usual in the hospital, and so is who is in nobody's care.
func (j *judge) usualThere(d *RecordDay) uint64 {
	own := peerCount{looked: uint64(len(d.Readers) + d.Others), alone: uint64(len(d.Readers))}
	hospital := j.everybody.without(own)
	all := (hospital.alone + 1) * million / (hospital.looked + 1)
	w := j.wards[d.ward]
	if d.ward == 0 || w == nil {
		return all
	}
	there := w.without(own)
	return (there.alone*million + drawn*all) / (there.looked + drawn)
}

// ward is the department that had the patient when the record was opened; 0: none is known to have had them.
func (p *Pair) ward() facts.ID {
	for _, d := range p.near.departments {
		if d.phase == phaseDuring {
			return d.id
		}
	}
	return 0
}

// rememberWard counts a look for the department that has the patient.
func (j *judge) rememberWard(p *Pair) {
	at := p.ward()
	if at == 0 || p.Looks == 0 {
		return
	}
	w := j.wards[at]
	if w == nil {
		w = &peerCount{}
		j.wards[at] = w
	}
	n := peerCount{looked: 1}
	if p.Reasons == 0 && p.Blind == 0 {
		n.alone = 1
	}
	w.add(n)
}
