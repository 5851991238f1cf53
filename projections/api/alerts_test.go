package api_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// newService is a further service over a world.
func newService(t testing.TB, cfg api.Config) *api.Service {
	t.Helper()
	return serve(t, cfg)
}

func noted(h *v1.AnswerHeader, text string) bool {
	return slices.ContainsFunc(h.Notes, func(n string) bool { return strings.Contains(n, text) })
}

// decide puts random decisions on alerts into the journal.
func (h *hospital) decide(n int) (decisions []*v1.AlertDecision) {
	versions := h.alerts.Messages()
	for range n {
		v := versions[h.random.IntN(len(versions))]
		d := &v1.AlertDecision{
			AlertId: v.AlertId, Version: v.Version, Disposition: v1.Disposition(1 + h.random.IntN(5)), Comment: "seen", Asker: "os:ada",
			Role: proto.RolePrivacyOfficer, DecidedUs: h.clock().UnixMicro(),
		}
		h.append(&v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: d}})
		decisions = append(decisions, d)
	}
	return decisions
}

// state is the reference's view of one alert.
type state struct {
	latest      *v1.AlertVersion
	everShown   bool
	disposition v1.Disposition
}

func states(h *hospital, decisions []*v1.AlertDecision) map[string]*state {
	all := map[string]*state{}
	for _, v := range h.alerts.Messages() {
		key := projections.IDText(v.AlertId)
		s := all[key]
		if s == nil {
			s = &state{}
			all[key] = s
		}
		if s.latest == nil || v.Version > s.latest.Version {
			s.latest = v
		}
		s.everShown = s.everShown || v.Shown
	}
	for _, d := range decisions {
		if s := all[projections.IDText(d.AlertId)]; s != nil {
			if s.disposition = d.Disposition; d.Disposition == v1.Disposition_DISPOSITION_REOPENED {
				s.disposition = 0
			}
		}
	}
	return all
}

// wanted says which alerts a request is about, and what the totals say, written a second time.
func wanted(all map[string]*state, m *v1.ListAlertsRequest) (ids []string, t *v1.AlertTotals) {
	t = &v1.AlertTotals{}
	from, to := m.From, m.To
	for id, s := range all {
		v := s.latest
		day := dayText(v.Day)
		about := func(value string, has func(string) bool) bool { return value == "" || has(value) }
		if day < from || day > to || m.Scenario != "" && v.Scenario != m.Scenario || m.Queue != "" && v.Queue != m.Queue || v.Chance < m.Chance ||
			m.Detector != "" && !slices.ContainsFunc(v.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == m.Detector }) ||
			!about(m.Reader, func(x string) bool {
				return slices.ContainsFunc(v.Readers, func(r *v1.AlertReader) bool { return "urn:staff|"+r.Identifier.Value == x })
			}) || !about(m.Patient, func(x string) bool {
			return slices.ContainsFunc(v.Patients, func(r *v1.AlertPatient) bool { return "urn:mrn|"+r.Identifier.Value == x })
		}) {
			continue
		}
		retracted := v.State == v1.AlertState_ALERT_STATE_RETRACTED
		t.Candidates++
		for _, c := range []struct {
			n  *uint64
			is bool
		}{{&t.Shown, s.everShown}, {&t.Sampled, v.Sampled}, {&t.Retracted, retracted}} {
			if c.is {
				*c.n++
			}
		}
		if (s.everShown || v.Sampled) && !retracted {
			*[]*uint64{&t.Waiting, &t.InReview, &t.Misuse, &t.Appropriate, &t.Inconclusive}[s.disposition]++
		}
		in := m.Scope == v1.AlertScope_ALERT_SCOPE_ALL || m.Scope == v1.AlertScope_ALERT_SCOPE_SAMPLED && v.Sampled ||
			m.Scope == v1.AlertScope_ALERT_SCOPE_UNSPECIFIED && s.everShown
		if in && (len(m.States) == 0 || slices.Contains(m.States, v.State)) && (len(m.Dispositions) == 0 || slices.Contains(m.Dispositions, s.disposition)) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		x, y := all[a].latest, all[b].latest
		return cmp.Or(cmp.Compare(y.Day, x.Day), cmp.Compare(x.Rank, y.Rank), cmp.Compare(a, b))
	})
	return ids, t
}

func dayText(day int32) string {
	return begin.AddDate(0, 0, int(day-detectiontest.Day(begin))).Format("2006-01-02")
}

