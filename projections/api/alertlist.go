package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	// defaultDays is how many days a list looks back when none are named.
	defaultDays = 30
	// maxDays bounds the days of one list: ten years.
	maxDays = 3660
	// maxAbout bounds the alerts about one reader or record that a list looks through.
	maxAbout = 10_000
	// peopleShown is how many readers and records of an alert a list names.
	peopleShown = 20
)

var (
	_ readtrailv1connect.AlertServiceHandler = (*Service)(nil)

	errKeyset = errors.New("page.token: not a page token of this question")
)

// AlertHandler returns the path prefix and the handler of readtrail.v1.AlertService. The listener puts the caller into the context.
func (s *Service) AlertHandler(options ...connect.HandlerOption) (string, http.Handler) {
	return readtrailv1connect.NewAlertServiceHandler(s, s.handling(options)...)
}

// daysAsk is what questions over days have in common, checked.
type daysAsk struct {
	*asking
	from, to        int32
	reader, patient Subject
	asOf            int64
	size            int
	hash            [8]byte
	token           keyset
}

// daysFields are the fields of such a request.
type daysFields struct {
	from, to, reader, patient, purpose, questionID string
	asOf                                           int64
	page                                           *v1.Page
	// others tell this question from others.
	others []string
	// pseudonymous allows no purpose, as long as nobody is asked for.
	pseudonymous bool
}

func (s *Service) checkDays(c proto.Caller, query string, f daysFields) (*daysAsk, error) {
	a := &daysAsk{asOf: f.asOf}
	var err error
	if a.from, a.to, err = checkDays(f.from, f.to); err != nil {
		return nil, err
	}
	if err = checkPeriod(s.cfg.Now(), period{}, f.asOf); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		field, text string
		into        *Subject
	}{{"reader", f.reader, &a.reader}, {"patient", f.patient, &a.patient}} {
		if one.text == "" {
			continue
		}
		if *one.into, err = checkSubject(one.field, one.text); err != nil {
			return nil, err
		}
	}
	if a.size, err = pageSize(f.page); err != nil {
		return nil, err
	}
	parts := append([]string{query, f.from, f.to, a.reader.String(), a.patient.String(), strconv.FormatInt(f.asOf, 10)}, f.others...)
	a.hash = questionHash(parts...)
	if a.token, err = parseKeyset(f.page.GetToken(), a.hash); err != nil {
		return nil, err
	}
	if f.pseudonymous && f.purpose == "" {
		if f.reader != "" || f.patient != "" {
			return nil, invalid("purpose", "say why you ask about somebody")
		}
		return a, nil
	}
	if !c.MayAsk() {
		return nil, errNoNames()
	}
	a.asking, err = s.begin(c, query, string(a.hash[:]), f.purpose, f.questionID)
	return a, err
}

// errNoNames refuses a viewer who states a purpose: there is none for which a viewer reads names.
func errNoNames() error {
	return connect.NewError(connect.CodePermissionDenied, errors.New("this role may not ask who they are: leave the purpose empty"))
}

// checkDays reads a range of local days; both are 0 where none was named.
func checkDays(from, to string) (first, last int32, err error) {
	parse := func(field, text string) (int32, error) {
		if text == "" {
			return 0, nil
		}
		at, err := time.Parse(time.DateOnly, text)
		if day := at.Unix() / 86_400; err == nil && day > 0 && day <= math.MaxUint16 {
			return int32(day), nil
		}
		return 0, invalid(field, "a day such as 2026-03-02")
	}
	if first, err = parse("from", from); err != nil {
		return 0, 0, err
	}
	if last, err = parse("to", to); err != nil {
		return 0, 0, err
	}
	switch {
	case first != 0 && last != 0 && first > last:
		return 0, 0, invalid("to", "must not be before from")
	case first != 0 && last != 0 && last-first >= maxDays:
		return 0, 0, invalid("to", "at most ten years after from")
	}
	return first, last, nil
}

// settle fills in the days that were not named, from the latest that has anything.
func (a *daysAsk) settle(latest int32) {
	switch {
	case a.token.position != 0:
		a.from, a.to = a.token.from, a.token.to
		return
	case a.from != 0 && a.to == 0:
		a.to = min(max(latest, a.from), a.from+maxDays-1)
	case a.to == 0:
		a.to = max(latest, 1)
	}
	if a.from == 0 {
		a.from = max(a.to-defaultDays+1, 1)
	}
}

