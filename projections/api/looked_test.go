package api_test

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// looker is a service that knows which reader token:1 is.
func looker(t *testing.T, w *world) *api.Service {
	t.Helper()
	c := w.config()
	c.Readers = func(c proto.Caller) ([]*v1.Identifier, bool) {
		return []*v1.Identifier{id("urn:staff", "investigator")}, c.Name == "token:1"
	}
	return serve(t, c)
}

// TestQuestionsSayWhoseRecordsTheyShow: what is journaled of a question is enough to watch its asker like any reader: who they are among
// the readers, and each patient once, with the identifiers that are theirs.
func TestQuestionsSayWhoseRecordsTheyShow(t *testing.T) {
	w := newWorld(t)
	w.append(
		access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")), access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")),
		access("ehr", begin, id("urn:mrn", "2"), id("urn:staff", "a")), access("ehr", begin, nil, id("urn:staff", "a")),
		patientFact("adt", "7", "", []*v1.Identifier{id("urn:mrn", "1"), id("urn:ssn", "9")}),
	)
	w.settle()
	service := looker(t, w)
	for name, tt := range map[string]struct {
		ask  func() error
		want []string
	}{
		"one record": {func() error {
			_, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:ssn|9", Purpose: "p"}))
			return err
		}, []string{"urn:ssn|9 source:adt|Patient/7 urn:mrn|1"}},
		"nobody known": {func() error {
			_, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "nobody", Purpose: "p"}))
			return err
		}, nil},
		"a reader's day": {func() error {
			_, err := service.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{Reader: "a", Purpose: "p"}))
			return err
		}, []string{"urn:mrn|1", "urn:mrn|2"}},
		"a scope": {func() error {
			_, err := service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Reader: "a"}, Purpose: "p"}))
			return err
		}, []string{"urn:mrn|1 urn:ssn|9 source:adt|Patient/7", "urn:mrn|2"}},
		"an event": {func() error {
			_, err := service.GetEvent(w.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: proto.At(1, 2).String(), Purpose: "p"}))
			return err
		}, []string{"urn:mrn|2"}},
	} {
		if err := tt.ask(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		last := w.asked[len(w.asked)-1]
		var got []string
		for _, p := range last.Patients {
			var ids []string
			for _, i := range p.Identifiers {
				ids = append(ids, i.System+"|"+i.Value)
			}
			got = append(got, strings.Join(ids, " "))
		}
		if diff := gocmp.Diff(sortedWords(tt.want), sortedWords(got)); diff != "" {
			t.Errorf("%s: records (-want +got):\n%s", name, diff)
		}
		if diff := gocmp.Diff([]*v1.Identifier{id("urn:staff", "investigator")}, last.AskerReaders, protocmp.Transform()); diff != "" {
			t.Errorf("%s: asker: %s", name, diff)
		}
	}
}

// sortedWords brings lists of identifiers into one order.
func sortedWords(lists []string) []string {
	out := []string{}
	for _, text := range lists {
		words := strings.Fields(text)
		slices.Sort(words)
		out = append(out, strings.Join(words, " "))
	}
	slices.Sort(out)
	return out
}

// TestALookIsToldLikeAnAccess: an alert may cite a look through Readtrail. It is told as an event of its own source, and counts in no
// scope and among no readers.
func TestALookIsToldLikeAnAccess(t *testing.T) {
	w := newWorld(t)
	first := w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")))
	w.settle()
	if _, err := looker(t, w).WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|1", Purpose: "curious"})); err != nil {
		t.Fatal(err)
	}
	look := proto.At(w.head().Sequence(), 0)
	raise := func(key string, positions ...proto.Position) string {
		alert := proto.NewEventID(proto.EventIdentity{Source: "alert", Key: []byte(key), Recorded: begin})
		v := &v1.AlertVersion{
			AlertId: alert.Bytes(), Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Cause: uint64(w.head()), Day: 20_000, Shape: v1.Shape_SHAPE_PAIR, Shown: true,
			Readers: []*v1.AlertReader{{Identifier: id("urn:staff", "investigator")}}, Patients: []*v1.AlertPatient{{Identifier: id("urn:mrn", "1")}},
		}
		for _, p := range positions {
			v.Accesses = append(v.Accesses, &v1.CitedAccess{Position: uint64(p), OccurredUs: begin.UnixMicro(), Reader: 1, Patient: 1})
		}
		w.alerts.Publish(v)
		return projections.IDText(v.AlertId)
	}
	both, alone := raise("both", look, proto.At(first.Sequence(), 0)), raise("alone", look)
	w.settle()
	res, err := w.service.GetAlert(w.ctx(), connect.NewRequest(&v1.GetAlertRequest{Alert: alone, Purpose: "p"}))
	if err != nil || len(res.Msg.Accesses) != 1 {
		t.Fatalf("%v %v", res, err)
	}
	a := res.Msg.Accesses[0]
	if a.Source != proto.OwnSource || a.Reader.Identifiers[0].Value != "investigator" || a.Patients[0].Identifiers[0].Value != "1" ||
		a.Purposes[0] != "curious" || a.Objects[0].Type != "WhoViewed" || a.Action != v1.Action_ACTION_READ {
		t.Errorf("told as %v", a)
	}
	event, err := w.service.GetEvent(w.ctx(), connect.NewRequest(&v1.GetEventRequest{Event: look.String(), Purpose: "p", Original: true}))
	if err != nil || event.Msg.Event.GetSource() != proto.OwnSource || len(event.Msg.Original) != 0 {
		t.Errorf("opened: %v %v", event, err)
	}
	scope, err := w.service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Alert: both}, Purpose: "p"}))
	if err != nil || scope.Msg.Totals.Events != 1 || !strings.Contains(strings.Join(scope.Msg.Header.Notes, " "), "1 of the events are looks") {
		t.Errorf("scope of an access and a look: %v %v", scope, err)
	}
	_, err = w.service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{Query: &v1.ScopeQuery{Alert: alone}, Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("scope of a look alone: %v", err)
	}
	who, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|1", Purpose: "p"}))
	if err != nil || who.Msg.Totals.Readers != 1 || who.Msg.Totals.Accesses != 1 || who.Msg.LooksTotal == 0 {
		t.Errorf("who viewed: %v %v", who, err)
	}
}
