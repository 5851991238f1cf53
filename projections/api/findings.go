package api

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// SearchFindings answers what detectors said.
func (s *Service) SearchFindings(ctx context.Context, req *connect.Request[v1.SearchFindingsRequest]) (*connect.Response[v1.SearchFindingsResponse], error) {
	return answer(ctx, s, querySearchFindings, anyRole, func(ctx context.Context, c proto.Caller) (*v1.SearchFindingsResponse, error) {
		return s.searchFindings(ctx, c, req.Msg)
	})
}

func (s *Service) searchFindings(ctx context.Context, c proto.Caller, m *v1.SearchFindingsRequest) (*v1.SearchFindingsResponse, error) {
	if err := checkCondition("detector", m.Detector); err != nil {
		return nil, err
	}
	a, err := s.checkDays(c, querySearchFindings, daysFields{
		from: m.From, to: m.To, reader: m.Reader, patient: m.Patient, purpose: m.Purpose, questionID: m.QuestionId, asOf: m.AsOfUs, page: m.Page,
		others: []string{m.Detector, strconv.Itoa(int(m.Grade))}, pseudonymous: !c.MayAsk(),
	})
	if err != nil {
		return nil, err
	}
	p, sequence, around, err := s.standOnDays(ctx, a, projections.ProjectorFindings)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	if err := p.settleJudged(ctx, a); err != nil {
		return nil, err
	}
	about, err := p.whom(ctx, a, around)
	if err == nil {
		about.own, err = s.own(ctx, p, around)
	}
	if err != nil {
		return nil, err
	}
	if a.first() {
		params := store.Params{"sequence": sequence, "own": about.own, "detector": m.Detector}
		if err := p.named(ctx, "detector", m.Detector, s.cfg.Names.Detectors, "findings_named", params); err != nil {
			return nil, err
		}
	}
	res := &v1.SearchFindingsResponse{From: dayText(a.from), To: dayText(a.to)}
	if res.Findings, res.NextPageToken, err = p.findingPage(ctx, a, m, about, sequence); err != nil {
		return nil, err
	}
	withheld, err := p.withheld(ctx, "findings_withheld", a, sequence, about.own)
	if err != nil {
		return nil, err
	}
	if res.Header, err = around.alertHeader(s.cfg.TimeZone); err != nil {
		return nil, err
	}
	if a.asking == nil {
		return res, s.summariseWithout(ctx, c, querySearchFindings, res.Header, withheld)
	}
	q := a.question(about, nil)
	q.Withheld = withheld
	q.Rows = uint64(len(res.Findings))
	for _, row := range res.Findings {
		q.Patients = append(q.Patients, record(row.Finding.Patient)...)
		for _, id := range []*v1.Identifier{row.Finding.Reader, row.Finding.Patient} {
			if id != nil {
				q.Subjects = append(q.Subjects, id)
			}
		}
	}
	return res, s.journal(ctx, a.asking, res.Header, q)
}

// settleJudged fills in the days that were not named, from the latest that was judged.
func (p *pin) settleJudged(ctx context.Context, a *daysAsk) error {
	j, err := p.progress(ctx)
	if err != nil {
		return err
	}
	latest := max(j.day, j.historyDay)
	if latest == 0 || j.everDay { // signs of the open day are found before it is judged
		latest = max(latest, dayOf(max(j.at, p.received), p.engine.detecting.site))
	}
	a.settle(latest)
	return nil
}