// TestListAlerts compares random lists, page by page, with the fold of the streams and the decisions.
func TestListAlerts(t *testing.T) {
	h := newHospital(t, 7, 60)
	h.detect(40)
	decisions := h.decide(30)
	h.settle()
	all := states(h, decisions)
	some := 0
	for i := range 60 {
		m := &v1.ListAlertsRequest{
			From: "2025-12-01", To: "2027-12-01", Purpose: "review", Page: &v1.Page{Size: 3}, Scope: v1.AlertScope(h.random.IntN(3)),
			Scenario: oneOf(h, "", "", "family"), Detector: oneOf(h, "", "", "NoRelation"), Queue: oneOf(h, "", "", "North"),
			Chance: uint32(oneOf(h, 0, 0, 500)), Reader: oneOf(h, "", "", "urn:staff|u1"), Patient: oneOf(h, "", "", "urn:mrn|3"),
			States:       oneOf(h, nil, nil, []v1.AlertState{v1.AlertState_ALERT_STATE_RETRACTED, v1.AlertState_ALERT_STATE_UPDATED}),
			Dispositions: oneOf(h, nil, nil, []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}, []v1.Disposition{v1.Disposition_DISPOSITION_MISUSE}),
		}
		if i%2 == 0 {
			m.From = oneOf(h, "2026-02-12", "2026-02-20")
		}
		want, totals := wanted(all, m)
		var got []string
		for first := true; ; first = false {
			res, err := h.service.ListAlerts(h.ctx(), connect.NewRequest(m))
			if err != nil {
				t.Fatal(err)
			}
			if first {
				if diff := gocmp.Diff(totals, res.Msg.Totals, protocmp.Transform()); diff != "" {
					t.Errorf("totals of %v: %s", m, diff)
				}
			}
			for _, row := range res.Msg.Alerts {
				got = append(got, row.AlertId)
				checkRow(t, row, all[row.AlertId])
			}
			if m.Page.Token = res.Msg.NextPageToken; m.Page.Token == "" {
				break
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%v: %s", m, diff)
		}
		some += len(got)
	}
	if some < 100 {
		t.Errorf("%d rows in all prove little", some)
	}
}

func oneOf[T any](h *hospital, of ...T) T { return of[h.random.IntN(len(of))] }

func checkRow(t *testing.T, row *v1.AlertRow, s *state) {
	t.Helper()
	v := s.latest
	want := &v1.AlertRow{
		AlertId: projections.IDText(v.AlertId), Version: v.Version, State: v.State, Day: dayText(v.Day), Shape: v.Shape, Scenario: v.Scenario, Chance: v.Chance,
		Rank: v.Rank, Shown: v.Shown, Sampled: v.Sampled, Hard: v.Hard, Backfill: v.Backfill, Severity: v.Severity, Queue: v.Queue, Title: v.Note.Title,
		Readers: v.Readers, Patients: v.Patients, ReadersTotal: uint32(len(v.Readers)), PatientsTotal: uint32(len(v.Patients)), Accesses: uint32(len(v.Accesses)),
		AtUs: v.AtUs, Disposition: s.disposition, DecidedBy: row.DecidedBy, DecidedUs: row.DecidedUs, DecidedVersion: row.DecidedVersion, Detectors: row.Detectors,
	}
	if diff := gocmp.Diff(want, row, protocmp.Transform()); diff != "" {
		t.Errorf("row: %s", diff)
	}
}

// TestPagesOfAlertsDoNotMove: a later version and a later decision show in a new list, not on a further page of an old one.
func TestPagesOfAlertsDoNotMove(t *testing.T) {
	h := newHospital(t, 8, 40)
	h.detect(30)
	h.settle()
	m := &v1.ListAlertsRequest{From: "2026-01-01", To: "2026-12-31", Purpose: "review", Scope: v1.AlertScope_ALERT_SCOPE_ALL}
	list := func(size uint32, between func()) (rows []*v1.AlertRow) {
		m.Page = &v1.Page{Size: size}
		for {
			res, err := h.service.ListAlerts(h.ctx(), connect.NewRequest(m))
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, res.Msg.Alerts...)
			if m.Page.Token = res.Msg.NextPageToken; m.Page.Token == "" {
				return rows
			}
			between()
		}
	}
	before := list(1000, func() {})
	paged := list(2, func() {
		v := pb.Clone(h.alerts.Messages()[0]).(*v1.AlertVersion)
		v.Version, v.Rank = v.Version+100, 999 // of the same cause: it was on its way
		h.alerts.Publish(v)
		h.decide(1)
		h.settle()
	})
	if diff := gocmp.Diff(before, paged, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if after := list(1000, func() {}); gocmp.Equal(before, after, protocmp.Transform()) {
		t.Error("the new versions and decisions are not in a new list")
	}
}

