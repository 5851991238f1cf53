package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Cases is `readtrail cases`.
type Cases struct {
	View     string `help:"Ask what this saved view asks: its name or id. Then give no conditions." placeholder:"NAME"`
	Status   string `help:"Which: ${enum}." enum:"open,closed,any" default:"open"`
	Assignee string `help:"Only those that this person has, such as os:ada; - for nobody." placeholder:"WHO"`
	Due      string `help:"Only those with a notice that is due before this time." placeholder:"TIME"`
	Alert    string `help:"Only those that hold this alert." placeholder:"ID"`
	Purpose  string `short:"p" help:"Why you ask; it is journaled. Without it no title is told, but for your own with --assignee."`
	Limit    uint32 `help:"Cases to print, at most 1000 a page." default:"50"`
	Page     string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	Output
}

// Run asks and prints.
func (q Cases) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	m := &v1.ListCasesRequest{Assignee: q.Assignee, Alert: q.Alert, Purpose: q.Purpose, Page: &v1.Page{Size: q.Limit, Token: q.Page}}
	m.Status = v1.CaseStatus(v1.CaseStatus_value["CASE_STATUS_"+strings.ToUpper(q.Status)])
	if q.Due != "" {
		zone, err := conn.siteClock(ctx)
		if err != nil {
			return err
		}
		if m.DueBeforeUs, err = zone.read("--due", q.Due); err != nil {
			return err
		}
	}
	if q.View != "" {
		if err := q.fromView(ctx, conn, m); err != nil {
			return err
		}
	}
	res, err := conn.cases().ListCases(ctx, connect.NewRequest(m))
	if err != nil {
		return caseFlags(fmt.Errorf("ask for cases: %w", err))
	}
	a := res.Msg
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return caseTable(clockOf(a.Header).stamp, a.Cases, true).csv(w)
	}
	fmt.Fprintf(w, "Cases\n\n")
	writeHeader(w, a.Header)
	fmt.Fprintln(w)
	if t := a.Totals; t != nil {
		fmt.Fprintf(w, "%d open, %d of them nobody's; %d closed. %s overdue.\n", t.Open, t.Unassigned, t.Closed, count(t.Overdue, "notice is", "notices are"))
	}
	if len(a.Cases) == 0 {
		fmt.Fprintln(w, "No cases of this kind.")
		return nil
	}
	fmt.Fprintln(w)
	if err := caseTable(clockOf(a.Header).at, a.Cases, false).text(w); err != nil {
		return err
	}
	if q.Purpose == "" {
		fmt.Fprintln(w, "\nTitles may name people. Say why you ask with -p to read them.")
	}
	fmt.Fprintln(w, "\nOne in full: readtrail case ID -p PURPOSE")
	if a.NextPageToken != "" {
		fmt.Fprintf(w, "More: --page %s\n", a.NextPageToken)
	}
	return nil
}

// caseTable lists cases; machine adds what people need not read.
func caseTable(at func(int64) string, rows []*v1.CaseRow, machine bool) *table {
	t := &table{columns: []string{"status", "due", "who has it", "alerts", "unanswered", "assessment", "outcome", "title", "case"}}
	if machine {
		t.columns = append(t.columns, "reference", "version", "opened by", "opened", "closed", "changed", "discovered", "notices", "unsent", "overdue", "hold", "delayed until")
	}
	for _, r := range rows {
		due := r.DueDay
		if !machine && r.Overdue > 0 {
			due += " OVERDUE"
		}
		if !machine && r.DelayedDay != "" {
			due += ", delayed until " + r.DelayedDay
		}
		outcome := ""
		if r.Outcome != 0 {
			outcome = words.Disposition(r.Outcome)
		}
		cells := []string{
			words.Enum(r.Status.String(), "CASE_STATUS_"), due, r.Assignee, fmt.Sprint(r.Alerts), fmt.Sprint(r.Unanswered), words.Assessment(r.Conclusion, r.ByLaw),
			outcome, r.Title, r.CaseId,
		}
		if machine {
			cells = append(cells, r.Reference, fmt.Sprint(r.Version), r.OpenedBy, at(r.OpenedUs), at(r.ClosedUs), at(r.ChangedUs), at(r.DiscoveredUs),
				fmt.Sprint(r.Notices), fmt.Sprint(r.Unsent), fmt.Sprint(r.Overdue), fmt.Sprint(r.Held), r.DelayedDay)
		}
		t.add(cells...)
	}
	return t
}

// siteClock is the clock of the site, which every answer names.
func (c *Connection) siteClock(ctx context.Context) (clock, error) {
	res, err := c.cases().ListCases(ctx, connect.NewRequest(&v1.ListCasesRequest{Page: &v1.Page{Size: 1}}))
	if err != nil {
		return clock{}, fmt.Errorf("find the time zone of the site: %w", err)
	}
	return clockOf(res.Msg.Header), nil
}

// read reads a time that was typed; a day alone is its beginning.
func (c clock) read(flag, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	at, err := parseTime(text, c.zone)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", flag, err)
	}
	return at.UnixMicro(), nil
}

// caseFlags tells what is wrong with a command by the flags that fill it.
func caseFlags(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) || failed.Code() != connect.CodeInvalidArgument {
		return inFlags(err)
	}
	field, problem, _ := strings.Cut(failed.Message(), ": ")
	switch field {
	case "title", "reference", "alert", "discovered", "assignee", "text", "name", "question", "answered", "people", "exception", "conclusion",
		"rule", "to", "due", "sent", "version", "outcome", "respondent", "patients",
		"statement", "official", "agency", "stated", "until", "ground":
		return connect.NewError(failed.Code(), errors.New("--"+field+": "+problem))
	case "shown":
		return connect.NewError(failed.Code(), errors.New("--show: "+problem))
	case "by_law":
		return connect.NewError(failed.Code(), errors.New("--by-law: "+problem))
	case "laws":
		return connect.NewError(failed.Code(), errors.New("--law: "+problem))
	case "most_in_one_state":
		return connect.NewError(failed.Code(), errors.New("--most-in-one-state: "+problem))
	case "contents":
		return connect.NewError(failed.Code(), errors.New("--tells: "+problem))
	case "factors":
		return connect.NewError(failed.Code(), errors.New("--information, --person, --viewed, --mitigation: "+problem))
	}
	return inFlags(err)
}
