package simulate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/simulate"
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
	actions, modes, ids := map[v1.Action]int{}, map[v1.AccessMode]int{}, map[string]bool{}
	glass, requests, labelled := 0, 0, 0
	for day := range 3 {
		for e := range h.Events(day) {
			entry, err := d.Decode(source(e.Source), fhir.Input{Data: e.JSON})
			if err != nil {
				t.Fatalf("event %s: %v\n%s", e.ID, err, e.JSON)
			}
			ev := entry.Item.GetAccess()
			a := decode(t, &e)
			if ev.SourceEventId != e.ID || ev.RecordedUs/1000 != e.Time.UnixMilli() || len(ev.Flags) > 0 || ids[string(ev.EventId)] {
				t.Fatalf("event %s is read as %s at %d with flags %v", e.ID, ev.SourceEventId, ev.RecordedUs, ev.Flags)
			}
			ids[string(ev.EventId)] = true
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
