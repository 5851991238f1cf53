package console

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// alertPage is one alert as a colleague would tell it.
type alertPage struct {
	Handle, Purpose string
	// Assigned says that the purpose is that its asker has it in review.
	Assigned bool
	Line     alertLine
	Severity string
	Parts    []notePart
	More     uint64
	Because  string
	// Day is the reader's day, Around what happened to the record in the days around it; nil where the alert is of another shape.
	Day, Around *timeline
	// Readers and Records are whom the alert names, with the pages about them.
	Readers, Records []named
	Accesses         listPage
	Versions         []versionRow
	Decided          []decisionRow
	// ScopeOfAlert and ScopeOfReader are the breach scopes to begin with.
	ScopeOfAlert, ScopeOfReader string
	Backfill, Released          bool
	Import                      string
	MayJudge                    bool
	Said                        *said
	Basis                       *basis
}

type notePart struct {
	ID, Head string
	Lines    []string
}

// named is somebody whom an alert names.
type named struct {
	person
	Detail string
}

type versionRow struct {
	Version              uint32
	When                 *moment
	What, Chance, Reason string
	Rank                 uint32
	Accesses             uint64
}

type decisionRow struct {
	When                         *moment
	Who, Role, Decision, Comment string
	Version                      uint32
	Kind                         string
}

