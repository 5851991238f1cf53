package api

import (
	"context"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
)

// atPlace finds the events of a period at a workstation or network address, newest first: month by month of those in which anybody was there,
// more and more of them at a time, until there are enough.
func (s *searching) atPlace(ctx context.Context, place uint64, from, until int64) error {
	if from >= until {
		return nil
	}
	var months []uint16
	during := store.Params{"place": place, "first_month": projections.PlaceMonth(from), "last_month": projections.PlaceMonth(until - 1)}
	err := s.p.query(ctx, "place_months", during, func(sr store.Row) error {
		var month uint16
		if err := sr.Scan(&month); err != nil {
			return err
		}
		months = append(months, month)
		return nil
	})
	if err != nil {
		return err
	}
	s.params["place"] = place
	for n := 2; len(months) > 0 && len(s.found) < s.limit; n *= 4 {
		some := months[:min(n, len(months))]
		months = months[len(some):]
		first, last := some[len(some)-1], some[0]
		begins, _ := monthOf(first)
		_, ends := monthOf(last)
		s.params["first_month"], s.params["last_month"] = first, last
		s.params["from"], s.params["until"] = max(from, begins), min(until, ends)
		if err := s.read(ctx, "search_place"); err != nil {
			return err
		}
	}
	return nil
}

// monthOf is the period of a month of place_readers_vN: of the first one and of the last one with all that lies beyond them.
func monthOf(month uint16) (from, until int64) {
	first := time.Unix(0, 0).UTC().AddDate(0, 0, int(month))
	from, until = first.UnixMicro(), first.AddDate(0, 1, 0).UnixMicro()
	if month == 0 {
		from = minTime
	}
	if projections.PlaceMonth(until) == month {
		until = maxTime
	}
	return from, until
}
