package api_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// investigate puts random steps of some cases into the journal, among them ones that do not count, and returns what they are by a fold
// of the journal.
func (h *hospital) investigate(n, steps int) []*cases.State {
	h.t.Helper()
	alerts := map[string][]byte{}
	for _, v := range h.alerts.Messages() {
		alerts[string(v.AlertId)] = v.AlertId
	}
	ids := make([][]byte, 0, len(alerts))
	for _, id := range alerts {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	some := func() [][]byte { return [][]byte{ids[h.random.IntN(len(ids))]} }
	versions := make([]uint32, n)
	for range steps {
		k := h.random.IntN(n)
		e := &v1.CaseEntry{
			CaseId: proto.NewEventID(proto.EventIdentity{Source: "case", Key: fmt.Append(nil, k), Recorded: begin}).Bytes(),
			Asker:  "os:ada", Role: proto.RolePrivacyOfficer, AtUs: h.clock().UnixMicro(), Version: versions[k] + 1,
		}
		if versions[k] == 0 {
			e.Body = &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{
				Title: fmt.Sprint("Matter ", k), Alerts: some(), DiscoveredUs: h.clock().Add(-time.Duration(h.random.IntN(100*24)) * time.Hour).UnixMicro(),
				Laws: [][]v1.NoticeLaw{nil, {1, 2}, {3}}[h.random.IntN(3)], Assignee: []string{"", "token:1", "os:ada"}[h.random.IntN(3)],
			}}
		} else {
			h.step(e, some)
		}
		if h.random.IntN(5) == 0 && versions[k] > 0 { // somebody who was too late
			e.Version--
		} else {
			versions[k]++
		}
		h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	}
	h.settle()
	return h.casesOfJournal(h.head())
}

func (h *hospital) step(e *v1.CaseEntry, some func() [][]byte) {
	switch h.random.IntN(10) {
	case 0:
		e.Body = &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Added: some(), Removed: some()}}
	case 1:
		e.Body = &v1.CaseEntry_Assigned{Assigned: &v1.CaseAssigned{Assignee: []string{"", "token:1"}[h.random.IntN(2)]}}
	case 2:
		e.Body = &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: "secret words"}}
		if e.Version%2 == 0 {
			n := int(e.Version)
			e.Body = &v1.CaseEntry_Delayed{Delayed: &v1.CaseDelayed{
				Statement: v1.DelayStatement(1 + n/2%3), Official: "Sgt. Roe", Agency: "County Sheriff", Ground: 1, Text: "file 12",
				StatedUs: h.clock().AddDate(0, 0, -7*n).UnixMicro(), UntilUs: h.clock().AddDate(0, 0, 9*n).UnixMicro(),
			}}
		}
	case 3:
		e.Body = &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 1, Respondent: 1, Name: "Jo", Text: "Why?"}}
	case 4:
		e.Body = &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 1, Text: "Because."}}
	case 5:
		e.Body = &v1.CaseEntry_Assessed{Assessed: &v1.BreachAssessed{Conclusion: v1.BreachConclusion(1 + h.random.IntN(4)), People: 1 + h.random.Uint64N(900), MostInOneState: h.random.Uint64N(900)}}
		if a := e.GetAssessed(); a.People%2 == 0 {
			a.ByLaw = []*v1.LawConcluded{{Law: 2, Conclusion: v1.BreachConclusion(1 + a.People/2%2), Text: "t"}}
		}
	case 6:
		e.Body = &v1.CaseEntry_Notice{Notice: &v1.CaseNotice{Rule: v1.NoticeRule(1 + h.random.IntN(7)), SentUs: h.random.Int64N(2) * h.clock().UnixMicro()}}
	case 7:
		e.Body = &v1.CaseEntry_Concluded{Concluded: &v1.CaseConcluded{Outcome: v1.Disposition_DISPOSITION_MISUSE, Text: "t"}}
	case 8:
		e.Body = &v1.CaseEntry_Closed{Closed: &v1.CaseClosed{}}
	default:
		e.Body = &v1.CaseEntry_Reopened{Reopened: &v1.CaseReopened{}}
	}
}

