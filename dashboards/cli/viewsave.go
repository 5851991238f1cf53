package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ViewsSave is `readtrail views save`.
type ViewsSave struct {
	WhoViewed SaveWhoViewed `cmd:"" name:"who-viewed" help:"Who viewed a record."`
	Reader    SaveReader    `cmd:"" help:"What a reader did."`
	Search    SaveSearch    `cmd:"" help:"Accesses by object, site, workstation and time."`
	Scope     SaveScope     `cmd:"" help:"A breach scope."`
	Alerts    SaveAlerts    `cmd:"" help:"A part of the queue of alerts."`
	Cases     SaveCases     `cmd:"" help:"A part of the list of cases."`
}

// Saving is what every saved view has.
type Saving struct {
	Name  string `arg:"" help:"What it is to be called. It should name nobody: names stand in menus."`
	Share bool   `help:"Let everybody who may ask find it."`
}

// LastDays is a window that goes with the day.
type LastDays struct {
	LastDays uint32 `help:"A window that goes with the day: today and the days before it, as many as this." placeholder:"N"`
}

// Window is when what a view asks for occurred.
type Window struct {
	From  string `help:"Accesses that occurred at or after this time (2006-01-02, '2006-01-02 15:04' or RFC 3339)." placeholder:"TIME"`
	Until string `help:"Accesses that occurred before this time." placeholder:"TIME"`
	Zone  string `help:"Time zone to read and tell times in (IANA name). Default: the site's." placeholder:"ZONE"`
	LastDays
}

// put puts the window into a question.
func (x Window) put(q *v1.ViewQuestion) error {
	b, err := Period{From: x.From, Until: x.Until, Zone: x.Zone}.bounds()
	if err != nil {
		return err
	}
	q.TimeZone = x.Zone
	if x.LastDays.LastDays != 0 || b.from != 0 || b.until != 0 {
		q.Window = &v1.ViewWindow{FromUs: b.from, UntilUs: b.until, LastDays: x.LastDays.LastDays}
	}
	return nil
}

func (s Saving) save(ctx context.Context, conn *Connection, w io.Writer, q *v1.ViewQuestion) error {
	return conn.saveView(ctx, w, &v1.SaveViewRequest{Name: s.Name, Shared: s.Share, Question: q})
}

// SaveWhoViewed is `readtrail views save who-viewed`.
type SaveWhoViewed struct {
	Saving
	Patient string `arg:"" help:"The record: an MRN, system|value, Patient/123 or an absolute URL."`
	Only
	Window
}

// Run saves.
func (q SaveWhoViewed) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	f := q.filter()
	m := &v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{
		Patient: q.Patient, Action: f.Action, Department: f.Department, BreakGlass: f.BreakGlass, Failed: f.Failed, WithoutIncidental: f.WithoutIncidental,
		Verdicts: f.Verdicts,
	}}}
	if err := q.put(m); err != nil {
		return err
	}
	return q.save(ctx, conn, w, m)
}

// SaveReader is `readtrail views save reader`.
type SaveReader struct {
	Saving
	Reader string `arg:"" help:"The reader: a user id, system|value, Practitioner/123 or an absolute URL."`
	Verdicts
	Window
}

// Run saves.
func (q SaveReader) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	m := &v1.ViewQuestion{Page: &v1.ViewQuestion_Reader{Reader: &v1.ViewOfReader{Reader: q.Reader, Verdicts: q.list()}}}
	if err := q.put(m); err != nil {
		return err
	}
	return q.save(ctx, conn, w, m)
}

// SaveSearch is `readtrail views save search`.
type SaveSearch struct {
	Saving
	SearchConditions
	Verdicts
	Window
}

// Run saves.
func (q SaveSearch) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	m := &v1.ViewQuestion{Page: &v1.ViewQuestion_Search{Search: q.search(q.list())}}
	if err := q.put(m); err != nil {
		return err
	}
	return q.save(ctx, conn, w, m)
}

// SaveScope is `readtrail views save scope`.
type SaveScope struct {
	Saving
	ScopeQuery
	LastDays
}

// Run saves.
func (q SaveScope) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	scope, err := q.query()
	if err != nil {
		return err
	}
	scope.FromUs, scope.UntilUs = 0, 0 // they are the window's
	m := &v1.ViewQuestion{Page: &v1.ViewQuestion_Scope{Scope: scope}}
	if err := (Window{From: q.From, Until: q.Until, Zone: q.Zone, LastDays: q.LastDays}).put(m); err != nil {
		return err
	}
	return q.save(ctx, conn, w, m)
}

// SaveAlerts is `readtrail views save alerts`.
type SaveAlerts struct {
	Saving
	AlertConditions
	From string `help:"Days from this one on." placeholder:"DAY"`
	To   string `help:"Days up to this one." placeholder:"DAY"`
	LastDays
}

// Run saves.
func (q SaveAlerts) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	r, err := Alerts{AlertConditions: q.AlertConditions}.request()
	if err != nil {
		return err
	}
	m := &v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{
		Scope: uint32(r.Scope), Dispositions: r.Dispositions, States: r.States, Scenario: r.Scenario, Detector: r.Detector, Queue: r.Queue, Chance: r.Chance,
	}}}
	window := &v1.ViewWindow{LastDays: q.LastDays.LastDays}
	if q.From != "" || q.To != "" {
		site, err := conn.siteClock(ctx)
		if err != nil {
			return err
		}
		if window.FromUs, err = dayOf(site, "--from", q.From, 0); err != nil {
			return err
		}
		if window.UntilUs, err = dayOf(site, "--to", q.To, 1); err != nil {
			return err
		}
	}
	if q.LastDays.LastDays != 0 || window.FromUs != 0 || window.UntilUs != 0 {
		m.Window = window
	}
	return q.save(ctx, conn, w, m)
}

// dayOf is when a day of the site begins, so many days later; 0: no day was given.
func dayOf(site clock, flag, text string, later int) (int64, error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, site.zone)
	if err != nil {
		return 0, errors.New(flag + ": a day such as 2026-03-02")
	}
	return at.AddDate(0, 0, later).UnixMicro(), nil
}

// SaveCases is `readtrail views save cases`.
type SaveCases struct {
	Saving
	Status    string `help:"Which: ${enum}." enum:"open,closed,any" default:"open"`
	Assignee  string `help:"Only those that this person has, such as os:ada; - for nobody." placeholder:"WHO"`
	Mine      bool   `help:"Only those of whoever opens the view."`
	DueWithin uint32 `help:"Only those with a notice that is due within so many days." placeholder:"DAYS"`
}

// Run saves.
func (q SaveCases) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.save(ctx, conn, w, &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: &v1.ViewOfCases{
		Status: uint32(v1.CaseStatus_value["CASE_STATUS_"+strings.ToUpper(q.Status)]), Assignee: q.Assignee, Mine: q.Mine, DueWithinDays: q.DueWithin,
	}}})
}