// TestGetAlert: the accesses are those of the lists, the versions and decisions all there are.
func TestGetAlert(t *testing.T) {
	h := newHospital(t, 9, 60)
	h.detect(20)
	decisions := h.decide(20)
	h.settle()
	for text, s := range states(h, decisions) {
		res, err := h.service.GetAlert(h.ctx(), connect.NewRequest(&v1.GetAlertRequest{Alert: text, Purpose: "review"}))
		if err != nil {
			t.Fatal(err)
		}
		a := res.Msg
		if diff := gocmp.Diff(s.latest, a.Latest, protocmp.Transform()); diff != "" {
			t.Errorf("latest: %s", diff)
		}
		checkRow(t, a.Alert, s)
		versions, mine := 0, 0
		for _, v := range h.alerts.Messages() {
			if projections.IDText(v.AlertId) == text {
				versions++
			}
		}
		for _, d := range decisions {
			if projections.IDText(d.AlertId) == text {
				mine++
			}
		}
		if len(a.Versions) != versions || len(a.Decisions) != mine {
			t.Errorf("%d of %d versions, %d of %d decisions", len(a.Versions), versions, len(a.Decisions), mine)
		}
		cited := map[uint64]bool{}
		for _, c := range s.latest.Accesses {
			cited[c.Position] = true
		}
		if len(a.Accesses) != len(cited) || !slices.IsSortedFunc(a.Accesses, func(x, y *v1.Access) int { return cmp.Compare(x.OccurredUs, y.OccurredUs) }) {
			t.Errorf("%d accesses, %d are cited", len(a.Accesses), len(cited))
		}
		last := h.asked[len(h.asked)-1]
		if last.Query != "GetAlert" || len(last.Subjects) < len(s.latest.Readers)+len(s.latest.Patients) || last.Rows == 0 {
			t.Errorf("journaled %v", last)
		}
		sameAsListed(t, h, a.Accesses)
	}
}

