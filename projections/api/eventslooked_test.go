package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestLooksAreFoundAsEvents: a search for looks finds the questions that named somebody, each page once, newest first and page by page, and no
// access; a search for accesses finds no look; and nobody reads of their own look what its answer left out.
func TestLooksAreFoundAsEvents(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "a")))
	positions := map[string]proto.Position{}
	look := func(name, asker, patient string, at time.Duration, edit func(q *v1.Question)) {
		q := &v1.Question{
			QuestionId: viewID(name).Bytes(), Asker: asker, Role: proto.RoleInvestigator, Query: "WhoViewed", Purpose: "complaint", Page: 1,
			AskedUs: begin.Add(at).UnixMicro(), Patient: id("urn:mrn", patient), Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{id("urn:mrn", patient)}}}, Rows: 3,
		}
		edit(q)
		positions[name] = w.append(&v1.Item{Body: &v1.Item_Question{Question: q}})
	}
	same := func(*v1.Question) {}
	look("one", "token:1", "1", time.Minute, func(q *v1.Question) { q.Withheld = 2 })
	look("two", "token:2", "1", 2*time.Minute, func(q *v1.Question) { q.Withheld = 2 })
	look("other", "token:2", "2", 3*time.Minute, same)
	look("list", "token:2", "1", 4*time.Minute, func(q *v1.Question) { // of two patients
		q.Patient, q.Subjects = nil, []*v1.Identifier{id("urn:mrn", "1"), id("urn:mrn", "2")}
	})
	look("summary", "token:2", "1", 5*time.Minute, func(q *v1.Question) { q.Summary = true })
	w.settle()
	search := func(q api.EventSearch) []string {
		t.Helper()
		q.Purpose, q.Size = "audit of the auditors", max(q.Size, 1)
		var names []string
		for {
			res, err := w.service.SearchEvents(w.ctx(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range res.Events {
				if len(e.Event.Objects) == 1 && e.Event.Objects[0].Type == "SearchEvents" {
					continue // these searches are looks too
				}
				name := "access"
				for n, at := range positions {
					if at == e.Position {
						name = n
					}
				}
				withheld := slices.ContainsFunc(e.Event.Extensions, func(x *v1.Extension) bool { return x.Name == proto.WithheldExtension })
				if (name == "one" || name == "two") && withheld != (name == "two") {
					t.Errorf("%s tells what was withheld: %v", name, withheld)
				}
				names = append(names, name)
			}
			if q.Token = res.Next; q.Token == "" {
				return names
			}
		}
	}
	looks := []string{proto.OwnSource}
	patient := func(value string) [][]api.Subject {
		return [][]api.Subject{{{System: "urn:mrn", Value: value, Exact: true}}}
	}
	for name, tt := range map[string]struct {
		q    api.EventSearch
		want string
	}{
		"all":         {api.EventSearch{Key: "a", Sources: looks}, "[list other two one]"},
		"on one page": {api.EventSearch{Key: "a", Sources: looks, Size: 50}, "[list other two one]"},
		"of a record": {api.EventSearch{Key: "b", Sources: looks, Patients: patient("1")}, "[list two one]"},
		"of an asker": {api.EventSearch{Key: "c", Sources: looks, Readers: [][]api.Subject{{{System: "urn:readtrail:asker", Value: "token:1", Exact: true}}}}, "[one]"},
		"of a time": {
			api.EventSearch{Key: "d", Sources: looks, Recorded: api.Span{From: begin.Add(2 * time.Minute).UnixMicro(), Until: begin.Add(4 * time.Minute).UnixMicro()}},
			"[other two]",
		},
		"accesses":             {api.EventSearch{Key: "e", Sources: []string{"ehr"}}, "[access]"},
		"accesses to a record": {api.EventSearch{Key: "f", Patients: patient("1")}, "[access]"},
	} {
		if got := fmt.Sprint(search(tt.q)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
