//go:build unix

package rules_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
)

// What a condition costs for one access that does not fit: nearly all accesses do not.
func BenchmarkFits(b *testing.B) {
	for _, bb := range []struct{ name, when string }{
		{"first term", "access.print && patient.vip"},
		{"hour and label", `access.look && (access.hour >= 22 || access.hour < 6) && "mental" in patient.labels && !explained`},
		{"role and purpose", `access.look && reader.role == "researcher" && !("research" in access.purposes)`},
		{"pattern", `access.workstation.matches("^home-")`},
		{"long pattern, watched", `access.workstation.matches("^(home|remote)-[0-9]+$")`},
		{"loop", `reasons.exists(r, r.startsWith("vendor"))`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			h := newHospital(b)
			h.access(10*time.Hour, "n1", "p1")
			done := false
			h.judge(probe{parse(b, "pair", bb.when), func(v *detectors.AccessView, fits bool, _ error) {
				if done || fits {
					return
				}
				done = true
				r := parse(b, "pair", bb.when)
				b.ReportAllocs()
				began := processorTime(b)
				for b.Loop() {
					if ok, err := r.Fits(v); ok || err != nil {
						b.Fatal(ok, err)
					}
				}
				b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
			}})
			if !done {
				b.Fatal("not asked")
			}
		})
	}
}

// processorTime is what this process took: on a shared machine it says more than the wall's time.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Reading a file is rare; it still has to be quick enough for a test of many cases.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		parse(b, "pair", `access.look && reader.role == "researcher"`)
	}
}
