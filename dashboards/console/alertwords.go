package console

import (
	"fmt"
	"strings"
	"unicode"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// chanceWord says in words how likely misuse is; bounds are where people bet differently.
func chanceWord(perMille uint32) string {
	switch {
	case perMille >= 950:
		return "almost certain"
	case perMille >= 750:
		return "very likely"
	case perMille >= 500:
		return "more likely than not"
	case perMille >= 250:
		return fmt.Sprintf("1 in %d", (1000+perMille/2)/perMille)
	case perMille >= 1:
		return fmt.Sprintf("unlikely, 1 in %d", (1000+perMille/2)/perMille)
	}
	return "very unlikely"
}

func dispositionWord(d v1.Disposition) string {
	if d == v1.Disposition_DISPOSITION_UNSPECIFIED {
		return "waiting"
	}
	return enumWord(d.String(), "DISPOSITION_")
}

// stand is where an alert stands: what people decided, else what became of it.
type stand struct {
	Text, By string
	When     *moment
	// Kind is its look: "waiting", "review", "misuse", "done" or "back".
	Kind string
	// Since says that more is known since the decision.
	Since bool
}

func standOf(at clock, r *v1.AlertRow) stand {
	s := stand{Text: dispositionWord(r.Disposition), By: r.DecidedBy, When: at.at(r.DecidedUs), Since: r.Disposition != 0 && r.DecidedVersion < r.Version}
	switch r.Disposition {
	case v1.Disposition_DISPOSITION_IN_REVIEW:
		s.Kind = "review"
	case v1.Disposition_DISPOSITION_MISUSE:
		s.Kind = "misuse"
	case v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE:
		s.Kind = "done"
	default:
		s.Kind, s.By, s.When = "waiting", "", nil
	}
	if r.State == v1.AlertState_ALERT_STATE_RETRACTED {
		if s.Kind == "waiting" {
			s.Text = "taken back"
		} else {
			s.Text += ", taken back"
		}
		s.Kind = "back"
	}
	return s
}

// alertMarks is what sets an alert apart, and how each word looks.
func alertMarks(r *v1.AlertRow) []mark {
	var out []mark
	for _, m := range []struct {
		is         bool
		text, kind string
	}{
		{r.Hard, "matter of record", "strong"},
		{r.Severity == v1.Severity_SEVERITY_HIGH, "sensitive data", "sensitive"},
		{r.Sampled, "random sample", "quiet"},
		{r.Backfill, "imported history", "quiet"},
		{!r.Shown && !r.Sampled && r.State != v1.AlertState_ALERT_STATE_RETRACTED, "not shown", "quiet"},
	} {
		if m.is {
			out = append(out, mark{m.text, m.kind})
		}
	}
	return out
}

// detectorWords writes the names of behaviours as words: "SerialLooks" becomes "serial looks". A name that an administrator gave is
// written as it is.
func detectorWords(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		var out strings.Builder
		for at, r := range name {
			if unicode.IsUpper(r) && at > 0 {
				out.WriteByte(' ')
			}
			out.WriteRune(unicode.ToLower(r))
		}
		words[i] = name
		if strings.IndexFunc(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) < 0 {
			words[i] = out.String()
		}
	}
	return strings.Join(words, ", ")
}

// changeWord is what a version of an alert did.
func changeWord(x *v1.AlertChange) string {
	text := map[v1.AlertState]string{
		v1.AlertState_ALERT_STATE_RAISED: "raised", v1.AlertState_ALERT_STATE_UPDATED: "more is known", v1.AlertState_ALERT_STATE_RETRACTED: "taken back",
	}[x.State]
	if !x.Shown && x.State != v1.AlertState_ALERT_STATE_RETRACTED {
		text += ", not shown"
	}
	return text
}

// reasonOf says what accounts for an access, as detectors judged it; no text: they have not.
func reasonOf(a *v1.Access) mark {
	switch a.GetVerdict() {
	case v1.Verdict_VERDICT_EXPLAINED:
		return mark{explanationWord(a.Explanation), "known"}
	case v1.Verdict_VERDICT_UNEXPLAINED:
		return mark{"no reason found", "strong"}
	case v1.Verdict_VERDICT_NOT_ASSESSABLE:
		if len(a.Missing) > 0 {
			return mark{"not assessable without " + strings.Join(a.Missing, ", "), "quiet"}
		}
		return mark{"not assessable", "quiet"}
	}
	return mark{}
}

// explanationWord is a reason in words, as detection.proto describes them.
func explanationWord(e v1.Explanation) string {
	words := map[v1.Explanation]string{
		v1.Explanation_EXPLANATION_PATIENT:              "patient's own",
		v1.Explanation_EXPLANATION_SYSTEM:               "no human looked",
		v1.Explanation_EXPLANATION_ATTENDING:            "in the encounter",
		v1.Explanation_EXPLANATION_CARE_TEAM:            "care team",
		v1.Explanation_EXPLANATION_ORDERED:              "order",
		v1.Explanation_EXPLANATION_CHARTED:              "charted",
		v1.Explanation_EXPLANATION_APPOINTMENT:          "appointment",
		v1.Explanation_EXPLANATION_GENERAL_PRACTITIONER: "general practitioner",
		v1.Explanation_EXPLANATION_WORKED_ON_RECORD:     "worked on the record",
		v1.Explanation_EXPLANATION_TICKET:               "vendor's task",
		v1.Explanation_EXPLANATION_DEPARTMENT:           "patient in the department",
		v1.Explanation_EXPLANATION_ROUTED:               "order for the department",
		v1.Explanation_EXPLANATION_DEPARTMENT_WINDOW:    "department had the patient",
		v1.Explanation_EXPLANATION_RESEARCH:             "study with consent",
		v1.Explanation_EXPLANATION_WORKS_WITH:           "departments work together",
		v1.Explanation_EXPLANATION_RESPONSIBLE:          "department of the diagnosis",
	}
	if text, ok := words[e]; ok {
		return text
	}
	return "explained"
}

// noAlerts says what it means that there are none.
func noAlerts(m *v1.ListAlertsResponse) string {
	text, d := "No alerts", m.GetHeader().GetDetection()
	if m.GetTotals().GetCandidates() > 0 {
		text = "No alerts of this kind"
	}
	switch {
	case d.GetJudgedUntil() != "":
		return text + ": the detectors have judged the days until " + d.JudgedUntil + "."
	case d.GetHistoryUntil() != "":
		return text + ": the detectors have judged an imported history until " + d.HistoryUntil + ", and no day since."
	case d.GetLearningUntil() != "":
		return text + ": the detectors learn what is usual here until " + d.LearningUntil + "."
	}
	return text + ": the detectors have judged nothing yet, so that says nothing."
}
