package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Views is `readtrail views`.
type Views struct {
	List   ViewsList   `cmd:"" default:"withargs" help:"Your saved views, and those that others share (the default)."`
	Save   ViewsSave   `cmd:"" help:"Save a question under a name."`
	Show   ViewsShow   `cmd:"" help:"What a view asks, and how to ask it."`
	Rename ViewsRename `cmd:"" help:"Give one of yours another name."`
	Share  ViewsShare  `cmd:"" help:"Let everybody who may ask find one of yours, or keep it to yourself again."`
	Delete ViewsDelete `cmd:"" help:"Delete one of yours; officers, also what others share."`
}

func (c *Connection) views() readtrailv1connect.ViewServiceClient {
	return readtrailv1connect.NewViewServiceClient(c.HTTP, c.Base)
}

// verbs are the questions that a view can be of.
var verbs = map[v1.ViewPage]string{
	v1.ViewPage_VIEW_PAGE_RECORD: "who-viewed", v1.ViewPage_VIEW_PAGE_READER: "reader", v1.ViewPage_VIEW_PAGE_SEARCH: "search",
	v1.ViewPage_VIEW_PAGE_SCOPE: "scope", v1.ViewPage_VIEW_PAGE_ALERTS: "alerts", v1.ViewPage_VIEW_PAGE_CASES: "cases",
}

func pageOfVerb(verb string) v1.ViewPage {
	for page, name := range verbs {
		if name == verb {
			return page
		}
	}
	return v1.ViewPage_VIEW_PAGE_UNSPECIFIED
}

// ViewsList is `readtrail views list`.
type ViewsList struct {
	Of string `help:"Only those of this verb: ${enum}." enum:"any,who-viewed,reader,search,scope,alerts,cases" default:"any"`
	Output
}

// Run asks and prints.
func (q ViewsList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.views().ListViews(ctx, connect.NewRequest(&v1.ListViewsRequest{Page: pageOfVerb(q.Of)}))
	if err != nil {
		return fmt.Errorf("ask for saved views: %w", err)
	}
	a := res.Msg
	c := clockOf(a.Header)
	table := func(at func(int64) string) *table {
		t := &table{columns: []string{"name", "verb", "time", "whose", "shared", "changed", "version", "view"}}
		for _, v := range a.Views {
			whose := v.Owner
			if v.Mine {
				whose = "yours"
			}
			t.add(v.Name, verbs[v.Page], windowText(c, v.Window), whose, yes(v.Shared), at(v.ChangedUs), fmt.Sprint(v.Version), v.ViewId)
		}
		return t
	}
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeRests(conn.aside(), a.Header)
		return table(c.stamp).csv(w)
	}
	fmt.Fprintf(w, "Saved views\n\n")
	writeRests(w, a.Header)
	fmt.Fprintln(w)
	if len(a.Views) == 0 {
		fmt.Fprintln(w, "None. Save one: readtrail views save search \"Ward 7\" --workstation WS-12 --last-days 7")
		return nil
	}
	if err := table(c.at).text(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nAsk one: readtrail VERB --view NAME (with -p PURPOSE where people are named)")
	return nil
}

// writeRests says what an answer about views rests on: the journal alone, and no source.
func writeRests(w io.Writer, h *v1.AnswerHeader) {
	fmt.Fprintf(w, "  %-14s%s %s, journal position %d\n  %-14s%s (journaled)\n", "known at", clockOf(h).at(h.GetAsOfUs()), h.GetTimeZone(), h.GetPosition(), "question", h.GetQuestionId())
	for _, note := range h.GetNotes() {
		fmt.Fprintf(w, "  %-14s%s\n", "note", printable(note))
	}
}

// windowText is a window in words; empty: all times.
func windowText(c clock, w *v1.ViewWindow) string {
	switch {
	case w.GetLastDays() == 1:
		return "today"
	case w.GetLastDays() > 0:
		return fmt.Sprintf("the last %d days", w.LastDays)
	case w.GetFromUs() != 0 && w.GetUntilUs() != 0:
		return c.at(w.FromUs) + " to " + c.at(w.UntilUs)
	case w.GetFromUs() != 0:
		return "since " + c.at(w.FromUs)
	case w.GetUntilUs() != 0:
		return "until " + c.at(w.UntilUs)
	}
	return ""
}

