package words

import (
	"fmt"
	"strings"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// NoticeRule says to whom a notice is owed.
func NoticeRule(r v1.NoticeRule) string {
	switch r {
	case v1.NoticeRule_NOTICE_RULE_INDIVIDUALS:
		return "individuals"
	case v1.NoticeRule_NOTICE_RULE_HHS:
		return "HHS"
	case v1.NoticeRule_NOTICE_RULE_MEDIA:
		return "media"
	case v1.NoticeRule_NOTICE_RULE_COVERED_ENTITY:
		return "covered entity"
	case v1.NoticeRule_NOTICE_RULE_CALIFORNIA_DEPARTMENT:
		return "California Department of Public Health"
	case v1.NoticeRule_NOTICE_RULE_CALIFORNIA_PATIENTS:
		return "patients (California)"
	case v1.NoticeRule_NOTICE_RULE_AUTHORITY:
		return "supervisory authority"
	}
	return "other"
}

// NoticeState says where a notice stands.
func NoticeState(n *v1.NoticeRow) string {
	switch {
	case n.Late:
		return "sent too late"
	case n.SentInDelay:
		return "sent during a delay for law enforcement"
	case n.SentUs != 0:
		return "sent"
	case n.Overdue && n.DelayedUntilUs != 0:
		return "OVERDUE, and delayed until " + n.DelayedDay
	case n.Overdue:
		return "OVERDUE"
	case n.DelayedUntilUs != 0:
		return "delayed until " + n.DelayedDay
	case n.Presumed:
		return "owed unless assessed otherwise"
	}
	return "not sent"
}

// NoticeDelay says why a notice waits; empty: it does not.
func NoticeDelay(n *v1.NoticeRow) string {
	if n.GetDelayedUntilUs() == 0 {
		return ""
	}
	return fmt.Sprintf("By a law-enforcement official's %s (45 CFR 164.412, step %d): a notice %s", DelayStatement(n.DelayedBy), n.DelayedStep, DelayGround(n.DelayedFor))
}

// DelayStatement is how a law-enforcement official stated that notices are to wait.
func DelayStatement(s v1.DelayStatement) string {
	switch s {
	case v1.DelayStatement_DELAY_STATEMENT_WRITTEN:
		return "written statement"
	case v1.DelayStatement_DELAY_STATEMENT_ORAL:
		return "oral statement"
	}
	return "statement"
}

// DelayGround is what a notice would do, as they stated.
func DelayGround(g v1.DelayGround) string {
	if g == v1.DelayGround_DELAY_GROUND_SECURITY {
		return "would damage national security"
	}
	return "would impede a criminal investigation"
}

// DelayDetails are what a statement of law enforcement says besides its text; days are told by the clock of the answer.
func DelayDetails(d *v1.CaseDelayed, at func(us int64) string) (out []string) {
	if d == nil {
		return nil
	}
	for _, x := range []struct{ what, text string }{{"stated by ", d.Official}, {"of ", d.Agency}} {
		if x.text != "" {
			out = append(out, x.what+x.text)
		}
	}
	if d.Statement == v1.DelayStatement_DELAY_STATEMENT_LIFTED {
		return append(out, "notices may be sent from "+at(d.StatedUs)+" on")
	}
	out = append(out, "stated "+at(d.StatedUs), "a notice "+DelayGround(d.Ground))
	if d.UntilUs == 0 {
		return append(out, "for 30 days at most")
	}
	return append(out, "notices wait until "+at(d.UntilUs))
}

// NoticeContent is what a notice to individuals tells.
func NoticeContent(c v1.NoticeContent) string {
	switch c {
	case v1.NoticeContent_NOTICE_CONTENT_WHAT_HAPPENED:
		return "what happened, and when"
	case v1.NoticeContent_NOTICE_CONTENT_INFORMATION:
		return "which information"
	case v1.NoticeContent_NOTICE_CONTENT_PROTECTION:
		return "how to protect oneself"
	case v1.NoticeContent_NOTICE_CONTENT_MEASURES:
		return "what is done about it"
	}
	return "whom to ask"
}

// NoticeLaw names a body of law.
func NoticeLaw(l v1.NoticeLaw) string {
	switch l {
	case v1.NoticeLaw_NOTICE_LAW_CALIFORNIA:
		return "California"
	case v1.NoticeLaw_NOTICE_LAW_GDPR:
		return "GDPR"
	}
	return "HIPAA"
}

// BreachFactor is one of the four of 45 CFR 164.402(2).
func BreachFactor(f v1.BreachFactor) string {
	switch f {
	case v1.BreachFactor_BREACH_FACTOR_INFORMATION:
		return "nature and extent of the information"
	case v1.BreachFactor_BREACH_FACTOR_PERSON:
		return "who used it or received it"
	case v1.BreachFactor_BREACH_FACTOR_VIEWED:
		return "whether it was acquired or viewed"
	}
	return "how far the risk is mitigated"
}

// BreachRisk is what a factor says.
func BreachRisk(r v1.BreachRisk) string { return Enum(r.String(), "BREACH_RISK_") + " risk" }

// BreachConclusion is what an assessment says; before there is one, a case counts as a breach.
func BreachConclusion(c v1.BreachConclusion) string {
	switch c {
	case v1.BreachConclusion_BREACH_CONCLUSION_BREACH:
		return "breach"
	case v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY:
		return "low probability of compromise"
	case v1.BreachConclusion_BREACH_CONCLUSION_EXCEPTION:
		return "exception"
	case v1.BreachConclusion_BREACH_CONCLUSION_NOT_PHI:
		return "no protected health information"
	}
	return "not assessed"
}

// Assessment is what a case is assessed as, under each law that has a conclusion of its own.
func Assessment(c v1.BreachConclusion, byLaw []*v1.LawConcluded) string {
	parts := []string{BreachConclusion(c)}
	for _, by := range byLaw {
		parts = append(parts, "under "+NoticeLaw(by.GetLaw())+" "+lawConclusion(by.GetConclusion()))
	}
	return strings.Join(parts, "; ")
}

// LawReason is what an assessment comes to under a law, and why.
func LawReason(by *v1.LawConcluded) string {
	text := "under " + NoticeLaw(by.GetLaw()) + ": " + lawConclusion(by.GetConclusion())
	if by.GetText() != "" {
		text += ". " + by.GetText()
	}
	return text
}

// lawConclusion is a conclusion in the words of any law.
func lawConclusion(c v1.BreachConclusion) string {
	switch c {
	case v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY:
		return "low probability of harm"
	case v1.BreachConclusion_BREACH_CONCLUSION_NOT_PHI:
		return "no protected information"
	}
	return BreachConclusion(c)
}

// BreachException is what 45 CFR 164.402(1) excludes.
func BreachException(e v1.BreachException) string {
	switch e {
	case v1.BreachException_BREACH_EXCEPTION_GOOD_FAITH:
		return "unintentional, in good faith and within authority (164.402(1)(i))"
	case v1.BreachException_BREACH_EXCEPTION_INADVERTENT:
		return "inadvertent, between persons authorised at the same entity (164.402(1)(ii))"
	case v1.BreachException_BREACH_EXCEPTION_NOT_RETAINED:
		return "the recipient could not have retained it (164.402(1)(iii))"
	}
	return ""
}

// Respondent is in which capacity somebody is asked.
func Respondent(r v1.Respondent) string {
	switch r {
	case v1.Respondent_RESPONDENT_READER:
		return "the reader"
	case v1.Respondent_RESPONDENT_MANAGER:
		return "the manager"
	}
	return "somebody else"
}

// CaseStep is what was done in a step; of are all steps of its case.
func CaseStep(s *v1.CaseStep, of []*v1.CaseStep) string {
	switch b := s.GetEntry().GetBody().(type) {
	case *v1.CaseEntry_Opened:
		return "opened"
	case *v1.CaseEntry_Alerts:
		switch {
		case len(b.Alerts.Removed) == 0:
			return fmt.Sprintf("added %s", alerts(len(b.Alerts.Added)))
		case len(b.Alerts.Added) == 0:
			return fmt.Sprintf("took %s away", alerts(len(b.Alerts.Removed)))
		}
		return fmt.Sprintf("added %s, took %s away", alerts(len(b.Alerts.Added)), alerts(len(b.Alerts.Removed)))
	case *v1.CaseEntry_Assigned:
		if b.Assigned.Assignee == "" {
			return "given back"
		}
		return "assigned to " + b.Assigned.Assignee
	case *v1.CaseEntry_Noted:
		return "note"
	case *v1.CaseEntry_Asked:
		what := fmt.Sprintf("question %d to %s", b.Asked.Question, Respondent(b.Asked.Respondent))
		if b.Asked.To != "" {
			what += ", put to " + b.Asked.To
		}
		return what + shown(b.Asked)
	case *v1.CaseEntry_Answered:
		if ownWords(s, of) {
			return fmt.Sprintf("answer to question %d, in their own words", b.Answered.Question)
		}
		return fmt.Sprintf("answer to question %d", b.Answered.Question)
	case *v1.CaseEntry_Assessed:
		return fmt.Sprintf("assessment %d: %s", s.Assessment, Assessment(b.Assessed.Conclusion, b.Assessed.ByLaw))
	case *v1.CaseEntry_Concluded:
		return "concluded: " + Disposition(b.Concluded.Outcome)
	case *v1.CaseEntry_Notice:
		if b.Notice.SentUs == 0 {
			return "notice planned: " + NoticeRule(b.Notice.Rule)
		}
		return "notice sent: " + NoticeRule(b.Notice.Rule)
	case *v1.CaseEntry_Held:
		if b.Held.Held {
			return "legal hold"
		}
		return "legal hold lifted"
	case *v1.CaseEntry_Delayed:
		if b.Delayed.Statement == v1.DelayStatement_DELAY_STATEMENT_LIFTED {
			return "delay for law enforcement lifted"
		}
		return "delay for law enforcement: " + DelayStatement(b.Delayed.Statement)
	case *v1.CaseEntry_Closed:
		return "closed"
	case *v1.CaseEntry_Reopened:
		return "reopened"
	}
	return "a step of a later release"
}

// ownWords reports whether an answer is by whom its question was put to, whatever their role. Where neither is told, it is not known.
func ownWords(answer *v1.CaseStep, of []*v1.CaseStep) bool {
	who := answer.GetEntry().GetAsker()
	for _, s := range of {
		if q := s.GetEntry().GetAsked(); q != nil && q.Question == answer.GetEntry().GetAnswered().GetQuestion() {
			return who != "" && q.To == who
		}
	}
	return false
}

// CaseText is what was written in a step; empty where nothing was, or where it is not told.
func CaseText(e *v1.CaseEntry) string {
	switch b := e.GetBody().(type) {
	case *v1.CaseEntry_Opened:
		return b.Opened.Title
	case *v1.CaseEntry_Alerts:
		return b.Alerts.Text
	case *v1.CaseEntry_Noted:
		return b.Noted.Text
	case *v1.CaseEntry_Asked:
		if b.Asked.Name == "" {
			return b.Asked.Text
		}
		return b.Asked.Name + ": " + b.Asked.Text
	case *v1.CaseEntry_Answered:
		return b.Answered.Text
	case *v1.CaseEntry_Assessed:
		return b.Assessed.Text
	case *v1.CaseEntry_Concluded:
		return b.Concluded.Text
	case *v1.CaseEntry_Notice:
		return b.Notice.Text
	case *v1.CaseEntry_Held:
		return b.Held.Text
	case *v1.CaseEntry_Delayed:
		return b.Delayed.Text
	case *v1.CaseEntry_Closed:
		return b.Closed.Text
	case *v1.CaseEntry_Reopened:
		return b.Reopened.Text
	}
	return ""
}

// ShownEvents are the ids of the accesses that were disclosed with a question, in the order in which they were shown.
func ShownEvents(e *v1.CaseEntry) (out []string) {
	for _, raw := range e.GetAsked().GetShown() {
		if id, err := proto.EventIDFromBytes(raw); err == nil {
			out = append(out, id.String())
		}
	}
	return out
}

// shown says what was disclosed with a question.
func shown(a *v1.CaseAsked) string {
	with := "without"
	if a.Patients {
		with = "with"
	}
	switch n := len(a.Shown); n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(", with 1 access shown, %s its patient", with)
	default:
		return fmt.Sprintf(", with %d accesses shown, %s their patients", n, with)
	}
}

