package api_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestPagesAddUp checks, for random reports of every density, that pages of any size add up to the whole list, that every
// report is in exactly one access, and that accesses are newest first.
func TestPagesAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		reports := randomReports(random)
		whole, err := api.Pages(reports, len(reports)+1)
		if err != nil || len(whole) != 1 {
			t.Fatalf("seed %d: %d pages, %v", seed, len(whole), err)
		}
		checkAccesses(t, seed, reports, whole[0])
		for _, size := range []int{1, 2, 5, 17} {
			pages, err := api.Pages(reports, size)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range pages[:len(pages)-1] {
				if len(p) != size {
					t.Fatalf("seed %d: page %d of %d rows", seed, i+1, len(p))
				}
			}
			if diff := gocmp.Diff(whole[0], slices.Concat(pages...)); diff != "" {
				t.Fatalf("seed %d, pages of %d: %s", seed, size, diff)
			}
		}
	}
}

func randomReports(random *rand.Rand) []api.Report {
	n := 1 + random.IntN(120)
	spread := int64(n) * (1 + random.Int64N(200)) * 1_000_000
	reports := make([]api.Report, n)
	for i := range reports {
		reports[i] = api.Report{
			Position: proto.At(uint64(1+random.IntN(50)), i), Occurred: random.Int64N(spread), Request: uint64(random.IntN(6)),
			Within: time.Duration(random.IntN(300)) * time.Second, Action: v1.Action(random.IntN(13)), Rank: random.IntN(3),
		}
	}
	slices.SortFunc(reports, func(a, b api.Report) int {
		return cmp.Or(cmp.Compare(b.Occurred, a.Occurred), cmp.Compare(b.Position, a.Position))
	})
	return reports
}

func checkAccesses(t *testing.T, seed uint64, reports []api.Report, accesses [][]proto.Position) {
	t.Helper()
	byPosition := map[proto.Position]api.Report{}
	for _, r := range reports {
		byPosition[r.Position] = r
	}
	seen := map[proto.Position]bool{}
	last := int64(1) << 62
	for _, a := range accesses {
		shown := byPosition[a[0]]
		if shown.Occurred > last {
			t.Fatalf("seed %d: not newest first", seed)
		}
		last = shown.Occurred
		for _, p := range a {
			r := byPosition[p]
			if seen[p] {
				t.Fatalf("seed %d: report %d is in two accesses", seed, p)
			}
			seen[p] = true
			if r.Request != shown.Request || r.Rank > shown.Rank || len(a) > 1 && r.Request == 0 {
				t.Fatalf("seed %d: %+v does not belong to %+v", seed, r, shown)
			}
			if apart := time.Duration(max(r.Occurred-shown.Occurred, shown.Occurred-r.Occurred)) * time.Microsecond; apart > 5*time.Minute {
				t.Fatalf("seed %d: reports %s apart are paired", seed, apart)
			}
		}
	}
	if len(seen) != len(reports) {
		t.Fatalf("seed %d: %d of %d reports are listed", seed, len(seen), len(reports))
	}
}

func BenchmarkPairing(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint("events=", n), func(b *testing.B) {
			reports := make([]api.Report, n)
			for i := range reports {
				reports[i] = api.Report{Position: proto.At(uint64(n-i), 0), Occurred: int64(n-i) * 500_000, Request: uint64(i/2 + 1), Within: time.Minute, Action: v1.Action_ACTION_READ}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := api.Pages(reports, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
