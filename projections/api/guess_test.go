package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestGuessedSystemsChangeNoAnswer asks about bare values one after the other, so that each is guessed to be of the systems of those before, and
// compares with a service that was asked nothing before. Where the guess is right, the names and the first links are one statement.
func TestGuessedSystemsChangeNoAnswer(t *testing.T) {
	w := newWorld(t)
	of := func(reader string, ids ...*v1.Identifier) *v1.Item {
		return access("ehr", begin.Add(-time.Hour), ids[0], id("urn:staff", reader), func(e *v1.AccessEvent) { e.Patients[0].Identifiers = ids })
	}
	a, b := "urn:mrn:a", "urn:mrn:b"
	w.append(
		of("1", id(a, "1")),
		of("2", id(a, "2"), id("source:ehr", "Patient/2")),
		of("3", id("source:ehr", "Patient/2")),
		of("4", id(b, "4"), id(b, "44")),
		of("5", id(a, "5")), of("6", id(b, "5")), // one value, two records
		of("7", id(a, "m7")), of("8", id(a, "M8")), // in another case than asked
		of("9", id("source:pacs", "Patient/2")),
		of("10", id(a, "10")), of("11", id(a, "11")),
	)
	w.append(patientFact("ehr", "10", "Ten", []*v1.Identifier{id(a, "10")}, &v1.IdentityLink{
		Kind: v1.IdentityLink_KIND_REPLACED_BY, From: id(a, "10"), To: id(a, "11"),
	}))
	for i := range 120 { // more systems than are listed
		w.append(of("many", id(fmt.Sprintf("urn:site:%03d", i), "unknown")))
	}
	w.settle()
	early := w.clock()
	w.pass(time.Minute)
	w.append(of("12", id(a, "12")), of("13", id(b, "1")))
	w.append(patientFact("ehr", "10", "Ten", []*v1.Identifier{id(a, "10")})) // taken back
	w.settle()

	cfg := w.config()
	cfg.Ask = func(context.Context, []*v1.Question) error { return nil }
	ask := func(s *api.Service, value string, asOf int64) *v1.WhoViewedResponse {
		t.Helper()
		res, err := s.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: value, Purpose: "complaint 12", AsOfUs: asOf}))
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		return res.Msg
	}
	values := []string{"1", "2", "Patient/2", "4", "5", "M7", "m8", "unknown", "nobody", "10", "11", "12", "44"}
	for _, asOf := range []int64{0, early.UnixMicro()} {
		want := map[string]*v1.WhoViewedResponse{}
		for _, value := range values {
			want[value] = ask(serve(t, cfg), value, asOf)
		}
		for _, before := range values {
			for _, value := range values {
				s := serve(t, cfg)
				ask(s, before, asOf)
				ignore := protocmp.IgnoreFields(&v1.AnswerHeader{}, "question_id")
				if diff := cmp.Diff(want[value], ask(s, value, asOf), protocmp.Transform(), ignore); diff != "" {
					t.Errorf("%s after %s, as of %d: %s", value, before, asOf, diff)
				}
			}
		}
	}
	asked := map[string]int{}
	s := serve(t, cfg)
	ask(s, "10", 0)
	s.SetMeter(func(name string, _ store.Stats) { asked[name]++ })
	if ask(s, "11", 0); asked["identifiers_by_value"] != 0 || asked["identity_step"] != 2 {
		t.Errorf("of a system that is guessed: %v; want name and links in one step, and the links of its reader", asked)
	}
}
