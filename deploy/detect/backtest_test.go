package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/deploy/detect"
)

// TestBacktestStories: what is lost is the first of those gained that cites something of it, and what is gained is a part of the first that
// was shown before; each goes with one other.
func TestBacktestStories(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	for range 500 {
		draw := func(from int32) []detect.Told {
			all := make([]detect.Told, random.IntN(10))
			for i := range all {
				all[i] = detect.Told{Day: from + int32(i), Pair: random.IntN(5) > 0}
				for at := range uint64(12) {
					if random.IntN(6) == 0 {
						all[i].Cited = append(all[i].Cited, at)
					}
				}
			}
			return all
		}
		before, after := draw(1), draw(101)
		one := func(a, b detect.Told) bool {
			return a.Pair && b.Pair && slices.ContainsFunc(a.Cited, func(at uint64) bool { return slices.Contains(b.Cited, at) })
		}
		var moved, gained []string
		taken := map[int]bool{}
		for _, was := range before {
			for i, is := range after {
				if !taken[i] && one(was, is) {
					taken[i], moved = true, append(moved, fmt.Sprintf("%d was %d", is.Day, was.Day))
					break
				}
			}
		}
		for i, is := range after {
			if taken[i] {
				continue
			}
			of := 0
			for n, was := range slices.Backward(before) {
				if one(was, is) {
					of = n + 1
				}
			}
			gained = append(gained, fmt.Sprintf("%d of %d", is.Day, of))
		}
		d := detect.Compare(before, after)
		var gotMoved, gotGained []string
		for _, e := range d.Examples["moved"] {
			gotMoved = append(gotMoved, fmt.Sprintf("%d was %d", dayNumber(t, e.Day), dayNumber(t, e.WasDay)))
		}
		for _, e := range d.Examples["gained"] {
			of := 0
			for n := range before {
				if e.StoryOf == detect.IDOf(n) {
					of = n + 1
				}
			}
			gotGained = append(gotGained, fmt.Sprintf("%d of %d", dayNumber(t, e.Day), of))
		}
		if diff := cmp.Diff([][]string{moved, gained}, [][]string{gotMoved, gotGained}); diff != "" {
			t.Fatalf("moved and gained (-want +got):\n%s", diff)
		}
		if d.Lost != len(before)-len(moved) {
			t.Fatalf("%d are lost, want %d", d.Lost, len(before)-len(moved))
		}
	}
}

// dayNumber reads a date of an example.
func dayNumber(t *testing.T, date string) int64 {
	t.Helper()
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		t.Fatal(err)
	}
	return at.Unix() / 86_400
}

// BenchmarkBacktestStories compares a quarter and a year of a hundred alerts a day that all differ.
func BenchmarkBacktestStories(b *testing.B) {
	for _, days := range []int{90, 360} {
		side := func(from uint64) []detect.Told {
			all := make([]detect.Told, days*100)
			for i := range all {
				all[i] = detect.Told{Day: int32(i / 100), Pair: true, Cited: []uint64{from + uint64(i)*4, from + uint64(i)*4 + 2}}
			}
			return all
		}
		before, after := side(0), side(1)
		b.Run(fmt.Sprint(days), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				detect.Compare(before, after)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(before)), "ns/alert")
		})
	}
}