// AddresseeDoubt says why a question may not reach whom it was put to; empty: it may.
func AddresseeDoubt(d *v1.AddresseeDoubt, to string) string {
	var parts []string
	switch {
	case d.GetAlike() != "":
		parts = append(parts, "nobody is known here as "+to+". Did you mean "+d.Alike+"? If so, put the question to them anew")
	case d.GetUnknown():
		parts = append(parts, "nobody is known here as "+to+": check the name, it must be the one that they sign in by")
	}
	if d.GetCaseHidden() {
		parts = append(parts, "the case lies outside of the sites and departments that they are limited to: they will not find the question")
	}
	switch n := d.GetAccessesHidden(); n {
	case 0:
	case 1:
		parts = append(parts, "1 access that you show lies outside of the sites and departments that they are limited to, and is left out for them")
	default:
		parts = append(parts, fmt.Sprintf("%d accesses that you show lie outside of the sites and departments that they are limited to, and are left out for them", n))
	}
	if len(parts) == 0 {
		return ""
	}
	return "The question may not reach them: " + strings.Join(parts, "; ") + "."
}

// QuestionState says where a question to somebody stands, to them.
func QuestionState(q *v1.MyQuestion) string {
	switch {
	case len(q.Answers) > 0 && q.Closed:
		return "answered, closed"
	case len(q.Answers) > 0:
		return "answered"
	case q.SetDown:
		return "your statement was set down by others"
	case q.Closed:
		return "closed"
	}
	return "waits for your answer"
}

func alerts(n int) string {
	if n == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}