// sameAsListed compares accesses that were read in the journal with those that a list reads in the tables.
func sameAsListed(t *testing.T, h *hospital, accesses []*v1.Access) {
	t.Helper()
	listed := map[uint64]*v1.Access{}
	res, err := h.service.SearchAccesses(h.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Workstation: "WS1", Purpose: "p", Page: &v1.Page{Size: 1000}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range res.Msg.Accesses {
		listed[a.Position] = a
	}
	for _, a := range accesses {
		if diff := gocmp.Diff(listed[a.Position], a, protocmp.Transform()); diff != "" {
			t.Fatalf("position %d, as listed (-) and as cited (+): %s", a.Position, diff)
		}
	}
}

// TestWhoMaySeeAlerts: viewers get pseudonyms and counts, names want a purpose, and whoever has taken an alert up need not say why.
func TestWhoMaySeeAlerts(t *testing.T) {
	h := newHospital(t, 10, 40)
	h.detect(20)
	h.settle()
	list := func(ctx context.Context, m *v1.ListAlertsRequest) (*v1.ListAlertsResponse, error) {
		m.From, m.To, m.Scope = "2026-01-01", "2026-12-31", v1.AlertScope_ALERT_SCOPE_ALL
		res, err := h.service.ListAlerts(ctx, connect.NewRequest(m))
		if err != nil {
			return nil, err
		}
		return res.Msg, nil
	}
	code := func(err error) connect.Code { return connect.CodeOf(err) }
	viewer, investigator := as(t.Context(), "token:v", proto.RoleViewer), h.ctx()
	one, err := list(viewer, &v1.ListAlertsRequest{})
	if err != nil || len(one.Alerts) == 0 || one.Totals.GetCandidates() == 0 {
		t.Fatalf("viewer: %v", err)
	}
	text, err := protojson.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"urn:staff", "urn:mrn", "Name of", "Patient ", "Somebody in", "Oncology", "nurse"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("a viewer reads %q", secret)
		}
	}
	again, err := list(investigator, &v1.ListAlertsRequest{})
	if err != nil || !gocmp.Equal(one.Alerts, again.Alerts, protocmp.Transform()) {
		t.Errorf("pseudonyms change from one asker to the next: %v", err)
	}
	if last := h.asked[len(h.asked)-1]; !last.Summary || len(last.Subjects) != 0 {
		t.Errorf("a list of pseudonyms is journaled as %v", last)
	}
	if _, err := list(viewer, &v1.ListAlertsRequest{Purpose: "curious"}); code(err) != connect.CodePermissionDenied {
		t.Errorf("viewer with a purpose: %v", err)
	}
	if _, err := list(investigator, &v1.ListAlertsRequest{Reader: "urn:staff|u1"}); code(err) != connect.CodeInvalidArgument {
		t.Errorf("about somebody without a purpose: %v", err)
	}
	if _, err := list(t.Context(), &v1.ListAlertsRequest{}); code(err) != connect.CodeUnauthenticated {
		t.Errorf("nobody: %v", err)
	}
	alert := func(ctx context.Context, purpose string) error {
		_, err := h.service.GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: one.Alerts[0].AlertId, Purpose: purpose}))
		return err
	}
	if err := alert(viewer, "p"); code(err) != connect.CodePermissionDenied {
		t.Errorf("a viewer opens an alert: %v", err)
	}
	if err := alert(investigator, ""); code(err) != connect.CodeInvalidArgument {
		t.Errorf("opened without a purpose: %v", err)
	}
	id, err := proto.ParseEventID(one.Alerts[0].AlertId)
	if err != nil {
		t.Fatal(err)
	}
	h.append(&v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
		AlertId: id.Bytes(), Version: 1, Disposition: v1.Disposition_DISPOSITION_IN_REVIEW, Asker: "token:1", Role: proto.RoleInvestigator,
	}}})
	// Not settled: an answer waits for decisions that the journal holds.
	if err := alert(investigator, ""); err != nil || h.asked[len(h.asked)-1].Purpose != "review of alert "+one.Alerts[0].AlertId {
		t.Errorf("opened by whoever has it in review: %v", err)
	}
	if err := alert(as(t.Context(), "token:2", proto.RoleInvestigator), ""); code(err) != connect.CodeInvalidArgument {
		t.Errorf("opened without a purpose by somebody else: %v", err)
	}
	for _, bad := range []string{"", "x", "2Zs4T8sD1pS1o3yM1sYQbS3rT1k"} {
		_, err := h.service.GetAlert(investigator, connect.NewRequest(&v1.GetAlertRequest{Alert: bad, Purpose: "p"}))
		if c := code(err); c != connect.CodeInvalidArgument && c != connect.CodeNotFound {
			t.Errorf("alert %q: %v", bad, err)
		}
	}
}

