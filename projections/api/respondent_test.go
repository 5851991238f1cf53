package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhoIsAskedIsVeiled: who is asked as the reader in a case is under inquiry, so whoever reads pseudonyms learns from no step who that
// is; who asks is told.
func TestWhoIsAskedIsVeiled(t *testing.T) {
	h := newHospital(t, 17, 20)
	h.detect(6)
	alert := h.alerts.Messages()[0].AlertId
	caseID := proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte("one"), Recorded: begin})
	for i, e := range []*v1.CaseEntry{
		{Asker: "os:ada", Role: proto.RolePrivacyOfficer, Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "T", Alerts: [][]byte{alert}, DiscoveredUs: 1}}},
		{Asker: "os:ada", Role: proto.RolePrivacyOfficer, Body: asksOf(1, "oidc:jane.doe").Body},
		{Asker: "oidc:jane.doe", Role: proto.RoleRespondent, Body: answers(1, "I was on call.").Body},
	} {
		e.CaseId, e.Version, e.AtUs = caseID.Bytes(), uint32(i+1), h.clock().UnixMicro()
		h.append(&v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}})
	}
	h.settle()
	for who, try := range map[string]struct{ role, purpose string }{
		"a viewer": {proto.RoleViewer, ""}, "an investigator": {proto.RoleInvestigator, "review of the case"},
	} {
		res, err := h.service.GetCase(as(t.Context(), "token:9", try.role), connect.NewRequest(&v1.GetCaseRequest{Case: caseID.String(), Purpose: try.purpose}))
		if err != nil {
			t.Fatal(err)
		}
		steps := res.Msg.Steps
		if len(steps) != 3 || steps[1].Entry.Asker != "os:ada" || steps[2].Entry.GetAnswered().GetQuestion() != 1 {
			t.Fatalf("%s reads the steps %v", who, steps)
		}
		told := steps[1].Entry.GetAsked().To == "oidc:jane.doe" && steps[2].Entry.Asker == "oidc:jane.doe"
		if try.purpose != "" && !told || try.purpose == "" && strings.Contains(res.Msg.String(), "jane.doe") {
			t.Errorf("%s: %v", who, res.Msg)
		}
	}
}

// TestReaderDoesNotTellThePatient: where patients are not disclosed, a reader who is the patient under another system, or by name, goes by
// a pseudonym; one who shares nothing with the patient is named.
func TestReaderDoesNotTellThePatient(t *testing.T) {
	q := newInquiry(t)
	person := func(system, value, name string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) {
			e.Reader = &v1.Reader{Identifiers: []*v1.Identifier{id(system, value)}, Name: name, Type: v1.ReaderType_READER_TYPE_PERSON}
			e.Patients = []*v1.Patient{
				{Identifiers: []*v1.Identifier{id("urn:mrn", "3"), id("urn:card", "AB-4711")}, Text: "Payne, Max"},
				{Identifiers: []*v1.Identifier{id("urn:mrn", "8")}},
			}
		}
	}
	tries := []struct {
		name  string
		event func(*v1.AccessEvent)
		told  bool
	}{
		{"another system", person("source:portal", "AB-4711", "M."), false},
		{"of the second patient", person("source:portal", "8", "M."), false},
		{"another case and other marks", person("source:portal", " ab 4711", "M."), false},
		{"zeros and a type before it", person("https://his.example/fhir", "Patient/00003", "M."), false},
		{"the name in another order", person("urn:staff", "max7", "Max PAYNE"), false},
		{"the name as identifier", person("urn:staff", "max.payne", "M."), false},
		{"a colleague", person("urn:staff", "max7", "Max Power"), true},
		{"a colleague without a name", person("urn:staff", "33", ""), true},
	}
	var items []*v1.Item
	for i, try := range tries {
		items = append(items, access("portal", begin.Add(time.Duration(5+i)*time.Hour), id("urn:mrn", "3"), id("urn:staff", "x"), try.event))
	}
	q.append(items...)
	q.step("one", "os:ada", opens(1))
	for i, it := range items {
		q.step("one", "os:ada", asksOf(uint32(i+1), fmt.Sprint("oidc:", i), func(a *v1.CaseAsked) { a.Shown = [][]byte{it.GetAccess().EventId} }))
	}
	q.settle()
	for i, try := range tries {
		res, err := questionsOf(respondent(t, fmt.Sprint("oidc:", i)), q.service)
		if err != nil || len(res.Questions) != 1 || len(res.Questions[0].Accesses) != 1 {
			t.Fatal(res, err)
		}
		reader := items[i].GetAccess().Reader
		text, err := protojson.Marshal(res.Questions[0].Accesses[0].Reader)
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Contains(string(text), reader.Identifiers[0].Value) || reader.Name != "" && strings.Contains(string(text), reader.Name)
		if named != try.told || !try.told && !strings.Contains(string(text), "reader ") {
			t.Errorf("%s: the respondent reads %s", try.name, text)
		}
	}
}
