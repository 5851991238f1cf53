package proto_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestQuestionEvent(t *testing.T) {
	t.Parallel()
	id, err := proto.MintEventID(received())
	if err != nil {
		t.Fatal(err)
	}
	one := func(value string) *v1.Patient {
		return &v1.Patient{Identifiers: []*v1.Identifier{{System: "urn:mrn", Value: value}}}
	}
	question := func(change func(*v1.Question)) *v1.Question {
		q := &v1.Question{
			QuestionId: id.Bytes(), Asker: "oidc:jo", Role: proto.RoleInvestigator, Query: "WhoViewed", Patient: one("1").Identifiers[0],
			Purpose: "complaint 12", Rows: 17, Page: 2, Position: 99, AskedUs: received().UnixMicro(), Patients: []*v1.Patient{one("1")},
			AskerReaders: []*v1.Identifier{{System: "urn:staff", Value: "jo"}},
		}
		change(q)
		return q
	}
	told := proto.QuestionEvent(question(func(*v1.Question) {}))
	want := &v1.AccessEvent{
		EventId: told.EventId, Source: "readtrail", OccurredUs: received().UnixMicro(), RecordedUs: received().UnixMicro(), RequestId: id.String(),
		Action: v1.Action_ACTION_READ, ActionCode: "R", Outcome: v1.Outcome_OUTCOME_SUCCESS, Mode: v1.AccessMode_ACCESS_MODE_DELIBERATE,
		Type:     &v1.Coding{System: "http://terminology.hl7.org/CodeSystem/audit-event-type", Code: "rest", Display: "RESTful Operation"},
		Subtypes: []*v1.Coding{{System: "http://hl7.org/fhir/restful-interaction", Code: "search", Display: "search"}},
		Patients: []*v1.Patient{one("1")}, Format: "readtrail", Objects: []*v1.Object{{Type: "WhoViewed", Count: 17}},
		Purposes: []*v1.Coding{{System: "urn:readtrail:purpose", Display: "complaint 12"}},
		Reader: &v1.Reader{
			Identifiers: []*v1.Identifier{{System: "urn:staff", Value: "jo"}, {System: "urn:readtrail:asker", Value: "oidc:jo"}},
			Type:        v1.ReaderType_READER_TYPE_PERSON, Role: &v1.Coding{System: "urn:readtrail:role", Code: proto.RoleInvestigator},
		},
		Extensions: []*v1.Extension{{Name: "rows", Value: "17"}, {Name: "page", Value: "2"}, {Name: "position", Value: "99"}},
	}
	if diff := cmp.Diff(want, told, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	again, next := proto.QuestionEvent(question(func(*v1.Question) {})), proto.QuestionEvent(question(func(q *v1.Question) { q.Page = 3 }))
	if string(again.EventId) != string(told.EventId) || string(next.EventId) == string(told.EventId) || next.RequestId != told.RequestId {
		t.Error("the id is not that of the page of the question")
	}
	for name, tt := range map[string]struct {
		question *v1.Question
		action   v1.Action
		mode     v1.AccessMode
	}{
		"a list":      {question(func(q *v1.Question) { q.Patient = nil }), v1.Action_ACTION_SEARCH, v1.AccessMode_ACCESS_MODE_INCIDENTAL},
		"of several":  {question(func(q *v1.Question) { q.Patients = append(q.Patients, one("2")) }), v1.Action_ACTION_SEARCH, v1.AccessMode_ACCESS_MODE_INCIDENTAL},
		"a file":      {question(func(q *v1.Question) { q.Query, q.Patient = "ExportScope", nil }), v1.Action_ACTION_EXPORT, v1.AccessMode_ACCESS_MODE_INCIDENTAL},
		"asked back":  {question(func(q *v1.Question) { q.Patients = nil }), v1.Action_ACTION_SEARCH, v1.AccessMode_ACCESS_MODE_INCIDENTAL},
		"one patient": {question(func(*v1.Question) {}), v1.Action_ACTION_READ, v1.AccessMode_ACCESS_MODE_DELIBERATE},
	} {
		if e := proto.QuestionEvent(tt.question); e.Action != tt.action || e.Mode != tt.mode {
			t.Errorf("%s: %s, %s", name, e.Action, e.Mode)
		}
	}
	if proto.QuestionEvent(question(func(q *v1.Question) { q.Summary = true })) != nil || proto.QuestionEvent(nil) != nil {
		t.Error("a summary is a look at somebody")
	}
}
