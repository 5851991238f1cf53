package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// withoutMask are the methods of the services that answer questions that have no mask, and why.
var withoutMask = map[protoreflect.FullName]string{
	"readtrail.v1.ScopeService.FreezeScope": "it journals a scope", "readtrail.v1.ScopeService.VerifyScope": "the answer is a proof",
	"readtrail.v1.ScopeService.ExportScope": "a stream with columns of its own",
}

// maskable are the methods that have a mask, of all services that answer questions.
func maskable(t *testing.T) map[protoreflect.FullName]protoreflect.MethodDescriptor {
	t.Helper()
	out := map[protoreflect.FullName]protoreflect.MethodDescriptor{}
	for _, service := range []protoreflect.FullName{"QueryService", "AlertService", "CaseService", "ScopeService", "ViewService"} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName("readtrail.v1." + service)
		if err != nil {
			t.Fatal(err)
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			has := m.Input().Fields().ByName("read_mask") != nil
			if why := withoutMask[m.FullName()]; has == (why != "") {
				t.Errorf("%s: has a mask %v, has a reason not to %q", m.FullName(), has, why)
			}
			if has {
				out[m.FullName()] = m
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d methods", len(out))
	}
	return out
}

// served are all services over the wire, as one caller.
func (w *world) served(c proto.Caller) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle(w.service.Handler())
	mux.Handle(w.service.AlertHandler())
	mux.Handle(w.service.CaseHandler())
	mux.Handle(w.service.ViewHandler())
	mux.Handle(w.service.Scopes().Handler())
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(rw, r.WithContext(proto.WithCaller(r.Context(), c)))
	}))
	w.t.Cleanup(server.Close)
	return server
}

// call asks any method, with messages that are known by their descriptors alone.
func call(ctx context.Context, server *httptest.Server, m protoreflect.MethodDescriptor, req protobuf.Message) (protobuf.Message, error) {
	dynamic := dynamicpb.NewMessage(m.Input())
	b, err := protobuf.Marshal(req)
	if err == nil {
		err = protobuf.Unmarshal(b, dynamic)
	}
	if err != nil {
		return nil, err
	}
	url := server.URL + "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
	client := connect.NewClient[dynamicpb.Message, dynamicpb.Message](server.Client(), url, connect.WithSchema(m),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			if x, ok := message.(*dynamicpb.Message); ok {
				*x = *dynamicpb.NewMessage(m.Output())
			}
			return nil
		}))
	res, err := client.CallUnary(ctx, connect.NewRequest(dynamic))
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// asking is a request for each method that is answered in a hospital.
func (h *hospital) asking() map[protoreflect.FullName]protobuf.Message {
	const why = "test of masks"
	letter := h.append(deadLetter("ehr", "invalid_json")).String()
	event := h.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")))
	h.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "b")))
	h.saveView("masked", 1, asks(recordView("1")))
	h.append(&v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: &v1.ScopeFrozen{Query: &v1.ScopeQuery{Reader: "urn:staff|a"}, Format: 1}}})
	investigated := h.investigate(1, 3)[0]
	one := investigated.ID.String()
	asked := asksOf(1, "token:1")
	asked.CaseId, asked.Version, asked.Asker, asked.AtUs = investigated.ID.Bytes(), investigated.Version+1, "os:ada", h.clock().UnixMicro()
	h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: asked}})
	h.settle()
	scope := &v1.ScopeQuery{Reader: "urn:staff|a"}
	alert := proto.EventID(h.alerts.Messages()[0].AlertId).String()
	return map[protoreflect.FullName]protobuf.Message{
		"QueryService.WhoViewed":        &v1.WhoViewedRequest{Patient: "urn:mrn|1", Purpose: why},
		"QueryService.ReaderActivity":   &v1.ReaderActivityRequest{Reader: "urn:staff|a", Purpose: why},
		"QueryService.ReaderProfile":    &v1.ReaderProfileRequest{Reader: "urn:staff|a", Purpose: why},
		"QueryService.GetEvent":         &v1.GetEventRequest{Event: event.String(), Purpose: why},
		"QueryService.SearchAccesses":   &v1.SearchAccessesRequest{Source: "ehr", Purpose: why},
		"QueryService.ListDeadLetters":  &v1.ListDeadLettersRequest{},
		"QueryService.GetDeadLetter":    &v1.GetDeadLetterRequest{DeadLetter: letter, Purpose: why},
		"QueryService.ListSources":      &v1.ListSourcesRequest{},
		"QueryService.GetStatus":        &v1.GetStatusRequest{},
		"AlertService.ListAlerts":       &v1.ListAlertsRequest{From: "2026-01-01", To: "2026-12-31", Purpose: why},
		"AlertService.GetAlert":         &v1.GetAlertRequest{Alert: alert, Purpose: why},
		"AlertService.SearchFindings":   &v1.SearchFindingsRequest{From: "2026-01-01", To: "2026-12-31", Purpose: why},
		"AlertService.ScoreDetectors":   &v1.ScoreDetectorsRequest{From: "2026-01-01", To: "2026-12-31"},
		"CaseService.ListCases":         &v1.ListCasesRequest{Purpose: why},
		"CaseService.GetCase":           &v1.GetCaseRequest{Case: one, Purpose: why},
		"CaseService.MyQuestions":       &v1.MyQuestionsRequest{},
		"ScopeService.BreachScope":      &v1.BreachScopeRequest{Query: scope, Purpose: why},
		"ScopeService.CompareScopes":    &v1.CompareScopesRequest{Before: &v1.ScopeRun{Query: scope}, After: &v1.ScopeRun{Query: &v1.ScopeQuery{Reader: "urn:staff|b"}}, Purpose: why},
		"ScopeService.ListFrozenScopes": &v1.ListFrozenScopesRequest{Purpose: why},
		"ScopeService.AccessReport":     &v1.AccessReportRequest{Patient: "urn:mrn|1", Purpose: why, Names: v1.AccessReportRequest_NAMES_FULL},
		"ViewService.ListViews":         &v1.ListViewsRequest{},
		"ViewService.GetView":           &v1.GetViewRequest{View: viewID("masked").String()},
	}
}

