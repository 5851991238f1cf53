package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func minutes(n int) time.Duration { return 9*time.Hour + time.Duration(n)*time.Minute }

// What is counted, per whom, and within which stretch.
func TestCounts(t *testing.T) {
	scale := "grades: [{at_least: 2, word: two}, {at_least: 3, word: three}]"
	look := func(n int, reader, patient string) func(*hospital) {
		return func(h *hospital) { h.access(minutes(n), reader, patient) }
	}
	for _, tt := range []struct {
		name, key, when string
		more            []string
		accesses        []func(*hospital)
		want            []string
	}{
		{
			"accesses of a pair, whole day", "pair", "access.look",
			[]string{scale},
			[]func(*hospital){look(0, "n1", "p1"), look(200, "n1", "p1"), look(1, "n1", "p2"), look(2, "n2", "p1")},
			[]string{"TestedRule: two (n1 p1)"},
		},
		{
			"within a stretch, its ends included", "pair", "access.look",
			[]string{scale, "count: {over: 10m}"},
			[]func(*hospital){look(0, "n1", "p1"), look(10, "n1", "p1"), look(21, "n1", "p1"), look(0, "n2", "p1"), look(11, "n2", "p1")},
			[]string{"TestedRule: two (n1 p1)"},
		},
		{
			"different records of a reader", "reader", "access.look",
			[]string{scale, "count: {of: records}"},
			[]func(*hospital){look(0, "n1", "p1"), look(1, "n1", "p1"), look(2, "n1", "p2"), look(300, "n1", "p3"), look(0, "n2", "p1"), look(0, "n2", "p1")},
			[]string{"TestedRule: three (n1)"},
		},
		{
			"different records within a stretch", "reader", "access.look",
			[]string{scale, "count: {of: records, over: 5m}"},
			[]func(*hospital){look(0, "n1", "p1"), look(3, "n1", "p1"), look(4, "n1", "p2"), look(300, "n1", "p3")},
			[]string{"TestedRule: two (n1)"},
		},
		{
			"searches have no record and count as accesses", "reader", "access.search",
			[]string{scale},
			[]func(*hospital){
				look(0, "n1", "p1"), func(h *hospital) {
					for i := range 3 {
						h.access(minutes(i), "n1", "", func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_SEARCH })
					}
				},
			},
			[]string{"TestedRule: three (n1)"},
		},
		{
			"different readers of a record, with a reason and without", "record", "access.look",
			[]string{scale, "count: {of: readers}"},
			[]func(*hospital){look(0, "n1", "p1"), look(1, "n1", "p1"), look(2, "n2", "p1"), look(300, "c1", "p1"), look(0, "n1", "p2")},
			[]string{"TestedRule: three (p1)"},
		},
		{
			"different readers within a stretch", "record", "access.look",
			[]string{scale, "count: {of: readers, over: 5m}"},
			[]func(*hospital){look(0, "n1", "p1"), look(3, "c2", "p1"), look(300, "c1", "p1")},
			[]string{"TestedRule: two (p1)"},
		},
		{
			"days are local and apart", "pair", "access.look",
			[]string{scale},
			[]func(*hospital){look(0, "n1", "p1"), look(24*60, "n1", "p1")},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			for _, a := range tt.accesses {
				a(h)
			}
			got := h.judge(parse(t, tt.key, tt.when, tt.more...)).findings
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A rule that asks for the reason says nothing where none can be assessed; another one does.
func TestNotAssessable(t *testing.T) {
	for when, want := range map[string]int{"!explained": 0, "access.look": 1} {
		h := newHospital(t)
		h.access(0, "somebody", "p1") // of no department that is known
		if got := len(h.judge(parse(t, "pair", when)).findings); got != want {
			t.Errorf("%s: %d findings, want %d", when, got, want)
		}
	}
}

// Without the context that it needs, a rule abstains.
func TestMissingContext(t *testing.T) {
	h := newHospital(t)
	h.access(0, "n1", "p1")
	if got := h.judge(parse(t, "pair", "!reader.on_duty")).findings; got != nil {
		t.Errorf("without a roster: %v", got)
	}
}

// What a condition costs is bounded when it runs, too, and a text that no name has is not looked at: the unit is told to be unknown, and everything else goes on.
func TestCostLimit(t *testing.T) {
	for _, tt := range []struct {
		length int
		want   string
	}{
		{4_096, "evaluate TestedRule: operation cancelled: actual cost limit exceeded"},
		{2 << 20, "evaluate TestedRule: workstation: a text of 2097152 bytes"},
	} {
		h := newHospital(t)
		h.access(minutes(0), "n1", "p1", func(e *v1.AccessEvent) { e.Workstation = strings.Repeat("ab", tt.length/2) })
		h.access(minutes(1), "n2", "p1", func(e *v1.AccessEvent) { e.Workstation = "abc" })
		faults := map[string]bool{}
		got := h.judge(probe{parse(t, "pair", `access.workstation.matches("(a|b|ab|aba)*c$")`), func(_ *detectors.AccessView, _ bool, err error) {
			if err != nil {
				faults[err.Error()] = true
			}
		}})
		if diff := cmp.Diff(map[string]bool{tt.want: true}, faults); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"TestedRule: seen (n2 p1)"}, got.findings); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]uint64{"TestedRule": 1}, got.tally.Faults); diff != "" {
			t.Error(diff)
		}
	}
}

