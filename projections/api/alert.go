package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// citedShown is how many accesses of an alert are shown in full: each may stand in a message of its own, which is read whole.
const citedShown = 200

// errNoAlert refuses an id that no alert has, or had at the time asked for.
var errNoAlert = errors.New("there is no such alert")

// GetAlert answers what one alert is about.
func (s *Service) GetAlert(ctx context.Context, req *connect.Request[v1.GetAlertRequest]) (*connect.Response[v1.GetAlertResponse], error) {
	return answer(ctx, s, queryGetAlert, anyRole, func(ctx context.Context, c proto.Caller) (*v1.GetAlertResponse, error) {
		return s.getAlert(ctx, c, req.Msg)
	})
}

func (s *Service) getAlert(ctx context.Context, c proto.Caller, m *v1.GetAlertRequest) (*v1.GetAlertResponse, error) {
	id, err := proto.ParseEventID(m.Alert)
	if err != nil {
		return nil, invalid("alert", "an id of 27 characters, as the list of alerts shows it")
	}
	if err := checkPeriod(s.cfg.Now(), period{}, m.AsOfUs); err != nil {
		return nil, err
	}
	a := &daysAsk{asOf: m.AsOfUs}
	p, sequence, around, err := s.standOnDays(ctx, a, projections.ProjectorAlerts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	res := &v1.GetAlertResponse{}
	// None of the three waits for another; what is refused, and in which order, does not depend on which is read first.
	var own []uint64
	var versions []*v1.AlertVersion
	var withheld, missing error
	together, running := errgroup.WithContext(ctx)
	together.Go(func() (err error) { res.Decisions, err = p.decisions(running, id.String()); return err })
	together.Go(func() error { own, withheld = s.own(running, p, around); return nil })
	together.Go(func() error { versions, missing = p.versionsOf(running, id.String(), sequence); return nil })
	if err := together.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	purpose := m.Purpose
	if purpose == "" && takenUp(res.Decisions, c) {
		purpose = "review of alert " + id.String()
	}
	var asked *asking
	switch {
	case c.MayAsk():
		asked, err = s.begin(c, queryGetAlert, id.String(), purpose, m.QuestionId)
	case purpose != "":
		err = errNoNames()
	}
	if err = cmp.Or(err, withheld); err != nil { // first: a refusal is the same whether there is such an alert or not
		return nil, err
	}
	if errors.Is(missing, errNoAlert) {
		return nil, s.keepNothing(ctx, &asking{caller: c, query: queryGetAlert, purpose: purpose}, p, false, missing)
	}
	if missing != nil {
		return nil, missing
	}
	if isAbout(versions, own) {
		return nil, s.keepBack(ctx, c, queryGetAlert, purpose, p.position, connect.NewError(connect.CodeNotFound, errNoAlert))
	}
	if err := s.fillAlert(ctx, p, res, versions); err != nil {
		return nil, err
	}
	if res.Header, err = around.alertHeader(s.cfg.TimeZone); err != nil {
		return nil, err
	}
	if n := len(res.Latest.Accesses) - len(res.Accesses); n > 0 {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("The first %d accesses are shown; %d more are cited.", len(res.Accesses), n))
	}
	if asked == nil {
		return res, s.summarise(ctx, c, queryGetAlert, res.Header)
	}
	return res, s.journal(ctx, asked, res.Header, alertQuestion(res))
}

// takenUp reports whether the asker has the alert in review: opening it is what they took it up for.
func takenUp(decisions []*v1.DecisionRow, c proto.Caller) bool {
	if len(decisions) == 0 {
		return false
	}
	last := decisions[len(decisions)-1]
	return last.Disposition == v1.Disposition_DISPOSITION_IN_REVIEW && last.Asker == c.Name
}

// alertQuestion is what the journal keeps of an opened alert: everybody whom it names.
func alertQuestion(res *v1.GetAlertResponse) *v1.Question {
	q := &v1.Question{Rows: uint64(1 + len(res.Accesses)), Subjects: shownPatients(res.Accesses)}
	for _, p := range res.Latest.Patients {
		q.Subjects = append(q.Subjects, p.Identifier)
		q.Patients = append(q.Patients, record(p.Identifier)...)
	}
	for _, r := range res.Latest.Readers {
		q.Subjects = append(q.Subjects, r.Identifier)
	}
	if len(res.Latest.Readers) == 1 {
		q.Reader = res.Latest.Readers[0].Identifier
	}
	if len(res.Latest.Patients) == 1 {
		q.Patient = res.Latest.Patients[0].Identifier
	}
	return q
}

// fillAlert adds the versions, the accesses and the release.
func (s *Service) fillAlert(ctx context.Context, p *pin, res *v1.GetAlertResponse, versions []*v1.AlertVersion) error {
	for _, v := range versions {
		res.Versions = append(res.Versions, &v1.AlertChange{
			Version: v.Version, State: v.State, AtUs: v.AtUs, Cause: v.Cause, Chance: v.Chance, Rank: v.Rank, Shown: v.Shown,
			Accesses: uint32(len(v.Accesses)), Because: v.Because,
		})
	}
	res.Latest = versions[len(versions)-1]
	res.Alert = &v1.AlertRow{}
	describeAlert(res.Alert, res.Latest)
	if n := len(res.Decisions); n > 0 {
		last := res.Decisions[n-1]
		res.Alert.Disposition, res.Alert.DecidedBy, res.Alert.DecidedUs, res.Alert.DecidedVersion = last.Disposition, last.Asker, last.DecidedUs, last.Version
		if last.Disposition == v1.Disposition_DISPOSITION_REOPENED {
			res.Alert.Disposition = v1.Disposition_DISPOSITION_UNSPECIFIED
		}
	}
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() (err error) {
		if res.Accesses, err = s.cited(ctx, p, res.Latest); err != nil {
			return err
		}
		return p.markVerdicts(ctx, res.Accesses)
	})
	if res.Latest.Backfill {
		together.Go(func() error { return p.release(ctx, versions[0].Cause, res) })
	}
	return together.Wait() //nolint:wrapcheck // says what failed
}