// TestMasksOfEveryMethod walks the services: each has a mask that is heeded, and a path that the answer does not have is refused by its name,
// before anything is looked up or journaled.
func TestMasksOfEveryMethod(t *testing.T) {
	h := newHospital(t, 17, 60)
	h.detect(12)
	requests, methods := h.asking(), maskable(t)
	server := h.served(proto.Caller{Name: "token:1", Role: proto.RolePrivacyOfficer})
	for full, m := range methods {
		name := strings.TrimPrefix(string(full), "readtrail.v1.")
		req := requests[protoreflect.FullName(name)]
		if req == nil {
			t.Errorf("%s is asked by no test", name)
			continue
		}
		ask := func(mask ...string) (protoreflect.Message, error) {
			r := protobuf.Clone(req).ProtoReflect()
			r.Set(r.Descriptor().Fields().ByName("read_mask"), protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: mask}).ProtoReflect()))
			res, err := call(t.Context(), server, m, r.Interface())
			if err != nil {
				return nil, err
			}
			return res.ProtoReflect(), nil
		}
		whole, err := ask("*")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// The last field that the answer has, and what it rests on.
		var path string
		whole.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if !slices.Contains(kept(m.Output()), string(f.Name())) {
				path = string(f.Name())
			}
			return true
		})
		got, err := ask(path)
		if err != nil || !got.Has(m.Output().Fields().ByName(protoreflect.Name(path))) || len(strays(got, path)) > 0 {
			t.Errorf("%s, %s: %v, %v", name, path, got, err)
			continue
		}
		if header := m.Output().Fields().ByName("header"); header != nil && !got.Has(header) {
			t.Errorf("%s, %s: does not say what it rests on", name, path)
		}
		before := len(h.questions())
		for _, path := range []string{"nothing", path + ".nothing", "", "*.header", "header.*"} {
			_, err := ask(path)
			if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
				t.Errorf("%s, %q: %v", name, path, err)
			}
		}
		if n := len(h.questions()) - before; n != 0 {
			t.Errorf("%s: %d questions of refused masks are journaled", name, n)
		}
	}
}

// TestEveryPathOfEveryAnswer prunes an answer in which each field is set, to every path that it has two levels deep.
func TestEveryPathOfEveryAnswer(t *testing.T) {
	t.Parallel()
	tried := 0
	for full, m := range maskable(t) {
		whole := dynamicpb.NewMessage(m.Output())
		fillAll(whole, 3)
		for _, path := range paths(m.Output()) {
			tried++
			pruned, err := api.Pruned(whole, path)
			if err != nil {
				t.Fatalf("%s, %s: %v", full, path, err)
			}
			got := pruned.ProtoReflect()
			name, rest, deeper := strings.Cut(path, ".")
			f := m.Output().Fields().ByName(protoreflect.Name(name))
			if faults := strays(got, path); len(faults) > 0 || !got.Has(f) {
				t.Errorf("%s, %s: there is also %s", full, path, faults)
				continue
			}
			for _, inner := range elementsIf(deeper, f, got.Get(f)) {
				if !inner.Has(f.Message().Fields().ByName(protoreflect.Name(rest))) {
					t.Errorf("%s, %s: it is not there", full, path)
				}
			}
			for _, always := range kept(m.Output()) {
				if g := m.Output().Fields().ByName(protoreflect.Name(always)); !protobuf.Equal(field(whole, g), field(got, g)) {
					t.Errorf("%s, %s: %s is not whole", full, path, always)
				}
			}
		}
		if all, err := api.Pruned(whole, paths(m.Output())...); err != nil || !protobuf.Equal(all, whole) {
			t.Errorf("%s: all paths together are not the whole: %v", full, err)
		}
	}
	if tried < 300 {
		t.Errorf("only %d paths", tried)
	}
}