// What has no result is told, not guessed.
func TestNoResult(t *testing.T) {
	h := newHospital(t)
	h.access(minutes(0), "n1", "p1")
	got := h.judge(parse(t, "pair", "1 / access.count > 0"))
	if got.findings != nil || got.tally.Faults["TestedRule"] != 1 {
		t.Errorf("findings %v, faults %v", got.findings, got.tally.Faults)
	}
}

// busy writes 20 days of ordinary work into the book, and on the last day one clerk who opens five records of employees at night.
func busy(h *hospital) {
	for day := range 20 {
		for n := 1; n <= 9; n++ {
			for k := range 4 {
				at := time.Duration(day)*24*time.Hour + minutes(7*n+31*k)
				h.access(at, "n"+string(rune('0'+n)), "p"+itoa(1+(day*5+n*3+k*7)%30), func(e *v1.AccessEvent) {
					if k%2 == 0 {
						e.Action = v1.Action_ACTION_UPDATE
					}
				})
			}
			h.access(time.Duration(day)*24*time.Hour+minutes(11*n), "c"+string(rune('0'+n)), "p"+itoa(1+(day+n)%30), func(e *v1.AccessEvent) {
				e.Action = v1.Action_ACTION_UPDATE
			})
		}
	}
	for i := 36; i <= 40; i++ {
		h.access(19*24*time.Hour+time.Duration(2*60+i)*time.Minute, "c3", "p"+itoa(i))
	}
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}

// The same findings and the same alerts, to the byte, by rules that were read anew and by the same rules again.
func TestDeterminism(t *testing.T) {
	read := func() []detectors.CustomDetector {
		var out []detectors.CustomDetector
		for _, key := range []string{"pair", "reader", "record"} {
			r := parse(t, key, `access.look && patient.employee && !explained && ("mental" in patient.labels || size(reasons) > 0)`)
			out = append(out, renamed{r, "Tested" + strings.ToUpper(key[:1]) + key[1:]})
		}
		return out
	}
	own := read()
	judge := func(own []detectors.CustomDetector) outcome {
		h := newHospital(t)
		busy(h)
		return h.judge(own...)
	}
	first := judge(own)
	if len(first.findings) != 11 || len(first.alerts) == 0 {
		t.Fatalf("%d findings, %d alerts", len(first.findings), len(first.alerts))
	}
	for name, next := range map[string]outcome{"the same rules": judge(own), "rules read anew": judge(read())} {
		if diff := cmp.Diff(first, next, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Error(name, diff)
		}
	}
}

