package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/readtrail/readtrail/dashboards/words"
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
	// Again: it was taken back, and is told again because of that.
	Again bool
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
	Cases                       *alertCases
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
	together, ctx := errgroup.WithContext(v.r.Context())
	together.Go(func() error { return c.fillTimelines(ctx, v, &page, why, res.Msg) })
	together.Go(func() (err error) { page.Cases, err = c.casesForAlert(ctx, v, why, x.ask.Subject); return err })
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	return v.render(http.StatusOK, "alert", page)
}

func (c *Console) alertPage(v *visit, x view, why purpose, m *v1.GetAlertResponse) alertPage {
	at, links, row, latest := c.clockOf(m.Header), linker{v, why}, m.Alert, m.Latest
	line := v.alertLine(queueAsk{}, why, at, row)
	line.Note = true
	page := alertPage{
		Handle: x.handle, Purpose: why.text, Line: line, Severity: line.Severity, Because: latest.GetBecause(), Again: row.GetState() != v1.AlertState_ALERT_STATE_RETRACTED, More: uint64(latest.GetNote().GetMore()),
		Parts: noteParts(latest.GetNote()), Backfill: row.GetBackfill(), Released: m.Released, Import: m.ImportId, MayJudge: mayJudge(v.session.caller),
		Said: v.told(), Basis: c.basisOf(m.Header),
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
		page.Versions = append(page.Versions, versionRow{n.Version, at.at(n.AtUs), words.Change(n), words.Chance(n.Chance), n.Because, n.Rank, uint64(n.Accesses)})
	}
	for _, d := range m.Decisions {
		kind := standOf(at, &v1.AlertRow{Disposition: d.Disposition}).Kind
		page.Decided = append(page.Decided, decisionRow{at.at(d.DecidedUs), d.Asker, words.Code(d.Role), words.Disposition(d.Disposition), d.Comment, d.Version, kind})
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

// drawing is what timelines know of the alert: the accesses that it cites, and who its only reader and its only record are, under every
// identifier that the answers followed them to: events name the same person in several ways.
type drawing struct {
	cited                       map[uint64]bool
	reader, record              *named
	readersOwn, recordsOwn      map[string]bool
	whatReaderDid, whoSawRecord timelineAnswer
}

// timelineAnswer is what a timeline is drawn from.
type timelineAnswer struct {
	accesses []*v1.Access
	bounded  bool
}

// fillTimelines draws the reader's day and the days around it in the record, where the alert is about one of them. Each is a question
// of its own.
func (c *Console) fillTimelines(ctx context.Context, v *visit, page *alertPage, why purpose, m *v1.GetAlertResponse) error {
	at := c.clockOf(m.Header)
	day, have := drawnDay(m, at.zone)
	if !have {
		return nil // an alert without a day has no timeline
	}
	d := drawing{cited: map[uint64]bool{}, readersOwn: map[string]bool{}, recordsOwn: map[string]bool{}}
	for _, a := range m.GetLatest().GetAccesses() {
		d.cited[a.Position] = true
	}
	readers, records := newTimeline(at, day, day.AddDate(0, 0, 1)), newTimeline(at, day.AddDate(0, 0, -daysAround), day.AddDate(0, 0, daysAround+1))
	together, ctx := errgroup.WithContext(ctx)
	if who := m.GetLatest().GetReaders(); len(who) == 1 {
		d.reader = &page.Readers[0]
		together.Go(func() error { return c.askReadersDay(ctx, &d, readers, id(who[0].Identifier), why.text) })
	}
	if whose := m.GetLatest().GetPatients(); len(whose) == 1 {
		d.record = &page.Records[0]
		together.Go(func() error { return c.askRecordsDays(ctx, &d, records, id(whose[0].Identifier), why.text) })
	}
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	page.Day, page.Around = d.drawDay(linker{v, why}, readers), d.drawAround(linker{v, why}, records)
	return nil
}

// drawnDay is the day that timelines are about: the alert's own, of a series the latest one that it tells of.
func drawnDay(m *v1.GetAlertResponse, zone *time.Location) (day time.Time, have bool) {
	cited := m.GetLatest().GetAccesses()
	if m.GetLatest().GetShape() != v1.Shape_SHAPE_SERIAL || len(cited) == 0 {
		day, err := time.ParseInLocation(time.DateOnly, m.GetAlert().GetDay(), zone)
		return day, err == nil
	}
	last := slices.MaxFunc(cited, func(a, b *v1.CitedAccess) int { return cmp.Compare(a.OccurredUs, b.OccurredUs) })
	y, month, d := time.UnixMicro(last.OccurredUs).In(zone).Date()
	return time.Date(y, month, d, 0, 0, 0, 0, zone), true
}

// drawnOf names what a timeline shows of an answer: of the accesses when, what and with whom. The rest, which is most of the work, is not
// asked for.
func drawnOf(whom string) *fieldmaskpb.FieldMask {
	return &fieldmaskpb.FieldMask{Paths: []string{
		"identifiers", "accesses.position", "accesses.occurred_us", "accesses.action", "accesses.action_code", "accesses.verdict", "accesses." + whom,
	}}
}

func (c *Console) askReadersDay(ctx context.Context, d *drawing, t *timeline, reader, why string) error {
	res, err := c.cfg.Questions.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{
		Reader: reader, Purpose: why, FromUs: t.from.UnixMicro(), UntilUs: t.until.UnixMicro(), Page: &v1.Page{Size: drawn},
		ReadMask: drawnOf("patients"),
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	for _, f := range res.Msg.Identifiers {
		d.readersOwn[id(f.Identifier)] = true
	}
	d.readersOwn[reader] = true
	d.whatReaderDid = timelineAnswer{res.Msg.Accesses, res.Msg.NextPageToken != ""}
	return nil
}

func (c *Console) askRecordsDays(ctx context.Context, d *drawing, t *timeline, record, why string) error {
	res, err := c.cfg.Questions.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{
		Patient: record, Purpose: why, FromUs: t.from.UnixMicro(), UntilUs: t.until.UnixMicro(), Page: &v1.Page{Size: drawn},
		ReadMask: drawnOf("reader"),
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	for _, f := range res.Msg.Identifiers {
		d.recordsOwn[id(f.Identifier)] = true
	}
	d.recordsOwn[record] = true
	d.whoSawRecord = timelineAnswer{res.Msg.Accesses, res.Msg.NextPageToken != ""}
	return nil
}

// drawDay draws what the reader did on the day, a line a record.
func (d *drawing) drawDay(links linker, t *timeline) *timeline {
	for _, a := range d.whatReaderDid.accesses {
		who := person{Name: "no record"}
		if len(a.Patients) > 0 {
			who = links.patient(a.Patients[0])
			if d.record != nil && anyOf(d.recordsOwn, a.Patients[0].Identifiers) {
				who = d.record.person
			}
		}
		t.add(who, "", a, d.cited[a.Position])
	}
	return t.draw(d.whatReaderDid.bounded)
}

// drawAround draws who opened the record in the days around, a line a reader.
func (d *drawing) drawAround(links linker, t *timeline) *timeline {
	for _, a := range d.whoSawRecord.accesses {
		who, detail := links.reader(a.Reader), joined(roleText(a.Reader), a.GetReader().GetDepartment())
		if d.reader != nil && anyOf(d.readersOwn, a.GetReader().GetIdentifiers()) {
			who, detail = d.reader.person, d.reader.Detail
		}
		t.add(who, detail, a, d.cited[a.Position])
	}
	return t.draw(d.whoSawRecord.bounded)
}

func anyOf(own map[string]bool, ids []*v1.Identifier) bool {
	return slices.ContainsFunc(ids, func(i *v1.Identifier) bool { return own[id(i)] })
}