// fillAll sets every field, so many levels deep.
func fillAll(m protoreflect.Message, levels int) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		value := func() protoreflect.Value {
			switch {
			case f.Message() != nil:
				inner := dynamicpb.NewMessage(f.Message())
				if levels > 1 {
					fillAll(inner, levels-1)
				}
				return protoreflect.ValueOfMessage(inner)
			case f.Enum() != nil:
				return protoreflect.ValueOfEnum(1)
			}
			switch f.Kind() {
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(true)
			case protoreflect.StringKind:
				return protoreflect.ValueOfString("x")
			case protoreflect.BytesKind:
				return protoreflect.ValueOfBytes([]byte("x"))
			case protoreflect.DoubleKind:
				return protoreflect.ValueOfFloat64(1)
			case protoreflect.Int32Kind, protoreflect.Sint32Kind:
				return protoreflect.ValueOfInt32(1)
			case protoreflect.Int64Kind, protoreflect.Sint64Kind:
				return protoreflect.ValueOfInt64(1)
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(1)
			}
			return protoreflect.ValueOfUint64(1)
		}
		if f.ContainingOneof() != nil && m.WhichOneof(f.ContainingOneof()) != nil {
			continue
		}
		if !f.IsList() {
			m.Set(f, value())
			continue
		}
		list := m.Mutable(f).List()
		list.Append(value())
		list.Append(value())
	}
}

// field is a message with one field of another.
func field(m protoreflect.Message, f protoreflect.FieldDescriptor) protobuf.Message {
	out := m.New()
	out.Set(f, m.Get(f))
	return out.Interface()
}

func elementsIf(yes bool, f protoreflect.FieldDescriptor, value protoreflect.Value) []protoreflect.Message {
	if !yes {
		return nil
	}
	return elements(f, value)
}

// paths are all paths of a message, two levels deep; one of a field that stands in the place of another is left out, as fillAll does.
func paths(m protoreflect.MessageDescriptor) (out []string) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		out = append(out, string(f.Name()))
		if f.Message() == nil || f.IsMap() {
			continue
		}
		oneofs := map[protoreflect.Name]bool{}
		for k := range f.Message().Fields().Len() {
			g := f.Message().Fields().Get(k)
			if o := g.ContainingOneof(); o != nil {
				if oneofs[o.Name()] {
					continue
				}
				oneofs[o.Name()] = true
			}
			out = append(out, string(f.Name())+"."+string(g.Name()))
		}
	}
	return out
}

// kept are the fields that are always there.
func kept(m protoreflect.MessageDescriptor) (out []string) {
	for _, name := range []protoreflect.Name{"header", "candidates", "from", "to", "sampled", "notes", "next_page_token"} {
		if m.Fields().ByName(name) != nil {
			out = append(out, string(name))
		}
	}
	return out
}

// strays are the fields of an answer that a path does not ask for.
func strays(m protoreflect.Message, path string) (out []string) {
	name, rest, deeper := strings.Cut(path, ".")
	always := kept(m.Descriptor())
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case string(f.Name()) != name:
			if !slices.Contains(always, string(f.Name())) {
				out = append(out, string(f.Name()))
			}
		case deeper && !slices.Contains(always, name):
			for _, inner := range elements(f, value) {
				inner.Range(func(g protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
					if string(g.Name()) != rest {
						out = append(out, name+"."+string(g.Name()))
					}
					return true
				})
			}
		}
		return true
	})
	return out
}

func elements(f protoreflect.FieldDescriptor, value protoreflect.Value) (out []protoreflect.Message) {
	if !f.IsList() {
		return append(out, value.Message())
	}
	for i := range value.List().Len() {
		out = append(out, value.List().Get(i).Message())
	}
	return out
}

