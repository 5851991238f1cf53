package detectors

import (
	"maps"
	"slices"
	"strings"

	goproto "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What explains an access may be withdrawn: a stay was entered in error, an order was of somebody else. An alert that it took back is told
// again, or who can write into a chart could make an alert go away, and take the entry out again.

// retract takes an alert back.
func (e *Engine) retract(a *recentAlert, because string) {
	v := goproto.CloneOf(a.version)
	v.Version++
	v.State, v.Because, v.Shown, v.RuleSet = v1.AlertState_ALERT_STATE_RETRACTED, because, false, e.ruleSet
	a.shown, a.version = a.version.Shown, v
	e.stats.Retracted++
	e.out.alert(v)
}

// tellAgain tells an alert as it was told before it was taken back: the reasons that explained it were withdrawn.
func (e *Engine) tellAgain(a *recentAlert, reasons map[Reason]bool) {
	v := goproto.CloneOf(a.version)
	v.Version++
	v.State, v.Shown, v.RuleSet = v1.AlertState_ALERT_STATE_UPDATED, a.shown, e.ruleSet
	v.Because = "What explained it was withdrawn: " + reasonWords(reasons) + "."
	a.shown, a.version = false, v
	e.out.alert(v)
}

func becauseOf(reasons map[Reason]bool) string {
	return "What became known later explains it: " + reasonWords(reasons) + "."
}

func reasonWords(reasons map[Reason]bool) string {
	var words []string
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		words = append(words, r.String())
	}
	return strings.Join(words, "; ")
}

// accounted takes a pair out of the series that tells it: there is a reason for it by now.
func (e *Engine) accounted(reader, patient facts.ID, d day) {
	e.eachEpisode(reader, patient, d, func(x *episode) {
		x.accounted = true
		e.leaves(x.told, patient, d)
	})
}

// unaccounted puts a pair back into the series that told it: the reason for it was withdrawn. The series cites it with its next version.
func (e *Engine) unaccounted(reader, patient facts.ID, d day) {
	e.eachEpisode(reader, patient, d, func(x *episode) {
		if !x.accounted {
			return
		}
		x.accounted = false
		e.returns(x.told, patient, d)
	})
}

// eachEpisode looks at what a reader did in a record on a live day, under each of their numbers.
func (e *Engine) eachEpisode(reader, patient facts.ID, d day, do func(*episode)) {
	for _, n := range numbers(e.state.SameStaff(reader), reader) {
		for _, p := range numbers(e.state.SamePatient(patient), patient) {
			if at, have := e.series.find(n, p, d); have {
				do(&e.series.of[n][at])
			}
		}
	}
}
