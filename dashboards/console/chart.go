package console

import (
	"fmt"
)

// Charts are drawn here as SVG whose looks come from the style sheet: no script and no inline style is needed. Each has
// its numbers beside it as text or a table.

// bar is a line of a bar chart; Width is of 100.
type bar struct {
	Name  string
	Count uint64
	Width float64
}

// scaled sets widths, the largest 100.
func scaled(bars []bar) []bar {
	var most uint64
	for _, b := range bars {
		most = max(most, b.Count)
	}
	for i := range bars {
		bars[i].Width = 100 * float64(bars[i].Count) / float64(max(most, 1))
	}
	return bars
}

// week is a heat map of the hours of the week.
type week struct {
	Days []weekDay
	Most uint64
	// Night is the share of accesses from nine in the evening to six in the morning, in words.
	Night string
}

type weekDay struct {
	Name  string
	Y     int
	Total uint64
	Hours []weekHour
}

type weekHour struct {
	X, Hour int
	Count   uint64
	// Level is 0 for none, else 1 to 5 in even steps.
	Level int
	// Usual says that it is a usual hour of the reader's peers.
	Usual bool
	// Title is what the cell says of itself.
	Title string
}

// Sizes of a cell of the heat map, in units of its picture; labels take the rest of 400 by 110.
const (
	cellWidth, cellHeight = 15, 14
	weekLeft, weekTop     = 36, 12
	levels                = 5
)

var dayNames = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// weekOf draws 168 hours; nil when there are none.
func weekOf(hours []uint64) *week {
	if len(hours) != 7*24 {
		return nil
	}
	w := &week{}
	for _, n := range hours {
		w.Most = max(w.Most, n)
	}
	var all, night uint64
	for d, name := range dayNames {
		day := weekDay{Name: name, Y: weekTop + d*cellHeight}
		for h := range 24 {
			n := hours[d*24+h]
			day.Total += n
			if h >= 21 || h < 6 {
				night += n
			}
			cell := weekHour{X: weekLeft + h*cellWidth, Hour: h, Count: n}
			if n > 0 {
				cell.Level = 1 + int((n-1)*levels/w.Most)
			}
			cell.Title = fmt.Sprintf("%s %02d:00 to %02d:00: %s", name, h, (h+1)%24, count(n, "access", "accesses"))
			day.Hours = append(day.Hours, cell)
		}
		all += day.Total
		w.Days = append(w.Days, day)
	}
	w.Night = fmt.Sprintf("%s of %s between 21:00 and 06:00", number(night), count(all, "access", "accesses"))
	return w
}
