package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/detectors/rules"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// seen is an access as a rule is asked about it.
type seen struct {
	detectors.Access
	day              string
	explained, blind bool
}

// order is where an access stands among all of them.
func (s *seen) order() []int64 {
	return []int64{s.Occurred, int64(s.Position), int64(s.Patient), int64(s.Nth)}
}

// collector is a rule that keeps every access of a day once, whatever another rule is asked about. Nothing is known of where somebody works who is
// called like that, so whether there is a reason cannot be told.
func collector(t *testing.T, h *hospital, blind string, all *[]seen) detectors.CustomDetector {
	t.Helper()
	known := map[string]bool{}
	return probe{renamed{parse(t, "reader", "access.hour > 99"), "EveryAccess"}, func(v *detectors.AccessView, _ bool, _ error) {
		s := seen{Access: *v.Access(), day: v.Local().Format(time.DateOnly), explained: v.Reasons() != 0}
		s.blind = !s.explained && s.Patient != 0 && last(h.state.StaffIdentifier(s.Reader)) == blind
		if at := fmt.Sprint(s.order()); !known[at] {
			known[at] = true
			*all = append(*all, s)
		}
	}}
}

// crossed writes random accesses of two days into the book: often at the same time, searches without a record, events of several records, reports
// of what was reported before, and somebody of whom nothing is known.
func crossed(h *hospital, r *rand.Rand, n int) {
	actions := []v1.Action{v1.Action_ACTION_READ, v1.Action_ACTION_PRINT, v1.Action_ACTION_SEARCH, v1.Action_ACTION_UPDATE}
	for range n {
		reader, patient := []string{"n1", "n2", "n3", "c1", "somebody"}[r.IntN(5)], "p"+itoa([]int{1, 2, 3, 31, 32}[r.IntN(5)])
		if r.IntN(8) == 0 {
			patient = ""
		}
		at := time.Duration(r.IntN(2))*24*time.Hour + time.Duration(r.IntN(40))*10*time.Minute + time.Duration(r.IntN(3))*time.Second
		h.access(at, reader, patient, func(e *v1.AccessEvent) {
			e.Action = actions[r.IntN(len(actions))]
			if r.IntN(3) == 0 {
				e.RequestId = itoa(r.IntN(9))
			}
			if r.IntN(6) == 0 {
				e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{{System: "source:emr", Value: "Patient/p" + itoa(30+r.IntN(3))}}})
			}
		})
	}
}

// naive counts by looking at every access: those with the key of one, up to it, within the stretch, that fit.
func naive(all []seen, of *seen, c detectors.Counter, fits func(*seen) bool) int {
	if c.Per != detectors.KeyReader && of.Patient == 0 {
		return 0
	}
	different, n := map[facts.ID]bool{}, 0
	for i := range all {
		a := &all[i]
		if slices.Compare(a.order(), of.order()) > 0 || a.day != of.day || c.Over > 0 && of.Occurred-a.Occurred > c.Over.Microseconds() ||
			c.Per != detectors.KeyRecord && a.Reader != of.Reader || c.Per != detectors.KeyReader && a.Patient != of.Patient || !fits(a) {
			continue
		}
		switch c.Of {
		case detectors.CountAccesses:
			if !a.Has(detectors.SignAgain) {
				n++
			}
		case detectors.CountRecords:
			different[a.Patient] = true
		case detectors.CountReaders:
			different[a.Reader] = true
		}
	}
	delete(different, 0)
	return n + len(different)
}

// What counters say is what a look at every access says, for every key, whatever is counted, any stretch and condition, in rules of every key.
func TestCountersAreNaiveCounts(t *testing.T) {
	conditions := map[string]func(*seen) bool{
		"":                          func(*seen) bool { return true },
		"access.print":              func(a *seen) bool { return a.Any(detectors.SignPrint) },
		"access.look && !explained": func(a *seen) bool { return a.Any(detectors.SignLook) && !a.explained && !a.blind },
	}
	var specs [][2]string // what stands in the file, and the condition
	for _, of := range []string{"accesses, per: reader", "records, per: reader", "accesses, per: record", "readers, per: record", "accesses, per: pair"} {
		for _, over := range []string{"day", "10m", "2h", "1s"} {
			for when := range conditions {
				spec := "{of: " + of + ", over: " + over
				if when != "" {
					spec += `, when: "` + when + `"`
				}
				specs = append(specs, [2]string{spec + "}", when})
			}
		}
	}
	slices.SortFunc(specs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	compared, above := 0, 0
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 3))
		for _, key := range []string{"pair", "reader", "record"} {
			h := newHospital(t)
			crossed(h, r, 150)
			text, when := "counters:", "access.hour >= 0"
			var chosen [4]func(*seen) bool
			for i := range chosen {
				spec := specs[r.IntN(len(specs))]
				chosen[i] = conditions[spec[1]]
				text += fmt.Sprintf("\n    c%d: %s", i, spec[0])
				when += fmt.Sprintf(" && counters.c%d >= 0", i)
			}
			rule := parse(t, key, when, "grades: [{at_least: 1, word: seen}]", text)
			var all []seen
			got := map[string][4]int{}
			h.judge(collector(t, h, "somebody", &all), probe{rule, func(v *detectors.AccessView, ok bool, err error) {
				if err != nil || !ok {
					t.Fatal(ok, err)
				}
				var n [4]int
				for i := range n {
					if n[i], err = v.Counter(i); err != nil {
						t.Fatal(err)
					}
				}
				at := fmt.Sprint((&seen{Access: *v.Access()}).order())
				if before, again := got[at]; again && before != n {
					t.Fatalf("asked twice: %v, %v", before, n)
				}
				got[at] = n
			}})
			for i := range all {
				n, asked := got[fmt.Sprint(all[i].order())]
				for k := 0; k < len(n) && asked; k++ { // nobody asks about a record that nobody looked at, or where the reason cannot be told
					want := naive(all, &all[i], rule.Custom().Counters[k], chosen[k])
					if compared++; want > 1 {
						above++
					}
					if n[k] != want {
						t.Fatalf("seed %d, key %s, access %d: %d, want %d by\n%s", seed, key, i, n[k], want, text)
					}
				}
			}
		}
	}
	if compared < 10_000 || above < compared/4 {
		t.Errorf("%d compared, %d of them above 1: the test saw little", compared, above)
	}
}

