package api_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// elsewhere is a mark in every text of everything that happened outside of the limits, and in nothing else.
const elsewhere = "ZZOUT"

// places is a world of two sites: patient 7 and reader jo are at both, alerts, findings and cases rest on accesses at one or at both.
type places struct {
	*world
	service *api.Service
	limits  proto.Limits
	// inside and outside are positions of an access at each; looks are the ids of alerts by what they cite.
	inside, outside proto.Position
	alerts, cases   map[string]string
}

func newPlaces(t *testing.T, limits proto.Limits) *places {
	t.Helper()
	w := newWorld(t)
	p := &places{world: w, limits: limits, alerts: map[string]string{}, cases: map[string]string{}}
	patient, jo := id("urn:mrn", "7"), id("urn:staff", "jo")
	here := func(e *v1.AccessEvent) {
		e.Site, e.Workstation, e.Reader.Department, e.SourceEventId = "North", "WS-1", "Cardiology", "here"
		e.Reader.Role = &v1.Coding{Code: "nurse"}
		e.Objects = []*v1.Object{{Type: "note", Id: id("urn:doc", "1"), Name: "note of here"}}
	}
	there := func(e *v1.AccessEvent) {
		e.Site, e.Workstation, e.Reader.Department, e.SourceEventId = elsewhere+" South", elsewhere+"-WS", elsewhere, elsewhere
		e.Reader.Role, e.NetworkAddress, e.Organization = &v1.Coding{Code: elsewhere}, elsewhere, elsewhere
		e.Objects = []*v1.Object{{Type: elsewhere, Id: id("urn:doc", elsewhere), Name: "note of " + elsewhere}}
		e.Sensitivity = []string{elsewhere}
	}
	named := func(name string) func(*v1.AccessEvent) { return func(e *v1.AccessEvent) { e.Reader.Name = name } }
	at := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	items := []*v1.Item{
		access("ehr", at(1), patient, jo, here, named("Jo")),
		access("ehr", at(2), patient, jo, there, named("Jo")),
		access("ehr", at(3), patient, id("urn:staff", "kim"), here, named("Kim")),
		access("ehr", at(4), patient, id("urn:staff", elsewhere), there),
		access("ehr", at(5), id("urn:mrn", elsewhere), id("urn:staff", elsewhere), there),
		access("ehr", at(6), id("urn:mrn", "8"), jo, here, named("Jo")),
		access("lab", at(7), patient, id("urn:staff", elsewhere), there, func(e *v1.AccessEvent) { e.Site = "" }), // no site: "source:lab"
		access("ehr", at(8), nil, jo, there, named("Jo")),                                                         // a login
		access("ehr", at(9), nil, jo, there, named("Jo"), func(e *v1.AccessEvent) { e.Patients = []*v1.Patient{{Text: elsewhere + " Muster"}} }),
	}
	first := p.append(items...)
	p.inside, p.outside = first, first+1
	p.append(&v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{Source: "ehr", Reason: "syntax", Message: elsewhere}}})
	p.saveView("here", 1, func(e *v1.ViewEntry) { e.Owner, e.Shared = "token:limited", true })
	p.detectAt(first, map[string][]int{"here": {0, 2}, "both": {0, 1}, "there": {3}, "none": nil})
	p.append(&v1.Item{Body: &v1.Item_Question{Question: &v1.Question{
		QuestionId: mustMint(t, 900).Bytes(), Asker: "token:" + elsewhere, Role: proto.RoleInvestigator, Query: "WhoViewed", Patient: patient,
		Subjects: []*v1.Identifier{patient}, Purpose: elsewhere, Rows: 3, Page: 1, AskedUs: begin.UnixMicro(),
	}}})
	p.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: &v1.ScopeFrozen{Query: &v1.ScopeQuery{Reader: "urn:staff|" + elsewhere}, Format: 1}}})
	w.settle()
	c := w.config()
	c.Limits = func(c proto.Caller) proto.Limits {
		if c.Name == "token:limited" || c.Name == "token:kim" || c.Name == "token:other" {
			return p.limits
		}
		return proto.Limits{}
	}
	c.Glass = api.Glass{
		Roles: []string{proto.RoleInvestigator, proto.RolePrivacyOfficer},
		Break: func(_ context.Context, g *v1.GlassBroken) (proto.Position, error) {
			return p.keep(&v1.Item{Body: &v1.Item_GlassBroken{GlassBroken: g}})
		},
		Review: func(_ context.Context, r *v1.GlassReviewed) (proto.Position, error) {
			return p.keep(&v1.Item{Body: &v1.Item_GlassReviewed{GlassReviewed: r}})
		},
	}
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		if c.Name == "token:kim" {
			return []*v1.Identifier{id("urn:staff", "kim")}, true
		}
		return nil, false
	}
	c.Names = api.RuleNames{Detectors: []string{"SelfAccess"}, Scenarios: []string{"own record"}}
	c.Freeze = func(context.Context, *v1.ScopeFrozen) (proto.Position, error) {
		return 0, errors.New("nothing is frozen here")
	}
	var err error
	if p.service, err = api.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.service.Close(context.Background()) })
	return p
}

