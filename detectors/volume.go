package detectors

import "fmt"

// volumeSpike (D11): many more different records on one day than is usual for the reader. Robust statistics, because the day
// itself is among the days: median and median absolute deviation.
func volumeSpike() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "VolumeSpike", Catalogue: "D11", Key: KeyReader, Peers: PeersGroup,
			Words: []string{"more records than usual for them", "many more", "many times more"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			median, deviation := d.Base.usualRecords()
			if !j.known(d.Base) || d.Records < 12 {
				return Quiet
			}
			// 1.5 deviations stand for one standard deviation of a normal distribution.
			over, unit := d.Records-median, max(deviation*3/2, 3, median/10)
			switch {
			case over >= 10*unit:
				return 3
			case over >= 6*unit:
				return 2
			case over >= 4*unit:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			median, _ := d.Base.usualRecords()
			return fmt.Sprintf("%s in one day are many more than this reader opens on other days: about %s.",
				capital(count(d.Records, "record")), number(median))
		},
		normal: "A registry, a survey or a hand-over that somebody asked for would have made it normal.",
	}
}

// manyAlone (D8 a day): different records without any reason on one day, however many the reader opened with one. Accesses that
// cover the others do not change it (Xu 2023).
func manyAlone() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "ManyUnexplained", Catalogue: "D8", Key: KeyReader, Peers: PeersGroup, Needs: NeedsCare,
			Words: []string{"two or three records without a reason", "four to nine", "ten to thirty", "more than thirty"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch n := d.Unexplained; {
			case !j.coverage.care:
				return Blind
			case n > 30:
				return 4
			case n >= 10:
				return 3
			case n >= 4:
				return 2
			case n >= 2:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			return fmt.Sprintf("For %s of the records nothing connects this reader with the patient.", number(d.Unexplained))
		},
		normal: "An assignment to these patients would have made it normal.",
	}
}