func (a *daysAsk) first() bool { return a.token.position == 0 }

// ListAlerts answers what a human should look at.
func (s *Service) ListAlerts(ctx context.Context, req *connect.Request[v1.ListAlertsRequest]) (*connect.Response[v1.ListAlertsResponse], error) {
	return answer(ctx, s, queryListAlerts, anyRole, func(ctx context.Context, c proto.Caller) (*v1.ListAlertsResponse, error) {
		return s.listAlerts(ctx, c, req.Msg)
	})
}

// checkAlerts checks what is a list's own.
func (s *Service) checkAlerts(c proto.Caller, m *v1.ListAlertsRequest) (*daysAsk, error) {
	others := []string{m.Scenario, m.Detector, m.Queue, strconv.Itoa(int(m.Scope)), strconv.Itoa(int(m.Chance))}
	for _, x := range []struct{ field, value string }{{"scenario", m.Scenario}, {"detector", m.Detector}, {"queue", m.Queue}} {
		if err := checkCondition(x.field, x.value); err != nil {
			return nil, err
		}
	}
	switch {
	case v1.AlertScope_name[int32(m.Scope)] == "":
		return nil, invalid("scope", "unknown")
	case m.Chance > 1000:
		return nil, invalid("chance", "per mille: 0 to 1000")
	case len(m.Dispositions) > len(v1.Disposition_name) || len(m.States) > len(v1.AlertState_name):
		return nil, invalid("dispositions", "each at most once")
	}
	for _, d := range m.Dispositions {
		if v1.Disposition_name[int32(d)] == "" {
			return nil, invalid("dispositions", "unknown")
		}
		others = append(others, "d"+strconv.Itoa(int(d)))
	}
	for _, x := range m.States {
		if v1.AlertState_name[int32(x)] == "" {
			return nil, invalid("states", "unknown")
		}
		others = append(others, "s"+strconv.Itoa(int(x)))
	}
	return s.checkDays(c, queryListAlerts, daysFields{
		from: m.From, to: m.To, reader: m.Reader, patient: m.Patient, purpose: m.Purpose, questionID: m.QuestionId, asOf: m.AsOfUs, page: m.Page,
		others: others, pseudonymous: true,
	})
}

func (s *Service) listAlerts(ctx context.Context, c proto.Caller, m *v1.ListAlertsRequest) (*v1.ListAlertsResponse, error) {
	a, err := s.checkAlerts(c, m)
	if err != nil {
		return nil, err
	}
	p, sequence, around, err := s.standOnDays(ctx, a, projections.ProjectorAlerts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	own, err := s.own(ctx, p, around)
	if err != nil {
		return nil, err
	}
	if a.first() {
		if err := s.checkNames(ctx, p, m, sequence, own); err != nil {
			return nil, err
		}
	}
	latest, err := p.lastAlertDay(ctx, sequence, own)
	if err != nil {
		return nil, err
	}
	if latest < 0 {
		latest = dayOf(p.received, s.engine.detecting.site)
	}
	a.settle(latest)
	about, err := p.about(ctx, a, sequence, around)
	if err != nil {
		return nil, err
	}
	about.own = own
	res := &v1.ListAlertsResponse{From: dayText(a.from), To: dayText(a.to)}
	together, running := errgroup.WithContext(ctx)
	params := about.params(a, sequence)
	params["scenario"], params["detector"], params["queue"], params["chance"] = m.Scenario, m.Detector, m.Queue, m.Chance
	if a.first() {
		totals := maps.Clone(params)
		together.Go(func() (err error) { res.Totals, err = p.alertTotals(running, totals); return err })
	}
	together.Go(func() (err error) {
		res.Alerts, res.NextPageToken, err = p.alertPage(running, a, m, params, sequence)
		return err
	})
	var withheld uint64
	together.Go(func() (err error) {
		withheld, err = p.withheld(running, "alerts_withheld", a, sequence, about.own)
		return err
	})
	if err := together.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	if res.Header, err = around.alertHeader(s.cfg.TimeZone); err != nil {
		return nil, err
	}
	if about.bounded {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("More than %d alerts are about them: name fewer days.", maxAbout))
	}
	if a.asking == nil {
		return res, s.summariseWithout(ctx, c, queryListAlerts, res.Header, withheld)
	}
	q := a.question(about, res.Alerts)
	q.Withheld = withheld
	return res, s.journal(ctx, a.asking, res.Header, q)
}