// casesOfJournal folds the journal up to a position.
func (h *hospital) casesOfJournal(until proto.Position) (out []*cases.State) {
	h.t.Helper()
	byID := map[string]*cases.State{}
	for sequence := uint64(1); sequence <= until.Sequence(); sequence++ {
		b, err := h.readBatch(h.t.Context(), sequence)
		if err != nil {
			h.t.Fatal(err)
		}
		items, err := b.Items()
		if err != nil {
			h.t.Fatal(err)
		}
		for i, it := range items {
			if e := it.GetCaseEntry(); e != nil {
				if byID[string(e.CaseId)] == nil {
					byID[string(e.CaseId)] = &cases.State{}
				}
				byID[string(e.CaseId)].Apply(cases.Step{Position: b.Position(i), Entry: e})
			}
		}
	}
	for _, s := range byID {
		out = append(out, s)
	}
	return out
}

// row is what a list has to say of a case, written a second time.
func row(s *cases.State, now time.Time) *v1.CaseRow {
	r := &v1.CaseRow{
		CaseId: s.ID.String(), Version: uint32(len(s.Steps)), Status: v1.CaseStatus_CASE_STATUS_OPEN, Title: s.Title, Assignee: s.Assignee,
		OpenedBy: "os:ada", OpenedUs: s.OpenedUs, ClosedUs: s.ClosedUs, ChangedUs: s.Steps[len(s.Steps)-1].Entry.AtUs, DiscoveredUs: s.DiscoveredUs,
		Laws: s.Laws, Alerts: uint32(len(s.Alerts)), Questions: uint32(len(s.Questions)), Assessments: s.Assessments,
		Conclusion: s.Assessment.GetConclusion(), ByLaw: s.Assessment.GetByLaw(), Outcome: s.Outcome.GetOutcome(),
	}
	if s.ClosedUs != 0 {
		r.Status = v1.CaseStatus_CASE_STATUS_CLOSED
	}
	for _, q := range s.Questions {
		if q.Answer == nil {
			r.Unanswered++
		}
	}
	for _, n := range s.Notices(time.UTC) {
		r.Notices++
		if n.Told.GetSentUs() == 0 {
			r.Unsent++
			if r.DueUs == 0 || n.Due.UnixMicro() < r.DueUs {
				r.DueUs, r.DueDay = n.Due.UnixMicro(), n.LastDay
				if d, waits := n.Waits(now); waits {
					r.DelayedUntilUs, r.DelayedDay = d.Until.UnixMicro(), d.Until.Format(time.DateOnly)
				}
			}
			if n.Due.UnixMicro() <= now.UnixMicro() {
				r.Overdue++
			}
		}
	}
	return r
}

// listAll reads all pages of a list.
func listAll(t *testing.T, ctx context.Context, s *api.Service, m *v1.ListCasesRequest) (rows []*v1.CaseRow, totals *v1.CaseTotals) { //nolint:revive // t first
	t.Helper()
	for page := 0; ; page++ {
		res, err := s.ListCases(ctx, connect.NewRequest(m))
		if err != nil {
			t.Fatal(err)
		}
		if (page == 0) != (res.Msg.Totals != nil) {
			t.Fatalf("page %d: totals %v", page, res.Msg.Totals)
		}
		if page == 0 {
			totals = res.Msg.Totals
		}
		rows = append(rows, res.Msg.Cases...)
		if res.Msg.NextPageToken == "" {
			return rows, totals
		}
		m = &v1.ListCasesRequest{
			Status: m.Status, Assignee: m.Assignee, DueBeforeUs: m.DueBeforeUs, Alert: m.Alert, Purpose: m.Purpose, AsOfUs: m.AsOfUs,
			Page: &v1.Page{Size: m.Page.GetSize(), Token: res.Msg.NextPageToken},
		}
	}
}