// TestUnjournaledAlertsAreWithheld: whoever asks, nothing leaves while the journal does not take the question.
func TestUnjournaledAlertsAreWithheld(t *testing.T) {
	h := newHospital(t, 11, 20)
	h.detect(10)
	h.settle()
	h.mu.Lock()
	h.askFails = errors.New("the journal is stopped")
	h.mu.Unlock()
	alert := projections.IDText(h.alerts.Messages()[0].AlertId)
	for name, ask := range map[string]func() error{
		"list": func() error {
			_, err := h.service.ListAlerts(h.ctx(), connect.NewRequest(&v1.ListAlertsRequest{Purpose: "p"}))
			return err
		},
		"pseudonyms": func() error {
			_, err := h.service.ListAlerts(h.ctx(), connect.NewRequest(&v1.ListAlertsRequest{}))
			return err
		},
		"alert": func() error {
			_, err := h.service.GetAlert(h.ctx(), connect.NewRequest(&v1.GetAlertRequest{Alert: alert, Purpose: "p"}))
			return err
		},
		"findings": func() error {
			_, err := h.service.SearchFindings(h.ctx(), connect.NewRequest(&v1.SearchFindingsRequest{Purpose: "p"}))
			return err
		},
		"scores": func() error {
			_, err := h.service.ScoreDetectors(h.ctx(), connect.NewRequest(&v1.ScoreDetectorsRequest{}))
			return err
		},
	} {
		if err := ask(); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSearchFindings compares random searches, page by page, with the stream.
func TestSearchFindings(t *testing.T) {
	h := newHospital(t, 12, 60)
	h.detect(30)
	h.settle()
	some := 0
	for range 30 {
		m := &v1.SearchFindingsRequest{
			Purpose: "p", From: oneOf(h, "2026-01-01", "2026-02-20"), To: "2026-12-31", Detector: oneOf(h, "", "", "Crowd"), Grade: uint32(oneOf(h, 0, 3)),
			Reader: oneOf(h, "", "", "urn:staff|u1"), Patient: oneOf(h, "", "", "urn:mrn|3"), Page: &v1.Page{Size: 4},
		}
		var want []string
		for _, x := range h.findings.Messages() {
			for _, f := range x.Findings {
				if dayText(x.Day) < m.From || m.Detector != "" && f.Detector != m.Detector || f.Grade < m.Grade ||
					m.Reader != "" && "urn:staff|"+f.Reader.GetValue() != m.Reader || m.Patient != "" && "urn:mrn|"+f.Patient.GetValue() != m.Patient {
					continue
				}
				want = append(want, fmt.Sprint(dayText(x.Day), x.Cause, f))
			}
		}
		var got []string
		for {
			res, err := h.service.SearchFindings(h.ctx(), connect.NewRequest(m))
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range res.Msg.Findings {
				got = append(got, fmt.Sprint(r.Day, r.Cause, r.Finding))
				if i > 0 && r.Day > res.Msg.Findings[i-1].Day {
					t.Error("later days come first")
				}
			}
			if m.Page.Token = res.Msg.NextPageToken; m.Page.Token == "" {
				break
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%v: %s", m, diff)
		}
		some += len(got)
	}
	if some < 50 {
		t.Errorf("%d findings prove little", some)
	}
}

// TestScoreDetectors compares the scores with the streams.
func TestScoreDetectors(t *testing.T) {
	h := newHospital(t, 13, 60)
	h.detect(25)
	decisions := h.decide(25)
	h.settle()
	res, err := h.service.ScoreDetectors(as(t.Context(), "token:v", proto.RoleViewer), connect.NewRequest(&v1.ScoreDetectorsRequest{From: "2025-01-01", To: "2027-01-01"}))
	if err != nil {
		t.Fatal(err)
	}
	want, judged := map[string]*v1.DetectorScore{}, uint64(0)
	score := func(name string) *v1.DetectorScore {
		if want[name] == nil {
			want[name] = &v1.DetectorScore{Detector: name}
		}
		return want[name]
	}
	known := h.judgements(^uint64(0))
	listed := map[string]map[uint64]bool{}
	for _, m := range h.findings.Messages() {
		if m.Closed {
			judged += uint64(len(m.Verdicts.Positions))
		}
		for _, f := range m.Findings {
			score(f.Detector).Findings++
			for _, p := range f.Positions {
				if listed[f.Detector] == nil {
					listed[f.Detector] = map[uint64]bool{}
				}
				if listed[f.Detector][p] {
					continue
				}
				listed[f.Detector][p] = true
				d := score(f.Detector)
				d.Accesses++
				switch least(known, p, []int{0, 1, 2}).verdict {
				case v1.Verdict_VERDICT_EXPLAINED:
					d.Explained++
				case v1.Verdict_VERDICT_UNEXPLAINED:
					d.Unexplained++
				case v1.Verdict_VERDICT_NOT_ASSESSABLE:
					d.NotAssessable++
				}
			}
		}
	}
	for _, s := range states(h, decisions) {
		for _, f := range s.latest.Detectors {
			if !s.everShown {
				continue
			}
			d := score(f.Detector)
			d.Alerts++
			switch s.disposition {
			case v1.Disposition_DISPOSITION_MISUSE:
				d.Misuse++
			case v1.Disposition_DISPOSITION_APPROPRIATE:
				d.Appropriate++
			case v1.Disposition_DISPOSITION_INCONCLUSIVE:
				d.Inconclusive++
			}
		}
	}
	if res.Msg.Judged != judged || len(res.Msg.Detectors) != len(want) || len(want) < 3 {
		t.Errorf("%d judged, want %d; %d detectors, want %d", res.Msg.Judged, judged, len(res.Msg.Detectors), len(want))
	}
	for _, d := range res.Msg.Detectors {
		if diff := gocmp.Diff(want[d.Detector], d, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", d.Detector, diff)
		}
	}
}
