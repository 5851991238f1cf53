package console

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// casesAPage is a page of the list of cases.
const casesAPage = 100

// caseTabs are the parts of the list, by the names that addresses have for them.
var caseTabs = []struct{ code, name string }{{"", "Open"}, {"mine", "Mine"}, {"free", "Nobody's"}, {"closed", "Closed"}}

// casesPage is the list of cases.
type casesPage struct {
	Tabs   []tab
	Cases  []caseLine
	Totals *v1.CaseTotals
	// Next is the path of the page that follows.
	Next  string
	Names names
	Basis *basis
	Saved viewMenu
}

// caseLine is a case in a list.
type caseLine struct {
	ID, Path, Title, Reference, Assignee, Status, Assessment, Outcome string
	Open, Mine, Held                                                  bool
	// Due is the last day of what is due next, Overdue how much is too late. Delayed is the day until when that waits for law enforcement.
	Due, Delayed                string
	Overdue, Alerts, Unanswered uint64
	Opened, Closed, Discovered  *moment
	OpenedBy, Laws              string
	Version                     uint32
}

func (v *visit) caseLine(at clock, r *v1.CaseRow, why purpose) caseLine {
	line := caseLine{
		ID: r.GetCaseId(), Title: r.GetTitle(), Reference: r.GetReference(), Assignee: r.GetAssignee(), Status: words.Enum(r.GetStatus().String(), "CASE_STATUS_"),
		Assessment: words.Assessment(r.GetConclusion(), r.GetByLaw()), Open: r.GetStatus() == v1.CaseStatus_CASE_STATUS_OPEN, Held: r.GetHeld(),
		Mine: r.GetAssignee() == v.session.caller.Name, Due: r.GetDueDay(), Delayed: r.GetDelayedDay(), Overdue: uint64(r.GetOverdue()), Alerts: uint64(r.GetAlerts()),
		Unanswered: uint64(r.GetUnanswered()), Opened: at.at(r.GetOpenedUs()), Closed: at.at(r.GetClosedUs()), Discovered: at.at(r.GetDiscoveredUs()),
		OpenedBy: r.GetOpenedBy(), Version: r.GetVersion(),
	}
	if r.GetOutcome() != 0 {
		line.Outcome = words.Disposition(r.GetOutcome())
	}
	laws := make([]string, len(r.GetLaws()))
	for i, l := range r.GetLaws() {
		laws[i] = words.NoticeLaw(l)
	}
	line.Laws = strings.Join(laws, ", ")
	if v.mayAsk() {
		line.Path = linker{v, why}.to(ask{Page: pageCases, Subject: r.GetCaseId()})
	}
	return line
}

// serveCases answers with the list. Without a purpose no title is told, but those of one's own.
func (c *Console) serveCases(v *visit) error { return c.casesList(v, http.StatusOK, "") }

func (c *Console) casesList(v *visit, status int, fault string) error {
	show, why := v.r.URL.Query().Get("show"), v.session.views.queuePurpose(v.now)
	m := &v1.ListCasesRequest{Status: v1.CaseStatus_CASE_STATUS_OPEN, Purpose: why.text, Page: &v1.Page{Size: casesAPage, Token: v.r.URL.Query().Get("after")}}
	switch show {
	case "mine":
		m.Assignee = v.session.caller.Name
	case "free":
		m.Assignee = "-"
	case "closed":
		m.Status = v1.CaseStatus_CASE_STATUS_CLOSED
	default:
		show = ""
	}
	res, err := c.cfg.Cases.ListCases(v.r.Context(), connect.NewRequest(m))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	at := c.clockOf(res.Msg.Header)
	page := casesPage{
		Totals: res.Msg.Totals, Basis: c.basisOf(res.Msg.Header),
		Names: names{MayAsk: v.mayAsk(), Open: why.text, Stated: v.session.views.stated(), Fault: fault, Back: show},
		Saved: v.menuOf(pageCases, "show="+show),
	}
	if len(page.Names.Stated) > 0 {
		page.Names.Last = page.Names.Stated[0]
	}
	path := func(show string, more string) string {
		if show != "" {
			more = strings.Trim("show="+show+"&"+more, "&")
		}
		return strings.TrimSuffix("/"+pageCases+"?"+more, "?")
	}
	for _, t := range caseTabs {
		page.Tabs = append(page.Tabs, tab{t.name, path(t.code, ""), t.code == show})
	}
	for _, r := range res.Msg.Cases {
		page.Cases = append(page.Cases, v.caseLine(at, r, why))
	}
	if res.Msg.NextPageToken != "" {
		page.Next = path(show, "after="+res.Msg.NextPageToken)
	}
	return v.render(status, "cases", page)
}

// nameCases notes why the titles of cases are to be told, as the queue of alerts does for names.
func (c *Console) nameCases(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	text := strings.TrimSpace(v.r.PostForm.Get("purpose"))
	switch fault := purposeFault(text); {
	case v.r.PostForm.Has("hide"):
		v.session.views.nameQueue(purpose{})
	case fault != "":
		return c.casesList(v, http.StatusUnprocessableEntity, fault)
	default:
		v.session.views.nameQueue(purpose{text, v.now})
	}
	v.redirect("/" + pageCases)
	return nil
}