// renamed is a rule under another name.
type renamed struct {
	detectors.CustomDetector
	name string
}

func (r renamed) Custom() detectors.Custom {
	c := r.CustomDetector.Custom()
	c.Name = r.name
	return c
}

// A rule's alert cites what the rule counts, and tells it in the rule's words, also where each of the accesses is explained.
func TestAlert(t *testing.T) {
	for key, want := range map[string][]string{
		"reader": {" reader-day TestedRule ", " in five records\n", "Something was seen. That was so for five records on this day.", "Something else would have made it normal."},
		"pair":   {" TestedRule ", "Something was seen. That was so for one access on this day.", "Something else would have made it normal."},
	} {
		h := newHospital(t)
		busy(h)
		kiosk := func(e *v1.AccessEvent) { e.Workstation = "kiosk" }
		of, least := "accesses", "1"
		if key == "reader" {
			of, least = "records", "5"
			for i := range 5 {
				h.access(18*24*time.Hour+minutes(i), "n1", "p"+itoa(1+i), kiosk, func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_UPDATE })
			}
		} else {
			h.access(18*24*time.Hour+minutes(0), "c5", "p33", kiosk)
		}
		got := h.judge(parse(t, key, `access.workstation == "kiosk"`, "count: {of: "+of+"}", "grades: [{at_least: "+least+", word: seen}]",
			"misuse: [990]", "share: 500"))
		i := slices.IndexFunc(got.alerts, func(a string) bool {
			return !slices.ContainsFunc(want, func(text string) bool { return !strings.Contains(a, text) })
		})
		if i < 0 {
			t.Errorf("key %s: no alert says all of %q; there are\n%s", key, want, strings.Join(got.alerts, "\n"))
		}
	}
}

// A crowd that a rule tells is one alert about the record, with the readers whose accesses count.
func TestRecordAlert(t *testing.T) {
	h := newHospital(t)
	busy(h)
	for n := 1; n <= 9; n++ {
		h.access(19*24*time.Hour+minutes(n), "c"+itoa(n), "p35")
	}
	h.access(19*24*time.Hour+minutes(10), "n1", "p35", func(e *v1.AccessEvent) { e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL })
	got := h.judge(parse(t, "record", "access.look && patient.vip", "count: {of: readers, over: 30m}", "grades: [{at_least: 3, word: three or more}]",
		"misuse: [990]", "share: 500"))
	if diff := cmp.Diff([]string{"TestedRule: three or more (p35)"}, got.findings); diff != "" {
		t.Error(diff)
	}
	want := "Something was seen. That was so for nine readers within 30 minutes."
	i := slices.IndexFunc(got.alerts, func(a string) bool { return strings.Contains(a, "record-day TestedRule") && strings.Contains(a, want) })
	if i < 0 {
		t.Fatalf("no alert about the record says %q; there are\n%s", want, strings.Join(got.alerts, "\n"))
	}
	if strings.Contains(got.alerts[i], "Staffn1") {
		t.Error("it names somebody whose access does not count")
	}
}

// Rules leave the built-in detectors what they say.
func TestBuiltInStay(t *testing.T) {
	bare := func(own ...detectors.CustomDetector) map[string]uint64 {
		h := newHospital(t)
		busy(h)
		found := h.judge(own...).tally.Findings
		delete(found, "TestedRule")
		return found
	}
	if diff := cmp.Diff(bare(), bare(parse(t, "pair", "access.look"))); diff != "" {
		t.Error(diff)
	}
}

