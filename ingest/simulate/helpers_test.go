package simulate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

func hospital(tb testing.TB, cfg simulate.Config) *simulate.Hospital {
	tb.Helper()
	h, err := simulate.NewHospital(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// small is a hospital that tests can afford to live through.
func small() simulate.Config {
	return simulate.Config{Seed: 7, Staff: 200, Patients: 2000, Days: 8}
}

// coding, reference and audit are as much of FHIR as the tests look at; R4 and R5 share them.
type coding struct{ System, Code string }

type concept struct{ Coding []coding }

type reference struct {
	Reference  string
	Identifier struct{ System, Value string }
	Display    string
}

type audit struct {
	ResourceType string
	ID           string
	Type         *coding
	Subtype      []coding
	Code         *concept
	Action       string
	Recorded     time.Time
	Outcome      json.RawMessage
	Patient      *reference
	Encounter    *reference
	Agent        []struct {
		Who          reference
		Requestor    bool
		PurposeOfUse []concept
		Network      struct{ Address string }
	}
	Source struct {
		Observer reference
	}
	Entity []struct {
		What  reference
		Role  json.RawMessage
		Type  *coding
		Query string
	}
}

func decode(t *testing.T, e *simulate.Event) audit {
	t.Helper()
	var a audit
	if err := json.Unmarshal(e.JSON, &a); err != nil {
		t.Fatalf("event %s is no JSON: %v", e.ID, err)
	}
	return a
}

// reader returns the staff number of who asked, or "" for a patient.
func (a *audit) reader() string {
	for i := range a.Agent {
		if a.Agent[i].Requestor && a.Agent[i].Who.Identifier.System == simulate.StaffSystem {
			return a.Agent[i].Who.Identifier.Value
		}
	}
	return ""
}

// patients returns the record numbers that an event names.
func (a *audit) patients() []string {
	var out []string
	for i := range a.Entity {
		if id := a.Entity[i].What.Identifier; id.System == simulate.MRNSystem {
			out = append(out, id.Value)
		}
	}
	if a.Patient != nil {
		out = append(out, a.Patient.Identifier.Value)
	}
	return out
}

func (a *audit) encounters() []string {
	var out []string
	if a.Encounter != nil {
		out = append(out, a.Encounter.Reference)
	}
	for i := range a.Entity {
		if r := a.Entity[i].What.Reference; strings.HasPrefix(r, "Encounter/") {
			out = append(out, r)
		}
	}
	return out
}

func (a *audit) remote() bool {
	for i := range a.Agent {
		if a.Agent[i].Network.Address == "VPN-GATEWAY" {
			return true
		}
	}
	return false
}

func (a *audit) hasCode(code string) bool {
	for _, c := range a.Subtype {
		if c.Code == code {
			return true
		}
	}
	return false
}