// checkNames refuses names that no detector and no scenario has, or ever had in an alert.
func (s *Service) checkNames(ctx context.Context, p *pin, m *v1.ListAlertsRequest, sequence uint64, own []uint64) error {
	params := func(scenario, detector string) store.Params {
		return store.Params{"sequence": sequence, "own": own, "scenario": scenario, "detector": detector}
	}
	if err := p.named(ctx, "scenario", m.Scenario, s.cfg.Names.Scenarios, "alerts_named", params(m.Scenario, "")); err != nil {
		return err
	}
	return p.named(ctx, "detector", m.Detector, s.cfg.Names.Detectors, "alerts_named", params("", m.Detector))
}

// question is what the journal keeps of a list that names people.
func (a *daysAsk) question(about *aboutWhom, rows []*v1.AlertRow) *v1.Question {
	q := &v1.Question{Rows: uint64(len(rows)), Subjects: append(subjects(about.readers), subjects(about.patients)...)}
	if a.reader.Value != "" {
		q.Reader = a.reader.identifier()
	}
	if a.patient.Value != "" {
		q.Patient = a.patient.identifier()
	}
	for _, row := range rows {
		for _, p := range row.Patients {
			q.Subjects = append(q.Subjects, p.Identifier)
			q.Patients = append(q.Patients, record(p.Identifier)...)
		}
		for _, r := range row.Readers {
			q.Subjects = append(q.Subjects, r.Identifier)
		}
	}
	return q
}

// standOnDays pins a list by days. A decision that the journal has acknowledged is in its answer.
func (s *Service) standOnDays(ctx context.Context, a *daysAsk, projector string) (p *pin, sequence uint64, around *backdrop, err error) {
	p, err = s.pin(ctx, a.asOf, PageToken{Version: a.token.version, Position: a.token.position})
	if err == nil && a.first() && !p.past {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_ALERT_DECISION, v1.Kind_KIND_BACKFILL_RELEASED)
	}
	if err != nil {
		return nil, 0, nil, err
	}
	if sequence = a.token.sequence; a.first() {
		if sequence, err = p.streamRead(ctx, projector); err != nil {
			return nil, 0, nil, err
		}
	}
	return p, sequence, p.backdrop(ctx, period{}), nil
}

// withKinds waits until the tables hold the entries of some kinds, such as decisions, that the journal held when the question was asked,
// as long as that is bearable.
func (s *Service) withKinds(ctx context.Context, p *pin, kinds ...v1.Kind) (*pin, error) {
	for sequence := p.position.Sequence() + 1; sequence <= p.journal.Sequence(); sequence++ {
		b, err := s.cfg.ReadBatch(ctx, sequence)
		if err != nil {
			return nil, fmt.Errorf("read what is not projected yet: %w", err)
		}
		if !b.Has(kinds...) && sequence-p.position.Sequence() < maxHeard {
			continue
		}
		if err := s.catchUp(ctx, p); err != nil {
			return nil, err
		}
		head := p.journal
		if p, err = s.pin(ctx, 0, PageToken{}); err != nil {
			return nil, err
		}
		if p.position < head {
			p.behind = head.Sequence() - p.position.Sequence()
		}
		return p, nil
	}
	return p, nil
}

// aboutWhom are the reader and the record that a list is about, and the alerts that cite them; neither: all alerts.
type aboutWhom struct {
	readers, patients []ident
	some              bool
	ids               []string
	bounded           bool
	// own are the asker's own keys: what is about them is left out.
	own []uint64
}

func (w *aboutWhom) params(a *daysAsk, sequence uint64) store.Params {
	ids := w.ids
	if ids == nil {
		ids = []string{}
	}
	return store.Params{
		"from_day": dayText(a.from), "to_day": dayText(a.to), "sequence": sequence, "some": w.some, "ids": ids,
		"readers": keysOf(w.readers), "patients": keysOf(w.patients), "own": w.own,
	}
}

