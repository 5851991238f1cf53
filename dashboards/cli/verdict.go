package cli

import (
	"fmt"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// whyText says what accounts for an access; empty: detectors have not judged it. What is not final says so.
func whyText(a *v1.Access) string {
	text := reasonText(a)
	if text != "" && a.Standing == v1.Standing_STANDING_PROVISIONAL {
		text += " (" + standingText(a.Standing) + ")"
	}
	return text
}

// standingText says how firm a verdict or a finding is.
func standingText(s v1.Standing) string {
	switch s {
	case v1.Standing_STANDING_PROVISIONAL:
		return "provisional"
	case v1.Standing_STANDING_FINAL:
		return "final"
	}
	return "not judged yet"
}

func reasonText(a *v1.Access) string {
	switch a.Verdict {
	case v1.Verdict_VERDICT_EXPLAINED:
		return explanationText(a.Explanation)
	case v1.Verdict_VERDICT_UNEXPLAINED:
		return "NO REASON FOUND"
	case v1.Verdict_VERDICT_NOT_ASSESSABLE:
		if len(a.Missing) > 0 {
			return "not assessable without " + strings.Join(a.Missing, ", ")
		}
		return "not assessable"
	}
	return ""
}

// explanationText is a reason in words, as detection.proto describes it.
func explanationText(e v1.Explanation) string {
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
	}
	return "explained"
}

// verdictTotals says how many accesses have a reason; empty where detectors have judged none of them.
func verdictTotals(t *v1.WhoViewedTotals) string {
	if t.GetExplained()+t.GetUnexplained()+t.GetNotAssessable() == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d with a known reason, %d without", t.GetExplained(), t.GetUnexplained())}
	if n := t.GetNotAssessable(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not assessable", n))
	}
	if n := t.GetNotJudged(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged yet", n))
	}
	return strings.Join(parts, "; ") + "."
}
