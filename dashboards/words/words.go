// Package words says in words what codes of the API mean. The command line and the console say it alike: who reads the one and the other
// must not read two things.
package words

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Enum turns an enum's name into words: ACTION_READ without "ACTION_" becomes "read"; nothing when it is unspecified.
func Enum(name, prefix string) string {
	text := strings.ToLower(strings.TrimPrefix(name, prefix))
	if text == "unspecified" {
		return ""
	}
	return Code(text)
}

// Code turns a code of ours into words: "privacy_officer" becomes "privacy officer".
func Code(code string) string { return strings.ReplaceAll(code, "_", " ") }

// Chance says how likely misuse is; bounds are where people bet differently.
func Chance(perMille uint32) string {
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
		return fmt.Sprintf("unlikely (1 in %d)", (1000+perMille/2)/perMille)
	}
	return "very unlikely"
}

// Disposition is what people decided on an alert.
func Disposition(d v1.Disposition) string {
	if d == v1.Disposition_DISPOSITION_UNSPECIFIED {
		return "waiting"
	}
	return Enum(d.String(), "DISPOSITION_")
}

// Change is what a version of an alert did.
func Change(x *v1.AlertChange) string {
	text := map[v1.AlertState]string{
		v1.AlertState_ALERT_STATE_RAISED: "raised", v1.AlertState_ALERT_STATE_UPDATED: "more is known", v1.AlertState_ALERT_STATE_RETRACTED: "taken back",
	}[x.State]
	if x.State == v1.AlertState_ALERT_STATE_UPDATED && x.Because != "" {
		text = "told again"
	}
	if !x.Shown && x.State != v1.AlertState_ALERT_STATE_RETRACTED {
		text += ", not shown"
	}
	return text
}

// Reason says what accounts for an access, as detectors judged it; nothing where they have not. What is not final says so.
func Reason(a *v1.Access) string {
	text := reason(a)
	if text != "" && a.GetStanding() == v1.Standing_STANDING_PROVISIONAL {
		text += " (" + Standing(a.Standing) + ")"
	}
	return text
}

// Judged is how detectors judged an event, as an access has it.
func Judged(m *v1.GetEventResponse) *v1.Access {
	return &v1.Access{
		Position: m.GetPosition(), Verdict: m.GetVerdict(), Explanation: m.GetExplanation(), Missing: m.GetMissing(), Standing: m.GetStanding(),
		Document: m.GetDocument(),
	}
}

func reason(a *v1.Access) string {
	switch a.GetVerdict() {
	case v1.Verdict_VERDICT_EXPLAINED:
		return explanation(a.Explanation)
	case v1.Verdict_VERDICT_UNEXPLAINED:
		return "no reason found"
	case v1.Verdict_VERDICT_NOT_ASSESSABLE:
		switch {
		case len(a.Missing) == 0:
			return "not assessable"
		case slices.Contains(a.Missing, "care"):
			return "not assessable without care"
		}
		return "not assessable: the reader's department is not known" // else no access is; what else is missing leaves out a reason
	}
	return ""
}

// Standing says how firm a verdict or a finding is.
func Standing(s v1.Standing) string {
	switch s {
	case v1.Standing_STANDING_PROVISIONAL:
		return "provisional"
	case v1.Standing_STANDING_FINAL:
		return "final"
	}
	return "not judged yet"
}

// explanation is a reason in words, as detection.proto describes it.
func explanation(e v1.Explanation) string {
	switch e {
	case v1.Explanation_EXPLANATION_PATIENT:
		return "patient's own"
	case v1.Explanation_EXPLANATION_SYSTEM:
		return "no human looked"
	case v1.Explanation_EXPLANATION_ATTENDING:
		return "in the encounter"
	case v1.Explanation_EXPLANATION_CARE_TEAM:
		return "care team"
	case v1.Explanation_EXPLANATION_ORDERED:
		return "order"
	case v1.Explanation_EXPLANATION_CHARTED:
		return "charted"
	case v1.Explanation_EXPLANATION_APPOINTMENT:
		return "appointment"
	case v1.Explanation_EXPLANATION_GENERAL_PRACTITIONER:
		return "general practitioner"
	case v1.Explanation_EXPLANATION_WORKED_ON_RECORD:
		return "worked on the record"
	case v1.Explanation_EXPLANATION_TICKET:
		return "vendor's task"
	case v1.Explanation_EXPLANATION_DEPARTMENT:
		return "patient in the department"
	case v1.Explanation_EXPLANATION_ROUTED:
		return "order for the department"
	case v1.Explanation_EXPLANATION_DEPARTMENT_WINDOW:
		return "department had the patient"
	case v1.Explanation_EXPLANATION_RESEARCH:
		return "study with consent"
	case v1.Explanation_EXPLANATION_WORKS_WITH:
		return "departments work together"
	case v1.Explanation_EXPLANATION_RESPONSIBLE:
		return "department of the diagnosis"
	case v1.Explanation_EXPLANATION_REQUESTED:
		return "request it names"
	}
	return "explained"
}

// NoAlerts says what it means that there are none.
func NoAlerts(m *v1.ListAlertsResponse) string {
	text, d := "No alerts", m.GetHeader().GetDetection()
	if m.GetTotals().GetCandidates() > 0 {
		text = "No alerts of this kind"
	}
	switch {
	case d.GetJudgedUntil() != "":
		return text + ": the detectors have judged the days until " + d.JudgedUntil + "."
	case d.GetHistoryUntil() != "":
		return text + ": the detectors have judged what was imported, up to " + d.HistoryUntil + ", and no day since."
	case d.GetLearningUntil() != "":
		return text + ": the detectors learn what is usual here until " + d.LearningUntil + "."
	}
	return text + ": the detectors have judged nothing yet, so that says nothing."
}