// keep journals an entry, unless the journal is down.
func (p *places) keep(it *v1.Item) (proto.Position, error) {
	p.mu.Lock()
	fails := p.askFails
	p.mu.Unlock()
	if fails != nil {
		return 0, fails
	}
	return p.append(it), nil
}

func mustMint(t *testing.T, n int) proto.EventID {
	t.Helper()
	id, err := proto.MintEventID(begin.Add(time.Duration(n) * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// detectAt publishes an alert, a finding and a case for each list of accesses; those that are not all here carry the mark.
func (p *places) detectAt(first proto.Position, cited map[string][]int) {
	t := p.t.(*testing.T)
	day := int32(begin.Unix() / 86_400)
	for i, name := range []string{"here", "both", "there", "none"} {
		mark := "here"
		if name != "here" {
			mark = elsewhere
		}
		id := mustMint(t, i+1)
		v := &v1.AlertVersion{
			AlertId: id.Bytes(), Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Cause: uint64(first), AtUs: begin.UnixMicro(),
			Shape: v1.Shape_SHAPE_PAIR, Day: day, Scenario: mark, Chance: 500, Rank: uint32(i + 1), Shown: true,
			Readers: []*v1.AlertReader{{Identifier: &v1.Identifier{System: "urn:staff", Value: "jo"}, Display: mark}},
		}
		f := &v1.Finding{Detector: mark, Grade: 1, Words: mark, Reader: v.Readers[0].Identifier}
		for _, n := range cited[name] {
			v.Accesses = append(v.Accesses, &v1.CitedAccess{Position: uint64(first) + uint64(n)})
			f.Positions = append(f.Positions, uint64(first)+uint64(n))
		}
		p.world.alerts.Publish(v)
		p.findings.Publish(&v1.Findings{Cause: uint64(first), Ordinal: uint32(i), Last: i == 3, Day: day, AtUs: begin.UnixMicro(), Findings: []*v1.Finding{f}, Closed: true})
		of := mustMint(t, 100+i)
		p.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: &v1.CaseEntry{
			CaseId: of.Bytes(), Version: 1, Asker: "token:limited", Role: proto.RolePrivacyOfficer, AtUs: begin.UnixMicro(),
			Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: mark, Alerts: [][]byte{id.Bytes()}, DiscoveredUs: begin.UnixMicro()}},
		}}})
		p.alerts[name], p.cases[name] = id.String(), of.String()
	}
	v := protobuf.CloneOf(p.world.alerts.Messages()[0]) // a version that cites no less says no more
	v.Version, v.State = 2, v1.AlertState_ALERT_STATE_UPDATED
	p.world.alerts.Publish(v)
}

// ask is how a test asks one RPC: with an answer, or the refusal that askers with limits get.
type placesAsk struct {
	refused bool
	ask     func(ctx context.Context, p *places) (protobuf.Message, error)
}

func answered[Res any](res *connect.Response[Res], err error) (protobuf.Message, error) {
	if err != nil {
		return nil, err
	}
	m, _ := any(res.Msg).(protobuf.Message)
	return m, nil
}

