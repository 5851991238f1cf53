package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Case is `readtrail case`.
type Case struct {
	Show     CaseShow     `cmd:"" default:"withargs" help:"One case: what it is, what is due, its alerts and every step."`
	Open     CaseOpen     `cmd:"" help:"Open a case from alerts."`
	Add      CaseAdd      `cmd:"" help:"Add alerts to a case."`
	Remove   CaseRemove   `cmd:"" help:"Take alerts out of a case."`
	Assign   CaseAssign   `cmd:"" help:"Say who has a case; take one that nobody has; give yours back."`
	Note     CaseNote     `cmd:"" help:"Write a note."`
	Ask      CaseAsk      `cmd:"" help:"Put a question to the reader, their manager or somebody else."`
	Answer   CaseAnswer   `cmd:"" help:"Set down what was answered."`
	Assess   CaseAssess   `cmd:"" help:"Assess whether it is a breach (45 CFR 164.402)."`
	Conclude CaseConclude `cmd:"" help:"Say what came of it."`
	Notice   CaseNotice   `cmd:"" help:"Plan a notice, or say that it was sent."`
	Delay    CaseDelay    `cmd:"" help:"Set down that a law-enforcement official has notices wait, or lets them go (45 CFR 164.412)."`
	Hold     CaseHold     `cmd:"" help:"Put a legal hold on a case, or lift it."`
	Close    CaseClose    `cmd:"" help:"Close a case that is assessed and concluded and owes no notice."`
	Reopen   CaseReopen   `cmd:"" help:"Open a closed case again."`
}

// CaseShow is `readtrail case ID`.
type CaseShow struct {
	Case    string `arg:"" help:"The case: its id, as readtrail cases lists it."`
	Purpose string `short:"p" help:"Why you open it; it is journaled. Not needed for one that you have."`
	AsOf    string `help:"As it was at this time." placeholder:"TIME"`
	JSON    bool   `help:"Write the whole answer as JSON."`
}

// Run asks and prints.
func (q CaseShow) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	m := &v1.GetCaseRequest{Case: q.Case, Purpose: q.Purpose}
	if q.AsOf != "" {
		zone, err := conn.siteClock(ctx)
		if err != nil {
			return err
		}
		if m.AsOfUs, err = zone.read("--as-of", q.AsOf); err != nil {
			return err
		}
	}
	res, err := conn.cases().GetCase(ctx, connect.NewRequest(m))
	if err != nil {
		return caseFlags(fmt.Errorf("ask for case: %w", err))
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	return writeCase(w, res.Msg)
}

// writeCase tells a case: what it is and what is due first, then what was done.
func writeCase(w io.Writer, a *v1.GetCaseResponse) error {
	c, row := clockOf(a.Header), a.Case
	title := row.Title
	if title == "" {
		title = "Case " + row.CaseId
	}
	fmt.Fprintf(w, "%s\n\n", printable(title))
	writeHeader(w, a.Header)
	line := func(name, text string) { fmt.Fprintf(w, "  %-14s%s\n", name, text) }
	line("case", fmt.Sprintf("%s, version %d, opened %s by %s", row.CaseId, row.Version, c.at(row.OpenedUs), printable(row.OpenedBy)))
	if row.Reference != "" {
		line("reference", printable(row.Reference))
	}
	state := words.Enum(row.Status.String(), "CASE_STATUS_")
	if row.ClosedUs != 0 {
		state += " " + c.at(row.ClosedUs)
	}
	if row.Held {
		state += ", under a legal hold"
	}
	line("status", state)
	line("who has it", printable(orOpen(row.Assignee, "nobody")))
	laws := make([]string, len(row.Laws))
	for i, l := range row.Laws {
		laws[i] = words.NoticeLaw(l)
	}
	line("discovered", c.at(row.DiscoveredUs)+" ("+strings.Join(laws, ", ")+")")
	line("assessment", words.Assessment(row.Conclusion, row.ByLaw))
	if row.Outcome != 0 {
		line("outcome", words.Disposition(row.Outcome))
	}
	if err := writeNotices(w, c, a.Notices); err != nil {
		return err
	}
	if len(a.Alerts) > 0 {
		fmt.Fprintf(w, "\nAlerts\n")
		if err := alertTable(c.at, a.Alerts, false).text(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\nWhat was done\n")
	for _, s := range a.Steps {
		writeStep(w, c, s, a.Steps)
	}
	fmt.Fprintf(w, "\nIts breach scope: readtrail scope --case %s\nA step: readtrail case note|ask|answer|assess|conclude|notice|delay|close %s --version %d\n",
		row.CaseId, row.CaseId, row.Version)
	return nil
}

func writeNotices(w io.Writer, c clock, notices []*v1.NoticeRow) error {
	if len(notices) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nNotices\n")
	t := &table{columns: []string{"last day", "to", "state", "sent", "people", "because"}}
	var waiting []string
	for _, n := range notices {
		to, last := words.NoticeRule(n.Rule), n.DueDay
		if n.To != "" {
			to += ", " + n.To
		}
		if n.Rule == v1.NoticeRule_NOTICE_RULE_AUTHORITY { // its end is an hour, not a day
			last = c.at(n.DueUs)
		}
		people := ""
		if n.People > 0 {
			people = fmt.Sprint(n.People)
		}
		t.add(last, to, words.NoticeState(n), c.at(n.SentUs), people, n.Because)
		if why := words.NoticeDelay(n); why != "" {
			waiting = append(waiting, to+" waits until "+n.DelayedDay+". "+why)
		}
	}
	if err := t.text(w); err != nil {
		return err
	}
	for _, text := range waiting {
		fmt.Fprintf(w, "  %s\n", printable(text))
	}
	return nil
}

// writeStep tells one of the steps of a case, with what was written under it.
func writeStep(w io.Writer, c clock, s *v1.CaseStep, steps []*v1.CaseStep) {
	e := s.Entry
	fmt.Fprintf(w, "  %3d  %s  %s  %s\n", e.Version, c.at(e.AtUs), printable(e.Asker), printable(words.CaseStep(s, steps)))
	under := func(text string) {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(w, "         %s\n", printable(line))
		}
	}
	if text := words.CaseText(e); text != "" {
		under(text)
	}
	for _, text := range words.DelayDetails(e.GetDelayed(), c.at) {
		under(text)
	}
	for _, id := range words.ShownEvents(e) {
		under("shown event " + id)
	}
	if a := e.GetAssessed(); a != nil {
		if a.Exception != 0 {
			under("exception: " + words.BreachException(a.Exception))
		}
		if a.People > 0 {
			under(fmt.Sprintf("people: %d, at most %d of them in one state", a.People, a.MostInOneState))
		}
		for _, by := range a.ByLaw {
			under(words.LawReason(by))
		}
		for _, f := range a.Factors {
			under(words.BreachFactor(f.Factor) + ": " + words.BreachRisk(f.Risk) + ". " + f.Text)
		}
	}
	for _, content := range e.GetNotice().GetContents() {
		under("tells " + words.NoticeContent(content))
	}
}
