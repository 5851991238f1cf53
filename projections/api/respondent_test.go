package api_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

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
