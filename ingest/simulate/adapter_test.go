package simulate_test

import (
	"bytes"
	"context"
	encsv "encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func source(name string) ingest.Source {
	return ingest.Source{Name: name, Zone: time.UTC, Policy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE}
}

// The adapter that takes in real events must take in these, and understand who did what to whose record.
func TestTheAdapterUnderstandsEveryEvent(t *testing.T) {
	cfg := small()
	cfg.Incidents = 560
	h := hospital(t, cfg)
	d := fhir.NewDecoder(fhir.Limits{})
	actions, modes, ids := map[v1.Action]int{}, map[v1.AccessMode]int{}, map[proto.EventID]bool{}
	glass, requests, labelled := 0, 0, 0
	for day := range 3 {
		for e := range h.Events(day) {
			entry, err := d.Decode(source(e.Source), fhir.Input{Data: e.JSON})
			if err != nil {
				t.Fatalf("event %s: %v\n%s", e.ID, err, e.JSON)
			}
			ev := entry.Item.GetAccess()
			a := decode(t, &e)
			if ev.SourceEventId != e.ID || ev.RecordedUs/1000 != e.Time.UnixMilli() || len(ev.Flags) > 0 || ids[entry.ID] {
				t.Fatalf("event %s is read as %s at %d with flags %v", e.ID, ev.SourceEventId, ev.RecordedUs, ev.Flags)
			}
			ids[entry.ID] = true
			if len(ev.Patients) != len(distinct(a.patients())) {
				t.Fatalf("event %s has %d patients, not %d", e.ID, len(ev.Patients), len(a.patients()))
			}
			for i, p := range ev.Patients {
				if !has(p.Identifiers, simulate.MRNSystem, distinct(a.patients())[i]) {
					t.Fatalf("event %s: the record number is lost", e.ID)
				}
			}
			if number := a.reader(); number != "" && !has(ev.Reader.Identifiers, simulate.StaffSystem, number) {
				t.Fatalf("event %s has the reader %v", e.ID, ev.Reader)
			}
			if len(a.encounters()) > 0 && ev.Encounter == nil {
				t.Fatalf("event %s: the encounter is lost", e.ID)
			}
			actions[ev.Action]++
			modes[ev.Mode]++
			if ev.BreakGlass {
				glass++
			}
			if ev.RequestId != "" {
				requests++
			}
			if e.Label != (simulate.Label{}) {
				labelled++
			}
		}
	}
	for _, a := range []v1.Action{
		v1.Action_ACTION_READ, v1.Action_ACTION_SEARCH, v1.Action_ACTION_CREATE, v1.Action_ACTION_UPDATE, v1.Action_ACTION_PRINT,
		v1.Action_ACTION_LOGIN, v1.Action_ACTION_LOGOUT,
	} {
		if actions[a] == 0 {
			t.Errorf("no event is read as %s", a)
		}
	}
	if modes[v1.AccessMode_ACCESS_MODE_SYSTEM] > 0 || modes[v1.AccessMode_ACCESS_MODE_DELIBERATE] == 0 {
		t.Errorf("modes %v", modes)
	}
	if glass == 0 || requests == 0 || labelled == 0 {
		t.Errorf("%d events break the glass, %d have a request id, %d are labelled", glass, requests, labelled)
	}
}

func TestTheAdapterTakesTheContext(t *testing.T) {
	h := hospital(t, tiny())
	d := fhir.NewDecoder(fhir.Limits{})
	n, links := 0, map[v1.IdentityLink_Kind]int{}
	for r := range h.Context() {
		entry, err := d.Decode(source(simulate.SourceEHR), fhir.Input{Data: r.JSON})
		if err != nil {
			t.Fatalf("a %s: %v\n%s", r.Type, err, r.JSON)
		}
		fact := entry.Item.GetContext()
		if fact.ResourceType != r.Type || fact.ResourceId == "" || !strings.Contains(string(r.JSON), fact.ResourceId) {
			t.Fatalf("a %s is read as %s", r.Type, fact.ResourceType)
		}
		for _, l := range fact.Links {
			links[l.Kind]++
		}
		n++
	}
	if n < 3000 || links[v1.IdentityLink_KIND_REPLACED_BY] == 0 || links[v1.IdentityLink_KIND_PERSON] == 0 {
		t.Errorf("%d facts with links %v", n, links)
	}
}