// decisions lists what people decided on an alert.
func (p *pin) decisions(ctx context.Context, id string) (out []*v1.DecisionRow, err error) {
	err = p.query(ctx, "alert_decisions", store.Params{"id": id}, func(row store.Row) error {
		d := &v1.DecisionRow{}
		var disposition uint8
		err := row.Scan(&d.Position, &d.Version, &disposition, &d.Comment, &d.Asker, &d.Role, &d.DecidedUs)
		d.Disposition = v1.Disposition(disposition)
		out = append(out, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return out, nil
}

// versionsOf lists the versions of an alert; there is at least one.
func (p *pin) versionsOf(ctx context.Context, id string, sequence uint64) (out []*v1.AlertVersion, err error) {
	err = p.query(ctx, "alert_versions", store.Params{"id": id, "sequence": sequence}, func(row store.Row) error {
		var body string
		if err := row.Scan(&body); err != nil {
			return err
		}
		v, err := alertVersion(body)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	if len(out) == 0 {
		return nil, connect.NewError(connect.CodeNotFound, errNoAlert)
	}
	return out, nil
}

// release says which import an alert of a backfill is of, and whether it may notify.
func (p *pin) release(ctx context.Context, cause uint64, res *v1.GetAlertResponse) error {
	err := p.query(ctx, "alert_release", store.Params{"cause": cause}, func(row store.Row) error {
		return row.Scan(&res.ImportId, &res.Released)
	})
	if err != nil {
		return fmt.Errorf("read release: %w", err)
	}
	return nil
}

// cited opens the accesses that an alert rests on, oldest first. They are read in the journal: an alert cites positions, and names
// its patients by identifiers that may not be those of the events.
func (s *Service) cited(ctx context.Context, p *pin, v *v1.AlertVersion) ([]*v1.Access, error) {
	places := slices.Clone(v.Accesses)
	slices.SortFunc(places, func(a, b *v1.CitedAccess) int {
		return cmp.Or(cmp.Compare(a.OccurredUs, b.OccurredUs), cmp.Compare(a.Position, b.Position))
	})
	places = slices.CompactFunc(places, func(a, b *v1.CitedAccess) bool { return a.Position == b.Position })
	out := make([]*v1.Access, 0, min(len(places), citedShown))
	imports := map[uint64][]*v1.Access{}
	batches := map[uint64]*proto.Batch{}
	for _, c := range places[:min(len(places), citedShown)] {
		position := proto.Position(c.Position)
		b := batches[position.Sequence()]
		if b == nil {
			if position.Sequence() == 0 || position > s.cfg.Head() {
				return nil, fmt.Errorf("read cited access: no such entry: %w", proto.ErrCorrupt)
			}
			var err error
			if b, err = s.cfg.ReadBatch(ctx, position.Sequence()); err != nil {
				return nil, fmt.Errorf("read cited access: %w", err)
			}
			batches[position.Sequence()] = b
		}
		if position.Index() >= b.Count() {
			return nil, fmt.Errorf("read cited access: no such entry: %w", proto.ErrCorrupt)
		}
		item, err := b.Item(position.Index())
		if err != nil {
			return nil, fmt.Errorf("read cited access: %w", err)
		}
		if item = eventOf(item); item.GetAccess() == nil {
			return nil, fmt.Errorf("read cited access: not an access: %w", proto.ErrCorrupt)
		}
		a := accessOf(position, b.Head.ReceivedUs, item)
		if key := projections.ImportKey(item.GetAccess().ImportId); key != 0 {
			imports[key] = append(imports[key], a)
		}
		out = append(out, a)
	}
	return out, p.markBackfill(ctx, imports)
}

// alertHeader is the header of answers about what detectors found: it says more of them than others do.
func (b *backdrop) alertHeader(zone *time.Location) (*v1.AnswerHeader, error) {
	h, err := b.header(zone, nil, "anything was found")
	if err != nil {
		return nil, err
	}
	h.Notes = append(b.judged.sentences(zone), h.Notes...)
	return h, nil
}

// sentences tell people how far detectors are.
func (j judged) sentences(zone *time.Location) (notes []string) {
	switch {
	case j.everDay:
		notes = append(notes, "Detectors have judged the days until "+dayText(j.day)+".")
	case j.historyDay > 0:
		notes = append(notes, "Detectors have judged what was imported, up to "+dayText(j.historyDay)+", and no day since.")
	case j.learningUntil > 0:
		notes = append(notes, "Detectors learn what is usual here until "+dayText(j.learningUntil)+
			", and judge no day before: until then only signs that are a matter of record make an alert.")
	case j.anyJudging:
		notes = append(notes, "Detectors have judged no whole day yet.")
	default:
		notes = append(notes, "Detectors have judged nothing yet: that there is no alert says nothing.")
	}
	for _, m := range j.missing {
		note := "Context is missing since " + clock(m.SinceUs, zone) + ": " + m.Context + "."
		if len(m.Blind) > 0 {
			note += " Without it abstain: " + joined(m.Blind) + "."
		}
		notes = append(notes, note)
	}
	return notes
}