// findingPage lists a page of findings, and the token of the next one.
func (p *pin) findingPage(ctx context.Context, a *daysAsk, m *v1.SearchFindingsRequest, about *aboutWhom, sequence uint64) ([]*v1.FindingRow, string, error) {
	params := store.Params{
		"from_day": dayText(a.from), "to_day": dayText(a.to), "sequence": sequence, "detector": m.Detector, "grade": m.Grade,
		"readers": keysOf(about.readers), "patients": keysOf(about.patients), "own": about.own, "limit": uint32(a.size + 1),
		"after_day": int32(math.MinInt32), "after_detector": "", "after_sequence": int64(0), "after_number": uint32(0),
	}
	if !a.first() {
		params["after_day"], params["after_detector"] = -a.token.day, a.token.text
		params["after_sequence"], params["after_number"] = -a.token.number, uint32(a.token.sub)
	}
	type place struct {
		day     int32
		message uint64
		number  uint32
	}
	var rows []*v1.FindingRow
	var places []place
	err := p.query(ctx, "findings_search", params, func(row store.Row) error {
		at, f := place{}, &v1.Finding{}
		r := &v1.FindingRow{Finding: f}
		var reader, patient ident
		var closed bool
		err := row.Scan(&at.day, &at.message, &at.number, &f.Detector, &f.Grade, &f.Words, &reader.system, &reader.value, &patient.system, &patient.value,
			&f.Positions, &f.More, &r.Cause, &r.AtUs, &closed, &r.Backfill, &r.RuleSet)
		if reader.value != "" {
			f.Reader = reader.proto()
		}
		if patient.value != "" {
			f.Patient = patient.proto()
		}
		r.Day, r.Standing = dayText(at.day), standingOf(closed)
		rows, places = append(rows, r), append(places, at)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("search findings: %w", err)
	}
	if len(rows) <= a.size {
		return rows, "", nil
	}
	last := places[a.size-1]
	return rows[:a.size], keyset{
		question: a.hash, version: p.version, position: p.position, sequence: sequence, from: a.from, to: a.to,
		day: last.day, number: int64(last.message), sub: int64(last.number), text: rows[a.size-1].Finding.Detector,
	}.String(), nil
}

// ScoreDetectors answers how each detector did.
func (s *Service) ScoreDetectors(ctx context.Context, req *connect.Request[v1.ScoreDetectorsRequest]) (*connect.Response[v1.ScoreDetectorsResponse], error) {
	return answer(ctx, s, queryScoreDetectors, anyRole, func(ctx context.Context, c proto.Caller) (*v1.ScoreDetectorsResponse, error) {
		return s.scoreDetectors(ctx, c, req.Msg)
	})
}

func (s *Service) scoreDetectors(ctx context.Context, c proto.Caller, m *v1.ScoreDetectorsRequest) (*v1.ScoreDetectorsResponse, error) {
	a := &daysAsk{}
	var err error
	if a.from, a.to, err = checkDays(m.From, m.To); err != nil {
		return nil, err
	}
	p, _, around, err := s.standOnDays(ctx, a, projections.ProjectorFindings)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	if err := p.settleJudged(ctx, a); err != nil {
		return nil, err
	}
	res := &v1.ScoreDetectorsResponse{From: dayText(a.from), To: dayText(a.to)}
	own, err := s.own(ctx, p, around)
	if err != nil {
		return nil, err
	}
	days := func() store.Params { return store.Params{"from_day": res.From, "to_day": res.To} }
	scored := days()
	scored["own"] = own
	together, running := errgroup.WithContext(ctx)
	together.Go(func() error {
		return p.query(running, "verdicts_of_days", days(), func(row store.Row) error { return row.Scan(&res.Judged) })
	})
	together.Go(func() error {
		return p.query(running, "detector_scores", scored, func(row store.Row) error {
			d := &v1.DetectorScore{}
			res.Detectors = append(res.Detectors, d)
			return row.Scan(&d.Detector, &d.Findings, &d.Accesses, &d.Explained, &d.Unexplained, &d.NotAssessable, &d.Alerts, &d.Misuse, &d.Appropriate, &d.Inconclusive)
		})
	})
	if err := together.Wait(); err != nil {
		return nil, fmt.Errorf("score detectors: %w", err)
	}
	if res.Header, err = around.alertHeader(s.cfg.TimeZone); err != nil {
		return nil, err
	}
	return res, s.summarise(ctx, c, queryScoreDetectors, res.Header)
}
