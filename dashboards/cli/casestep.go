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
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// CaseStep is what every step of a case takes.
type CaseStep struct {
	Case    string `arg:"" help:"The case: its id."`
	Version uint32 `help:"The version that you looked at. Default: the latest; it is opened, and told which that was." placeholder:"N"`
	Purpose string `short:"p" help:"Why the case is opened to find its version. Default: that it is worked on." default:"work on the case"`
	JSON    bool   `help:"Write the answer as JSON."`
}

// write adds a step. Without a version it opens the case first, so that the entry names the one that held when the command was given.
func (q CaseStep) write(ctx context.Context, conn *Connection, w io.Writer, m *v1.WriteCaseRequest) error {
	m.Case, m.Version = q.Case, q.Version
	if m.Version == 0 {
		res, err := conn.cases().GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: q.Case, Purpose: q.Purpose}))
		if err != nil {
			return caseFlags(fmt.Errorf("find version: %w", err))
		}
		m.Version = res.Msg.GetCase().GetVersion()
		if !q.JSON {
			fmt.Fprintf(w, "version %d: %s\n", m.Version, printable(res.Msg.GetCase().GetTitle()))
		}
	}
	return writeCaseStep(ctx, conn, w, m, q.JSON)
}

func writeCaseStep(ctx context.Context, conn *Connection, w io.Writer, m *v1.WriteCaseRequest, json bool) error {
	res, err := conn.casework().WriteCase(ctx, connect.NewRequest(m))
	var failed *connect.Error
	if errors.As(err, &failed) && failed.Code() == connect.CodeAborted {
		return fmt.Errorf("nothing was written: %s\n  `readtrail case %s` shows it", failed.Message(), m.Case)
	}
	if err != nil {
		return caseFlags(fmt.Errorf("write to case: %w", err))
	}
	if json {
		return writeJSON(w, res.Msg)
	}
	fmt.Fprintf(w, "case %s is at version %d, at journal position %d\n", m.Case, res.Msg.Version, res.Msg.Position)
	if doubt := words.AddresseeDoubt(res.Msg.Doubt, m.GetAsked().GetTo()); doubt != "" {
		fmt.Fprintf(w, "WARNING: %s\n", printable(doubt))
	}
	return nil
}

// alertIDs reads ids of alerts.
func alertIDs(texts []string) (out [][]byte, err error) {
	for _, text := range texts {
		id, err := proto.ParseEventID(text)
		if err != nil {
			return nil, errors.New("an alert has an id of 27 characters, as readtrail alerts lists it")
		}
		out = append(out, id.Bytes())
	}
	return out, nil
}

func laws(names []string) (out []v1.NoticeLaw) {
	for _, name := range names {
		out = append(out, v1.NoticeLaw(enumOf(v1.NoticeLaw_value, "NOTICE_LAW_", name)))
	}
	return out
}

// enumOf reads a code as it is typed: "low-probability" is BREACH_CONCLUSION_LOW_PROBABILITY.
func enumOf(values map[string]int32, prefix, text string) int32 {
	return values[prefix+strings.ToUpper(strings.ReplaceAll(text, "-", "_"))]
}

// CaseOpen is `readtrail case open`.
type CaseOpen struct {
	Alert      []string `arg:"" help:"The alerts that it is opened from: their ids."`
	Title      string   `required:"" help:"What it is called, up to 200 characters."`
	Reference  string   `help:"Its number in another system."`
	Discovered string   `help:"When the matter was discovered, or by reasonable diligence would have been: deadlines run from here. Default: now." placeholder:"TIME"`
	Law        []string `help:"Whose notices it may owe: ${enum}. May be repeated." enum:"hipaa,california,gdpr" default:"hipaa"`
	Assignee   string   `help:"Who has it, such as os:ada. Default: nobody." placeholder:"WHO"`
	ID         string   `help:"The id of the new case, to send the same command again. Default: a new one." placeholder:"ID"`
	JSON       bool     `help:"Write the answer as JSON."`
}

// Run opens a case.
func (q CaseOpen) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	alerts, err := alertIDs(q.Alert)
	if err != nil {
		return err
	}
	opened := &v1.CaseOpened{Title: q.Title, Reference: q.Reference, Alerts: alerts, Laws: laws(q.Law), Assignee: q.Assignee}
	if q.Discovered == "" {
		opened.DiscoveredUs = time.Now().UnixMicro()
	} else {
		zone, err := conn.siteClock(ctx)
		if err != nil {
			return err
		}
		if opened.DiscoveredUs, err = zone.read("--discovered", q.Discovered); err != nil {
			return err
		}
	}
	if q.ID == "" {
		id, err := proto.MintEventID(time.Now())
		if err != nil {
			return fmt.Errorf("make an id: %w", err)
		}
		q.ID = id.String()
	}
	return writeCaseStep(ctx, conn, w, &v1.WriteCaseRequest{Case: q.ID, Body: &v1.WriteCaseRequest_Opened{Opened: opened}}, q.JSON)
}