// placesAsks are all questions, by RPC.
func placesAsks() map[string]placesAsk {
	scope := func(q *v1.ScopeQuery) func(ctx context.Context, p *places) (protobuf.Message, error) {
		return func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: q, Purpose: "p"})))
		}
	}
	steps := uint32(1)
	return map[string]placesAsk{
		"MyQuestions": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			steps++
			p.putTo(proto.CallerFrom(ctx).Name, "here", steps)
			return answered(p.service.MyQuestions(ctx, connect.NewRequest(&v1.MyQuestionsRequest{})))
		}},
		"WhoViewed": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p"})))
		}},
		"WhoViewed of a period": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{
				Patient: "urn:mrn|7", Purpose: "p", FromUs: begin.UnixMicro(), UntilUs: begin.Add(24 * time.Hour).UnixMicro(), Page: &v1.Page{Size: 1},
			})))
		}},
		"ReaderActivity": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{Reader: "urn:staff|jo", Purpose: "p"})))
		}},
		"WhoViewed as it is drawn": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			mask := &fieldmaskpb.FieldMask{Paths: []string{"accesses.occurred_us", "accesses.reader"}}
			return answered(p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p", FromUs: 1, ReadMask: mask})))
		}},
		"ReaderActivity as it is drawn": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			mask := &fieldmaskpb.FieldMask{Paths: []string{"accesses.occurred_us", "accesses.patients"}}
			return answered(p.service.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{Reader: "urn:staff|jo", Purpose: "p", ReadMask: mask})))
		}},
		"ReaderProfile": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ReaderProfile(ctx, connect.NewRequest(&v1.ReaderProfileRequest{Reader: "urn:staff|jo", Purpose: "p"})))
		}},
		"GetEvent": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: p.inside.String(), Purpose: "p", Original: true})))
		}},
		"SearchAccesses": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.SearchAccesses(ctx, connect.NewRequest(&v1.SearchAccessesRequest{Action: v1.Action_ACTION_READ, Purpose: "p"})))
		}},
		"SearchAccesses of objects": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.SearchAccesses(ctx, connect.NewRequest(&v1.SearchAccessesRequest{Text: "note of", Purpose: "p"})))
		}},
		"SearchEvents": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: "all", Size: 100, Count: true})
			return eventsFound(page), err
		}},
		"SearchEvents by id": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: "ids", Size: 100, IDs: p.eventIDs()})
			return eventsFound(page), err
		}},
		"SearchEvents by patient": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: "mrn", Size: 100, Patients: [][]api.Subject{{{System: "urn:mrn", Value: "7", Exact: true}}}})
			return eventsFound(page), err
		}},
		"SearchEvents by reader": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: "jo", Size: 100, Readers: [][]api.Subject{{{System: "urn:staff", Value: "jo", Exact: true}}}})
			return eventsFound(page), err
		}},
		"SearchEvents by entity": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			page, err := p.service.SearchEvents(ctx, api.EventSearch{Purpose: "p", Key: "doc", Size: 100, Entities: [][]api.Subject{{{System: "urn:mrn", Value: "7", Exact: true}}}})
			return eventsFound(page), err
		}},
		"ListDeadLetters": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListDeadLetters(ctx, connect.NewRequest(&v1.ListDeadLettersRequest{})))
		}},
		"GetDeadLetter": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetDeadLetter(ctx, connect.NewRequest(&v1.GetDeadLetterRequest{DeadLetter: proto.At(2, 0).String(), Purpose: "p"})))
		}},
		"ListSources": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListSources(ctx, connect.NewRequest(&v1.ListSourcesRequest{})))
		}},
		"GetStatus": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{})))
		}},
		"ListAlerts": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{Purpose: "p", Scope: v1.AlertScope_ALERT_SCOPE_ALL})))
		}},
		"ListAlerts about a reader": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{Purpose: "p", Reader: "urn:staff|jo", Scope: v1.AlertScope_ALERT_SCOPE_ALL})))
		}},
		"ListAlerts by pseudonym": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{Scope: v1.AlertScope_ALERT_SCOPE_ALL})))
		}},
		"GetAlert": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: p.alerts["here"], Purpose: "p"})))
		}},
		"SearchFindings": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.SearchFindings(ctx, connect.NewRequest(&v1.SearchFindingsRequest{From: "2026-01-01", To: "2026-12-31", Purpose: "p"})))
		}},
		"ScoreDetectors": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ScoreDetectors(ctx, connect.NewRequest(&v1.ScoreDetectorsRequest{From: "2026-01-01", To: "2026-12-31"})))
		}},
		"ListCases": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListCases(ctx, connect.NewRequest(&v1.ListCasesRequest{Purpose: "p"})))
		}},
		"GetCase": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: p.cases["here"], Purpose: "p"})))
		}},
		"ListViews": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.ListViews(ctx, connect.NewRequest(&v1.ListViewsRequest{})))
		}},
		"GetView": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.GetView(ctx, connect.NewRequest(&v1.GetViewRequest{View: viewID("here").String(), Purpose: "p"})))
		}},
		"BreachScope":                {ask: scope(&v1.ScopeQuery{Reader: "urn:staff|jo"})},
		"BreachScope of a time":      {ask: scope(&v1.ScopeQuery{FromUs: begin.UnixMicro(), UntilUs: begin.Add(24 * time.Hour).UnixMicro()})},
		"BreachScope of an object":   {ask: scope(&v1.ScopeQuery{Object: "urn:doc|1"})},
		"BreachScope of a workplace": {ask: scope(&v1.ScopeQuery{Workstation: "WS-1"})},
		"BreachScope of events": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return scope(&v1.ScopeQuery{Events: []string{p.inside.String(), p.outside.String()}})(ctx, p)
		}},
		"BreachScope of an alert": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return scope(&v1.ScopeQuery{Alert: p.alerts["here"]})(ctx, p)
		}},
		"BreachScope of a case": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return scope(&v1.ScopeQuery{Case: p.cases["here"]})(ctx, p)
		}},
		"CompareScopes": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().CompareScopes(ctx, connect.NewRequest(&v1.CompareScopesRequest{
				Before: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|kim"}}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}}, Purpose: "p",
			})))
		}},
		"CompareScopes with a frozen one": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().CompareScopes(ctx, connect.NewRequest(&v1.CompareScopesRequest{
				Before: &v1.ScopeRun{Frozen: uint64(p.frozenAt())}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}}, Purpose: "p",
			})))
		}},
		"FreezeScope": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().FreezeScope(ctx, connect.NewRequest(&v1.FreezeScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}, Purpose: "p"})))
		}},
		"VerifyScope": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().VerifyScope(ctx, connect.NewRequest(&v1.VerifyScopeRequest{Position: uint64(p.frozenAt()), Purpose: "p"})))
		}},
		"ListFrozenScopes": {refused: true, ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().ListFrozenScopes(ctx, connect.NewRequest(&v1.ListFrozenScopesRequest{Purpose: "p"})))
		}},
		"AccessReport": {ask: func(ctx context.Context, p *places) (protobuf.Message, error) {
			return answered(p.service.Scopes().AccessReport(ctx, connect.NewRequest(&v1.AccessReportRequest{Patient: "urn:mrn|7", Purpose: "p", Names: v1.AccessReportRequest_NAMES_FULL})))
		}},
		"ExportScope as CSV":    {ask: exportOf(v1.ExportScopeRequest_FORMAT_CSV)},
		"ExportScope as NDJSON": {ask: exportOf(v1.ExportScopeRequest_FORMAT_NDJSON)},
		"ExportScope as FHIR":   {ask: exportOf(v1.ExportScopeRequest_FORMAT_FHIR)},
	}
}

