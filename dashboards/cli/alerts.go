package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Alerts is `readtrail alerts`.
type Alerts struct {
	Day  string `help:"Only this local day, such as 2026-03-02." placeholder:"DAY"`
	From string `help:"Days from this one on. Default: the last 30 days that have any." placeholder:"DAY"`
	To   string `help:"Days up to this one." placeholder:"DAY"`
	View string `help:"Ask what this saved view asks: its name or id. Then give no conditions." placeholder:"NAME"`
	AlertConditions
	Reader  string `help:"Only about this reader." placeholder:"ID"`
	Patient string `help:"Only about this record." placeholder:"ID"`
	Purpose string `short:"p" help:"Why you ask; it is journaled. Without it readers and records go by pseudonyms."`
	Limit   uint32 `help:"Alerts to print, at most 1000 a page." default:"50"`
	Page    string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	Output
}

// AlertConditions are which alerts are listed, besides their days and whom they are about.
type AlertConditions struct {
	Everyone bool   `name:"all" help:"Every candidate, also those that were not shown."`
	Sampled  bool   `help:"The random sample beside the queue, which finds what the detectors miss."`
	Open     bool   `help:"Only those that wait for somebody."`
	Scenario string `help:"Only what looks like this, such as family." placeholder:"NAME"`
	Detector string `help:"Only those in which this detector speaks." placeholder:"NAME"`
	Queue    string `help:"Only this queue of sites, by the name that detectors.queues of the server's configuration gives it." placeholder:"NAME"`
	Chance   uint32 `help:"Only where misuse is at least so likely, in percent." placeholder:"PERCENT"`
}

func (q Alerts) request() (*v1.ListAlertsRequest, error) {
	m := &v1.ListAlertsRequest{
		From: q.From, To: q.To, Scenario: q.Scenario, Detector: q.Detector, Queue: q.Queue, Reader: q.Reader, Patient: q.Patient,
		Chance: q.Chance * 10, Purpose: q.Purpose, Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}
	switch {
	case q.Day != "" && (q.From != "" || q.To != ""):
		return nil, errors.New("--day is one day, --from and --to are several: give one or the others")
	case q.Everyone && q.Sampled:
		return nil, errors.New("--sampled is part of --all: give one of them")
	case q.Chance > 100:
		return nil, errors.New("--chance: percent, 0 to 100")
	case q.Day != "":
		if _, err := time.Parse(time.DateOnly, q.Day); err != nil {
			return nil, errors.New("--day: a day such as 2026-03-02")
		}
		m.From, m.To = q.Day, q.Day
	}
	if q.Everyone {
		m.Scope = v1.AlertScope_ALERT_SCOPE_ALL
	}
	if q.Sampled {
		m.Scope = v1.AlertScope_ALERT_SCOPE_SAMPLED
	}
	if q.Open {
		m.Dispositions = []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}
		m.States = []v1.AlertState{v1.AlertState_ALERT_STATE_RAISED, v1.AlertState_ALERT_STATE_UPDATED}
	}
	return m, nil
}

// Run asks and prints.
func (q Alerts) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	m, err := q.request()
	if err == nil && q.View != "" {
		err = q.fromView(ctx, conn, m)
	}
	if err != nil {
		return err
	}
	res, err := conn.alerts().ListAlerts(ctx, connect.NewRequest(m))
	if err != nil {
		return alertFlags(fmt.Errorf("ask for alerts: %w", err))
	}
	a := res.Msg
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return alertTable(clockOf(a.Header).stamp, a.Alerts, true).csv(w)
	}
	fmt.Fprintf(w, "What should a human look at?\n\n")
	writeHeader(w, a.Header)
	if a.From == a.To {
		fmt.Fprintf(w, "  %-14s%s\n", "day", a.From)
	} else {
		fmt.Fprintf(w, "  %-14s%s to %s\n", "days", a.From, a.To)
	}
	fmt.Fprintln(w)
	if t := a.Totals; t.GetCandidates() > 0 {
		fmt.Fprintln(w, alertTotals(t))
	}
	if len(a.Alerts) == 0 {
		fmt.Fprintln(w, words.NoAlerts(a))
		return nil
	}
	fmt.Fprintln(w)
	if err := alertTable(clockOf(a.Header).at, a.Alerts, false).text(w); err != nil {
		return err
	}
	if q.Purpose == "" {
		fmt.Fprintln(w, "\nReaders and records go by pseudonyms. Say why you ask with -p to see who they are.")
	}
	fmt.Fprintln(w, "\nOne in full: readtrail alert ID -p PURPOSE")
	if a.NextPageToken != "" {
		fmt.Fprintf(w, "More: --page %s\n", a.NextPageToken)
	}
	return nil
}

