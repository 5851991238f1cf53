package api_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestKnownReadersAreWhoTheyAre compares, after everything that may change who a reader is, the service that remembers whom it was asked
// about with one that follows them each time. What changes nothing about readers costs no statement.
func TestKnownReadersAreWhoTheyAre(t *testing.T) {
	w := newWorld(t)
	quiet := func(change func(*api.Config)) *api.Service {
		cfg := w.config()
		cfg.Ask = func(context.Context, []*v1.Question) error { return nil }
		change(&cfg)
		return serve(t, cfg)
	}
	keeps, asks := quiet(func(*api.Config) {}), quiet(func(c *api.Config) { c.Live = nil })
	var walks atomic.Int64
	keeps.SetMeter(func(name string, _ store.Stats) {
		if name == "identifiers_by_value" || name == "identity_step" {
			walks.Add(1)
		}
	})
	event := func(ids ...*v1.Identifier) *v1.Item {
		return access("ehr", begin.Add(-time.Hour), id("urn:mrn", "1"), nil, func(e *v1.AccessEvent) { e.Reader = &v1.Reader{Identifiers: ids} })
	}
	// The last one is as of the past, where readers are followed each time.
	requests := []*v1.ReaderActivityRequest{
		{Reader: "r", Purpose: "p"},
		{Reader: "R", Purpose: "p"},
		{Reader: "urn:staff|r", Purpose: "p"},
		{Reader: "urn:login|r.n", Purpose: "p"},
		{Reader: "Practitioner/1", Purpose: "p"},
		{Reader: "r", Purpose: "p", AsOfUs: begin.Add(2*time.Minute + time.Second).UnixMicro()},
	}
	staff, login := id("urn:staff", "r"), id("urn:login", "r.n")
	for _, change := range []struct {
		name  string
		items []*v1.Item
		// about is true when readers are known in another way afterwards.
		about bool
	}{
		{"somebody else", []*v1.Item{event(id("urn:staff", "else"))}, true},
		{"first event", []*v1.Item{event(staff)}, true},
		{"another event of the same reader", []*v1.Item{event(staff)}, false},
		{"their name", []*v1.Item{access("ehr", begin, id("urn:mrn", "2"), staff, func(e *v1.AccessEvent) { e.Reader.Name = "Robin" })}, true},
		{"the value in another case", []*v1.Item{event(id("urn:staff", "R"))}, true},
		{"an event with both identifiers", []*v1.Item{event(staff, login)}, true},
		{"context that joins a resource", []*v1.Item{practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("source:hr", "Practitioner/1"), staff})}, true},
		{"a base URL", []*v1.Item{registered(&v1.SourceRegistered{Name: "hr", BaseUrl: "https://hr.example"})}, true},
		{"context that takes it back", []*v1.Item{practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("source:hr", "Practitioner/1")})}, true},
		{"the value in another system", []*v1.Item{event(id("urn:other", "r"))}, true},
		{"another event of them", []*v1.Item{event(id("urn:other", "r"))}, false},
	} {
		w.pass(time.Minute)
		w.append(change.items...)
		w.settle()
		for range 2 { // the second time nothing has changed
			walks.Store(0)
			for _, m := range requests {
				before := walks.Load()
				var got [2]*v1.ReaderActivityResponse
				for k, s := range []*api.Service{asks, keeps} {
					res, err := s.ReaderActivity(w.ctx(), connect.NewRequest(m))
					if err != nil {
						t.Fatal(change.name, err)
					}
					got[k] = res.Msg
				}
				ignore := protocmp.IgnoreFields(&v1.AnswerHeader{}, "question_id")
				if diff := cmp.Diff(got[0], got[1], protocmp.Transform(), ignore); diff != "" {
					t.Fatalf("%s, asked of %s: followed (-) and remembered (+): %s", change.name, m.Reader, diff)
				}
				if m.AsOfUs != 0 {
					walks.Store(before)
				}
				// An answer's identifiers are its own: the veil changes what leaves.
				for _, f := range got[1].Identifiers {
					f.Identifier.Value = "changed"
				}
			}
			if n := walks.Load(); !change.about && n > 0 {
				t.Errorf("%s: %d statements followed readers", change.name, n)
			}
			change.about = false
		}
	}
}