// The tables are read by the mappings beside them, row for row.
func TestTheMappingsReadTheTables(t *testing.T) {
	cfg := tiny()
	cfg.Incidents = 60
	h := hospital(t, cfg)
	for _, name := range simulate.Tables() {
		text, err := simulate.Mapping(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := csv.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b bytes.Buffer
		rows := h.Table(name)
		if err := encsv.NewWriter(&b).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		n := 0
		err = csv.Decode(t.Context(), csv.Config{Mapping: m, Source: source("hr")}, &b, func(batch csv.Batch) error {
			for _, e := range batch.Entries {
				if d := e.Item.GetDeadLetter(); d != nil {
					t.Errorf("%s: a row is refused: %s", name, d.GetReason())
				}
				n++
			}
			return nil
		})
		if err != nil || n != len(rows)-1 || n < 3 {
			t.Errorf("%s: %d of %d rows are read: %v", name, n, len(rows)-1, err)
		}
	}
}

func has(ids []*v1.Identifier, system, value string) bool {
	for _, id := range ids {
		if id.System == system && id.Value == value {
			return true
		}
	}
	return false
}

// distinct keeps the first of equal values.
func distinct(in []string) []string {
	var out []string
	for _, s := range in {
		seen := false
		for _, o := range out {
			seen = seen || o == s
		}
		if !seen {
			out = append(out, s)
		}
	}
	return out
}

// journal is an Appender in memory: it keeps each id once and checks the contract of what it is given.
type journal struct {
	t    *testing.T
	mu   sync.Mutex
	seen map[proto.EventID]proto.ContentHash
	busy int
}

func (j *journal) Append(_ context.Context, entries []ingest.Entry, _ ingest.Options) ([]ingest.Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy > 0 {
		j.busy--
		return nil, ingest.ErrBusy
	}
	results := make([]ingest.Result, len(entries))
	for i := range entries {
		if entries[i].Item.GetDeadLetter() != nil {
			j.t.Errorf("a dead letter: %s", entries[i].Item.GetDeadLetter().GetReason())
		}
		content, known := j.seen[entries[i].ID]
		switch {
		case !known:
			j.seen[entries[i].ID] = entries[i].Content
			results[i] = ingest.Result{Status: ingest.Stored, ID: entries[i].ID}
		case content == entries[i].Content:
			results[i] = ingest.Result{Status: ingest.Duplicate, ID: entries[i].ID}
		default:
			j.t.Error("two different events claim one id")
		}
	}
	return results, nil
}

// A whole day through HTTP into the routes that real sources use, past a journal that is busy at first.
func TestTheServerTakesTheStream(t *testing.T) {
	h := hospital(t, tiny())
	j := &journal{t: t, seen: map[proto.EventID]proto.ContentHash{}, busy: 1}
	intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: j})
	if err != nil {
		t.Fatal(err)
	}
	routes, err := fhir.NewHandler(fhir.Config{
		Intake: intake, RetryAfter: time.Second,
		Source: func(name string) (ingest.Source, bool) {
			return source(name), slices.Contains(simulate.Sources(), name)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer secret-")
		routes.ServeHTTP(w, r.WithContext(proto.WithCaller(r.Context(), proto.Caller{Name: "source:" + name, Source: name})))
	}))
	defer ts.Close()
	post, err := simulate.NewPoster(simulate.PosterConfig{URL: ts.URL, Tokens: tokens(), Client: ts.Client()})
	if err != nil {
		t.Fatal(err)
	}
	events := slices.Collect(h.Events(0))
	for range 2 { // sent twice, kept once
		if err := post.Events(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
	if len(j.seen) != len(events) {
		t.Errorf("%d of %d events arrived", len(j.seen), len(events))
	}
	n, err := post.Resources(t.Context(), h.Recent(2))
	if err != nil || len(j.seen) != len(events)+n {
		t.Errorf("%d of %d resources arrived: %v", len(j.seen)-len(events), n, err)
	}
}

// What is in progress is told again when it has ended, once the present is behind the planned days.
func TestLiveCareEnds(t *testing.T) {
	h := hospital(t, tiny())
	status := map[string]string{}
	for day := 3; day < 40; day++ {
		for r := range h.Care(day) {
			var v struct{ ID, Status string }
			if r.Type != "Encounter" {
				continue
			}
			if err := json.Unmarshal(r.JSON, &v); err != nil {
				t.Fatal(err)
			}
			if status[v.ID] == "finished" {
				t.Fatalf("encounter %s is told again after its end", v.ID)
			}
			status[v.ID] = v.Status
		}
	}
	open := 0
	for _, s := range status {
		if s == "in-progress" {
			open++
		}
	}
	// Only those who came in the last days are still there.
	if len(status) < 1000 || open == 0 || open > len(status)/20 {
		t.Errorf("%d of %d encounters never end", open, len(status))
	}
}