func alertTotals(t *v1.AlertTotals) string {
	text := fmt.Sprintf("%s shown, of %s; %d in the random sample.", count(t.Shown, "alert", "alerts"), count(t.Candidates, "candidate", "candidates"), t.Sampled)
	text += fmt.Sprintf(" %d waiting, %d in review; %d misuse, %d appropriate, %d inconclusive; %d taken back.",
		t.Waiting, t.InReview, t.Misuse, t.Appropriate, t.Inconclusive, t.Retracted)
	return text
}

// alertTable lists alerts; machine adds what people need not read.
func alertTable(at func(int64) string, rows []*v1.AlertRow, machine bool) *table {
	t := &table{columns: []string{"day", "rank", "who", "whose record", "looks like", "chance", "state", "marks", "alert"}}
	if machine {
		t.columns = []string{
			"day", "rank", "who", "whose record", "looks like", "chance per mille", "state", "marks", "alert", "version", "severity", "shape", "accesses",
			"detectors", "known at", "decided by", "decided at",
		}
	}
	for _, r := range rows {
		chance := words.Chance(r.Chance)
		if machine {
			chance = fmt.Sprint(r.Chance)
		}
		cells := []string{
			r.Day, fmt.Sprint(r.Rank), alertReaders(r), alertPatients(r), words.Code(r.Scenario), chance, alertState(r), alertMarks(r), r.AlertId,
		}
		if machine {
			cells = append(cells, fmt.Sprint(r.Version), words.Enum(r.Severity.String(), "SEVERITY_"), words.Enum(r.Shape.String(), "SHAPE_"), fmt.Sprint(r.Accesses),
				strings.Join(r.Detectors, " "), at(r.AtUs), r.DecidedBy, at(r.DecidedUs))
		}
		t.add(cells...)
	}
	return t
}

func alertReaders(r *v1.AlertRow) string {
	if len(r.Readers) == 0 {
		return ""
	}
	first := r.Readers[0]
	name := first.Display
	if name == "" {
		name = first.GetIdentifier().GetValue()
	}
	if of := joinNonEmpty(first.Role, first.Department); of != "" {
		name += " (" + of + ")"
	}
	return andMore(name, r.ReadersTotal)
}

func joinNonEmpty(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

func alertPatients(r *v1.AlertRow) string {
	if len(r.Patients) == 0 {
		return ""
	}
	return andMore(alertPatient(r.Patients[0]), r.PatientsTotal)
}

// alertPatient is a patient with the number that people know.
func alertPatient(p *v1.AlertPatient) string {
	number := p.GetIdentifier().GetValue()
	switch {
	case p.Display == "":
		return number
	case number == "" || number == p.Display:
		return p.Display
	}
	return p.Display + " (" + number + ")"
}

func andMore(name string, total uint32) string {
	if total > 1 {
		return fmt.Sprintf("%s and %d more", name, total-1)
	}
	return name
}

// alertState is where an alert stands: what people decided, else what became of it.
func alertState(r *v1.AlertRow) string {
	text := words.Disposition(r.Disposition)
	switch {
	case r.State == v1.AlertState_ALERT_STATE_RETRACTED && r.Disposition == 0:
		return "taken back"
	case r.State == v1.AlertState_ALERT_STATE_RETRACTED:
		return text + ", taken back"
	case r.Disposition == v1.Disposition_DISPOSITION_IN_REVIEW:
		return text + " by " + r.DecidedBy
	case r.Disposition != 0 && r.DecidedVersion < r.Version:
		return text + ", more is known since"
	}
	return text
}

func alertMarks(r *v1.AlertRow) string {
	var marks []string
	for _, m := range []struct {
		is   bool
		text string
	}{
		{r.Queue != "", "queue " + printable(r.Queue)},
		{r.Hard, "matter of record"},
		{r.Severity == v1.Severity_SEVERITY_HIGH, "sensitive"},
		{r.Sampled, "random sample"},
		{r.Backfill, "backfill"},
		{!r.Shown && !r.Sampled && r.State != v1.AlertState_ALERT_STATE_RETRACTED, "not shown"},
	} {
		if m.is {
			marks = append(marks, m.text)
		}
	}
	return strings.Join(marks, ", ")
}

// alertFlags tells what is wrong with a question by the flags that fill it.
func alertFlags(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) || failed.Code() != connect.CodeInvalidArgument {
		return inFlags(err)
	}
	field, problem, _ := strings.Cut(failed.Message(), ": ")
	switch field {
	case "from", "to", "reader", "patient", "scenario", "detector", "queue", "chance", "comment", "version", "grade":
		return connect.NewError(failed.Code(), errors.New("--"+field+": "+problem))
	}
	return inFlags(err)
}
