package detectors

import (
	"fmt"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// hour is the stretch within which HourSpike counts records.
	hour = time.Hour
	// leastDayUnit and leastHourUnit are the least that counts as the spread of a reader's days, and of their peaks, in records. Ours.
	leastDayUnit, leastHourUnit = 3, 2
)

// spike is a count of a reader's day beside the median of other days and its deviation; least is the least spread that counts, and steps are the
// grades in spreads.
type spike struct {
	have, median, deviation, least int
	steps                          [3]numeral
}

// grade is how far the count is beyond what is usual. 1.5 deviations stand for one standard deviation of a normal distribution.
func (s spike) grade(n *numerals) Grade {
	over, spread := int64(s.have-s.median), int64(max(s.deviation*3/2, s.least, s.median/10))
	for g := len(s.steps); g > 0; g-- {
		if over >= n[s.steps[g-1]]*spread {
			return Grade(g)
		}
	}
	return Quiet
}

// volumeSpike (D11): many more different records on one day than is usual for the reader. Robust statistics, because the day
// itself is among the days: median and median absolute deviation.
func volumeSpike() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "VolumeSpike", Catalogue: "D11", Key: KeyReader, Peers: PeersGroup, Exemptible: true,
			Words: []string{"more records than usual for them", "many more", "many times more"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			median, deviation := d.Base.usualRecords()
			if !j.known(d.Base) || int64(d.Records) < j.numbers[spikeRecords] {
				return Quiet
			}
			return spike{d.Records, median, deviation, leastDayUnit, [...]numeral{spikeMore, spikeMany, spikeTimes}}.grade(&j.numbers)
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			median, _ := d.Base.usualRecords()
			return fmt.Sprintf("%s in one day are many more than this reader opens on other days: about %s.",
				capital(count(d.Records, "record")), number(median))
		},
		normal: "A registry, a survey or a hand-over that somebody asked for would have made it normal.",
	}
}

// hourSpike (D11 an hour): many more different records within an hour than in the busiest hours of the reader's other days. A day's
// count hides who copies for one hour; statistics are robust as for the day.
func hourSpike() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "HourSpike", Catalogue: "D11", Key: KeyReader, Peers: PeersGroup, Exemptible: true,
			Words: []string{
				"more records within an hour than usual for them", "many more within an hour", "many times more within an hour",
			},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			if !j.known(d.Base) || int64(d.Peak) < j.numbers[hourRecords] {
				return Quiet
			}
			median, deviation := d.Base.usualPeak()
			return spike{d.Peak, median, deviation, leastHourUnit, [...]numeral{hourMore, hourMany, hourTimes}}.grade(&j.numbers)
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			median, _ := d.Base.usualPeak()
			return fmt.Sprintf("%s were opened within one hour; in the busiest hour of another day this reader opens about %s.",
				capital(count(d.Peak, "record")), number(median))
		},
		normal: "A ward round, a hand-over or a registry that somebody asked for would have made it normal.",
	}
}

// peak is the most different records that were looked at within an hour of a reader's day, which is in the order of time.
func (j *judge) peak(accesses []Access) int {
	if j.inHour == nil {
		j.inHour = map[facts.ID]int{}
	}
	clear(j.inHour)
	counted := func(a *Access) bool { return a.Patient != 0 && a.Any(SignLook) && !a.Any(SignAgain) }
	most, from := 0, 0
	for i := range accesses {
		a := &accesses[i]
		if !counted(a) {
			continue
		}
		for ; a.Occurred-accesses[from].Occurred >= hour.Microseconds(); from++ {
			old := &accesses[from]
			if !counted(old) {
				continue
			}
			if j.inHour[old.Patient]--; j.inHour[old.Patient] == 0 {
				delete(j.inHour, old.Patient)
			}
		}
		j.inHour[a.Patient]++
		most = max(most, len(j.inHour))
	}
	return most
}

// manyAlone (D8 a day): different records without any reason on one day, however many the reader opened with one. Accesses that
// cover the others do not change it (Xu 2023).
func manyAlone() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "ManyUnexplained", Catalogue: "D8", Key: KeyReader, Peers: PeersGroup, Exemptible: true, Needs: NeedsCare,
			Words: []string{"a few records without a reason", "several records without a reason", "many records without a reason", "very many records without a reason"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch n := int64(d.Unexplained); {
			case j.coverage.lacks(NeedsCare):
				return Blind
			case n >= j.numbers[aloneVeryMany]:
				return 4
			case n >= j.numbers[aloneMany]:
				return 3
			case n >= j.numbers[aloneSeveral]:
				return 2
			case n >= j.numbers[aloneFew]:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, _ Grade) string {
			return fmt.Sprintf("For %s of the records no reason is known.", number(d.Unexplained))
		},
		normal: "An assignment to these patients would have made it normal.",
	}
}