// serveAlert answers what one alert is about. Whoever has it in review is not asked why: that is why. Anybody else is.
func (c *Console) serveAlert(v *visit) error {
	x, ok := v.session.views.find(pageAlerts, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	why := x.purpose
	if !why.holds(v.now) {
		why = purpose{}
	}
	res, err := c.cfg.Alerts.GetAlert(v.r.Context(), connect.NewRequest(&v1.GetAlertRequest{Alert: x.ask.Subject, Purpose: why.text}))
	if why.text == "" && connect.CodeOf(err) == connect.CodeInvalidArgument && err != nil {
		return v.askPurpose(http.StatusOK, x, "")
	}
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	assigned := why.text == ""
	if assigned {
		why = purpose{"review of alert " + x.ask.Subject, v.now}
	}
	page := c.alertPage(v, x, why, res.Msg)
	page.Assigned = assigned
	if err := c.fillTimelines(v, &page, why, res.Msg); err != nil {
		return err
	}
	return v.render(http.StatusOK, "alert", page)
}

func (c *Console) alertPage(v *visit, x view, why purpose, m *v1.GetAlertResponse) alertPage {
	at, links, row, latest := c.clockOf(m.Header), linker{v, why}, m.Alert, m.Latest
	line := v.alertLine(queueAsk{}, why, at, row)
	line.Note = true
	page := alertPage{
		Handle: x.handle, Purpose: why.text, Line: line, Severity: line.Severity, Because: latest.GetBecause(), More: uint64(latest.GetNote().GetMore()),
		Parts: noteParts(latest.GetNote()), Backfill: row.GetBackfill(), Released: m.Released, Import: m.ImportId, MayJudge: mayJudge(v.session.caller),
		Said: v.session.views.takeSaid(), Basis: c.basisOf(m.Header),
		Accesses: listPage{What: "alert", Rows: links.rows(at, m.Accesses), Judged: true}, ScopeOfAlert: links.to(ask{Page: pageScope, Scope: scoped{Alert: row.GetAlertId()}}),
	}
	for _, r := range latest.GetReaders() {
		page.Readers = append(page.Readers, named{links.called(pageReaders, r.Display, r.Identifier), joined(r.Role, r.Department)})
	}
	for _, p := range latest.GetPatients() {
		page.Records = append(page.Records, named{links.called(pageRecords, p.Display, p.Identifier), ""})
	}
	if len(latest.GetReaders()) == 1 {
		page.ScopeOfReader = links.to(ask{Page: pageScope, Scope: scoped{Reader: id(latest.Readers[0].Identifier)}})
	}
	for _, n := range m.Versions {
		page.Versions = append(page.Versions, versionRow{n.Version, at.at(n.AtUs), changeWord(n), chanceWord(n.Chance), n.Because, n.Rank, uint64(n.Accesses)})
	}
	for _, d := range m.Decisions {
		kind := standOf(at, &v1.AlertRow{Disposition: d.Disposition}).Kind
		page.Decided = append(page.Decided, decisionRow{at.at(d.DecidedUs), d.Asker, word(d.Role), dispositionWord(d.Disposition), d.Comment, d.Version, kind})
	}
	return page
}

// noteParts are the parts of the story, in the order in which a colleague would tell them.
func noteParts(n *v1.AlertNote) []notePart {
	var out []notePart
	for _, p := range []notePart{
		{"what", "What happened", n.GetWhat()},
		{"why", "Why it is unusual", n.GetWhy()},
		{"usual", "What is usual", n.GetUsual()},
		{"tried", "Reasons that were tried", n.GetTried()},
		{"normal", "What would have made it normal", n.GetNormal()},
		{"evidence", "Evidence", n.GetEvidence()},
	} {
		if len(p.Lines) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// called is somebody by identifier, with the page about them.
func (l linker) called(page, name string, i *v1.Identifier) person {
	p := person{Name: name, ID: i.GetValue()}
	if p.ID != "" {
		p.Path = l.to(ask{Page: page, Subject: id(i)})
	}
	if p.Name == p.ID {
		p.Name = ""
	}
	return p
}

const (
	// drawn bounds the accesses that a timeline draws.
	drawn = 1000
	// daysAround is how many days before and after the alert's day the record's readers are drawn.
	daysAround = 3
)

// drawing is what timelines know of the alert: the accesses that it cites, and what it calls its records.
type drawing struct {
	cited map[uint64]bool
	known map[string]string
}

// fillTimelines draws the reader's day and the days around it in the record, where the alert is about one of them. Each is a question
// of its own. What is not found out is left out, and said.
func (c *Console) fillTimelines(v *visit, page *alertPage, why purpose, m *v1.GetAlertResponse) error {
	at := c.clockOf(m.Header)
	day, err := time.ParseInLocation(time.DateOnly, m.GetAlert().GetDay(), at.zone)
	if err != nil {
		return nil //nolint:nilerr // an alert without a day has no timeline
	}
	cited := map[uint64]bool{}
	for _, a := range m.GetLatest().GetAccesses() {
		cited[a.Position] = true
	}
	links, known := linker{v, why}, map[string]string{}
	for _, p := range m.GetLatest().GetPatients() {
		known[id(p.Identifier)] = p.Display
	}
	together, ctx := errgroup.WithContext(v.r.Context())
	if readers := m.GetLatest().GetReaders(); len(readers) == 1 {
		together.Go(func() (err error) {
			page.Day, err = c.readersDay(ctx, links, at, id(readers[0].Identifier), day, drawing{cited, known})
			return err
		})
	}
	if records := m.GetLatest().GetPatients(); len(records) == 1 {
		together.Go(func() (err error) {
			page.Around, err = c.recordsDays(ctx, links, at, id(records[0].Identifier), day, drawing{cited, known})
			return err
		})
	}
	return together.Wait() //nolint:wrapcheck // for people as it is
}

// readersDay draws what a reader did on a day, a line a record.
func (c *Console) readersDay(ctx context.Context, links linker, at clock, reader string, day time.Time, as drawing) (*timeline, error) {
	t := newTimeline(at, day, day.AddDate(0, 0, 1))
	res, err := c.cfg.Questions.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{
		Reader: reader, Purpose: links.why.text, FromUs: t.from.UnixMicro(), UntilUs: t.until.UnixMicro(), Page: &v1.Page{Size: drawn},
	}))
	if err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	for _, a := range res.Msg.Accesses {
		who := person{Name: "no record"}
		if len(a.Patients) > 0 {
			who = links.patient(a.Patients[0])
			for _, i := range a.Patients[0].Identifiers {
				if name := as.known[id(i)]; name != "" {
					who.Name = name
				}
			}
		}
		t.add(who, "", a, as.cited[a.Position])
	}
	return t.draw(res.Msg.NextPageToken != ""), nil
}

// recordsDays draws who opened a record in the days around one, a line a reader.
func (c *Console) recordsDays(ctx context.Context, links linker, at clock, record string, day time.Time, as drawing) (*timeline, error) {
	t := newTimeline(at, day.AddDate(0, 0, -daysAround), day.AddDate(0, 0, daysAround+1))
	res, err := c.cfg.Questions.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{
		Patient: record, Purpose: links.why.text, FromUs: t.from.UnixMicro(), UntilUs: t.until.UnixMicro(), Page: &v1.Page{Size: drawn},
	}))
	if err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	for _, a := range res.Msg.Accesses {
		t.add(links.reader(a.Reader), joined(roleText(a.Reader), a.GetReader().GetDepartment()), a, as.cited[a.Position])
	}
	return t.draw(res.Msg.NextPageToken != ""), nil
}
