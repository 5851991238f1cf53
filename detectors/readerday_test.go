package detectors_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

const minute = int64(time.Minute / time.Microsecond)

// dayOf is a reader's day of so many events, up to two minutes apart, at so many records; what they are is drawn from signs.
func dayOf(random *rand.Rand, events, records int, signs ...detectors.Sign) []detectors.Access {
	all, at := make([]detectors.Access, events), 9*60*minute
	for i := range all {
		at += random.Int64N(2 * minute)
		all[i] = detectors.Access{
			Position: proto.Position(i + 1), Occurred: at, Reader: 1, Patient: facts.ID(random.IntN(records + 1)), Signs: signs[random.IntN(len(signs))],
		}
	}
	return all
}

// TestRefusedAtOnce: what is told of a burst is of one window of ten minutes.
func TestRefusedAtOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		all := dayOf(random, 1+random.IntN(30), 1+random.IntN(5), detectors.SignRefused, detectors.SignRefused, detectors.SignLook)
		var most, several detectors.Burst
		for end := range all {
			var b detectors.Burst
			seen := map[facts.ID]bool{}
			for _, a := range all[:end+1] {
				if a.Any(detectors.SignRefused) && all[end].Any(detectors.SignRefused) && all[end].Occurred-a.Occurred <= 10*minute {
					b.Attempts++
					if a.Patient != 0 {
						seen[a.Patient] = true
					}
				}
			}
			if b.Records = int64(len(seen)); b.Attempts > most.Attempts {
				most = b
			}
			if b.Attempts >= 4 && b.Records >= 3 && b.Attempts > several.Attempts {
				several = b
			}
		}
		gotMost, gotSeveral := detectors.RefusedAtOnce(all)
		if gotMost != most || gotSeveral != several {
			t.Fatalf("the most %v and at several records %v, want %v and %v", gotMost, gotSeveral, most, several)
		}
	}
}

// TestStayed: a record is open from a look until the next event that is about something else, for ten minutes at most.
func TestStayed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		all := dayOf(random, 1+random.IntN(30), 4, detectors.SignLook, detectors.SignLook, detectors.SignWrite, detectors.SignSystem|detectors.SignLook)
		want := map[facts.ID]time.Duration{}
		for _, of := range all {
			stayed, open := time.Duration(0), int64(-1)
			for _, a := range all {
				switch {
				case a.Any(detectors.SignSystem):
				case a.Patient != of.Patient && open >= 0:
					stayed += min(time.Duration(a.Occurred-open)*time.Microsecond, 10*time.Minute)
					open = -1
				case a.Patient == of.Patient && open < 0 && a.Any(detectors.SignLook):
					open = a.Occurred
				}
			}
			if open >= 0 {
				stayed = -1
			}
			if of.Patient != 0 {
				want[of.Patient] = stayed
			}
		}
		if diff := cmp.Diff(want, detectors.Stayed(all)); diff != "" {
			t.Fatalf("how long records stayed open (-want +got):\n%s", diff)
		}
	}
}

// BenchmarkReaderDay takes one reader's day of refusals at two records, and one of looks at many: the time an event does not grow with the day.
func BenchmarkReaderDay(b *testing.B) {
	for _, n := range []int{10_000, 40_000} {
		refused, looked := make([]detectors.Access, n), make([]detectors.Access, n)
		for i := range n {
			a := detectors.Access{Position: proto.Position(i + 1), Occurred: 9*60*minute + int64(i), Reader: 1, Patient: facts.ID(1 + i%2), Signs: detectors.SignRefused}
			refused[i] = a
			a.Patient, a.Signs = facts.ID(1+i/2), detectors.SignLook
			looked[i] = a
		}
		b.Run(fmt.Sprintf("refused/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				detectors.RefusedAtOnce(refused)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
		b.Run(fmt.Sprintf("stayed/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				detectors.Stayed(looked)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}
