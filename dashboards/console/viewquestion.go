package console

import (
	"net/http"
	"slices"
	"time"

	protobuf "google.golang.org/protobuf/proto"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	timing "github.com/readtrail/readtrail/proto/views"
)

// What a page asks, as a saved view keeps it, and back. As of when something was known is of the moment, and is not kept.

// errNotHere refuses a view that no page of the console asks.
var errNotHere = refusal{http.StatusUnprocessableEntity, "The console has no page for this view", "It was saved at a terminal with conditions that only the terminal has. Run it there with --view."}

// question is what a page with a handle asks; nil where that cannot be saved.
func (a ask) question() *v1.ViewQuestion {
	q := &v1.ViewQuestion{Window: windowOf(a.From, a.Until, a.LastDays), TimeZone: a.Zone}
	switch a.Page {
	case pageRecords:
		o := a.Only
		q.Page = &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{
			Patient: a.Subject, Action: v1.Action(o.Action), Department: o.Department, BreakGlass: o.BreakGlass, Failed: o.Failed, WithoutIncidental: o.Deliberate,
			Verdicts: verdictsOf(o.Reason),
		}}
	case pageReaders:
		q.Page = &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{Reader: a.Subject, Verdicts: verdictsOf(a.Only.Reason)}}
	case pageAccesses:
		s := a.Search
		q.Page = &v1.ViewQuestion_Search{Search: &v1.ViewOfSearch{
			Object: s.Object, ObjectType: s.ObjectType, Site: s.Site, Workstation: s.Workstation, NetworkAddress: s.NetworkAddress, Source: s.Source, Text: s.Text,
			Action: v1.Action(s.Action), BreakGlass: s.BreakGlass, Patientless: s.Patientless, Unresolved: s.Unresolved, Verdicts: verdictsOf(s.Reason),
		}}
	case pageScope:
		scope := scopeQuery(a)
		scope.FromUs, scope.UntilUs = 0, 0 // they are the window's
		q.Page = &v1.ViewQuestion_Scope{Scope: scope}
	default:
		return nil
	}
	return q
}

// windowOf is a window of one kind or the other; nil: all times.
func windowOf(from, until int64, lastDays uint32) *v1.ViewWindow {
	switch {
	case lastDays != 0:
		return &v1.ViewWindow{LastDays: lastDays}
	case from != 0 || until != 0:
		return &v1.ViewWindow{FromUs: from, UntilUs: until}
	}
	return nil
}

// askOf is the page that asks what a view does; false: the console has none.
func askOf(q *v1.ViewQuestion) (a ask, ok bool) {
	w := q.GetWindow()
	a = ask{From: w.GetFromUs(), Until: w.GetUntilUs(), LastDays: w.GetLastDays(), Zone: q.GetTimeZone()}
	switch page := q.GetPage().(type) {
	case *v1.ViewQuestion_Record:
		r := page.Record
		a.Page, a.Subject = pageRecords, r.Patient
		a.Only = only{Action: int32(r.Action), Department: r.Department, BreakGlass: r.BreakGlass, Failed: r.Failed, Deliberate: r.WithoutIncidental, Reason: reasonChoice(r.Verdicts)}
	case *v1.ViewQuestion_Reader:
		a.Page, a.Subject, a.Only = pageReaders, page.Reader.Reader, only{Reason: reasonChoice(page.Reader.Verdicts)}
	case *v1.ViewQuestion_Search:
		s := page.Search
		a.Page = pageAccesses
		a.Search = search{
			Object: s.Object, ObjectType: s.ObjectType, Site: s.Site, Workstation: s.Workstation, NetworkAddress: s.NetworkAddress, Source: s.Source, Text: s.Text,
			Action: int32(s.Action), BreakGlass: s.BreakGlass, Patientless: s.Patientless, Unresolved: s.Unresolved, Reason: reasonChoice(s.Verdicts),
		}
	case *v1.ViewQuestion_Scope:
		s := page.Scope
		a.Page = pageScope
		a.Scope = scoped{Reader: s.Reader, Account: s.Account, Workstation: s.Workstation, Object: s.Object, Alert: s.Alert, Case: s.Case}
	}
	// What is written back is what was read, else the page would ask something else.
	back := a.question()
	return a, back != nil && protobuf.Equal(back, normal(q))
}

// normal is a question without an empty window, which says what none says.
func normal(q *v1.ViewQuestion) *v1.ViewQuestion {
	q = protobuf.CloneOf(q)
	if protobuf.Size(q.GetWindow()) == 0 {
		q.Window = nil
	}
	return q
}

// reasonChoice is the choice of a form that asks for some verdicts; 0 where there is none, or any.
func reasonChoice(list []v1.Verdict) int32 {
	for n := range int32(len(reasonNames)) {
		if n > 0 && slices.Equal(verdictsOf(n), list) {
			return n
		}
	}
	return 0
}

// question is what the queue asks.
func (a queueAsk) question(site *time.Location) *v1.ViewQuestion {
	m := a.request("", "")
	q := &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{
		Scope: uint32(m.Scope), Dispositions: m.Dispositions, States: m.States, Scenario: a.Scenario, Queue: a.Queue, Chance: a.Chance,
	}}}
	day := func(text string, days int) int64 {
		at, err := time.ParseInLocation(time.DateOnly, text, site)
		if err != nil {
			return 0
		}
		return at.AddDate(0, 0, days).UnixMicro()
	}
	q.Window = windowOf(day(a.From, 0), day(a.To, 1), a.Last)
	return q
}

// queueAskOf is the part of the queue that a view shows; false: the console has none.
func queueAskOf(res *v1.GetViewResponse) (queueAsk, bool) {
	x := res.GetQuestion().GetAlerts()
	a := queueAsk{Scenario: x.GetScenario(), Queue: x.GetQueue(), Chance: x.GetChance(), Last: res.GetQuestion().GetWindow().GetLastDays()}
	if a.Last == 0 {
		a.From, a.To = res.GetFromDay(), res.GetToDay()
	}
	for _, s := range shows {
		if uint32(s.scope) == x.GetScope() && slices.Equal(s.dispositions, x.GetDispositions()) && slices.Equal(s.states, x.GetStates()) {
			a.Show = s.code
			return a, x.GetDetector() == ""
		}
	}
	return a, false
}

// days are the days that the queue is asked for.
func (a queueAsk) days(now time.Time, site *time.Location) (from, to string) {
	if a.Last == 0 {
		return a.From, a.To
	}
	t := timing.TimesAt(&v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{}}, Window: &v1.ViewWindow{LastDays: a.Last}}, now, site)
	return t.FromDay, t.ToDay
}

// caseView is a part of the list of cases, as a view keeps it.
func caseView(show string) *v1.ViewOfCases {
	switch show {
	case "mine":
		return &v1.ViewOfCases{Status: uint32(v1.CaseStatus_CASE_STATUS_OPEN), Mine: true}
	case "free":
		return &v1.ViewOfCases{Status: uint32(v1.CaseStatus_CASE_STATUS_OPEN), Assignee: "-"}
	case "closed":
		return &v1.ViewOfCases{Status: uint32(v1.CaseStatus_CASE_STATUS_CLOSED)}
	}
	return &v1.ViewOfCases{Status: uint32(v1.CaseStatus_CASE_STATUS_OPEN)}
}

// caseShowOf is the part of the list that a view shows; false: the console has none.
func caseShowOf(c *v1.ViewOfCases) (string, bool) {
	for _, t := range caseTabs {
		if protobuf.Equal(caseView(t.code), c) {
			return t.code, true
		}
	}
	return "", false
}