// TestCasesAreTheFold: lists, by every condition and page size, and each case say what a fold of the journal says.
func TestCasesAreTheFold(t *testing.T) {
	h := newHospital(t, 41, 40)
	h.detect(15)
	all := h.investigate(12, 150)
	until := h.clock().Add(24 * time.Hour).UnixMicro()
	anAlert := all[0].Ever[0].String()
	for name, m := range map[string]*v1.ListCasesRequest{
		"all": {}, "open": {Status: v1.CaseStatus_CASE_STATUS_OPEN}, "closed": {Status: v1.CaseStatus_CASE_STATUS_CLOSED},
		"mine": {Assignee: "token:1"}, "nobody's": {Assignee: "-"}, "due": {DueBeforeUs: until}, "of an alert": {Alert: anAlert},
	} {
		var want []*v1.CaseRow
		totals := &v1.CaseTotals{}
		for _, s := range all {
			r := row(s, h.clock())
			*map[v1.CaseStatus]*uint64{1: &totals.Open, 2: &totals.Closed}[r.Status]++
			if r.Assignee == "" && r.Status == 1 {
				totals.Unassigned++
			}
			totals.Overdue += uint64(r.Overdue)
			if (m.Status == 0 || m.Status == r.Status) && (m.Assignee != "token:1" || r.Assignee == "token:1") && (m.Assignee != "-" || r.Assignee == "") &&
				(m.DueBeforeUs == 0 || r.DueUs > 0 && r.DueUs < until) &&
				(m.Alert == "" || slices.ContainsFunc(s.Alerts, func(id proto.EventID) bool { return id.String() == anAlert })) {
				want = append(want, r)
			}
		}
		never := func(r *v1.CaseRow) int64 {
			if r.DueUs == 0 {
				return math.MaxInt64
			}
			return r.DueUs
		}
		slices.SortFunc(want, func(a, b *v1.CaseRow) int {
			return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(never(a), never(b)), cmp.Compare(a.CaseId, b.CaseId))
		})
		if len(want) == 0 {
			t.Fatalf("%s: the journal has none", name)
		}
		for _, size := range []uint32{1, 5, 100} {
			m.Purpose, m.Page = "review", &v1.Page{Size: size}
			got, gotTotals := listAll(t, h.ctx(), h.service, m)
			if diff := gocmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Fatalf("%s, by %d: %s", name, size, diff)
			}
			if diff := gocmp.Diff(totals, gotTotals, protocmp.Transform()); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	}
	for _, s := range all {
		h.checkCase(s)
	}
}

// TestCasesAreKeptUntilAStep: cases are read again when somebody worked on one, and not before.
func TestCasesAreKeptUntilAStep(t *testing.T) {
	h := newHospital(t, 43, 40)
	h.detect(15)
	h.investigate(4, 30)
	h.settle()
	s := serve(t, h.config())
	c := &costs{}
	s.SetMeter(func(name string, cost store.Stats) { c.meter(name, cost) })
	list := func() []*v1.CaseRow {
		t.Helper()
		rows, _ := listAll(t, h.ctx(), s, &v1.ListCasesRequest{Purpose: "review", Page: &v1.Page{Size: 100}})
		return rows
	}
	first := list()
	read := c.statements["cases_all"]
	if diff := gocmp.Diff(first, list(), protocmp.Transform()); diff != "" || len(first) == 0 || read != 1 {
		t.Fatalf("%d cases, read %d times: %s", len(first), read, diff)
	}
	if n := c.statements["cases_all"]; n != read {
		t.Errorf("nothing happened, and cases were read %d times more", n-read)
	}
	e := &v1.CaseEntry{
		CaseId: proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte("another"), Recorded: begin}).Bytes(), Version: 1,
		Asker: "os:ada", Role: proto.RolePrivacyOfficer, AtUs: h.clock().UnixMicro(),
		Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "Another", DiscoveredUs: h.clock().UnixMicro()}},
	}
	for _, m := range h.alerts.Messages()[:1] {
		e.GetOpened().Alerts = [][]byte{m.AlertId}
	}
	h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	h.settle()
	if n := len(list()); n != len(first)+1 {
		t.Errorf("%d cases after another one, there were %d", n, len(first))
	}
}