// A counter's condition is evaluated at most once for each access and pass over a day, however often it is asked: a reader with thousands of accesses, a
// record with hundreds of readers, and rules of every key.
func TestCountersCountOnce(t *testing.T) {
	for _, key := range []string{"pair", "reader", "record"} {
		for _, per := range []string{"reader", "record", "pair"} {
			h := newHospital(t)
			n := 0
			look := func(reader, patient string) {
				h.access(time.Duration(n)*time.Second, reader, patient)
				n++
			}
			for i := range 1500 {
				look("n1", "p"+itoa(1+i%30))
			}
			for i := range 500 {
				h.staff(fmt.Sprintf("x%d", i), "C", "clerk")
				look(fmt.Sprintf("x%d", i), "p1")
			}
			rule := parse(t, key, "counters.all >= 1", "grades: [{at_least: 1, word: seen}]", "counters: {all: {per: "+per+", when: access.look}}")
			asked := 0
			h.judge(counting{rule, &asked})
			const passes = 6
			if asked < n*passes*9/10 || asked > n*(passes+1) {
				t.Errorf("key %s, per %s: asked %d times about %d accesses", key, per, asked, n)
			}
		}
	}
}

// counting counts how often the condition of a counter is asked.
type counting struct {
	detectors.CustomDetector
	n *int
}

func (c counting) Counts(n int, v *detectors.AccessView) (bool, error) {
	*c.n++
	return c.CustomDetector.Counts(n, v)
}

// A counter that is not asked costs nothing: what stands before it in the condition decides.
func TestCountersAreCountedWhenAsked(t *testing.T) {
	h := newHospital(t)
	for n := range 50 {
		h.access(minutes(n), "n1", "p1")
	}
	asked := 0
	h.judge(counting{parse(t, "pair", "access.print && counters.all >= 1", "grades: [{at_least: 1, word: seen}]",
		"counters: {all: {per: record, when: access.look}}"), &asked})
	if asked > 0 {
		t.Errorf("its condition was evaluated %d times", asked)
	}
}

