package api

import (
	"context"
	"math"
	"math/bits"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
)

// placeDay is a day on which somebody was at a place: its month as place_readers_vN has it, and the place in the month, from 0.
type placeDay struct {
	month uint16
	day   int
}

// atPlace finds the events of a period at a workstation or network address, newest first: day by day of those on which anybody was there,
// more and more of them at a time, until there are enough.
func (s *searching) atPlace(ctx context.Context, place uint64, from, until int64) error {
	if from >= until {
		return nil
	}
	days, err := s.p.daysAt(ctx, place, from, until)
	if err != nil {
		return err
	}
	s.params["place"] = place
	for n := 2; len(days) > 0 && len(s.found) < s.limit; n *= 4 {
		some := days[:min(n, len(days))]
		days = days[len(some):]
		first, last := some[len(some)-1], some[0]
		s.params["first_month"], s.params["first_mask"] = first.month, uint32(math.MaxUint32)<<first.day
		s.params["last_month"], s.params["last_mask"] = last.month, uint32(math.MaxUint32)>>(31-last.day)
		begins, _ := first.period()
		_, ends := last.period()
		s.params["from"], s.params["until"] = max(from, begins), min(until, ends)
		if err := s.read(ctx, "search_place"); err != nil {
			return err
		}
	}
	return nil
}

// daysAt are the days of a period on which anybody was at a place, newest first.
func (p *pin) daysAt(ctx context.Context, place uint64, from, until int64) (days []placeDay, err error) {
	firstMonth, firstDay := projections.PlaceDay(from)
	lastMonth, lastDay := projections.PlaceDay(until - 1)
	params := store.Params{"place": place, "first_month": firstMonth, "last_month": lastMonth}
	err = p.query(ctx, "place_days", params, func(sr store.Row) error {
		var month uint16
		var mask uint32
		if err := sr.Scan(&month, &mask); err != nil {
			return err
		}
		if month == firstMonth {
			mask &= math.MaxUint32 << firstDay
		}
		if month == lastMonth {
			mask &= math.MaxUint32 >> (31 - lastDay)
		}
		for mask != 0 {
			day := bits.Len32(mask) - 1
			mask &^= 1 << day
			days = append(days, placeDay{month, day})
		}
		return nil
	})
	return days, err
}

// period is the time of a day: of the first one and of the last one that the table can hold with all that lies beyond.
func (d placeDay) period() (from, until int64) {
	begin := time.Unix(0, 0).UTC().AddDate(0, 0, int(d.month)+d.day)
	from, until = begin.UnixMicro(), begin.AddDate(0, 0, 1).UnixMicro()
	if d == (placeDay{}) {
		from = minTime
	}
	if month, day := projections.PlaceDay(until); d == (placeDay{month, day}) {
		until = maxTime
	}
	return from, until
}
