package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What a case is, is folded from its steps when a question is asked: the tables hold the steps as the journal does, and nothing that could
// disagree with them.

// Numbers of the steps whose texts a list does not read: the fields of CaseEntry.
const (
	stepNoted    = 13
	stepAsked    = 14
	stepAnswered = 15
)

// caseSteps reads the steps of one case.
func (p *pin) caseSteps(ctx context.Context, id string) (steps []cases.Step, err error) {
	err = p.query(ctx, "case_steps", store.Params{"id": id}, func(row store.Row) error {
		var position uint64
		var body string
		if err := row.Scan(&position, &body); err != nil {
			return err
		}
		step, err := caseStep(position, body)
		steps = append(steps, step)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read steps of a case: %w", err)
	}
	return steps, nil
}

func caseStep(position uint64, body string) (cases.Step, error) {
	e := &v1.CaseEntry{}
	if err := e.UnmarshalVT([]byte(body)); err != nil {
		return cases.Step{}, fmt.Errorf("read step: %w: %w", err, proto.ErrCorrupt)
	}
	return cases.Step{Position: proto.Position(position), Entry: e}, nil
}

// readCases folds every case, without the texts of notes, questions and answers, and counts their steps.
func (p *pin) readCases(ctx context.Context) (out []*cases.State, steps int, err error) {
	last := ""
	err = p.query(ctx, "cases_all", store.Params{}, func(row store.Row) error {
		var id, asker, body string
		var position uint64
		var version, question uint32
		var step uint8
		var at int64
		if err := row.Scan(&id, &position, &version, &step, &question, &asker, &at, &body); err != nil {
			return err
		}
		steps++
		one := cases.Step{Position: proto.Position(position), Entry: &v1.CaseEntry{Version: version, Asker: asker, AtUs: at}}
		switch step {
		case stepNoted:
			one.Entry.Body = &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{}}
		case stepAsked:
			one.Entry.Body = &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: question}}
		case stepAnswered:
			one.Entry.Body = &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: question}}
		default:
			var err error
			if one, err = caseStep(position, body); err != nil {
				return err
			}
		}
		if id != last {
			last = id
			out = append(out, &cases.State{})
		}
		out[len(out)-1].Apply(one)
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read cases: %w", err)
	}
	return slices.DeleteFunc(out, func(s *cases.State) bool { return !s.Exists() }), steps, nil
}

// casesOfAsker are the cases about the asker, by id: those that ever held an alert about them.
func (p *pin) casesOfAsker(ctx context.Context, own []uint64) (map[string]bool, error) {
	out := map[string]bool{}
	if len(own) == 0 {
		return out, nil
	}
	err := p.queryWhole(ctx, "cases_of_asker", store.Params{"own": own}, func(row store.Row) error {
		var id string
		err := row.Scan(&id)
		out[id] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find cases about the asker: %w", err)
	}
	return out, nil
}

// alertsAt reads some alerts at their latest versions, in the order of the ids. Those that are not there are left out.
func (p *pin) alertsAt(ctx context.Context, ids []proto.EventID, sequence uint64) (rows []*v1.AlertRow, versions map[string]*v1.AlertVersion, err error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	var days []int32
	err = p.query(ctx, "case_alerts", store.Params{"ids": texts, "sequence": sequence}, func(r store.Row) error {
		row := &v1.AlertRow{}
		var day int32
		var disposition uint8
		err := r.Scan(&row.AlertId, &day, &row.Version, &disposition, &row.DecidedBy, &row.DecidedUs, &row.DecidedVersion)
		row.Disposition = v1.Disposition(disposition)
		rows = append(rows, row)
		if !slices.Contains(days, day) {
			days = append(days, day)
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read alerts of a case: %w", err)
	}
	slices.SortFunc(rows, func(a, b *v1.AlertRow) int { return slices.Index(texts, a.AlertId) - slices.Index(texts, b.AlertId) })
	versions, err = p.fillVersions(ctx, rows, days)
	return rows, versions, err
}

// caseRow tells a case as it stands; moments are over or not at now.
func caseRow(s *cases.State, zone *time.Location, now time.Time) *v1.CaseRow {
	row := &v1.CaseRow{
		CaseId: s.ID.String(), Version: s.Version, Status: v1.CaseStatus_CASE_STATUS_OPEN, Title: s.Title, Reference: s.Reference,
		Assignee: s.Assignee, OpenedBy: s.OpenedBy, OpenedUs: s.OpenedUs, ClosedUs: s.ClosedUs, ChangedUs: s.ChangedUs,
		DiscoveredUs: s.DiscoveredUs, Laws: s.Laws, Alerts: uint32(len(s.Alerts)), Questions: uint32(len(s.Questions)), Unanswered: s.Unanswered(),
		Assessments: s.Assessments, Conclusion: s.Assessment.GetConclusion(), ByLaw: s.Assessment.GetByLaw(), Outcome: s.Outcome.GetOutcome(), Held: s.Held,
	}
	if !s.Open() {
		row.Status = v1.CaseStatus_CASE_STATUS_CLOSED
	}
	for _, n := range s.Notices(zone) {
		row.Notices++
		if n.Sent() {
			continue
		}
		row.Unsent++
		if n.Overdue(now) {
			row.Overdue++
		}
		if row.DueUs == 0 { // they come by when they are due
			row.DueUs, row.DueDay = n.Due.UnixMicro(), n.LastDay
			if d, ok := n.Waits(now); ok {
				row.DelayedUntilUs, row.DelayedDay = d.Until.UnixMicro(), d.Until.Format(time.DateOnly)
			}
		}
	}
	return row
}

// noticeRow tells a notice.
func noticeRow(n cases.Notice, now time.Time) *v1.NoticeRow {
	row := &v1.NoticeRow{
		Rule: n.Rule, To: n.To, DueUs: n.Due.UnixMicro(), DueDay: n.LastDay, SentUs: n.Told.GetSentUs(), Overdue: n.Overdue(now), Late: n.Late(),
		Presumed: n.Presumed, Because: n.Because, People: n.Told.GetPeople(), Contents: n.Told.GetContents(), Text: n.Told.GetText(),
		Asker: n.Asker, AtUs: n.AtUs, SentInDelay: n.SentInDelay(),
	}
	if d, ok := n.Waits(now); ok {
		row.DelayedUntilUs, row.DelayedDay, row.DelayedBy, row.DelayedFor, row.DelayedStep =
			d.Until.UnixMicro(), d.Until.Format(time.DateOnly), d.Statement, d.Ground, d.Step
	}
	return row
}

// standOnCases pins an answer about cases. Steps and decisions that the journal has acknowledged are in it.
func (s *Service) standOnCases(ctx context.Context, asOf int64, token keyset) (p *pin, sequence uint64, err error) {
	p, err = s.pin(ctx, asOf, PageToken{Version: token.version, Position: token.position})
	if err == nil && token.position == 0 && !p.past {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_CASE, v1.Kind_KIND_ALERT_DECISION)
	}
	if err != nil {
		return nil, 0, err
	}
	if token.sequence != 0 {
		return p, token.sequence, nil
	}
	sequence, err = p.streamRead(ctx, projections.ProjectorAlerts)
	return p, sequence, err
}

// momentOf is when an answer's deadlines are looked at: now, or the time that it is as of.
func (s *Service) momentOf(asOf int64) time.Time {
	if asOf != 0 {
		return time.UnixMicro(asOf)
	}
	return s.cfg.Now()
}
