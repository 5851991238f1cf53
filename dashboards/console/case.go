package console

import (
	"net/http"
	"slices"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// casePage is one case: what it is, what is due, and what was done.
type casePage struct {
	Handle, Purpose string
	// Assigned says that the purpose is that its asker has it.
	Assigned bool
	Line     caseLine
	Notices  []noticeLine
	Alerts   []caseAlert
	Steps    []stepLine
	// Scope is its breach scope.
	Scope string
	Work  caseWork
	// Typed is what was typed into a step that was not journaled.
	Typed typed
	Said  *said
	Basis *basis
}

// noticeLine is a notice that is owed, planned or sent.
type noticeLine struct {
	Due, To, Whom, State, Because, Text string
	// Delay says why it waits.
	Delay string
	// Until is the hour at which it is too late, where the law counts hours.
	Until         *moment
	Sent          *moment
	People        uint64
	Overdue, Late bool
	InDelay       bool
}

// caseAlert is an alert of a case.
type caseAlert struct {
	ID, Path, Title, Day, Scenario string
	Stand                          stand
}

// stepLine is one step.
type stepLine struct {
	Number          uint32
	When            *moment
	Who, Role, What string
	Text            string
	Details         []string
	// Shown are the accesses that were disclosed with a question.
	Shown []shownEvent
}

// shownEvent is an access by the id of its event, and where it is opened.
type shownEvent struct{ ID, Path string }

// caseWork is what the asker may do in the case as it stands. Casework decides; this only leaves out what it would refuse.
type caseWork struct {
	// Work: they have it, or may judge; Judge: they may judge.
	Work, Judge, Take, GiveBack, Reopen bool
	// Unanswered are the questions that wait for a statement.
	Unanswered []choice
	Held       bool
	Today      string
	Rules      []choice
	Factors    []choice
	Contents   []choice
	Laws       []lawChoice
}

// lawChoice is a law that a case may be under. Applies says that it is; Own, that an assessment may come to something else under it.
type lawChoice struct {
	choice
	Applies, Own bool
}

// serveCase answers with one case. Who has it is not asked why: that is why. Anybody else is.
func (c *Console) serveCase(v *visit) error {
	x, ok := v.session.views.find(pageCases, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	why := x.purpose
	if !why.holds(v.now) {
		why = purpose{}
	}
	res, err := c.cfg.Cases.GetCase(v.r.Context(), connect.NewRequest(&v1.GetCaseRequest{Case: x.ask.Subject, Purpose: why.text}))
	if why.text == "" && connect.CodeOf(err) == connect.CodeInvalidArgument && err != nil {
		return v.askPurpose(http.StatusOK, x, "")
	}
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	assigned := why.text == ""
	if assigned {
		why = purpose{"work on case " + x.ask.Subject, v.now}
	}
	page := c.casePage(v, x, why, res.Msg)
	page.Assigned = assigned
	return v.render(http.StatusOK, "case", page)
}

func (c *Console) casePage(v *visit, x view, why purpose, m *v1.GetCaseResponse) casePage {
	at, links := c.clockOf(m.Header), linker{v, why}
	page := casePage{
		Handle: x.handle, Purpose: why.text, Line: v.caseLine(at, m.Case, why), Scope: links.to(ask{Page: pageScope, Scope: scoped{Case: m.GetCase().GetCaseId()}}),
		Said: v.told(), Basis: c.basisOf(m.Header),
	}
	for _, n := range m.Notices {
		line := noticeLine{
			Due: n.DueDay, To: words.NoticeRule(n.Rule), Whom: n.To, State: words.NoticeState(n), Because: n.Because, Text: n.Text, Sent: at.at(n.SentUs),
			People: n.People, Overdue: n.Overdue, Late: n.Late, InDelay: n.SentInDelay, Delay: words.NoticeDelay(n),
		}
		if n.Rule == v1.NoticeRule_NOTICE_RULE_AUTHORITY {
			line.Until = at.at(n.DueUs)
		}
		page.Notices = append(page.Notices, line)
	}
	for _, a := range m.Alerts {
		page.Alerts = append(page.Alerts, caseAlert{
			ID: a.AlertId, Title: a.Title, Day: a.Day, Scenario: words.Code(a.Scenario), Stand: standOf(at, a), Path: links.to(ask{Page: pageAlerts, Subject: a.AlertId}),
		})
	}
	for _, s := range m.Steps {
		line := stepLine{
			Number: s.GetEntry().GetVersion(), When: at.at(s.GetEntry().GetAtUs()), Who: s.GetEntry().GetAsker(), Role: words.Code(s.GetEntry().GetRole()),
			What: words.CaseStep(s, m.Steps), Text: words.CaseText(s.GetEntry()), Details: stepDetails(at, s.GetEntry()),
		}
		for _, id := range words.ShownEvents(s.GetEntry()) {
			line.Shown = append(line.Shown, shownEvent{id, links.to(ask{Page: pageEvents, Subject: id})})
		}
		page.Steps = append(page.Steps, line)
	}
	page.Work = v.caseWork(at, m)
	page.Typed = typedInto(v.session.views.refusedStep(x.handle), page.Work)
	return page
}

// stepDetails are what an assessment, a notice and a statement of law enforcement say besides their text.
func stepDetails(at clock, e *v1.CaseEntry) (out []string) {
	out = words.DelayDetails(e.GetDelayed(), func(us int64) string { return at.at(us).String() })
	if a := e.GetAssessed(); a != nil {
		if a.Exception != 0 {
			out = append(out, words.BreachException(a.Exception))
		}
		if a.People > 0 {
			out = append(out, count(a.People, "person", "people")+" concerned, at most "+number(a.MostInOneState)+" in one state")
		}
		for _, by := range a.ByLaw {
			out = append(out, words.LawReason(by))
		}
		for _, f := range a.Factors {
			out = append(out, words.BreachFactor(f.Factor)+": "+words.BreachRisk(f.Risk)+". "+f.Text)
		}
	}
	for _, x := range e.GetNotice().GetContents() {
		out = append(out, "tells "+words.NoticeContent(x))
	}
	return out
}

func (v *visit) caseWork(at clock, m *v1.GetCaseResponse) caseWork {
	judge, row := mayJudge(v.session.caller), m.Case
	mine := row.GetAssignee() == v.session.caller.Name
	w := caseWork{Judge: judge, Held: row.GetHeld(), Today: v.now.In(at.zone).Format("2006-01-02")}
	if row.GetStatus() != v1.CaseStatus_CASE_STATUS_OPEN {
		w.Reopen, w.Judge = judge, false
		return w
	}
	w.Work, w.Take, w.GiveBack = judge || mine, !mine && (judge || row.GetAssignee() == ""), mine
	answered := map[uint32]bool{}
	for _, s := range m.Steps {
		answered[s.GetEntry().GetAnswered().GetQuestion()] = true
	}
	for _, s := range m.Steps {
		if q := s.GetEntry().GetAsked(); q != nil && !answered[q.Question] {
			w.Unanswered = append(w.Unanswered, choice{Value: number(uint64(q.Question)), Name: q.Name + ": " + q.Text})
		}
	}
	for n := v1.NoticeRule_NOTICE_RULE_INDIVIDUALS; n <= v1.NoticeRule_NOTICE_RULE_OTHER; n++ {
		w.Rules = append(w.Rules, choice{Value: number(uint64(n)), Name: words.NoticeRule(n)})
	}
	for n := v1.NoticeLaw_NOTICE_LAW_HIPAA; n <= v1.NoticeLaw_NOTICE_LAW_GDPR; n++ {
		of := choice{Value: number(uint64(n)), Name: words.NoticeLaw(n)}
		w.Laws = append(w.Laws, lawChoice{of, slices.Contains(row.GetLaws(), n), n != v1.NoticeLaw_NOTICE_LAW_HIPAA})
	}
	for n := v1.BreachFactor_BREACH_FACTOR_INFORMATION; n <= v1.BreachFactor_BREACH_FACTOR_MITIGATION; n++ {
		w.Factors = append(w.Factors, choice{Value: number(uint64(n)), Name: words.BreachFactor(n)})
	}
	for n := v1.NoticeContent_NOTICE_CONTENT_WHAT_HAPPENED; n <= v1.NoticeContent_NOTICE_CONTENT_CONTACT; n++ {
		w.Contents = append(w.Contents, choice{Value: number(uint64(n)), Name: words.NoticeContent(n)})
	}
	return w
}