// TestMaskOfRows: the rows that a mask leaves are those of the whole answer, with what is wanted of each; a wildcard says the same, and a
// field that is wanted wholly stays so beside a path into it.
func TestMaskOfRows(t *testing.T) {
	w := newWorld(t)
	for _, reader := range []string{"a", "b"} {
		w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", reader)))
	}
	w.settle()
	server := w.served(proto.Caller{Name: "token:1", Role: proto.RoleInvestigator})
	clients := []readtrailv1connect.QueryServiceClient{
		readtrailv1connect.NewQueryServiceClient(server.Client(), server.URL), readtrailv1connect.NewQueryServiceClient(server.Client(), server.URL, connect.WithProtoJSON()),
	}
	ask := func(mask ...string) *v1.WhoViewedResponse {
		t.Helper()
		client := clients[1]
		if strings.Contains(strings.Join(mask, ","), "*") { // the JSON form of a mask has none
			client = clients[0]
		}
		res, err := client.WhoViewed(t.Context(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "p", ReadMask: &fieldmaskpb.FieldMask{Paths: mask}}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	whole := ask()
	want := &v1.WhoViewedResponse{}
	for _, a := range whole.Accesses {
		want.Accesses = append(want.Accesses, &v1.Access{Position: a.Position, Reader: &v1.Reader{Identifiers: a.Reader.Identifiers}})
	}
	for _, mask := range [][]string{
		{"accesses.position", "accesses.reader.identifiers"},
		{"accesses.*.position", "accesses.*.reader.identifiers"},
		{"accesses.reader.identifiers", "accesses.*.position", "accesses.position"},
	} {
		got := ask(mask...)
		if got.Header.GetPosition() == 0 {
			t.Errorf("%q: without what it rests on", mask)
		}
		got.Header = nil
		if diff := gocmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%q: %s", mask, diff)
		}
	}
	for _, mask := range [][]string{{"totals", "totals.readers"}, {"totals.readers", "totals"}} {
		if diff := gocmp.Diff(whole.Totals, ask(mask...).Totals, protocmp.Transform()); diff != "" {
			t.Errorf("%q: %s", mask, diff)
		}
	}
	asked := w.questions()
	if q := asked[1]; fmt.Sprint(q.ReadMask) != "[accesses.position accesses.reader.identifiers]" || q.Rows != asked[0].Rows || len(q.Patients) != len(asked[0].Patients) || asked[0].ReadMask != nil {
		t.Errorf("journaled: %v", q)
	}
}

// TestMaskLiftsNoVeil: a mask names what is wanted of the answer that the asker gets, which for a viewer is a veiled one.
func TestMaskLiftsNoVeil(t *testing.T) {
	h := newHospital(t, 5, 60)
	h.detect(8)
	h.settle()
	server := h.served(proto.Caller{Name: "token:v", Role: proto.RoleViewer})
	client := readtrailv1connect.NewAlertServiceClient(server.Client(), server.URL)
	m := &v1.ListAlertsRequest{From: "2026-01-01", To: "2026-12-31", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"alerts.readers"}}}
	res, err := client.ListAlerts(t.Context(), connect.NewRequest(m))
	if err != nil {
		t.Fatal(err)
	}
	readers := 0
	for _, a := range res.Msg.Alerts {
		for _, r := range a.Readers {
			readers++
			if r.Identifier != nil || r.Display == "" {
				t.Errorf("a viewer reads %v", r)
			}
		}
	}
	if readers == 0 {
		t.Error("no reader is listed")
	}
	if _, err := client.ListAlerts(t.Context(), connect.NewRequest(&v1.ListAlertsRequest{ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"al\x00 4711"}}})); err == nil ||
		strings.ContainsAny(err.Error(), "\x00") || connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a path of other characters: %v", err)
	}
	many := slices.Repeat([]string{"alerts"}, 201)
	if _, err := client.ListAlerts(t.Context(), connect.NewRequest(&v1.ListAlertsRequest{ReadMask: &fieldmaskpb.FieldMask{Paths: many}})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("too many paths: %v", err)
	}
}

// TestMaskKeepsWhatAnAnswerLacks: a mask does not make an answer that says "which of these?" into one that says "nobody", nor a list of some
// days into one of all.
func TestMaskKeepsWhatAnAnswerLacks(t *testing.T) {
	p := newPlaces(t, proto.Limits{})
	p.append(access("ehr", begin, id("urn:other", "7"), id("urn:staff", "jo")))
	p.settle()
	was := p.world.service
	p.world.service = p.service
	server := p.served(proto.Caller{Name: "token:1", Role: proto.RolePrivacyOfficer})
	p.world.service = was // it is closed with the world
	mask := func(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
	record, err := readtrailv1connect.NewQueryServiceClient(server.Client(), server.URL).WhoViewed(t.Context(),
		connect.NewRequest(&v1.WhoViewedRequest{Patient: "7", Purpose: "p", ReadMask: mask("accesses", "totals")}))
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Msg.Candidates) != 2 {
		t.Errorf("an ambiguous record looks like one that nobody viewed: %v", protojson.Format(record.Msg))
	}
	alerts, err := readtrailv1connect.NewAlertServiceClient(server.Client(), server.URL).ListAlerts(t.Context(),
		connect.NewRequest(&v1.ListAlertsRequest{Purpose: "p", ReadMask: mask("alerts.alert_id")}))
	if err != nil {
		t.Fatal(err)
	}
	if alerts.Msg.From == "" || alerts.Msg.To == "" {
		t.Errorf("which days were looked at is not told: %v", protojson.Format(alerts.Msg))
	}
}