// about finds who is meant, under all of their identifiers, and the alerts that cite them.
func (p *pin) about(ctx context.Context, a *daysAsk, sequence uint64, around *backdrop) (*aboutWhom, error) {
	w, err := p.whom(ctx, a, around)
	if err != nil || !w.some {
		return w, err
	}
	params := store.Params{
		"from_day": dayText(a.from), "to_day": dayText(a.to), "sequence": sequence, "limit": uint32(maxAbout),
		"readers": keysOf(w.readers), "patients": keysOf(w.patients),
	}
	err = p.query(ctx, "alerts_about", params, func(row store.Row) error {
		var id string
		err := row.Scan(&id)
		w.ids = append(w.ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find alerts about somebody: %w", err)
	}
	w.bounded = len(w.ids) == maxAbout
	return w, nil
}

// whom follows the reader and the record that were named.
func (p *pin) whom(ctx context.Context, a *daysAsk, around *backdrop) (*aboutWhom, error) {
	w := &aboutWhom{}
	for _, one := range []struct {
		field   string
		subject Subject
		as      role
		into    *[]ident
	}{{"reader", a.reader, readerRole, &w.readers}, {"patient", a.patient, patientRole, &w.patients}} {
		if one.subject.Value == "" {
			continue
		}
		who, err := p.resolve(ctx, one.subject, one.as, around)
		if err != nil {
			return nil, err
		}
		if len(who.candidates) > 0 {
			return nil, invalid(one.field, `the value names more than one: write it as "system|value"`)
		}
		*one.into, w.some = who.idents(), true
	}
	return w, nil
}

func (p *pin) lastAlertDay(ctx context.Context, sequence uint64, own []uint64) (day int32, err error) {
	err = p.query(ctx, "alert_last_day", store.Params{"sequence": sequence, "own": own}, func(row store.Row) error { return row.Scan(&day) })
	if err != nil {
		return 0, fmt.Errorf("find the latest day: %w", err)
	}
	return day, nil
}

func (p *pin) alertTotals(ctx context.Context, params store.Params) (*v1.AlertTotals, error) {
	t := &v1.AlertTotals{}
	err := p.query(ctx, "alert_totals", params, func(row store.Row) error {
		return row.Scan(&t.Candidates, &t.Shown, &t.Sampled, &t.Retracted, &t.Waiting, &t.InReview, &t.Misuse, &t.Appropriate, &t.Inconclusive)
	})
	if err != nil {
		return nil, fmt.Errorf("count alerts: %w", err)
	}
	return t, nil
}

// numbers are enumerations as the statements take them.
func numbers[E ~int32](list []E, as func(E) E) []uint64 {
	out := make([]uint64, len(list))
	for i, e := range list {
		out[i] = uint64(as(e))
	}
	return out
}

func itself[E any](e E) E { return e }

// alertPage lists a page of alerts in full, and the token of the next one.
func (p *pin) alertPage(ctx context.Context, a *daysAsk, m *v1.ListAlertsRequest, params store.Params, sequence uint64) ([]*v1.AlertRow, string, error) {
	params["scope"], params["states"] = uint8(m.Scope), numbers(m.States, itself)
	params["dispositions"] = numbers(m.Dispositions, func(d v1.Disposition) v1.Disposition {
		if d == v1.Disposition_DISPOSITION_REOPENED {
			return v1.Disposition_DISPOSITION_UNSPECIFIED
		}
		return d
	})
	params["after_day"], params["after_rank"], params["after_id"] = int32(math.MinInt32), int64(0), ""
	if !a.first() {
		params["after_day"], params["after_rank"], params["after_id"] = -a.token.day, a.token.number, a.token.text
	}
	params["limit"] = uint32(a.size + 1)
	type place struct {
		day int32
		row *v1.AlertRow
	}
	var places []place
	err := p.query(ctx, "alerts_list", params, func(row store.Row) error {
		at := place{row: &v1.AlertRow{}}
		var disposition uint8
		err := row.Scan(&at.day, &at.row.AlertId, &at.row.Version, &disposition, &at.row.DecidedBy, &at.row.DecidedUs, &at.row.DecidedVersion)
		at.row.Disposition = v1.Disposition(disposition)
		places = append(places, at)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	more := len(places) > a.size
	places = places[:min(len(places), a.size)]
	rows, days := make([]*v1.AlertRow, len(places)), []int32{}
	for i, at := range places {
		rows[i] = at.row
		if !slices.Contains(days, at.day) {
			days = append(days, at.day)
		}
	}
	if err := p.fillRows(ctx, rows, days); err != nil || !more {
		return rows, "", err
	}
	last := places[len(places)-1]
	return rows, keyset{
		question: a.hash, version: p.version, position: p.position, sequence: sequence, from: a.from, to: a.to,
		day: last.day, number: int64(last.row.Rank), text: last.row.AlertId,
	}.String(), nil
}