// checkCase compares one case with the fold of its steps.
func (h *hospital) checkCase(s *cases.State) {
	h.t.Helper()
	res, err := h.service.GetCase(h.ctx(), connect.NewRequest(&v1.GetCaseRequest{Case: s.ID.String(), Purpose: "review"}))
	if err != nil {
		h.t.Fatal(err)
	}
	if diff := gocmp.Diff(row(s, h.clock()), res.Msg.Case, protocmp.Transform()); diff != "" {
		h.t.Fatal(diff)
	}
	assessments := uint32(0)
	for i, step := range res.Msg.Steps {
		if diff := gocmp.Diff(s.Steps[i].Entry, step.Entry, protocmp.Transform()); diff != "" || step.Position != uint64(s.Steps[i].Position) {
			h.t.Fatalf("step %d at %d: %s", i, step.Position, diff)
		}
		if step.Entry.GetAssessed() != nil {
			assessments++
			if step.Assessment != assessments {
				h.t.Fatalf("assessment %d is numbered %d", assessments, step.Assessment)
			}
		}
	}
	if len(res.Msg.Steps) != len(s.Steps) || len(res.Msg.Notices) != int(res.Msg.Case.Notices) || len(res.Msg.Alerts) != len(s.Alerts) {
		h.t.Fatalf("%d steps, %d notices, %d alerts", len(res.Msg.Steps), len(res.Msg.Notices), len(res.Msg.Alerts))
	}
	latest := states(h, nil)
	subjects := map[string]bool{}
	for i, a := range res.Msg.Alerts {
		if v := latest[s.Alerts[i].String()].latest; a.AlertId != s.Alerts[i].String() || a.Version != v.Version || a.Title != v.Note.GetTitle() {
			h.t.Fatalf("alert %d is %v", i, a)
		}
		for _, p := range a.Patients {
			subjects[proto.Key(p.Identifier)] = true
		}
	}
	asked := h.questions()
	last := asked[len(asked)-1]
	for _, id := range last.Subjects {
		delete(subjects, proto.Key(id))
	}
	if last.Query != "GetCase" || len(subjects) > 0 || last.Rows != uint64(1+len(res.Msg.Alerts)+len(res.Msg.Steps)) {
		h.t.Fatalf("journaled %v; not told: %d", last, len(subjects))
	}
}

// TestCaseIsKeptFromWhomItIsAbout: in lists, totals, one by one, as of a time before an alert about them was added, by command and by scope.
func TestCaseIsKeptFromWhomItIsAbout(t *testing.T) {
	h := newHospital(t, 42, 60)
	h.detect(20)
	all := h.investigate(10, 60)
	me := mostCited(h)
	about := map[string]bool{}
	for _, v := range h.alerts.Messages() {
		if slices.ContainsFunc(v.Readers, func(r *v1.AlertReader) bool { return sameIdentifier(r.Identifier, me) }) {
			about[projections.IDText(v.AlertId)] = true
		}
	}
	isAbout := func(s *cases.State) bool {
		return slices.ContainsFunc(s.Ever, func(id proto.EventID) bool { return about[id.String()] })
	}
	// One more, that was about others until an alert about the asker was added; it is taken away again.
	var other, mine []byte
	for _, v := range h.alerts.Messages() {
		if about[projections.IDText(v.AlertId)] {
			mine = v.AlertId
		} else {
			other = v.AlertId
		}
	}
	late := &v1.CaseEntry{CaseId: proto.NewEventID(proto.EventIdentity{Source: "late", Recorded: begin}).Bytes(), AtUs: 1, Asker: "os:ada"}
	entry := func(version uint32, e *v1.CaseEntry) {
		e.CaseId, e.Version, e.AtUs, e.Asker = late.CaseId, version, h.clock().UnixMicro(), "os:ada"
		h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	}
	entry(1, &v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "late", Alerts: [][]byte{other}, DiscoveredUs: 1}}})
	// A step that lost its number to another one, of somebody who would keep the case from the asker.
	fair := proto.NewEventID(proto.EventIdentity{Source: "fair", Recorded: begin}).Bytes()
	for i, alert := range [][]byte{other, mine} {
		it := &v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: &v1.CaseEntry{
			CaseId: fair, Version: 1, AtUs: h.clock().UnixMicro(), Asker: "os:eve",
			Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "fair", Alerts: [][]byte{alert}, DiscoveredUs: 1}},
		}}}
		if i > 0 {
			it.ConflictsWith = fair
		}
		h.append(it)
	}
	before := h.clock().UnixMicro()
	h.pass(time.Minute)
	entry(2, &v1.CaseEntry{Body: &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Added: [][]byte{mine}}}})
	entry(3, &v1.CaseEntry{Body: &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Removed: [][]byte{mine}}}})
	h.settle()
	all = append(all, h.casesOfJournal(h.head())...)
	all = slices.CompactFunc(slices.SortedFunc(slices.Values(all), func(a, b *cases.State) int { return strings.Compare(a.ID.String(), b.ID.String()) }),
		func(a, b *cases.State) bool { return a.ID == b.ID })

	c := h.config()
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		if c.Name == "token:self" {
			return []*v1.Identifier{me}, true
		}
		return nil, true
	}
	service := newService(t, c)
	self, stranger := as(t.Context(), "token:self", proto.RolePrivacyOfficer), as(t.Context(), "token:other", proto.RolePrivacyOfficer)
	hidden := 0
	for _, s := range all {
		is := isAbout(s)
		if is {
			hidden++
		}
		for who, ctx := range map[string]context.Context{"self": self, "stranger": stranger} {
			want := is && who == "self"
			_, err := service.GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: s.ID.String(), Purpose: "curious"}))
			last := h.asked[len(h.asked)-1]
			if got := connect.CodeOf(err) == connect.CodeNotFound; err != nil && !got || got != want || want && (last.Withheld != 1 || last.Purpose != "curious") {
				t.Fatalf("%s, about them %v: %v", who, is, err)
			}
			_, found, err := service.CaseSteps(ctx, s.ID)
			if err != nil || found == want {
				t.Fatalf("%s, by command: found %v, %v", who, found, err)
			}
			_, err = service.Scopes().BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Case: s.ID.String()}, Purpose: "p"}))
			if got := connect.CodeOf(err) == connect.CodeNotFound; err != nil && !got || got != want {
				t.Fatalf("%s, by scope: %v", who, err)
			}
		}
	}
	if hidden == 0 || hidden == len(all) {
		t.Fatalf("%d of %d cases are about the asker", hidden, len(all))
	}
	if _, err := service.GetCase(self, connect.NewRequest(&v1.GetCaseRequest{Case: projections.IDText(fair), Purpose: "p"})); err != nil {
		t.Errorf("a case that a lost step says is about the asker: %v", err)
	}
	lateID := projections.IDText(late.CaseId)
	if _, err := service.GetCase(self, connect.NewRequest(&v1.GetCaseRequest{Case: lateID, Purpose: "p", AsOfUs: before})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("as of a time before the case was about the asker: %v", err)
	}
	for _, purpose := range []string{"review", ""} {
		for _, asOf := range []int64{0, before} {
			rows, totals := listAll(t, self, service, &v1.ListCasesRequest{Purpose: purpose, AsOfUs: asOf, Page: &v1.Page{Size: 3}})
			if len(rows) != len(all)-hidden || int(totals.Open+totals.Closed) != len(rows) {
				t.Errorf("%d rows, %v in the totals; %d are not about the asker", len(rows), totals, len(all)-hidden)
			}
			rows, _ = listAll(t, stranger, service, &v1.ListCasesRequest{Purpose: purpose, AsOfUs: asOf})
			if len(rows) != len(all) {
				t.Errorf("somebody else is told of %d of %d", len(rows), len(all))
			}
		}
	}
	h.askFails = context.DeadlineExceeded
	for _, s := range all {
		if _, err := service.GetCase(self, connect.NewRequest(&v1.GetCaseRequest{Case: s.ID.String(), Purpose: "p"})); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("an answer that is not journaled: %v", err)
		}
	}
	h.askFails = nil
}

