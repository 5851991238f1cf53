//go:build unix

package rules_test

import (
	"fmt"
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

// What judging a day costs with a rule that asks for a counter about every access, beside the same rule without: of one reader with 20,000 accesses, and of
// one record with 5,000 readers. Each access is judged six times.
func BenchmarkCounters(b *testing.B) {
	const passes = 6
	for _, unit := range []struct {
		name string
		n    int
		look func(h *hospital, i int)
	}{
		{"reader with 20000", 20_000, func(h *hospital, i int) { h.access(time.Duration(i)*time.Second, "n1", "p"+itoa(1+i*7%40)) }},
		{"record with 5000", 5_000, func(h *hospital, i int) { h.access(time.Duration(i)*10*time.Second, fmt.Sprintf("x%d", i), "p1") }},
	} {
		h := newHospital(b)
		for i := range unit.n {
			if unit.name == "record with 5000" {
				h.staff(fmt.Sprintf("x%d", i), "C", "clerk")
			}
			unit.look(h, i)
		}
		for _, bb := range [][2]string{
			{"no rule", ""},
			{"no counter", ""},
			{"accesses per reader", "{of: accesses, per: reader, over: 15m, when: access.look}"},
			{"records per reader", "{of: records, per: reader, over: 15m, when: access.look}"},
			{"readers per record", "{of: readers, per: record, over: 2h, when: access.look}"},
			{"accesses per pair", "{of: accesses, per: pair, when: access.look}"},
		} {
			b.Run(unit.name+"/"+bb[0], func(b *testing.B) {
				var own []detectors.CustomDetector
				switch {
				case bb[1] != "":
					own = append(own, parse(b, "pair", "access.look && counters.n > 1000000", "grades: [{at_least: 1, word: seen}]", "counters: {n: "+bb[1]+"}"))
				case bb[0] == "no counter":
					own = append(own, parse(b, "pair", "access.look && access.hour > 99"))
				}
				b.ReportAllocs()
				began := processorTime(b)
				for b.Loop() {
					h.judge(own...)
				}
				b.ReportMetric(float64(processorTime(b)-began)/float64(b.N*unit.n*passes), "cpu-ns/access")
			})
		}
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