func exportOf(format v1.ExportScopeRequest_Format) func(ctx context.Context, p *places) (protobuf.Message, error) {
	return func(ctx context.Context, p *places) (protobuf.Message, error) {
		all := &v1.GetEventResponse{} // a message that holds a header and text
		err := p.service.Scopes().Export(ctx, &v1.ExportScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}, Purpose: "p", Format: format}, func(part *v1.ExportScopeResponse) error {
			if part.Header != nil {
				all.Header = part.Header
			}
			all.MediaType += string(part.Data)
			return nil
		})
		return all, err
	}
}

// eventsFound puts a page of events into a message.
func eventsFound(page *api.EventPage) protobuf.Message {
	if page == nil {
		return nil
	}
	res := &v1.WhoViewedResponse{Header: page.Header}
	for _, e := range page.Events {
		res.Accesses = append(res.Accesses, &v1.Access{Position: uint64(e.Position), Source: e.Event.String()})
	}
	return res
}

func (p *places) eventIDs() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.ids {
		out = append(out, id.String())
	}
	slices.Sort(out)
	return out
}

func (p *places) frozenAt() proto.Position {
	for sequence := uint64(1); ; sequence++ {
		b, err := p.readBatch(p.t.Context(), sequence)
		if err != nil {
			p.t.Fatal(err)
		}
		if b.Has(v1.Kind_KIND_SCOPE_FROZEN) {
			return proto.At(sequence, 0)
		}
	}
}

// headerOf is the header of an answer that has one.
func headerOf(m protobuf.Message) *v1.AnswerHeader {
	if h, ok := m.(interface{ GetHeader() *v1.AnswerHeader }); ok {
		return h.GetHeader()
	}
	return nil
}

// TestLimitsInEveryAnswer: of what happened elsewhere no answer to an asker with limits says anything but how much it was, nor does an
// answer look complete; what knows no sites is refused. Somebody without limits is answered with all of it, so that the test can fail.
func TestLimitsInEveryAnswer(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"north "}})
	asks := placesAsks()
	for _, service := range []protoreflect.ServiceDescriptor{
		v1.File_readtrail_v1_query_proto.Services().ByName("QueryService"), v1.File_readtrail_v1_alerts_proto.Services().ByName("AlertService"),
		v1.File_readtrail_v1_cases_proto.Services().ByName("CaseService"), v1.File_readtrail_v1_scope_proto.Services().ByName("ScopeService"),
		v1.File_readtrail_v1_views_proto.Services().ByName("ViewService"),
	} {
		for i := range service.Methods().Len() {
			name := string(service.Methods().Get(i).Name())
			found := false
			for text := range asks {
				found = found || text == name || strings.HasPrefix(text, name+" ")
			}
			if !found {
				t.Errorf("no question asks %s", name)
			}
		}
	}
	limited, whole := as(t.Context(), "token:limited", proto.RolePrivacyOfficer), as(t.Context(), "token:whole", proto.RolePrivacyOfficer)
	counted := map[string]uint64{ // reports elsewhere
		"WhoViewed": 3, "WhoViewed of a period": 3, "AccessReport": 3, "ReaderActivity": 3, "ReaderProfile": 3, "WhoViewed as it is drawn": 3, "ReaderActivity as it is drawn": 3, "BreachScope": 3,
		"BreachScope of a time": 6, "BreachScope of an alert": 0,
		"BreachScope of a case": 0, "CompareScopes": 3, "ExportScope as CSV": 3, "ExportScope as NDJSON": 3, "ExportScope as FHIR": 3,
	}
	says := map[string]bool{}
	for name, tt := range asks {
		res, err := tt.ask(limited, p)
		if tt.refused {
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s: %v, %v", name, res, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := protojson.Format(res)
		if strings.Contains(strings.ToUpper(text), elsewhere) {
			t.Errorf("%s tells what happened elsewhere:\n%s", name, text)
		}
		if h := headerOf(res); name != "GetStatus" && name != "ListViews" && name != "GetView" { // those hold no accesses
			want, isCounted := counted[name]
			if h.GetLimits() == nil || !strings.Contains(strings.Join(h.Notes, " "), "Limited to site north") {
				t.Errorf("%s looks complete: %v", name, h)
			} else if h.ElsewhereCounted != isCounted || h.Elsewhere != want {
				t.Errorf("%s: %d elsewhere, counted %v, want %d, %v", name, h.Elsewhere, h.ElsewhereCounted, want, isCounted)
			}
			if q := p.lastQuestion(); q.Limits == nil || q.Elsewhere != want {
				t.Errorf("%s: journaled %v", name, q)
			}
		}
		all, err := tt.ask(whole, p)
		if err != nil {
			t.Errorf("%s without limits: %v", name, err)
			continue
		}
		says[name] = strings.Contains(strings.ToUpper(protojson.Format(all)), elsewhere)
		if h := headerOf(all); h.GetLimits() != nil || h.GetElsewhereCounted() {
			t.Errorf("%s: an answer without limits says that it has some", name)
		}
	}
	alone := []string{ // what these are about lies here alone
		"GetStatus", "ListViews", "GetView", "GetEvent", "GetAlert", "GetCase", "BreachScope of an object", "BreachScope of a workplace", "BreachScope of an alert",
		"BreachScope of a case",
	}
	for name, there := range says {
		alone := slices.Contains(alone, name)
		if there == alone {
			t.Errorf("%s: without limits it tells what happened elsewhere: %v", name, there)
		}
	}
}