// Ends of stretches, local days and equal times.
func TestCounterStretches(t *testing.T) {
	at := func(d time.Duration, reader, patient string) func(*hospital) {
		return func(h *hospital) { h.access(d, reader, patient) }
	}
	for _, tt := range []struct {
		name, key, counter, when string
		accesses                 []func(*hospital)
		want                     []string
	}{
		{
			"both ends are in", "pair", "{per: pair, over: 15m}", "counters.n >= 2",
			[]func(*hospital){at(minutes(0), "n1", "p1"), at(minutes(15), "n1", "p1")},
			[]string{"TestedRule: seen (n1 p1)"},
		},
		{
			"a microsecond more is not", "pair", "{per: pair, over: 15m}", "counters.n >= 2",
			[]func(*hospital){at(minutes(0), "n1", "p1"), at(minutes(15)+time.Microsecond, "n1", "p1")},
			nil,
		},
		{
			"a stretch does not go on before midnight", "pair", "{per: pair, over: 2h}", "counters.n >= 2",
			[]func(*hospital){at(24*time.Hour-time.Minute, "n1", "p1"), at(24*time.Hour+time.Minute, "n1", "p1")},
			nil,
		},
		{
			"what comes later is not counted", "pair", "{of: readers, per: record}", "counters.n >= 2",
			[]func(*hospital){at(minutes(0), "n1", "p1"), at(minutes(1), "n2", "p1")},
			[]string{"TestedRule: seen (n2 p1)"},
		},
		{
			"of equal times, one is the second", "pair", "{per: record}", "counters.n == 2",
			[]func(*hospital){at(minutes(0), "n2", "p1"), at(minutes(0), "n1", "p1"), at(minutes(0), "n3", "p1")},
			[]string{"TestedRule: seen (n1 p1)"},
		},
		{
			"other records of the reader", "pair", "{of: records, per: reader, over: 10m}", "counters.n >= 3",
			[]func(*hospital){
				at(minutes(0), "n1", "p1"), at(minutes(5), "n1", "p2"), at(minutes(6), "n1", "p2"), at(minutes(10), "n1", "p3"), at(minutes(16), "n1", "p4"),
			},
			[]string{"TestedRule: seen (n1 p3)", "TestedRule: seen (n1 p4)"},
		},
		{
			"a search has no record", "reader", "{of: readers, per: record}", "access.search && counters.n == 0",
			[]func(*hospital){at(minutes(0), "n1", "p1"), func(h *hospital) {
				h.access(minutes(1), "n1", "", func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_SEARCH })
			}},
			[]string{"TestedRule: seen (n1)"},
		},
		{
			"a record's reader by what else they did", "record", "{of: records, per: reader}", "counters.n >= 3",
			[]func(*hospital){
				at(minutes(0), "n1", "p1"), at(minutes(5), "n1", "p2"), at(minutes(6), "n1", "p3"), at(minutes(10), "n2", "p3"), at(minutes(12), "n2", "p2"),
			},
			[]string{"TestedRule: seen (p3)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			for _, a := range tt.accesses {
				a(h)
			}
			got := h.judge(parse(t, tt.key, tt.when, "grades: [{at_least: 1, word: seen}]", "counters: {n: "+tt.counter+"}")).findings
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What has no result makes every unit that asks a fault, and only those.
func TestCounterWithoutResult(t *testing.T) {
	h := newHospital(t)
	h.access(minutes(0), "n1", "p1", func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "image", Count: 3}} })
	h.access(minutes(1), "n2", "p1", func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "image", Count: 3}} })
	h.access(minutes(0), "n3", "p2")
	got := h.judge(parse(t, "pair", "access.look && counters.n >= 0", "grades: [{at_least: 1, word: seen}]",
		"counters: {n: {per: record, when: 6 / (access.count - 3) > 0}}"))
	if diff := cmp.Diff([]string{"TestedRule: seen (n3 p2)"}, got.findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]uint64{"TestedRule": 2}, got.tally.Faults); diff != "" {
		t.Error(diff)
	}
}

// What a counter's condition needs, the rule needs.
func TestCounterNeeds(t *testing.T) {
	for _, tt := range []struct {
		when, needs string
		verdict     bool
	}{
		{"access.print", "patients, staff", false},
		{"reader.off_duty", "patients, staff, roster", false},
		{"patient.vip && !explained", "patients, staff, care, watch lists and labels", true},
	} {
		r := parse(t, "reader", "access.look && kin.household == 0 && counters.n > 1", "grades: [{at_least: 1, word: seen}]",
			"counters: {n: {per: reader, when: "+tt.when+"}}")
		c := r.Custom()
		if got := c.Needs.String(); got != tt.needs || c.Verdict != tt.verdict || c.Counters[0].Verdict != tt.verdict {
			t.Errorf("%s needs %q, verdict %v; want %q, %v", tt.when, got, c.Verdict, tt.needs, tt.verdict)
		}
	}
	h := newHospital(t)
	h.access(0, "n1", "p1")
	got := h.judge(parse(t, "pair", "counters.n >= 0", "grades: [{at_least: 1, word: seen}]", "counters: {n: {per: reader, when: reader.on_duty}}"))
	if got.findings != nil {
		t.Errorf("without a roster: %v", got.findings)
	}
}

// A rule with counters says the same to the byte when it is read anew, and its alert cites what fits.
func TestCountersInAlerts(t *testing.T) {
	judge := func(rule *rules.Rule) outcome {
		h := newHospital(t)
		busy(h)
		for i := range 6 {
			h.access(18*24*time.Hour+minutes(i), "c5", "p"+itoa(1+i), func(e *v1.AccessEvent) { e.Workstation = "kiosk" })
		}
		return h.judge(rule)
	}
	read := func() *rules.Rule {
		return parse(t, "reader", `access.workstation == "kiosk" && counters.opened >= 4 && counters.first == 1`, "count: {of: records}",
			"grades: [{at_least: 3, word: seen}]", "misuse: [990]", "share: 500",
			"counters: {opened: {of: records, per: reader, over: 10m}, first: {per: pair, when: 'access.workstation == \"kiosk\"'}}")
	}
	rule := read()
	first := judge(rule)
	if diff := cmp.Diff([]string{"TestedRule: seen (c5)"}, first.findings); diff != "" {
		t.Error(diff)
	}
	i := slices.IndexFunc(first.alerts, func(a string) bool {
		return strings.Contains(a, "reader-day TestedRule") && strings.Contains(a, "That was so for three records on this day.")
	})
	if i < 0 {
		t.Errorf("no alert tells it; there are\n%s", strings.Join(first.alerts, "\n"))
	}
	for name, next := range map[string]outcome{"the same rule": judge(rule), "read anew": judge(read())} {
		if diff := cmp.Diff(first, next, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Error(name, diff)
		}
	}
}
