package console

import (
	"fmt"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// columns is a column chart of accesses over time.
type columns struct {
	Bars []column
	// Most is the highest column; First and Last are the ends of the axis.
	Most        uint64
	First, Last string
	// Step is what a column stands for: "day", "week", "month".
	Step  string
	Label string
}

type column struct {
	X, Y, Width, Height string
	Title               string
}

// Sizes of the picture in its own units.
const (
	chartWidth, chartHeight = 400.0, 96.0
	// maxDays and maxWeeks are how many days and weeks still make columns that can be told apart.
	maxDays, maxWeeks = 100, 160
)

// steps are lengths of time that a column can stand for; begin returns the first day of the one that a day is in.
var steps = []struct {
	name  string
	begin func(time.Time) time.Time
	next  func(time.Time) time.Time
	most  int
}{
	{"day", func(t time.Time) time.Time { return t }, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }, maxDays},
	{"week", func(t time.Time) time.Time { return t.AddDate(0, 0, -(int(t.Weekday())+6)%7) }, func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }, maxWeeks},
	{"month", func(t time.Time) time.Time { return t.AddDate(0, 0, 1-t.Day()) }, func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }, 0},
}

// columnsOf draws days with accesses, and the days between them without; nil when there are none.
func columnsOf(days []*v1.DayCount) *columns {
	type count struct {
		day time.Time
		n   uint64
	}
	var counts []count
	for _, d := range days {
		if t, err := time.Parse(time.DateOnly, d.Day); err == nil {
			counts = append(counts, count{t, d.Accesses})
		}
	}
	if len(counts) == 0 {
		return nil
	}
	first, last := counts[0].day, counts[len(counts)-1].day
	for _, step := range steps {
		var begins []time.Time
		at := map[time.Time]int{}
		for t := step.begin(first); !t.After(last); t = step.next(t) {
			at[t] = len(begins)
			begins = append(begins, t)
		}
		if step.most > 0 && len(begins) > step.most {
			continue
		}
		sums := make([]uint64, len(begins))
		for _, c := range counts {
			sums[at[step.begin(c.day)]] += c.n
		}
		return drawColumns(step.name, begins, sums, last)
	}
	return nil
}

func drawColumns(step string, begins []time.Time, sums []uint64, last time.Time) *columns {
	c := &columns{Step: step, First: begins[0].Format(time.DateOnly), Last: last.Format(time.DateOnly)}
	var all uint64
	for _, n := range sums {
		c.Most, all = max(c.Most, n), all+n
	}
	width := chartWidth / float64(len(sums))
	for i, n := range sums {
		height := (chartHeight - 4) * float64(n) / float64(max(c.Most, 1))
		if n > 0 {
			height = max(height, 1.5) // one access beside a thousand can still be seen
		}
		name := begins[i].Format("Mon 2006-01-02")
		if step != "day" {
			name = "the " + step + " from " + begins[i].Format(time.DateOnly)
		}
		text := func(f float64) string { return fmt.Sprintf("%.2f", f) }
		c.Bars = append(c.Bars, column{
			X: text(float64(i)*width + width*.08), Y: text(chartHeight - height), Width: text(width * .84), Height: text(height),
			Title: name + ": " + countWord(n),
		})
	}
	c.Label = fmt.Sprintf("Accesses a %s from %s to %s: %s, at most %s a %s.", step, c.First, c.Last, countWord(all), number(c.Most), step)
	return c
}

func countWord(n uint64) string { return count(n, "access", "accesses") }
