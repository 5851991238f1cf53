package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// --view fills a verb's flags with what a saved view asks. Conditions beside it are refused: half of a view is another question.

var errViewAlone = errors.New("--view is the whole question: give no other conditions with it")

// opened is a view for a verb, whose other flags are empty.
func (c *Connection) opened(ctx context.Context, ask viewAsk) (*v1.GetViewResponse, error) {
	if !ask.alone {
		return nil, errViewAlone
	}
	a, err := c.openView(ctx, ask.name, ask.purpose, ask.page)
	if err != nil {
		return nil, fmt.Errorf("--view: %w", err)
	}
	return a, nil
}

type viewAsk struct {
	name, purpose string
	page          v1.ViewPage
	// alone says that no condition stands beside it.
	alone bool
}

// actionFlag is an action as a flag takes it.
func actionFlag(a v1.Action) string {
	if a == v1.Action_ACTION_UNSPECIFIED {
		return "any"
	}
	return words.Enum(a.String(), "ACTION_")
}

// times puts a view's times into flags; what an answer is as of is not part of a view.
func (p *Period) times(a *v1.GetViewResponse) {
	p.From, p.Until, p.Zone = moment(a.FromUs), moment(a.UntilUs), a.GetQuestion().GetTimeZone()
}

// bare reports whether no time is given.
func (p Period) bare() bool { return p.From == "" && p.Until == "" && p.Zone == "" }

func (q *WhoViewed) fromView(ctx context.Context, conn *Connection) error {
	switch {
	case q.View == "" && q.Patient == "":
		return errors.New("which record? Give its MRN, or a saved view with --view")
	case q.View == "":
		return nil
	}
	alone := q.Patient == "" && q.bare() && proto.Size(q.filter()) == 0
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_RECORD, alone})
	if err != nil {
		return err
	}
	x := a.GetQuestion().GetRecord()
	q.times(a)
	q.Patient = x.GetPatient()
	q.Only = Only{
		Action: actionFlag(x.GetAction()), Department: x.GetDepartment(), BreakGlass: x.GetBreakGlass(), Failed: x.GetFailed(), Deliberate: x.GetWithoutIncidental(),
		Verdicts: Verdicts{verdictNames(x.GetVerdicts())},
	}
	return nil
}

func (q *ReaderActivity) fromView(ctx context.Context, conn *Connection) error {
	switch {
	case q.View == "" && q.Reader == "":
		return errors.New("which reader? Give a user id, or a saved view with --view")
	case q.View == "":
		return nil
	}
	alone := q.Reader == "" && q.bare() && len(q.Verdict) == 0
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_READER, alone})
	if err != nil {
		return err
	}
	q.times(a)
	q.Reader, q.Verdict = a.GetQuestion().GetReader().GetReader(), verdictNames(a.GetQuestion().GetReader().GetVerdicts())
	return nil
}

func (q *Search) fromView(ctx context.Context, conn *Connection) error {
	if q.View == "" {
		return nil
	}
	alone := proto.Size(q.search(nil)) == 0 && q.bare() && len(q.Verdict) == 0
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_SEARCH, alone})
	if err != nil {
		return err
	}
	x := a.GetQuestion().GetSearch()
	q.times(a)
	q.Verdict = verdictNames(x.GetVerdicts())
	q.SearchConditions = SearchConditions{
		Object: x.GetObject(), ObjectType: x.GetObjectType(), Site: x.GetSite(), Workstation: x.GetWorkstation(), Address: x.GetNetworkAddress(),
		Source: x.GetSource(), Text: x.GetText(), Action: actionFlag(x.GetAction()), BreakGlass: x.GetBreakGlass(), Patientless: x.GetPatientless(),
		Unresolved: x.GetUnresolved(),
	}
	return nil
}

// search is the conditions as a view keeps them.
func (q SearchConditions) search(verdicts []v1.Verdict) *v1.ViewOfSearch {
	return &v1.ViewOfSearch{
		Object: q.Object, ObjectType: q.ObjectType, Site: q.Site, Workstation: q.Workstation, NetworkAddress: q.Address, Source: q.Source, Text: q.Text,
		Action: actionOf(q.Action), BreakGlass: q.BreakGlass, Patientless: q.Patientless, Unresolved: q.Unresolved, Verdicts: verdicts,
	}
}

func (q *ScopeShow) fromView(ctx context.Context, conn *Connection) error {
	if q.View == "" {
		return nil
	}
	query, err := q.query()
	if err != nil {
		return err
	}
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_SCOPE, proto.Size(query) == 0 && q.Zone == ""})
	if err != nil {
		return err
	}
	x := a.GetQuestion().GetScope()
	q.ScopeQuery = ScopeQuery{
		Reader: x.GetReader(), Account: x.GetAccount(), Workstation: x.GetWorkstation(), Object: x.GetObject(), Event: x.GetEvents(), Alert: x.GetAlert(),
		Case: x.GetCase(), From: moment(a.FromUs), Until: moment(a.UntilUs), Zone: a.GetQuestion().GetTimeZone(),
	}
	return nil
}

// fromView puts what a view asks into a list's request.
func (q Alerts) fromView(ctx context.Context, conn *Connection, m *v1.ListAlertsRequest) error {
	alone := q.AlertConditions == AlertConditions{} && q.Day == "" && q.From == "" && q.To == "" && q.Reader == "" && q.Patient == ""
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_ALERTS, alone})
	if err != nil {
		return err
	}
	x := a.GetQuestion().GetAlerts()
	m.From, m.To, m.Scope, m.Dispositions, m.States = a.FromDay, a.ToDay, v1.AlertScope(x.GetScope()), slices.Clone(x.GetDispositions()), slices.Clone(x.GetStates())
	m.Scenario, m.Detector, m.Queue, m.Chance = x.GetScenario(), x.GetDetector(), x.GetQueue(), x.GetChance()
	return nil
}

// fromView puts what a view asks into a list's request.
func (q Cases) fromView(ctx context.Context, conn *Connection, m *v1.ListCasesRequest) error {
	alone := q.Assignee == "" && q.Due == "" && q.Alert == "" && (q.Status == "" || q.Status == "open")
	a, err := conn.opened(ctx, viewAsk{q.View, q.Purpose, v1.ViewPage_VIEW_PAGE_CASES, alone})
	if err != nil {
		return err
	}
	x := a.GetQuestion().GetCases()
	m.Status, m.Assignee, m.DueBeforeUs = v1.CaseStatus(x.GetStatus()), x.GetAssignee(), a.DueBeforeUs
	if x.GetMine() {
		m.Assignee = a.Asker
	}
	return nil
}