// An explanation weighs against a rule, but not against a hard one: of everyday work, most is by a department that has the patient.
func TestHard(t *testing.T) {
	weight := func(hard string) detectors.Weight {
		h := newHospital(t)
		h.queue.Least = 1 // the explained one weighs next to nothing
		busy(h)
		h.access(18*24*time.Hour+minutes(0), "n1", "p1", func(e *v1.AccessEvent) { e.Workstation = "kiosk" })
		got := h.judge(parse(t, "pair", `access.workstation == "kiosk"`, "grades: [{at_least: 1, word: seen}]", "misuse: [990]", "share: 500", "hard: "+hard))
		w, told := got.weights["TestedRule"]
		if !told {
			t.Fatalf("hard %s: no candidate tells it; findings %v", hard, got.findings)
		}
		return w
	}
	const bit = 256
	if soft, hard := weight("false"), weight("true"); hard < soft+2*bit {
		t.Errorf("a hard rule weighs %d, another one %d", hard, soft)
	}
}

// What rules claim of all misuse is taken from the built-in kinds: half of it is one bit.
func TestShare(t *testing.T) {
	weight := func(own ...detectors.CustomDetector) detectors.Weight {
		h := newHospital(t)
		busy(h)
		w, told := h.judge(own...).weights["co-worker"]
		if !told {
			t.Fatal("no candidate tells of a co-worker")
		}
		return w
	}
	never := parse(t, "pair", "access.hour > 23", "grades: [{at_least: 1, word: seen}]", "misuse: [990]", "share: 500")
	if lost := weight() - weight(never); lost < 250 || lost > 262 {
		t.Errorf("a built-in kind of misuse lost %d of 256", lost)
	}
}

// The alert of a rule about a reader leaves out what the rule does not count, also where no reason is known for it.
func TestCites(t *testing.T) {
	h := newHospital(t)
	busy(h)
	for day := range 20 { // at this desk, looks without a reason are usual
		for n := 1; n <= 9; n++ {
			for k := range 2 {
				h.access(time.Duration(day)*24*time.Hour+minutes(3*n+k), "c"+itoa(n), "p"+itoa(31+(day+n)%4))
			}
		}
	}
	for i := range 5 {
		h.access(18*24*time.Hour+minutes(i), "c5", "p"+itoa(1+i), func(e *v1.AccessEvent) {
			e.Workstation, e.Action = "kiosk", v1.Action_ACTION_UPDATE
		})
	}
	got := h.judge(parse(t, "reader", `access.workstation == "kiosk"`, "count: {of: records}", "grades: [{at_least: 5, word: seen}]", "misuse: [990]", "share: 500"))
	i := slices.IndexFunc(got.alerts, func(a string) bool { return strings.Contains(a, "reader-day TestedRule") })
	if i < 0 {
		t.Fatalf("no alert tells it; there are\n%s", strings.Join(got.alerts, "\n"))
	}
	if !strings.Contains(got.alerts[i], " in five records\n") || !strings.Contains(got.alerts[i], "no reason is known for one of them") {
		t.Error(got.alerts[i])
	}
}

// A day on which everything was refused is told as such, with the attempts as its evidence.
func TestRefused(t *testing.T) {
	h := newHospital(t)
	busy(h)
	refused := func(e *v1.AccessEvent) { e.Outcome = v1.Outcome_OUTCOME_MINOR_FAILURE }
	for i := range 6 {
		h.access(22*24*time.Hour+minutes(i), "c5", "p"+itoa(1+i%3), refused)
	}
	h.access(22*24*time.Hour+minutes(6), "c5", "", refused, func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_SEARCH })
	got := h.judge(parse(t, "reader", "access.refused", "grades: [{at_least: 5, word: seen}]", "misuse: [990]", "share: 500"))
	i := slices.IndexFunc(got.alerts, func(a string) bool { return strings.Contains(a, "reader-day TestedRule") })
	if i < 0 {
		t.Fatalf("no alert tells it; there are\n%s", strings.Join(got.alerts, "\n"))
	}
	for _, want := range []string{
		", refused seven times\n", "seven attempts of B Staffc5 (clerk, Clinic C) were refused. Nothing was opened.", "\n  09:00 tried to open ",
		"\n  and two more", "[1 2 3]",
	} {
		if !strings.Contains(got.alerts[i], want) {
			t.Errorf("it does not say %q:\n%s", want, got.alerts[i])
		}
	}
}
