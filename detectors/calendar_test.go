package detectors_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
)

// TestCalendar holds the calendar against the zone itself: at random times in any order, around each change of the clocks, before 1970,
// and in zones that never change or are off by less than an hour.
func TestCalendar(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		var times []time.Time
		for range 2000 {
			times = append(times, time.UnixMicro(rng.Int64N(120*365*86_400*1_000_000)-40*365*86_400*1_000_000))
		}
		for at := time.Date(2011, 1, 1, 0, 0, 0, 0, zone); at.Year() < 2030; {
			_, end := at.ZoneBounds()
			if end.IsZero() {
				break
			}
			for _, d := range []time.Duration{-time.Hour, -time.Microsecond, 0, time.Microsecond, time.Hour} {
				times = append(times, end.Add(d))
			}
			at = end
		}
		calendar := detectors.NewCalendar(zone)
		for _, at := range times {
			local := at.In(zone)
			midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
			wantDay, wantHour := midnight.Unix()/86_400, int(local.Weekday())*24+local.Hour()
			if day, hour := calendar(at.UnixMicro()); int64(day) != wantDay || hour != wantHour {
				t.Errorf("%s in %s: day %d, hour %d of the week; want %d, %d", at.UTC(), name, day, hour, wantDay, wantHour)
			}
		}
	}
}