// TestWhoReadsCases: no purpose, no words; who has a case need state none; viewers read none.
func TestWhoReadsCases(t *testing.T) {
	h := newHospital(t, 43, 40)
	h.detect(15)
	h.investigate(12, 150)
	viewer := as(t.Context(), "token:9", proto.RoleViewer)
	mine, others := "", ""
	for _, s := range h.casesOfJournal(h.head()) {
		if s.Assignee == "token:1" {
			mine = s.ID.String()
		} else {
			others = s.ID.String()
		}
	}
	if mine == "" || others == "" {
		t.Fatal("there is nothing to compare")
	}
	get := func(ctx context.Context, id, purpose string) (*v1.GetCaseResponse, connect.Code) {
		res, err := h.service.GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: id, Purpose: purpose}))
		if err != nil {
			return nil, connect.CodeOf(err)
		}
		return res.Msg, 0
	}
	if res, code := get(h.ctx(), mine, ""); code != 0 || res.Case.Title == "" || res.Alerts[0].Readers[0].Identifier == nil {
		t.Errorf("one's own case: %v, %v", code, res)
	} else if last := h.asked[len(h.asked)-1]; last.Purpose != "work on case "+mine {
		t.Errorf("journaled with %q", last.Purpose)
	}
	if _, code := get(h.ctx(), others, ""); code != connect.CodeInvalidArgument {
		t.Errorf("another's case without a purpose: %v", code)
	}
	if res, code := get(h.ctx(), others, "review"); code != 0 || res.Case.Title == "" {
		t.Errorf("another's case: %v", code)
	}
	if _, code := get(viewer, mine, "curious"); code != connect.CodePermissionDenied {
		t.Errorf("a viewer with a purpose: %v", code)
	}
	if _, code := get(as(t.Context(), "", ""), mine, ""); code != connect.CodeUnauthenticated {
		t.Errorf("nobody: %v", code)
	}
	res, code := get(viewer, mine, "")
	if code != 0 || strings.Contains(res.String(), "secret words") || strings.Contains(res.String(), "Matter") || strings.Contains(res.String(), "urn:") ||
		res.Case.Assignee != "token:1" || len(res.Steps) == 0 {
		t.Errorf("a viewer reads %v, %v", code, res)
	}
	for name, tt := range map[string]struct {
		ctx    context.Context
		m      *v1.ListCasesRequest
		titles bool
	}{
		"own":        {h.ctx(), &v1.ListCasesRequest{Assignee: "token:1"}, true},
		"all":        {h.ctx(), &v1.ListCasesRequest{}, false},
		"all, asked": {h.ctx(), &v1.ListCasesRequest{Purpose: "weekly meeting"}, true},
		"a viewer":   {viewer, &v1.ListCasesRequest{Assignee: "token:1"}, false},
	} {
		rows, _ := listAll(t, tt.ctx, h.service, tt.m)
		for _, r := range rows {
			if (r.Title != "") != tt.titles {
				t.Errorf("%s: the title is %q", name, r.Title)
			}
		}
	}
	for name, m := range map[string]*v1.ListCasesRequest{
		"status": {Status: 9}, "alert": {Alert: "x"}, "token": {Page: &v1.Page{Token: "x"}}, "assignee": {Assignee: strings.Repeat("x", 9999)},
	} {
		if _, err := h.service.ListCases(h.ctx(), connect.NewRequest(m)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestScopeOfACase: it is the scope of all accesses that its alerts cite, each once.
func TestScopeOfACase(t *testing.T) {
	h := newHospital(t, 44, 60)
	h.detect(20)
	for _, s := range h.investigate(4, 60) {
		latest := states(h, nil)
		events := map[uint64]bool{}
		for _, id := range s.Alerts {
			for _, a := range latest[id.String()].latest.Accesses {
				events[a.Position] = true
			}
		}
		var texts []string
		for position := range events {
			texts = append(texts, strconv.FormatUint(position, 10))
		}
		if len(texts) == 0 {
			continue
		}
		want, got := h.scope(&v1.ScopeQuery{Events: texts}), h.scope(&v1.ScopeQuery{Case: s.ID.String()})
		if diff := gocmp.Diff([]any{want.Totals, want.Patients, want.Query}, []any{got.Totals, got.Patients, got.Query}, protocmp.Transform()); diff != "" {
			t.Fatal(diff)
		}
	}
	for name, q := range map[string]*v1.ScopeQuery{"and an alert": {Case: "x", Alert: "y"}, "no id": {Case: "x"}} {
		_, err := h.service.Scopes().BreachScope(h.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: q, Purpose: "p"}))
		if connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCaseMetrics: they are the counts of a list, once a minute, and nothing where nothing can be counted.
func TestCaseMetrics(t *testing.T) {
	h := newHospital(t, 45, 30)
	h.detect(10)
	h.investigate(8, 80)
	registry := prometheus.NewRegistry()
	c := h.config()
	c.Registerer = registry
	service := newService(t, c)
	_, totals := listAll(t, h.ctx(), service, &v1.ListCasesRequest{Purpose: "p"})
	gauges := func() map[string]float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, f := range families {
			if strings.Contains(f.GetName(), "_case") {
				out[f.GetName()] = f.Metric[0].GetGauge().GetValue()
			}
		}
		return out
	}
	want := map[string]float64{"readtrail_projections_cases_open": float64(totals.Open), "readtrail_projections_case_notices_overdue": float64(totals.Overdue)}
	if diff := gocmp.Diff(want, gauges()); diff != "" || totals.Open == 0 || totals.Overdue == 0 {
		t.Errorf("%v: %s", totals, diff)
	}
	h.pass(400 * 24 * time.Hour)
	if later := gauges()["readtrail_projections_case_notices_overdue"]; later <= want["readtrail_projections_case_notices_overdue"] {
		t.Errorf("a year later %v notices are overdue", later)
	}
	c.Registerer, c.Version = prometheus.NewRegistry(), func(context.Context) (uint64, error) { return 0, nil }
	registry, _ = c.Registerer.(*prometheus.Registry)
	c.Live = nil
	newService(t, c)
	if got := gauges(); len(got) != 0 {
		t.Errorf("without tables: %v", got)
	}
}
