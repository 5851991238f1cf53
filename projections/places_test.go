package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// TestPlacesAreFilledIn: a database that an earlier release wrote has, after the migration, the places that this release folds.
func TestPlacesAreFilledIn(t *testing.T) {
	s, j, g := storetest.Open(t), newMemoryJournal(t), newGenerator(7)
	g.fill(t, j, 40, 30, time.Date(2024, 12, 31, 23, 40, 0, 0, time.UTC))
	p := newProjector(t, s, j)
	project(t, p, j)
	type row struct {
		Place, Reader, Position uint64
		Month                   uint16
		Days                    uint32
	}
	places := func() (out []row) {
		const all = `SELECT place_key, reader_key, min(position) AS first, toUInt16(month), groupBitOr(days) FROM place_readers_v1
			GROUP BY place_key, month, reader_key ORDER BY place_key, month, reader_key`
		err := s.Query(t.Context(), all, nil, func(sr store.Row) error {
			var r row
			err := sr.Scan(&r.Place, &r.Reader, &r.Position, &r.Month, &r.Days)
			out = append(out, r)
			return err
		})
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		return out
	}
	folded := places()
	if len(folded) < 10 {
		t.Fatalf("%d places: the test sees nothing", len(folded))
	}
	for _, sql := range []string{"DROP TABLE place_readers_v1", "ALTER TABLE migrations DELETE WHERE name = '0017_places.sql' SETTINGS mutations_sync = 2"} {
		if err := s.Exec(t.Context(), sql, nil); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	if _, err := newProjector(t, s, j).Prepare(t.Context()); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	if diff := cmp.Diff(folded, places()); diff != "" {
		t.Errorf("folded (-) and filled in (+): %s", diff)
	}
}

// TestPlaceDay: each month that Date reaches begins on its first day, and times beyond are of the nearest day.
func TestPlaceDay(t *testing.T) {
	for text, want := range map[string]string{
		"1969-07-20T20:17:40Z": "1970-01-01 1", "1970-01-01T00:00:00Z": "1970-01-01 1", "2024-02-29T23:59:59.999999Z": "2024-02-01 29",
		"2024-03-01T00:00:00Z": "2024-03-01 1", "2149-06-06T12:00:00Z": "2149-06-01 6", "2150-01-01T00:00:00Z": "2149-06-01 6",
		"2299-12-31T00:00:00Z": "2149-06-01 6",
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		month, day := projections.PlaceDay(at.UnixMicro())
		if got := fmt.Sprint(time.Unix(0, 0).UTC().AddDate(0, 0, int(month)).Format(time.DateOnly), " ", day+1); got != want {
			t.Errorf("%s is of %s, want %s", text, got, want)
		}
	}
}
