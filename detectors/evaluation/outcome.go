package evaluation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
)

// outcomes collects what comes out of a case: line by line where the case's own events have a part in it, else by number.
type outcomes struct {
	own  map[string]bool
	zone *time.Location
	// verdicts are those on the case's own events; counts are the background's, by line.
	verdicts []string
	counts   map[string]int
	findings []finding
	// mine are the days of readers, pairs and records in which there is a look of the case's own, background the others.
	mine, background map[unit]bool
	notes            []string
	spoke            map[string]bool
	// only are the detectors whose findings come out; none: all of them, and the verdicts.
	only []string
}

// unit is the day of a reader, a record or a pair; 0 where it has none.
type unit struct {
	day             int32
	reader, patient facts.ID
}

// finding is a line of its own, or one of the background, which names nobody.
type finding struct {
	unit
	line, anonymous string
}

func newOutcomes(own map[string]bool, zone *time.Location, only []string) *outcomes {
	return &outcomes{
		own: own, zone: zone, only: only, counts: map[string]int{}, mine: map[unit]bool{}, background: map[unit]bool{},
		spoke: map[string]bool{},
	}
}

func (o *outcomes) judged(event string, a *detectors.Access, v detectors.Verdict, why, by string) {
	line := v.String()
	if why != "" {
		line += ": " + why
	}
	in := o.background
	if o.own[event] {
		in = o.mine
	}
	switch {
	case o.only != nil:
	case o.own[event]:
		o.verdicts = append(o.verdicts, event+" "+line+by)
	default:
		o.counts["background: "+line]++
	}
	y, m, d := time.UnixMicro(a.Occurred).In(o.zone).Date()
	day := int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
	in[unit{day, a.Reader, a.Patient}] = true
	in[unit{day, a.Reader, 0}] = true
	in[unit{day, 0, a.Patient}] = true
}

func (o *outcomes) found(f detectors.Finding, s *facts.State) {
	if o.only != nil && !slices.Contains(o.only, f.Scale.Name) {
		return
	}
	var who []string
	if f.Reader != 0 {
		who = append(who, s.StaffIdentifier(f.Reader).GetValue())
	}
	if f.Patient != 0 {
		who = append(who, "in "+s.Identifier(f.Patient).GetValue())
	}
	what := fmt.Sprintf("%s: %s", f.Scale.Name, f.Scale.Words[f.Grade-1])
	date := time.Unix(int64(f.Day)*86_400, 0).UTC().Format("2 January")
	o.findings = append(o.findings, finding{
		unit: unit{f.Day, f.Reader, f.Patient}, anonymous: what, line: fmt.Sprintf("%s (%s, %s)", what, strings.Join(who, " "), date),
	})
}

// ranked keeps the notes of the alerts that cite an event of the case's own, in the order of the queue.
func (o *outcomes) ranked(a *detectors.Alert, events []string) {
	if slices.ContainsFunc(events, func(e string) bool { return o.own[e] }) {
		o.notes = append(o.notes, a.Note.String()+"\n")
		for i := range a.Fired {
			o.spoke[a.Fired[i].Scale.Name] = true
		}
	}
}

// outcome puts it all in order. A unit without any look (attempts that were refused) is the case's own.
func (o *outcomes) outcome(report *Report) Outcome {
	lines := []string{}
	for _, f := range o.findings {
		if o.background[f.unit] && !o.mine[f.unit] {
			o.counts["background: "+f.anonymous]++
		} else {
			lines = append(lines, f.line)
		}
	}
	slices.Sort(o.verdicts)
	slices.Sort(lines)
	var counts []string
	for line, n := range o.counts {
		counts = append(counts, fmt.Sprintf("%s, %d times", line, n))
	}
	slices.Sort(counts)
	lines = slices.Concat(o.verdicts, lines, counts)
	for _, name := range slices.Sorted(maps.Keys(report.Faults)) {
		lines = append(lines, fmt.Sprintf("%s: could not be told", name))
	}
	for i := range report.Exemptions {
		lines = append(lines, fmt.Sprintf("exempt from %s: %s", report.Exemptions[i].Detector, &report.Exemptions[i]))
	}
	if report.DeadLetters > 0 {
		lines = append(lines, fmt.Sprintf("dead letters: %d", report.DeadLetters))
	}
	if len(lines) == 0 {
		lines = append(lines, "nothing")
	}
	return Outcome{Lines: strings.Join(lines, "\n") + "\n", Notes: strings.Join(o.notes, "\n"), Spoke: o.spoke}
}