// findView is the view that a name or an id means: one's own before what others share.
func (c *Connection) findView(ctx context.Context, name string, page v1.ViewPage) (*v1.ViewRow, error) {
	res, err := c.views().ListViews(ctx, connect.NewRequest(&v1.ListViewsRequest{Page: page}))
	if err != nil {
		return nil, fmt.Errorf("ask for saved views: %w", err)
	}
	var mine, others []*v1.ViewRow
	for _, v := range res.Msg.Views {
		switch {
		case v.ViewId == name:
			return v, nil
		case !strings.EqualFold(v.Name, name):
		case v.Mine:
			mine = append(mine, v)
		default:
			others = append(others, v)
		}
	}
	switch found := append(mine, others...); {
	case len(mine) == 1 || len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, errors.New("no saved view has this name; readtrail views lists them")
	}
	return nil, fmt.Errorf("%w saved view: give the id of one, as readtrail views lists them", ErrAmbiguous)
}

// openView is a view with what it asks.
func (c *Connection) openView(ctx context.Context, name, purpose string, page v1.ViewPage) (*v1.GetViewResponse, error) {
	v, err := c.findView(ctx, name, page)
	if err != nil {
		return nil, err
	}
	res, err := c.views().GetView(ctx, connect.NewRequest(&v1.GetViewRequest{View: v.ViewId, Purpose: purpose}))
	if err != nil {
		return nil, inFlags(fmt.Errorf("open a saved view: %w", err))
	}
	return res.Msg, nil
}

// ViewsShow is `readtrail views show`.
type ViewsShow struct {
	Name    string `arg:"" help:"Its name, or its id."`
	Purpose string `short:"p" help:"Why you ask; needed for what others saved about people. It is journaled."`
	Output
}

// Run asks and prints.
func (q ViewsShow) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	a, err := conn.openView(ctx, q.Name, q.Purpose, 0)
	if err != nil {
		return err
	}
	c := clockOf(a.Header)
	t := conditionTable(c, a)
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeRests(conn.aside(), a.Header)
		return t.csv(w)
	}
	v := a.View
	fmt.Fprintf(w, "%s\n\n", printable(v.Name))
	writeRests(w, a.Header)
	whose := cmp.Or(map[bool]string{true: "yours"}[v.Mine], v.Owner)
	if v.Shared {
		whose += ", shared with everybody who may ask"
	}
	fmt.Fprintf(w, "  %-14s%s\n  %-14s%s\n\n", "whose", printable(whose), "saved", c.at(v.ChangedUs))
	if err := t.text(w); err != nil {
		return err
	}
	purpose := " -p PURPOSE"
	if v.Page == v1.ViewPage_VIEW_PAGE_ALERTS || v.Page == v1.ViewPage_VIEW_PAGE_CASES {
		purpose = ""
	}
	fmt.Fprintf(w, "\nAsk it: readtrail %s --view %s%s\n", verbs[v.Page], v.ViewId, purpose)
	return nil
}

// conditionTable is what a view asks, as the flags of its verb say it.
func conditionTable(c clock, a *v1.GetViewResponse) *table {
	t := &table{columns: []string{"condition", "value"}}
	add := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" && text != "false" && text != "0" && text != "unspecified" {
			t.add(name, text)
		}
	}
	verdicts := func(list []v1.Verdict) {
		for _, name := range verdictNames(list) {
			add("verdict", name)
		}
	}
	switch page := a.GetQuestion().GetPage().(type) {
	case *v1.ViewQuestion_Record:
		x := page.Record
		add("patient", x.Patient)
		add("action", words.Enum(x.Action.String(), "ACTION_"))
		add("department", x.Department)
		add("break-glass", x.BreakGlass)
		add("failed", x.Failed)
		add("deliberate", x.WithoutIncidental)
		verdicts(x.Verdicts)
	case *v1.ViewQuestion_Reader:
		add("reader", page.Reader.Reader)
		verdicts(page.Reader.Verdicts)
	case *v1.ViewQuestion_Search:
		x := page.Search
		for _, f := range [][2]string{
			{"object", x.Object},
			{"object-type", x.ObjectType},
			{"site", x.Site},
			{"workstation", x.Workstation},
			{"address", x.NetworkAddress},
			{"source", x.Source},
			{"text", x.Text},
			{"action", words.Enum(x.Action.String(), "ACTION_")},
		} {
			add(f[0], f[1])
		}
		add("break-glass", x.BreakGlass)
		add("patientless", x.Patientless)
		add("unresolved", x.Unresolved)
		verdicts(x.Verdicts)
	case *v1.ViewQuestion_Scope:
		x := page.Scope
		for _, f := range [][2]string{
			{"reader", x.Reader}, {"account", x.Account}, {"workstation", x.Workstation}, {"object", x.Object}, {"alert", x.Alert}, {"case", x.Case},
		} {
			add(f[0], f[1])
		}
		for _, e := range x.Events {
			add("event", e)
		}
	case *v1.ViewQuestion_Alerts:
		x := page.Alerts
		add("of", words.Enum(v1.AlertScope(x.Scope).String(), "ALERT_SCOPE_"))
		for _, d := range x.Dispositions {
			add("disposition", cmp.Or(map[bool]string{true: "waiting"}[d == 0], words.Disposition(d)))
		}
		for _, s := range x.States {
			add("state", words.Enum(s.String(), "ALERT_STATE_"))
		}
		add("scenario", x.Scenario)
		add("detector", x.Detector)
		add("queue", x.Queue)
		add("chance", words.Chance(x.Chance))
	case *v1.ViewQuestion_Cases:
		x := page.Cases
		add("status", words.Enum(v1.CaseStatus(x.Status).String(), "CASE_STATUS_"))
		add("assignee", cmp.Or(map[bool]string{true: "whoever asks"}[x.Mine], x.Assignee))
		add("due within days", x.DueWithinDays)
	}
	add("time", windowText(c, a.GetQuestion().GetWindow()))
	add("from", cmp.Or(a.FromDay, c.at(a.FromUs)))
	add("until", cmp.Or(a.ToDay, c.at(a.UntilUs)))
	add("due before", c.at(a.DueBeforeUs))
	add("zone", a.GetQuestion().GetTimeZone())
	return t
}