func (p *places) lastQuestion() *v1.Question {
	all := p.questions()
	return all[len(all)-1]
}

// TestLimitsOneByOne: what rests on accesses elsewhere, asked for one by one or by command, is as nothing; who tried is in the journal.
func TestLimitsOneByOne(t *testing.T) {
	for name, limits := range map[string]proto.Limits{
		"site":       {Sites: []string{"NORTH"}},
		"department": {Departments: []string{" cardiology"}},
		"both":       {Sites: []string{"North", "source:lab"}, Departments: []string{"Cardiology", "Oncology"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlaces(t, limits)
			ctx := as(t.Context(), "token:limited", proto.RolePrivacyOfficer)
			_, err := p.service.GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: p.outside.String(), Purpose: "curious"}))
			if q := p.lastQuestion(); connect.CodeOf(err) != connect.CodeNotFound || q.Elsewhere != 1 || q.Purpose != "curious" || q.Rows != 0 || len(q.Subjects) != 0 {
				t.Errorf("an event elsewhere: %v, journaled %v", err, q)
			}
			for at, alert := range p.alerts {
				id, err := proto.ParseEventID(alert)
				if err != nil {
					t.Fatal(err)
				}
				of, err := proto.ParseEventID(p.cases[at])
				if err != nil {
					t.Fatal(err)
				}
				_, byCommand, err := p.service.AlertNow(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				_, ofCase, err := p.service.CaseSteps(ctx, of)
				if err != nil {
					t.Fatal(err)
				}
				_, opened := p.service.GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: alert, Purpose: "p"}))
				_, openedCase := p.service.GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: p.cases[at], Purpose: "p"}))
				_, scope := p.service.Scopes().BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Alert: alert}, Purpose: "p"}))
				_, scopeOfCase := p.service.Scopes().BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Case: p.cases[at]}, Purpose: "p"}))
				for what, err := range map[string]error{"opened": opened, "case": openedCase, "scope": scope, "scope of case": scopeOfCase} {
					if at == "here" && err != nil || at != "here" && connect.CodeOf(err) != connect.CodeNotFound {
						t.Errorf("%s, %s: %v", at, what, err)
					}
				}
				if byCommand != (at == "here") || ofCase != (at == "here") {
					t.Errorf("%s: by command %v, %v", at, byCommand, ofCase)
				}
			}
		})
	}
}

// TestLimitsOfNothing: of whom nobody stated what they may see, sees nothing, and is told why.
func TestLimitsOfNothing(t *testing.T) {
	p := newPlaces(t, proto.Limits{Nothing: true})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	res, err := p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p"}))
	if err != nil || len(res.Msg.Accesses) != 0 || res.Msg.Totals.Accesses != 0 || res.Msg.Header.Elsewhere != 5 || !res.Msg.Header.Limits.Nothing {
		t.Errorf("%v, %v", res, err)
	}
	alerts, err := p.service.ListAlerts(ctx, connect.NewRequest(&v1.ListAlertsRequest{Purpose: "p", Scope: v1.AlertScope_ALERT_SCOPE_ALL}))
	if err != nil || len(alerts.Msg.Alerts) != 0 || alerts.Msg.Totals.Candidates != 0 {
		t.Errorf("%v, %v", alerts, err)
	}
}

