package evaluation

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// write prints a report for people.
func (r *Report) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	percent := func(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) }
	row("events", "%d (%d accesses on %d days, zone %s; %d duplicates, %d dead letters)",
		r.Events, r.Accesses, r.Days, r.Zone, r.Duplicates, r.DeadLetters)
	for _, path := range slices.Sorted(maps.Keys(r.DeadLettersByFile)) {
		row("  dead letters in "+path, "%d", r.DeadLettersByFile[path])
	}
	if len(r.Unread) > 0 {
		row("files not read", "%s (no mapping beside them, and no preset fits)", strings.Join(r.Unread, ", "))
	}
	row("explained", "%s (unexplained %s, not assessable %s)",
		percent(r.ExplainedShare), percent(r.UnexplainedShare), percent(r.NotAssessableShare))
	if len(r.Blind) > 0 {
		row("missing context", "%s", strings.Join(r.Blind, ", "))
		row("abstain without it", "%s", strings.Join(r.Abstain, ", "))
	}
	what, others := "not in the dataset", []string(nil)
	for _, a := range r.Absent {
		if a.Optional {
			others = append(others, a.Kind)
			continue
		}
		row(what, "%s (tells %s)", a.Kind, a.Tells)
		what = ""
	}
	if len(others) > 0 {
		row("optional, and not there", "%s", strings.Join(others, ", "))
	}
	r.writeShown(row)
	row("speed", "%.0f events/s, %.0f judged/s; %d MB at the most", r.EventsPerSecond, r.JudgedPerSecond, r.PeakRSS>>20)
	if r.UnknownLabels > 0 {
		row("labels of events that are not there", "%d", r.UnknownLabels)
	}
	if r.Labels != nil {
		row("", "")
		row("incidents", "%d", r.Incidents)
		for _, x := range []struct {
			name  string
			value *float64
			// without says why there is no value.
			without string
		}{
			{"precision at the budget", r.Precision, "no alert was shown"},
			{"recall at the budget", r.Recall, "no incident is labelled"},
			{"precision by what was done on the alert's day", r.PrecisionOfDay, "no alert was shown"},
			{"recall by what was done on the alert's day", r.RecallOfDay, "no incident is labelled"},
			{"average precision", r.AveragePrecision, "no incident is labelled"},
			{"legitimate accesses explained", r.LegitimateExplained, ""},
			{"misuse called explained", r.MisuseExplained, ""},
		} {
			switch {
			case x.value != nil:
				row(x.name, "%s", percent(*x.value))
			case x.without != "":
				row(x.name, "%s", x.without)
			}
		}
		row("incidents found at the budget, by scenario", "")
		for _, s := range slices.Sorted(maps.Keys(r.ByScenario)) {
			row("  "+s, "%s", percent(r.ByScenario[s]))
		}
		row("", "")
		row("misuse called explained, by scenario and reason", "")
		for _, s := range slices.Sorted(maps.Keys(r.MisuseExplainedBy)) {
			for _, why := range slices.Sorted(maps.Keys(r.MisuseExplainedBy[s])) {
				row("  "+s+": "+why, "%d", r.MisuseExplainedBy[s][why])
			}
		}
	}
	row("", "")
	row("explained by", "")
	table(row, r.Reasons)
	row("findings", "")
	table(row, r.Findings)
	if len(r.Exemptions) > 0 {
		row("exempt", "")
	}
	for i := range r.Exemptions {
		row("  "+r.Exemptions[i].Detector, "%s", &r.Exemptions[i])
	}
	if len(r.Faults) > 0 {
		row("could not be told", "")
		table(row, r.Faults)
	}
	return t.Flush() //nolint:wrapcheck // nothing to add
}

// writeShown says how many are shown a day, and of which queue.
func (r *Report) writeShown(row func(string, string, ...any)) {
	most := r.Budget
	for _, q := range r.Queues[:max(len(r.Queues)-1, 0)] {
		most += q.Budget
	}
	if r.AlertsPerDay > 0 {
		row("shown a day", "%.1f of at most %d; %d candidates in all", r.AlertsPerDay, most, r.Candidates)
	} else {
		row("shown a day", "no alert was shown, of at most %d; %d candidates in all", most, r.Candidates)
	}
	for _, q := range r.Queues {
		name := "queue " + q.Queue
		if q.Queue == "" {
			name = "everything else"
		}
		row("  "+name, "%.1f of at most %d", float64(q.Shown)/float64(max(r.Days, 1)), q.Budget)
	}
}

func table(row func(string, string, ...any), counts map[string]uint64) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		row("  "+name, "%d", counts[name])
	}
}
