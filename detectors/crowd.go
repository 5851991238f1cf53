package detectors

// crowd (D6): more readers without any reason in one record on one day than such records have. The core of a record with many
// readers: each of them looks harmless alone (SNAD 2012). The weight is half the logarithm of the likelihood ratio of two Poisson
// processes: so many readers without a reason against what is usual in the hospital among as many readers as the record had.
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
			if !j.coverage.care {
				return Blind
			}
			n := uint64(len(d.Readers))
			if int64(n) < j.numbers[crowdReaders] {
				return Quiet
			}
			rate := (j.everybody.alone + 1) * million / (j.everybody.looked + 1)
			switch w := poissonGain(n, (n+uint64(d.Others))*rate) / 2; {
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