// CaseAdd is `readtrail case add`.
type CaseAdd struct {
	CaseStep
	Alert []string `arg:"" help:"The alerts: their ids."`
	Text  string   `help:"Why, up to 2000 characters."`
}

// Run adds alerts.
func (q CaseAdd) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	alerts, err := alertIDs(q.Alert)
	if err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Added: alerts, Text: q.Text}}})
}

// CaseRemove is `readtrail case remove`.
type CaseRemove struct {
	CaseStep
	Alert []string `arg:"" help:"The alerts: their ids."`
	Text  string   `help:"Why, up to 2000 characters."`
}

// Run takes alerts out.
func (q CaseRemove) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	alerts, err := alertIDs(q.Alert)
	if err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Removed: alerts, Text: q.Text}}})
}

// CaseAssign is `readtrail case assign`.
type CaseAssign struct {
	CaseStep
	Who string `arg:"" optional:"" help:"Who has it, such as os:ada or oidc:SUBJECT. Without it nobody has it."`
}

// Run assigns.
func (q CaseAssign) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: q.Who}}})
}

// CaseNote is `readtrail case note`.
type CaseNote struct {
	CaseStep
	Text string `required:"" help:"The note, up to 4000 characters. It is journaled."`
}

// Run writes a note.
func (q CaseNote) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Noted{Noted: &v1.CaseNoted{Text: q.Text}}})
}

// CaseAsk is `readtrail case ask`.
type CaseAsk struct {
	CaseStep
	Respondent string   `help:"In which capacity they are asked: ${enum}." enum:"reader,manager,other" default:"reader"`
	Name       string   `required:"" help:"Who is asked."`
	Text       string   `required:"" help:"The question, up to 2000 characters."`
	To         string   `help:"Who answers it through Readtrail, as they sign in, such as oidc:SUBJECT. Default: nobody; you set the answer down." placeholder:"PERSON"`
	Show       []string `help:"Accesses to show them with it: ids or positions of events, at most 50; those named by position are opened. Needs --to." placeholder:"EVENT" sep:","`
	Patients   bool     `help:"Show who the patients of these accesses are. Default: pseudonyms."`
}

// eventID reads the id of an event. One that is named by its position is opened, and journaled as a look, as whoever shows it to others
// would open it.
func (c *Connection) eventID(ctx context.Context, text, purpose string) ([]byte, error) {
	if id, err := proto.ParseEventID(text); err == nil {
		return id.Bytes(), nil
	}
	res, err := c.questions().GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: text, Purpose: purpose}))
	if err != nil {
		return nil, fmt.Errorf("find event: %w", err)
	}
	return res.Msg.GetEvent().GetEventId(), nil
}

// Run sets a question down.
func (q CaseAsk) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	asked := &v1.CaseAsked{
		Respondent: v1.Respondent(enumOf(v1.Respondent_value, "RESPONDENT_", q.Respondent)), Name: q.Name, Text: q.Text, To: q.To, Patients: q.Patients,
	}
	for _, text := range q.Show {
		id, err := conn.eventID(ctx, text, q.Purpose)
		if err != nil {
			return caseFlags(fmt.Errorf("--show: %w", err))
		}
		asked.Shown = append(asked.Shown, id)
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Asked{Asked: asked}})
}

// CaseAnswer is `readtrail case answer`.
type CaseAnswer struct {
	CaseStep
	Question uint32 `required:"" help:"Which question, as readtrail case numbers it."`
	Text     string `required:"" help:"What was stated, up to 4000 characters."`
	Answered string `help:"When. Default: now." placeholder:"TIME"`
}

// Run sets an answer down.
func (q CaseAnswer) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	answer := &v1.CaseAnswered{Question: q.Question, Text: q.Text}
	if err := conn.readTimes(ctx, typed{"--answered", q.Answered, &answer.AnsweredUs}); err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Answered{Answered: answer}})
}

// typed is a time that a flag gives.
type typed struct {
	flag, text string
	to         *int64
}

// readTimes reads times in the zone of the site.
func (c *Connection) readTimes(ctx context.Context, times ...typed) error {
	for _, t := range times {
		if t.text == "" {
			continue
		}
		zone, err := c.siteClock(ctx)
		if err != nil {
			return err
		}
		if *t.to, err = zone.read(t.flag, t.text); err != nil {
			return err
		}
	}
	return nil
}
