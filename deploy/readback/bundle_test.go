package readback_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"

	adapter "github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/api/fhir"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// shelf answers every search with the same events, and goes on for ever.
type shelf []*v1.AccessEvent

func (s shelf) SearchEvents(context.Context, api.EventSearch) (*api.EventPage, error) {
	page := &api.EventPage{Header: &v1.AnswerHeader{QuestionId: "q", Position: 8192, AsOfUs: 1_767_225_600_000_000, Notes: []string{"Not known yet."}}, Next: "t"}
	for _, e := range s {
		e.EventId = proto.NativeID(e).Bytes() // as the journal gives it out
		page.Events = append(page.Events, api.FoundEvent{Event: e, ReceivedUs: 1_767_225_600_000_000})
	}
	return page, nil
}

func (shelf) GetEvent(context.Context, *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	return nil, connect.NewError(connect.CodeNotFound, http.ErrMissingFile)
}

// addAnswers adds whole answers: searchsets, a refusal, and the capability statement with what both sides put into it.
func (v *validator) addAnswers(events shelf) {
	v.t.Helper()
	reader, err := fhir.NewHandler(fhir.Config{Questions: events, Key: make([]byte, fhir.KeyBytes)})
	if err != nil {
		v.t.Fatal(err)
	}
	reading := &adapter.ReadSide{Documentation: fhir.Capabilities().Documentation, Interactions: fhir.Capabilities().Interactions}
	for _, p := range fhir.Capabilities().Parameters {
		reading.Parameters = append(reading.Parameters, adapter.SearchParameter(p))
	}
	for _, o := range fhir.Capabilities().Operations {
		reading.Operations = append(reading.Operations, adapter.Operation{Name: o.Name, Definition: o.Definition, Documentation: o.Documentation})
	}
	writer, err := adapter.NewHandler(adapter.Config{Intake: ingesttest.Open(v.t).Intake, Source: ingesttest.Sources, Reading: reading})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, ask := range []struct {
		handler http.Handler
		target  string
		status  int
	}{
		{reader, "/fhir/AuditEvent?date=2026&foo=1&_total=accurate", 200},
		{reader, "/fhir/AuditEvent?type=rest", 400},
		{reader, "/fhir/AuditEvent/1srOrx2ZWZBpBUvZwXKQmoEYga2", 404},
		{writer, "/fhir/metadata", 200},
	} {
		for version, said := range map[string]string{"R4": "4.0", "R5": "5.0"} {
			r := httptest.NewRequest(http.MethodGet, ask.target, nil)
			r = r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "token:1", Role: proto.RoleInvestigator}))
			r.Header.Set("Purpose-Of-Use", "test")
			r.Header.Set("Accept", "application/fhir+json; fhirVersion="+said)
			w := httptest.NewRecorder()
			ask.handler.ServeHTTP(w, r)
			if w.Code != ask.status {
				v.t.Fatalf("%s: status %d: %s", ask.target, w.Code, w.Body)
			}
			v.resource(ask.target, version, w.Body.Bytes())
		}
	}
}

// BenchmarkEmit is what a page costs beside reading it.
func BenchmarkEmit(b *testing.B) {
	var events []*v1.AccessEvent
	fixtures(b, func(_ string, data []byte) { events = append(events, decode(b, data)) })
	for name, version := range map[string]fhir.Version{"R4": fhir.R4, "R5": fhir.R5} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				emit(b, events[i%len(events)], version)
			}
		})
	}
}
