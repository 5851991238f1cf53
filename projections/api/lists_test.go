package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func deadLetter(source, reason string) *v1.Item {
	return &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{
		Source: source, Reason: reason, Message: "AuditEvent.recorded is missing", Element: "AuditEvent.recorded", Origin: "POST /fhir", Line: 3,
	}}}
}

func (w *world) activity(reader string, edit ...func(*v1.ReaderActivityRequest)) *v1.ReaderActivityResponse {
	w.t.Helper()
	m := &v1.ReaderActivityRequest{Reader: reader, Purpose: "audit"}
	for _, f := range edit {
		f(m)
	}
	res, err := w.service.ReaderActivity(w.ctx(), connect.NewRequest(m))
	if err != nil {
		w.t.Fatalf("reader activity: %v", err)
	}
	return res.Msg
}

func TestReaderActivity(t *testing.T) {
	w := newWorld(t)
	reader := id("urn:staff", "u1")
	midnight := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC) // Vienna's midnight
	many := func(e *v1.AccessEvent) {
		e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", "2")}}, &v1.Patient{Text: "Somebody"})
	}
	w.append(
		access("ehr", midnight.Add(-time.Minute), id("urn:mrn", "1"), reader),
		access("ehr", midnight.Add(time.Minute), id("urn:mrn", "1"), reader, many),
		access("ehr", midnight.Add(10*time.Minute), nil, reader, func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_LOGIN }),
		access("ehr", midnight.Add(20*time.Minute), id("urn:mrn", "1"), reader, func(e *v1.AccessEvent) {
			e.BreakGlass, e.Outcome = true, v1.Outcome_OUTCOME_MINOR_FAILURE
		}),
		access("ehr", midnight.Add(30*time.Minute), id("urn:mrn", "1"), id("source:ehr", "Practitioner/9")),
		access("ehr", midnight, id("urn:mrn", "1"), id("urn:staff", "u2")),
	)
	w.append(&v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: "ehr", ResourceType: "Practitioner", ResourceId: "9", Identifiers: []*v1.Identifier{id("source:ehr", "Practitioner/9"), reader},
	}}})
	w.settle()
	for _, text := range []string{"u1", "urn:staff|u1", "Practitioner/9"} {
		res := w.activity(text, func(m *v1.ReaderActivityRequest) { m.TimeZone = "Europe/Vienna" })
		want := &v1.ReaderActivityTotals{Accesses: 5, Events: 5, Patients: 2, Failed: 1, BreakGlass: 1, Patientless: 1}
		if !protobuf.Equal(res.Totals, want) {
			t.Errorf("%s: totals %v", text, res.Totals)
		}
		var days []string
		for _, d := range res.Days {
			days = append(days, fmt.Sprint(d.Day, " ", d.Accesses, " ", d.Patients))
		}
		if diff := cmp.Diff([]string{"2026-03-01 1 1", "2026-03-02 4 2"}, days); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		if len(res.Accesses) != 5 || len(res.Accesses[3].Patients) != 3 || res.Accesses[3].Patients[2].Text != "Somebody" {
			t.Fatalf("%s: accesses %v", text, res.Accesses)
		}
	}
	utc := w.activity("u1")
	if len(utc.Days) != 1 || utc.Header.TimeZone != "UTC" {
		t.Errorf("days in UTC: %v", utc.Days)
	}
	var got []uint64
	token := ""
	for page := 0; page == 0 || token != ""; page++ {
		res := w.activity("u1", func(m *v1.ReaderActivityRequest) { m.Page = &v1.Page{Size: 2, Token: token} })
		for _, a := range res.Accesses {
			got = append(got, a.Position)
		}
		token = res.NextPageToken
	}
	var want []uint64
	for _, a := range utc.Accesses {
		want = append(want, a.Position)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSearchAccesses(t *testing.T) {
	w := newWorld(t)
	at := func(n int) time.Time { return begin.Add(-time.Duration(n) * time.Hour) }
	w.append(
		access("ehr", at(1), id("urn:mrn", "1"), id("urn:staff", "a"), func(e *v1.AccessEvent) {
			e.Objects = []*v1.Object{{Type: "DocumentReference", Id: id("source:ehr", "DocumentReference/7"), Name: "Discharge letter"}}
			e.Workstation, e.Site = "WS-1", "north"
		}),
		access("ehr", at(2), id("urn:mrn", "2"), id("urn:staff", "b"), func(e *v1.AccessEvent) {
			e.Workstation, e.Site, e.BreakGlass = "WS-1", "south", true
		}),
		access("pacs", at(3), nil, nil, func(e *v1.AccessEvent) { e.NetworkAddress, e.Action = "10.0.0.9", v1.Action_ACTION_LOGIN }),
		access("pacs", at(4), nil, id("urn:staff", "a"), func(e *v1.AccessEvent) { e.Patients = []*v1.Patient{{Text: "X110411319"}} }),
		access("ehr", at(5), id("urn:mrn", "1"), id("urn:staff", "a"), func(e *v1.AccessEvent) {
			e.Workstation = "WS-1"
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", "2")}})
		}),
	)
	w.settle()
	for name, tt := range map[string]struct {
		m    *v1.SearchAccessesRequest
		want []int
	}{
		"object":              {&v1.SearchAccessesRequest{Object: "DocumentReference/7"}, []int{1}},
		"object of a source":  {&v1.SearchAccessesRequest{Object: "source:ehr|DocumentReference/7"}, []int{1}},
		"object of another":   {&v1.SearchAccessesRequest{Object: "source:pacs|DocumentReference/7"}, nil},
		"object type":         {&v1.SearchAccessesRequest{ObjectType: "DocumentReference"}, []int{1}},
		"workstation":         {&v1.SearchAccessesRequest{Workstation: "WS-1"}, []int{1, 2, 5}},
		"workstation of site": {&v1.SearchAccessesRequest{Workstation: "WS-1", Site: "south"}, []int{2}},
		"in a period":         {&v1.SearchAccessesRequest{Workstation: "WS-1", UntilUs: at(1).UnixMicro(), FromUs: at(2).UnixMicro()}, []int{2}},
		"network address":     {&v1.SearchAccessesRequest{NetworkAddress: "10.0.0.9"}, []int{3}},
		"source":              {&v1.SearchAccessesRequest{Source: "pacs"}, []int{3, 4}},
		"break-glass":         {&v1.SearchAccessesRequest{BreakGlass: true}, []int{2}},
		"action":              {&v1.SearchAccessesRequest{Action: v1.Action_ACTION_LOGIN}, []int{3}},
		"patientless":         {&v1.SearchAccessesRequest{Patientless: true}, []int{3}},
		"unresolved":          {&v1.SearchAccessesRequest{Unresolved: true}, []int{4}},
		"text of a patient":   {&v1.SearchAccessesRequest{Text: "x1104"}, []int{4}},
		"text of an object":   {&v1.SearchAccessesRequest{Text: "discharge"}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.m.Purpose = "search"
			var got []int
			for page := 0; page == 0 || tt.m.Page.Token != ""; page++ {
				res, err := w.service.SearchAccesses(w.ctx(), connect.NewRequest(tt.m))
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range res.Msg.Accesses {
					got = append(got, int(begin.Sub(time.UnixMicro(a.OccurredUs)).Hours()))
				}
				tt.m.Page = &v1.Page{Size: 1, Token: res.Msg.NextPageToken}
				if page == 0 && res.Msg.NextPageToken != "" {
					t.Fatal("fifty rows do not fit a page")
				}
			}
			tt.m.Page = &v1.Page{Size: 1}
			var paged []int
			for {
				res, err := w.service.SearchAccesses(w.ctx(), connect.NewRequest(tt.m))
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range res.Msg.Accesses {
					paged = append(paged, int(begin.Sub(time.UnixMicro(a.OccurredUs)).Hours()))
				}
				if tt.m.Page.Token = res.Msg.NextPageToken; tt.m.Page.Token == "" {
					break
				}
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(paged, tt.want) {
				t.Errorf("got %v, page by page %v, want %v", got, paged, tt.want)
			}
		})
	}
	for name, m := range map[string]*v1.SearchAccessesRequest{
		"no condition": {Purpose: "p", FromUs: 1, UntilUs: 2}, "short text": {Purpose: "p", Text: "ab"}, "no purpose": {Site: "north"},
	} {
		if _, err := w.service.SearchAccesses(w.ctx(), connect.NewRequest(m)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGetEventAndItsOriginal(t *testing.T) {
	w := newWorld(t)
	item := access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a"), func(e *v1.AccessEvent) { e.SourceEventId = "E1" })
	at := w.append(item)
	w.append(deadLetter("ehr", "invalid_json"))
	w.settle()
	ksuid, err := proto.EventIDFromBytes(item.GetAccess().EventId)
	if err != nil {
		t.Fatal(err)
	}
	get := func(event string, original bool) (*v1.GetEventResponse, error) {
		res, err := w.service.GetEvent(w.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: event, Purpose: "p", Original: original}))
		if err != nil {
			return nil, err
		}
		return res.Msg, nil
	}
	for _, text := range []string{at.String(), ksuid.String()} {
		res, err := get(text, false)
		if err != nil {
			t.Fatal(err)
		}
		if res.Position != uint64(at) || !protobuf.Equal(res.Event, item.GetAccess()) || res.Original != nil || res.ReceivedUs != begin.UnixMicro() {
			t.Errorf("event: %v", res)
		}
	}
	if res, err := get(at.String(), true); err != nil || string(res.Original) != "original of E1" || res.MediaType != "text/plain" {
		t.Errorf("original: %v %v", res, err)
	}
	if n, err := w.keys.Destroy("ehr", int32(begin.Unix()/86400)); err != nil || n == 0 {
		t.Fatalf("destroy key: %d %v", n, err)
	}
	res, err := get(at.String(), true)
	if err != nil || res.Original != nil || !hasNote(res.Header, "redacted") || res.Event.SourceEventId != "E1" {
		t.Errorf("redacted: %v %v", res, err)
	}
	for text, want := range map[string]connect.Code{
		proto.At(1, 5).String(): connect.CodeNotFound, proto.At(99, 0).String(): connect.CodeNotFound, proto.At(2, 0).String(): connect.CodeNotFound,
		proto.NewEventID(proto.EventIdentity{}).String(): connect.CodeNotFound, "x": connect.CodeInvalidArgument, "": connect.CodeInvalidArgument,
	} {
		if _, err := get(text, false); connect.CodeOf(err) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	first := w.append(deadLetter("ehr", "invalid_json"))
	w.append(deadLetter("ehr", "invalid_json"), deadLetter("pacs", "missing_element"))
	retried := proto.NewEventID(proto.EventIdentity{Source: "ehr", Key: []byte("again")})
	const became = 40 << 12
	w.append(&v1.Item{Body: &v1.Item_DeadLetterRetried{DeadLetterRetried: &v1.DeadLetterRetried{
		DeadLetterPosition: uint64(first), EventId: retried.Bytes(), Position: became, Asker: "os:root",
	}}})
	w.settle()
	list := func(m *v1.ListDeadLettersRequest) *v1.ListDeadLettersResponse {
		t.Helper()
		res, err := w.service.ListDeadLetters(as(t.Context(), "token:1", proto.RoleViewer), connect.NewRequest(m))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg
	}
	open := list(&v1.ListDeadLettersRequest{})
	if len(open.DeadLetters) != 2 || len(open.Counts) != 2 || open.Counts[0].DeadLetters != 2 || open.Counts[0].Retried != 1 {
		t.Errorf("open ones: %v", open)
	}
	for n, m := range map[int]*v1.ListDeadLettersRequest{
		0: {Source: "nobody"}, 1: {Source: "ehr", Reason: "invalid_json"}, 2: {IncludeRetried: true, Reason: "invalid_json", FromUs: 1},
		3: {IncludeRetried: true, UntilUs: begin.Add(time.Hour).UnixMicro()},
	} {
		if got := list(m); len(got.DeadLetters) != n {
			t.Errorf("%v: %d dead letters, want %d", m, len(got.DeadLetters), n)
		}
	}
	all := list(&v1.ListDeadLettersRequest{IncludeRetried: true, Source: "ehr", Page: &v1.Page{Size: 1}})
	next := list(&v1.ListDeadLettersRequest{IncludeRetried: true, Source: "ehr", Page: &v1.Page{Size: 1, Token: all.NextPageToken}})
	if len(next.DeadLetters) != 1 || next.DeadLetters[0].Position != uint64(first) || next.DeadLetters[0].RetriedPosition != became || next.NextPageToken != "" {
		t.Errorf("second page: %v", next)
	}
	for _, row := range append(open.DeadLetters, next.DeadLetters...) {
		if row.EventId != "" || row.RetriedEventId != "" {
			t.Errorf("an id that is a hash of what was sent is listed without a purpose: %v", row)
		}
	}
	var letter *v1.DeadLetterRow
	for _, text := range []string{fmt.Sprint(uint64(first)), ""} {
		if text == "" {
			text = letter.EventId
		}
		one, err := w.service.GetDeadLetter(w.ctx(), connect.NewRequest(&v1.GetDeadLetterRequest{DeadLetter: text, Purpose: "repair"}))
		if err != nil || string(one.Msg.Original) != "{broken" || one.Msg.DeadLetter.RetriedEventId != retried.String() || one.Msg.DeadLetter.EventId == "" {
			t.Fatalf("one: %v %v", one, err)
		}
		letter = one.Msg.DeadLetter
	}
	letter.EventId, letter.RetriedEventId = "", ""
	if !protobuf.Equal(letter, next.DeadLetters[0]) {
		t.Errorf("listed %v, got %v", next.DeadLetters[0], letter)
	}
}

func TestSourcesAndStatus(t *testing.T) {
	w := newWorld(t)
	w.append(
		registered(&v1.SourceRegistered{Name: "ehr", Owner: "IT", TimeZone: "UTC", Systems: []string{"urn:mrn"}, CredentialSha256: []byte("x")}),
		registered(&v1.SourceRegistered{Name: "silent"}),
		access("ehr", begin, nil, nil), access("ehr", begin.Add(time.Second), nil, nil), access("unknown", begin, nil, nil), deadLetter("ehr", "invalid_json"),
	)
	w.append(registered(&v1.SourceRegistered{Name: "ehr", Owner: "Security"}))
	w.settle()
	ctx := as(t.Context(), "token:1", proto.RoleViewer)
	res, err := w.service.ListSources(ctx, connect.NewRequest(&v1.ListSourcesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range res.Msg.Sources {
		got = append(got, fmt.Sprint(s.Source.Name, " ", s.Source.Owner, " ", s.Events, " ", s.DeadLetters))
		if s.Source.CredentialSha256 != nil {
			t.Error("a credential leaves")
		}
	}
	if diff := cmp.Diff([]string{"ehr Security 2 1", "silent  0 0", "unknown  1 0"}, got); diff != "" {
		t.Error(diff)
	}
	if !hasNote(res.Msg.Header, "Source silent has reported nothing") {
		t.Errorf("notes: %v", res.Msg.Header.Notes)
	}
	w.settle()
	status, err := w.service.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	m := status.Msg
	if m.JournalPosition != uint64(w.head()) || m.Durability != "verified" || m.Version != "test" || len(m.Projections) != 2 || !m.Projections[0].Active {
		t.Errorf("status: %v", m)
	}
}