// ViewsRename is `readtrail views rename`.
type ViewsRename struct {
	Name string `arg:"" help:"Its name, or its id."`
	To   string `arg:"" help:"What it is to be called. It should name nobody: names stand in menus."`
}

// Run renames.
func (q ViewsRename) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return conn.changeView(ctx, w, q.Name, func(m *v1.SaveViewRequest) { m.Name = q.To })
}

// ViewsShare is `readtrail views share`.
type ViewsShare struct {
	Name string `arg:"" help:"Its name, or its id."`
	Off  bool   `help:"Keep it to yourself again."`
}

// Run shares.
func (q ViewsShare) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return conn.changeView(ctx, w, q.Name, func(m *v1.SaveViewRequest) { m.Shared = !q.Off })
}

func (c *Connection) changeView(ctx context.Context, w io.Writer, name string, edit func(m *v1.SaveViewRequest)) error {
	v, err := c.findView(ctx, name, 0)
	if err != nil {
		return err
	}
	m := &v1.SaveViewRequest{View: v.ViewId, Version: v.Version, Name: v.Name, Shared: v.Shared}
	edit(m)
	return c.saveView(ctx, w, m)
}

func (c *Connection) saveView(ctx context.Context, w io.Writer, m *v1.SaveViewRequest) error {
	res, err := c.casework().SaveView(ctx, connect.NewRequest(m))
	if err != nil {
		return viewFlags(fmt.Errorf("save a view: %w", err))
	}
	_, err = fmt.Fprintf(w, "Saved as %s, version %d, at position %d.\n", res.Msg.View, res.Msg.Version, res.Msg.Position)
	return err //nolint:wrapcheck // nothing to add
}

// ViewsDelete is `readtrail views delete`.
type ViewsDelete struct {
	Name string `arg:"" help:"Its name, or its id."`
}

// Run deletes.
func (q ViewsDelete) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	v, err := conn.findView(ctx, q.Name, 0)
	if err != nil {
		return err
	}
	res, err := conn.casework().DeleteView(ctx, connect.NewRequest(&v1.DeleteViewRequest{View: v.ViewId, Version: v.Version}))
	if err != nil {
		return fmt.Errorf("delete a view: %w", err)
	}
	_, err = fmt.Fprintf(w, "Deleted, at position %d. The journal keeps what it was.\n", res.Msg.Position)
	return err //nolint:wrapcheck // nothing to add
}

// viewFlags tells what is wrong with a view by the flags that fill it.
func viewFlags(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) || failed.Code() != connect.CodeInvalidArgument {
		return err
	}
	message := failed.Message()
	for _, part := range []string{"question.record.", "question.reader.", "question.search.", "question.alerts.", "question.cases.", "question.window.", "question."} {
		message = strings.TrimPrefix(message, part)
	}
	message = strings.NewReplacer("last_days: ", "--last-days: ", "time_zone: ", "--zone: ", "due_within_days: ", "--due-within: ").Replace(message)
	return connect.NewError(failed.Code(), errors.New(message))
}

// verdictNames are verdicts as flags name them.
func verdictNames(list []v1.Verdict) (out []string) {
	for _, v := range list {
		if v == v1.Verdict_VERDICT_UNSPECIFIED {
			out = append(out, "not-judged")
			continue
		}
		out = append(out, strings.ReplaceAll(words.Enum(v.String(), "VERDICT_"), " ", "-"))
	}
	return out
}

// moment is a time as a flag takes it; empty: none.
func moment(us int64) string {
	if us == 0 {
		return ""
	}
	return time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
}
