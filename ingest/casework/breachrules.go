package casework

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// allFactors is how many 45 CFR 164.402(2) names.
const allFactors = 4

// checkAssessed wants what the law wants of an assessment: a low probability rests on all four factors, an exception names which.
func checkAssessed(a *v1.BreachAssessed, now time.Time) error {
	seen := map[v1.BreachFactor]bool{}
	for _, f := range a.GetFactors() {
		switch {
		case f.GetFactor() == 0 || v1.BreachFactor_name[int32(f.Factor)] == "" || seen[f.Factor]:
			return invalid("factors", "each of the four at most once")
		case f.Risk == 0 || v1.BreachRisk_name[int32(f.Risk)] == "":
			return invalid("factors", "low, medium or high risk for each")
		}
		if err := checkText("factors", f.Text, 1, maxFactor); err != nil {
			return err
		}
		seen[f.Factor] = true
	}
	exception := a.GetConclusion() == v1.BreachConclusion_BREACH_CONCLUSION_EXCEPTION
	switch {
	case a.GetConclusion() == 0 || v1.BreachConclusion_name[int32(a.Conclusion)] == "":
		return invalid("conclusion", "breach, low probability, exception or not protected health information")
	case a.Conclusion == v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY && len(seen) < allFactors:
		return invalid("factors", "a low probability is shown by all four factors (45 CFR 164.402(2))")
	case exception != (a.Exception != 0) || v1.BreachException_name[int32(a.Exception)] == "":
		return invalid("exception", "which one, when the conclusion is an exception (45 CFR 164.402(1)), and none otherwise")
	case isBreach(a) && a.People == 0:
		return invalid("people", "how many people a breach concerns: the scope of the case counts them")
	case a.MostInOneState > a.People:
		return invalid("most_in_one_state", "no more than there are people")
	}
	if err := checkByLaw(a.ByLaw); err != nil {
		return err
	}
	return errors.Join(checkText("text", a.Text, 1, maxLong), checkPast("discovered", a.DiscoveredUs, now, false), checkLaws(a.Laws))
}

// isBreach reports whether an assessment comes to a breach under any law.
func isBreach(a *v1.BreachAssessed) bool {
	const breach = v1.BreachConclusion_BREACH_CONCLUSION_BREACH
	return a.Conclusion == breach || slices.ContainsFunc(a.ByLaw, func(by *v1.LawConcluded) bool { return by.GetConclusion() == breach })
}

// checkByLaw wants of each law that has a conclusion of its own what it is and why. HIPAA's is that of the assessment, with its factors.
func checkByLaw(all []*v1.LawConcluded) error {
	seen := map[v1.NoticeLaw]bool{}
	for _, by := range all {
		switch law := by.GetLaw(); {
		case law == 0 || v1.NoticeLaw_name[int32(law)] == "" || seen[law]:
			return invalid("by_law", "each law of the case at most once")
		case law == v1.NoticeLaw_NOTICE_LAW_HIPAA:
			return invalid("by_law", "another law than HIPAA, whose conclusion is that of the assessment")
		}
		switch by.Conclusion {
		case v1.BreachConclusion_BREACH_CONCLUSION_BREACH, v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY, v1.BreachConclusion_BREACH_CONCLUSION_NOT_PHI:
		default:
			return invalid("by_law", "breach, low probability or no protected information; the exceptions are of 45 CFR 164.402 alone")
		}
		if err := checkText("by_law", by.Text, 1, maxFactor); err != nil {
			return err
		}
		seen[by.Law] = true
	}
	return nil
}

// allowsAssessment refuses a conclusion under a law that the case is not under.
func allowsAssessment(now *cases.State, a *v1.BreachAssessed) error {
	laws := now.Laws
	if len(a.Laws) > 0 {
		laws = a.Laws
	}
	if slices.ContainsFunc(a.ByLaw, func(by *v1.LawConcluded) bool { return !slices.Contains(laws, by.Law) }) {
		return invalid("by_law", "laws that the case is under; laws corrects which those are")
	}
	return nil
}

// allContents is how many 45 CFR 164.404(c)(1) names.
const allContents = 5

func checkNotice(n *v1.CaseNotice, now time.Time) error {
	seen := map[v1.NoticeContent]bool{}
	for _, c := range n.GetContents() {
		if c == 0 || v1.NoticeContent_name[int32(c)] == "" || seen[c] {
			return invalid("contents", "each of the five at most once")
		}
		seen[c] = true
	}
	other := n.GetRule() == v1.NoticeRule_NOTICE_RULE_OTHER
	least := 0
	if other {
		least = 1
	}
	switch {
	case n.GetRule() == 0 || v1.NoticeRule_name[int32(n.Rule)] == "":
		return invalid("rule", "by which rule it is owed")
	case other != (n.DueUs > 0) && (!n.Withdrawn || n.DueUs != 0):
		return invalid("due", "when it is too late, of another rule; the others say so themselves")
	case n.Withdrawn && n.SentUs != 0:
		return invalid("withdrawn", "what was not sent")
	case n.Withdrawn && strings.TrimSpace(n.Text) == "":
		return invalid("text", "why the notice is not to be sent")
	case n.Rule == v1.NoticeRule_NOTICE_RULE_INDIVIDUALS && n.SentUs != 0 && len(seen) < allContents:
		return invalid("contents", "a notice to individuals tells all five (45 CFR 164.404(c)(1)): "+
			"what happened, which information, how to protect oneself, what is done, whom to ask")
	}
	return errors.Join(checkLine("to", n.To, least, maxName), checkPast("sent", n.SentUs, now, false), checkText("text", n.Text, 0, maxShort))
}
