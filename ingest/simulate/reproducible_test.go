package simulate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func hashOf(h *simulate.Hospital, days ...int) string {
	sum := sha256.New()
	for _, day := range days {
		for e := range h.Events(day) {
			fmt.Fprintln(sum, e.Source, e.ID, e.Label.Scenario, e.Label.Incident)
			sum.Write(e.JSON)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// The hashes hold on every processor and with every Go release; a change of the model changes them, and is a change of
// every dataset that somebody has made with a seed.
func TestGoldenBytes(t *testing.T) {
	var out strings.Builder
	for _, seed := range []uint64{0, 1, 1 << 63} {
		h := hospital(t, simulate.Config{Seed: seed, Staff: 200, Patients: 2000, Days: 7})
		sum := sha256.New()
		for r := range h.Context() {
			sum.Write(r.JSON)
		}
		// Day 6 is the 8th of March 2026, when the clocks of the default zone change.
		fmt.Fprintf(&out, "seed %d events %s\nseed %d context %s\n", seed, hashOf(h, 0, 6), seed, hex.EncodeToString(sum.Sum(nil)))
	}
	const file = "testdata/golden.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		t.Errorf("the bytes have changed; got\n%swant\n%s", got, want)
	}
}

func TestDaysAreIndependent(t *testing.T) {
	h := hospital(t, small())
	var forward, together [8]string
	for day := range forward {
		forward[day] = hashOf(h, day)
	}
	var wg sync.WaitGroup
	for day := range together {
		wg.Go(func() { together[day] = hashOf(hospital(t, small()), day) })
	}
	wg.Wait()
	if forward != together {
		t.Error("a day made alone differs from the same day made after others")
	}
	if sorted := slices.Sorted(slices.Values(forward[:])); len(slices.Compact(sorted)) != len(forward) {
		t.Error("two days are the same")
	}
	cfg := small()
	cfg.Seed++
	if hashOf(hospital(t, cfg), 0) == forward[0] {
		t.Error("another seed gives the same day")
	}
}

func TestEventsAreTheCallersToKeep(t *testing.T) {
	h := hospital(t, small())
	var kept []simulate.Event
	var copies [][]byte
	for e := range h.Events(1) {
		kept, copies = append(kept, e), append(copies, slices.Clone(e.JSON))
		if cap(e.JSON) != len(e.JSON) {
			t.Fatal("appending to an event would overwrite the next")
		}
	}
	for i := range kept {
		if string(kept[i].JSON) != string(copies[i]) {
			t.Fatalf("event %d was overwritten", i)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("lives through 200,000 events")
	}
	h := hospital(t, simulate.Config{Seed: 1, Staff: 2000, Patients: 60_000, Days: 30})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 64<<20 {
		t.Errorf("the hospital alone takes %d MB", m.HeapAlloc>>20)
	}
	events := 0
	for day := range 2 {
		for range h.Events(day) {
			if events++; events%50_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&m)
				if m.HeapAlloc > 128<<20 {
					t.Fatalf("after %d events %d MB are held", events, m.HeapAlloc>>20)
				}
			}
		}
	}
	// 3 million accesses in 30 days are 100,000 a day; workdays have more.
	if events < 180_000 || events > 300_000 {
		t.Errorf("%d events in two workdays", events)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  simulate.Config
		want string
	}{
		{"too few staff", simulate.Config{Staff: 10}, "staff:"},
		{"too few patients", simulate.Config{Staff: 400, Patients: 100}, "patients:"},
		{"too many days", simulate.Config{Days: 100_000}, "days:"},
		{"year", simulate.Config{Start: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}, "start:"},
		{"unknown scenario", simulate.Config{Weights: map[string]int{"gossip": 1}}, "weights:"},
		{"too many incidents", simulate.Config{Incidents: 1 << 30}, "incidents:"},
		{"all faults at once", simulate.Config{Staff: 10, Days: -1}, "days:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := simulate.NewHospital(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, cfg := range []simulate.Config{
		{},
		{Staff: 150, Patients: 600, Days: 1},
		{Staff: 5000, Patients: 20_000, Days: 2},
		{Staff: 300, Days: 1, Zone: time.UTC, Start: time.Date(2030, 12, 25, 0, 0, 0, 0, time.UTC)},
	} {
		h := hospital(t, cfg)
		n := 0
		for range h.Events(0) {
			n++
		}
		if n < 1000 {
			t.Errorf("%d events on the first day of %+v", n, cfg)
		}
		_ = h.Story()
	}
}

func BenchmarkEvents(b *testing.B) {
	for _, staff := range []int{400, 2000} {
		b.Run(fmt.Sprint(staff), func(b *testing.B) {
			h := hospital(b, simulate.Config{Seed: 1, Staff: staff, Patients: 30 * staff, Days: 28})
			b.ReportAllocs()
			events, bytes := 0, 0
			for i := 0; b.Loop(); i++ {
				for e := range h.Events(i % 28) {
					events++
					bytes += len(e.JSON)
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
		})
	}
}
