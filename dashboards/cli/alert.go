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

// Alert is `readtrail alert`.
type Alert struct {
	Show    AlertShow       `cmd:"" default:"withargs" help:"One alert as a colleague would tell it."`
	Decide  AlertDecide     `cmd:"" help:"Take an alert up, judge it, or give it back."`
	Release BackfillRelease `cmd:"" help:"Let the alerts of an imported history notify."`
}

// AlertShow is `readtrail alert ID`.
type AlertShow struct {
	Alert   string `arg:"" help:"The alert: its id, as readtrail alerts lists it."`
	Purpose string `short:"p" help:"Why you open it; it is journaled. Not needed for one that you have in review."`
	JSON    bool   `help:"Write the whole answer as JSON."`
}

// Run asks and prints.
func (q AlertShow) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.alerts().GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: q.Alert, Purpose: q.Purpose}))
	if err != nil {
		return alertFlags(fmt.Errorf("ask for alert: %w", err))
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	return writeAlert(w, res.Msg)
}

// writeAlert tells an alert: the note first, then what it rests on.
func writeAlert(w io.Writer, a *v1.GetAlertResponse) error {
	c, row, v := clockOf(a.Header), a.Alert, a.Latest
	fmt.Fprintf(w, "%s\n\n", printable(v.GetNote().GetTitle()))
	writeHeader(w, a.Header)
	line := func(name, text string) { fmt.Fprintf(w, "  %-14s%s\n", name, text) }
	line("alert", fmt.Sprintf("%s, version %d, of %s", row.AlertId, row.Version, row.Day))
	line("looks like", printable(words.Code(row.Scenario))+", misuse "+words.Chance(row.Chance)+fmt.Sprintf("; place %d of its day", row.Rank))
	if marks := alertMarks(row); marks != "" {
		line("marks", marks)
	}
	line("state", printable(alertState(row)))
	if v.State == v1.AlertState_ALERT_STATE_RETRACTED {
		line("taken back", printable(v.Because))
	} else if v.Because != "" {
		line("told again", printable(v.Because))
	}
	if row.Backfill {
		line("backfill", releaseText(a))
	}
	writeNote(w, v.Note)
	if len(a.Accesses) > 0 {
		fmt.Fprintf(w, "\nWhat it rests on\n")
		if err := accessTable(c.at, c.zone, a.Accesses).text(w); err != nil {
			return err
		}
	}
	if len(a.Versions) > 1 {
		fmt.Fprintf(w, "\nHow it became known\n")
		t := &table{columns: []string{"version", "when", "what", "chance", "place", "accesses", "because"}}
		for _, x := range a.Versions {
			t.add(fmt.Sprint(x.Version), c.at(x.AtUs), words.Change(x), words.Chance(x.Chance), fmt.Sprint(x.Rank), fmt.Sprint(x.Accesses), x.Because)
		}
		if err := t.text(w); err != nil {
			return err
		}
	}
	if len(a.Decisions) > 0 {
		fmt.Fprintf(w, "\nWhat people decided\n")
		t := &table{columns: []string{"when", "who", "role", "decision", "version", "comment"}}
		for _, d := range a.Decisions {
			t.add(c.at(d.DecidedUs), d.Asker, d.Role, words.Disposition(d.Disposition), fmt.Sprint(d.Version), strings.Join(strings.Fields(d.Comment), " "))
		}
		if err := t.text(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\nDecide: readtrail alert decide %s --version %d --as in-review|misuse|appropriate|inconclusive --comment TEXT\n", row.AlertId, row.Version)
	return nil
}

// writeNote tells the story, part by part.
func writeNote(w io.Writer, n *v1.AlertNote) {
	for _, part := range []struct {
		head  string
		lines []string
	}{
		{"What happened", n.GetWhat()},
		{"Why it is unusual", n.GetWhy()},
		{"What is usual", n.GetUsual()},
		{"Reasons that were tried", n.GetTried()},
		{"What would have made it normal", n.GetNormal()},
		{"Evidence", n.GetEvidence()},
	} {
		if len(part.lines) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", part.head)
		for _, text := range part.lines {
			fmt.Fprintf(w, "  %s\n", printable(text))
		}
		if part.head == "Evidence" && n.GetMore() > 0 {
			fmt.Fprintf(w, "  and %s\n", count(uint64(n.GetMore()), "more access", "more accesses"))
		}
	}
}

func releaseText(a *v1.GetAlertResponse) string {
	switch {
	case a.ImportId == "":
		return "of an imported history; it notifies nobody"
	case a.Released:
		return "of import " + a.ImportId + ", which an officer has released"
	}
	return "of import " + a.ImportId + "; it notifies nobody until `readtrail alert release " + a.ImportId + "`"
}

// AlertDecide is `readtrail alert decide`.
type AlertDecide struct {
	Alert   string `arg:"" help:"The alert: its id."`
	As      string `required:"" help:"What it is: ${enum}." enum:"in-review,misuse,appropriate,inconclusive,reopened"`
	Comment string `help:"For colleagues, up to 2000 characters. It is journaled."`
	Version uint32 `help:"The version that you looked at. Default: the latest; it is opened, and told which that was." placeholder:"N"`
	Purpose string `short:"p" help:"Why the alert is opened to find its version. Default: that it is decided on." default:"decision on the alert"`
}

// Run decides. Without a version it opens the alert first, so that the entry names the one that held when the command was given.
func (q AlertDecide) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if q.Version == 0 {
		res, err := conn.alerts().GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: q.Alert, Purpose: q.Purpose}))
		if err != nil {
			return alertFlags(fmt.Errorf("find version: %w", err))
		}
		q.Version = res.Msg.GetAlert().GetVersion()
		fmt.Fprintf(w, "version %d: %s\n", q.Version, printable(res.Msg.GetAlert().GetTitle()))
	}
	res, err := conn.casework().DecideAlert(ctx, connect.NewRequest(&v1.DecideAlertRequest{
		Alert: q.Alert, Version: q.Version, Disposition: dispositionOf(q.As), Comment: q.Comment,
	}))
	var failed *connect.Error
	if errors.As(err, &failed) && failed.Code() == connect.CodeAborted {
		return fmt.Errorf("nothing was decided: %s\n  `readtrail alert %s` shows it", failed.Message(), q.Alert)
	}
	if err != nil {
		return alertFlags(fmt.Errorf("decide on alert: %w", err))
	}
	fmt.Fprintf(w, "%s, version %d, at journal position %d\n", strings.ReplaceAll(q.As, "-", " "), q.Version, res.Msg.Position)
	return nil
}

func dispositionOf(text string) v1.Disposition {
	return v1.Disposition(v1.Disposition_value["DISPOSITION_"+strings.ToUpper(strings.ReplaceAll(text, "-", "_"))])
}

// BackfillRelease is `readtrail alert release`.
type BackfillRelease struct {
	Import string `arg:"" help:"The import, as readtrail alert shows it for an alert of an imported history."`
}

// Run releases.
func (q BackfillRelease) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.casework().ReleaseBackfill(ctx, connect.NewRequest(&v1.ReleaseBackfillRequest{ImportId: q.Import}))
	if err != nil {
		return fmt.Errorf("release backfill: %w", err)
	}
	fmt.Fprintf(w, "released at journal position %d: its alerts may notify from now on\n", res.Msg.Position)
	return nil
}