// TestStatementsAgreeWithEvents: the tables and the journal say the same of what is within limits, whatever events state.
func TestStatementsAgreeWithEvents(t *testing.T) {
	w := newWorld(t)
	odd := []string{"", "North", "north", " North ", "N\x1forth", "N\x1eorth", "ÄRZTE", "ärzte", "source:ehr", "it's", `back\slash`}
	var items []*v1.Item
	for i, site := range odd {
		for j, department := range odd {
			items = append(items, access("ehr", begin.Add(time.Duration(i*100+j)*time.Second), id("urn:mrn", "7"), id("urn:staff", fmt.Sprint("r", i, "-", j)), func(e *v1.AccessEvent) {
				e.Site, e.Reader.Department, e.Objects = site, department, []*v1.Object{{Type: "note", Id: id("urn:doc", "1")}}
			}))
		}
	}
	w.append(items...)
	w.settle()
	limits := proto.Limits{}
	c := w.config()
	c.Limits = func(proto.Caller) proto.Limits { return limits }
	service := serve(t, c)
	for i, sites := range append([]string{"-"}, odd[1:]...) {
		for _, departments := range []string{"-", odd[1+i%10], odd[1+(i*7+3)%10]} {
			limits = proto.Limits{}
			if sites != "-" {
				limits.Sites = []string{sites, "Elsewhere"}
			}
			if departments != "-" {
				limits.Departments = []string{departments}
			}
			want := 0
			for _, it := range items {
				if limits.Within(it.GetAccess()) {
					want++
				}
			}
			record, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p"}))
			if err != nil {
				t.Fatal(err)
			}
			found, err := service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Source: "ehr", Purpose: "p", Page: &v1.Page{Size: 500}}))
			if err != nil {
				t.Fatal(err)
			}
			byObject, err := service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{ObjectType: "note", Purpose: "p", Page: &v1.Page{Size: 500}}))
			if err != nil {
				t.Fatal(err)
			}
			whole := uint64(len(items) - want)
			if limits.Limited() && record.Msg.Header.Elsewhere != whole {
				t.Errorf("%q, %q: %d elsewhere, want %d", sites, departments, record.Msg.Header.Elsewhere, whole)
			}
			if got := record.Msg.Totals.Events; got != uint64(want) || len(found.Msg.Accesses) != want || len(byObject.Msg.Accesses) != want {
				t.Errorf("%q, %q: %d by record, %d by place, %d by object, want %d", sites, departments, got, len(found.Msg.Accesses), len(byObject.Msg.Accesses), want)
			}
		}
	}
}

// TestLimitsBesideOwn: who is limited, and known among the readers, is answered like anybody with limits: the statements hold to both.
func TestLimitsBesideOwn(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}, Departments: []string{"Cardiology"}})
	p.saveView("here", 2, func(e *v1.ViewEntry) { e.Owner = "token:kim" })
	kim := as(t.Context(), "token:kim", proto.RolePrivacyOfficer)
	for name, tt := range placesAsks() {
		res, err := tt.ask(kim, p)
		switch {
		case tt.refused:
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s: %v", name, err)
			}
		case name == "CompareScopes" || name == "BreachScope of an alert" || name == "BreachScope of a case": // kim's own accesses are among them
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case strings.Contains(strings.ToUpper(protojson.Format(res)), elsewhere):
			t.Errorf("%s tells what happened elsewhere", name)
		}
	}
}

// TestLimitsWithCommasAreTheirOwn: what was computed for one asker is not answered to another whose limits only read alike.
func TestLimitsWithCommasAreTheirOwn(t *testing.T) {
	w := newWorld(t)
	for i, site := range []string{"Springfield", "Springfield, IL", "Clinic", "IL, Clinic"} {
		w.append(access("ehr", begin.Add(time.Duration(i)*time.Hour), id("urn:mrn", fmt.Sprint(i)), id("urn:staff", "jo"), func(e *v1.AccessEvent) { e.Site = site }))
	}
	w.settle()
	asOf := w.clock().UnixMicro()
	w.pass(time.Hour)
	limits := map[string]proto.Limits{"token:a": {Sites: []string{"Springfield, IL", "Clinic"}}, "token:b": {Sites: []string{"Springfield", "IL, Clinic"}}}
	c := w.config()
	c.Limits = func(c proto.Caller) proto.Limits { return limits[c.Name] }
	service := serve(t, c)
	for asker, want := range map[string][]string{"token:a": {"1", "2"}, "token:b": {"0", "3"}} {
		for _, first := range []string{"token:a", "token:b"} { // whoever asked before
			for _, who := range []string{first, asker} {
				res, err := service.Scopes().BreachScope(as(t.Context(), who, proto.RoleInvestigator), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "urn:staff|jo"}, Purpose: "p", AsOfUs: asOf}))
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, x := range res.Msg.Patients {
					got = append(got, x.Identifiers[0].GetValue())
				}
				if slices.Sort(got); who == asker && !slices.Equal(got, want) {
					t.Errorf("%s after %s: records %q, want %q", asker, first, got, want)
				}
			}
		}
	}
}

// TestStatusWithinLimits: an import elsewhere is not told of to an asker with limits: sources are kept from them.
func TestStatusWithinLimits(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	c := p.config()
	c.Limits = func(proto.Caller) proto.Limits { return p.limits }
	tasks := api.NewTasks(p.clock)
	c.Tasks = tasks.Running
	service := serve(t, c)
	task := tasks.Begin(v1.RunningTask_KIND_IMPORT, elsewhere, "bytes")
	task.Results(4711)
	res, err := service.GetStatus(as(t.Context(), "token:limited", proto.RoleInvestigator), connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil || strings.Contains(protojson.Format(res.Msg), elsewhere) || strings.Contains(protojson.Format(res.Msg), "4711") {
		t.Errorf("%v, %v", res, err)
	}
}

// TestFoldsAgree: the tables and the journal fold letters of all scripts alike: where they do not, one of the two lets in what the other does not.
func TestFoldsAgree(t *testing.T) {
	w := newWorld(t)
	var items []*v1.Item
	var sites []string
	for _, upper := range []string{"İzmir", "\u212Aiel", "STRAẞE", "ΣΟΦΟΣ", "Ⅷ", "Ꙁ", "\u00a0North", "North\t", "\u1E9E", "Ǆ", "ᏸ", "Ა"} {
		for _, site := range []string{upper, strings.ToLower(upper)} {
			sites = append(sites, site)
			items = append(items, access("ehr", begin.Add(time.Duration(len(items))*time.Second), id("urn:mrn", "7"), id("urn:staff", "jo"), func(e *v1.AccessEvent) { e.Site = site }))
		}
	}
	w.append(items...)
	w.settle()
	limits := proto.Limits{}
	c := w.config()
	c.Limits = func(proto.Caller) proto.Limits { return limits }
	service := serve(t, c)
	for _, site := range sites {
		limits = proto.Limits{Sites: []string{site}}
		want := 0
		for _, it := range items {
			if limits.Within(it.GetAccess()) {
				want++
			}
		}
		res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Msg.Totals.Events; got != uint64(want) {
			t.Errorf("limited to %q: the tables find %d, the journal %d", site, got, want)
		}
	}
}

// TestPeersWithinLimits: a peer who did nothing within the asker's limits is no peer who did nothing: the figures of others do not sink by them,
// and how many colleagues work elsewhere is not told.
func TestPeersWithinLimits(t *testing.T) {
	w := newWorld(t)
	at := func(site string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) {
			e.Site, e.Reader.Department, e.Reader.Role = site, "Cardiology", &v1.Coding{Code: "nurse"}
		}
	}
	n := 0
	reads := func(reader, site string, times int) {
		for range times {
			n++
			w.append(access("ehr", begin.Add(-time.Duration(n)*time.Minute), id("urn:mrn", fmt.Sprint(n)), id("urn:staff", reader), at(site)))
		}
	}
	reads("jo", "North", 4)
	for i := range 6 {
		reads(fmt.Sprint("here", i), "North", 4)
	}
	for i := range 8 {
		reads(fmt.Sprint("there", i), "South", 4)
	}
	w.settle()
	c := w.config()
	c.Limits = func(proto.Caller) proto.Limits { return proto.Limits{Sites: []string{"North"}} }
	service := serve(t, c)
	res, err := service.ReaderProfile(w.ctx(), connect.NewRequest(&v1.ReaderProfileRequest{Reader: "urn:staff|jo", Purpose: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	if res.Msg.Peers != 6 {
		t.Errorf("%d peers, want the 6 within the limits; figures %v", res.Msg.Peers, res.Msg.Figures)
	}
}

// TestElsewhereIsNoOracle: how many reports lie elsewhere does not tell at which workstation, nor whether one event is some reader's.
func TestElsewhereIsNoOracle(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	ctx := as(t.Context(), "token:limited", proto.RoleInvestigator)
	count := func(q *v1.ScopeQuery) string {
		res, err := p.service.Scopes().BreachScope(ctx, connect.NewRequest(&v1.BreachScopeRequest{Query: q, Purpose: "p"}))
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(res.Msg.Header.ElsewhereCounted, res.Msg.Header.Elsewhere)
	}
	event := []string{p.outside.String()}
	if jo, kim := count(&v1.ScopeQuery{Reader: "urn:staff|jo", Events: event}), count(&v1.ScopeQuery{Reader: "urn:staff|kim", Events: event}); jo != kim {
		t.Errorf("whose access the event %s is: jo's %s, kim's %s", p.outside, jo, kim)
	}
	at, other := elsewhere+"-WS", "WS-2"
	if there, not := count(&v1.ScopeQuery{Reader: "urn:staff|jo", Workstation: at}), count(&v1.ScopeQuery{Reader: "urn:staff|jo", Workstation: other}); there != not {
		t.Errorf("at which workstation elsewhere jo was: %s %s, %s %s", at, there, other, not)
	}
	us := begin.Add(2 * time.Hour).UnixMicro() // of the access by jo to record 7 elsewhere
	of := func(us int64) (record, reader uint64) {
		a, err := p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p", FromUs: us, UntilUs: us + 1}))
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.service.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{Reader: "urn:staff|jo", Purpose: "p", FromUs: us, UntilUs: us + 1}))
		if err != nil {
			t.Fatal(err)
		}
		return a.Msg.Header.Elsewhere, b.Msg.Header.Elsewhere
	}
	day, err := p.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|7", Purpose: "p", FromUs: us, UntilUs: us + 1}))
	if err != nil || !strings.Contains(strings.Join(day.Msg.Header.Notes, " "), "counted over whole days of UTC") {
		t.Errorf("the number reads as if it were of the period alone: %v, %v", day, err)
	}
	asOf := p.clock().UnixMicro()
	p.pass(time.Hour)
	p.append(access("ehr", p.clock(), id("urn:mrn", "9"), id("urn:staff", "jo"), func(e *v1.AccessEvent) { e.Site = "North" }))
	p.settle()
	past, err := p.service.Scopes().AccessReport(ctx, connect.NewRequest(&v1.AccessReportRequest{Patient: "urn:mrn|7", Purpose: "p", AsOfUs: asOf, Names: v1.AccessReportRequest_NAMES_FULL}))
	if err != nil || past.Msg.Header.ElsewhereCounted || strings.Contains(strings.Join(past.Msg.Notes, " "), "0 further") {
		t.Errorf("what was not counted is told as none: %v, %v", past, err)
	}
	if record, reader := of(us); record == 1 && reader == 1 {
		t.Errorf("that jo viewed record 7 elsewhere, to the microsecond")
	}
}

// TestAlertThatCitesNotAll: detectors cut what an alert cites (2,000 accesses). One that may cite less than it rests on is not within.
func TestAlertThatCitesNotAll(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	v := protobuf.CloneOf(p.world.alerts.Messages()[0])
	alert := mustMint(t, 500)
	v.AlertId, v.Version, v.Accesses = alert.Bytes(), 1, nil
	var many []*v1.Item
	for i := range 2000 {
		many = append(many, access("ehr", begin.Add(time.Duration(i)*time.Second), id("urn:mrn", "9"), id("urn:staff", "jo"), func(e *v1.AccessEvent) { e.Site = "North" }))
	}
	first := p.append(many...)
	for i := range 2000 {
		v.Accesses = append(v.Accesses, &v1.CitedAccess{Position: uint64(first) + uint64(i)})
	}
	v.Note = &v1.AlertNote{Title: "2,400 records in a day", What: []string{elsewhere}, More: 2390}
	p.world.alerts.Publish(v)
	p.settle()
	res, err := p.service.GetAlert(as(t.Context(), "token:limited", proto.RolePrivacyOfficer), connect.NewRequest(&v1.GetAlertRequest{Alert: alert.String(), Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("told: %v, %v", res, err)
	}
}

// TestDocumentsWithinLimits: a reason may rest on an access elsewhere, or on a stay there. Within limits neither is told, nor when it was.
func TestDocumentsWithinLimits(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	stay := &v1.Document{Source: "ehr", Type: "Encounter", Id: "e17", FromUs: begin.UnixMicro()}
	by := map[proto.Position]*v1.Document{
		p.inside:     {Position: uint64(p.outside)},
		p.inside + 2: {Position: uint64(p.inside + 2)}, // the access itself
		p.inside + 5: stay,
		p.inside + 8: {FromUs: begin.UnixMicro(), UntilUs: begin.Add(time.Hour).UnixMicro()}, // elsewhere itself
	}
	told := map[proto.Position]bool{p.inside + 2: true}
	v, last := &v1.Verdicts{}, proto.Position(0)
	for _, at := range []proto.Position{p.inside, p.inside + 2, p.inside + 5, p.inside + 8} {
		v.Positions, last = append(v.Positions, uint64(at-last)), at
		v.Patients, v.Verdicts = append(v.Patients, 0), append(v.Verdicts, byte(v1.Verdict_VERDICT_EXPLAINED))
		v.Explanations = append(v.Explanations, byte(v1.Explanation_EXPLANATION_WORKED_ON_RECORD))
		v.Documents = append(v.Documents, by[at])
		v.Cited = append(v.Cited, uint32(len(v.Documents)))
	}
	p.findings.Publish(&v1.Findings{Cause: uint64(p.inside), Last: true, Day: int32(begin.Unix() / 86_400), AtUs: begin.UnixMicro(), Verdicts: v, Closed: true})
	p.settle()
	asks := placesAsks()
	for _, name := range []string{"WhoViewed", "ReaderActivity", "SearchAccesses", "GetEvent", "GetAlert"} {
		for caller, limited := range map[string]bool{"token:limited": true, "token:whole": false} {
			res, err := asks[name].ask(as(t.Context(), caller, proto.RolePrivacyOfficer), p)
			if err != nil {
				t.Fatal(name, err)
			}
			var accesses []*v1.Access
			switch m := res.(type) {
			case *v1.GetEventResponse:
				accesses = []*v1.Access{{Position: m.Position, Explanation: m.Explanation, Document: m.Document}}
			case interface{ GetAccesses() []*v1.Access }:
				accesses = m.GetAccesses()
			}
			if len(accesses) == 0 {
				t.Errorf("%s shows no access", name)
			}
			for _, a := range accesses {
				want := by[proto.Position(a.Position)]
				if want != nil && a.Explanation != v1.Explanation_EXPLANATION_WORKED_ON_RECORD {
					t.Errorf("%s by %s: %d is explained by %v", name, caller, a.Position, a.Explanation)
				}
				if limited && !told[proto.Position(a.Position)] {
					want = nil
				}
				if !protobuf.Equal(a.Document, want) {
					t.Errorf("%s by %s: %d is documented by %v, want %v", name, caller, a.Position, a.Document, want)
				}
			}
		}
	}
	for _, format := range []string{"CSV", "NDJSON"} {
		for caller, limited := range map[string]bool{"token:limited": true, "token:whole": false} {
			res, err := asks["ExportScope as "+format].ask(as(t.Context(), caller, proto.RolePrivacyOfficer), p)
			if err != nil {
				t.Fatal(err)
			}
			file := res.(*v1.GetEventResponse).MediaType //nolint:forcetypeassert // exportOf
			for _, text := range []string{fmt.Sprintf("event %d", p.outside), "Encounter/e17"} {
				if strings.Contains(file, text) == limited {
					t.Errorf("%s by %s tells %q: %v", format, caller, text, limited)
				}
			}
		}
	}
}
