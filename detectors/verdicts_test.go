package detectors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestLongIDsAreNotCited: a source may call a resource by half a megabyte of text. A message of verdicts on accesses that it explains stays
// below what servers take, or the detectors would try to publish it for ever; other documents are cited beside it.
func TestLongIDsAreNotCited(t *testing.T) {
	t.Parallel()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"e1", strings.Repeat("x", 380<<10), strings.Repeat("y", 510<<10), "e2"} {
		fact := &v1.ContextFact{Source: "ehr", ResourceType: "Encounter", ResourceId: id, Resource: fmt.Appendf(nil, `{"resourceType":"Encounter",
			"subject":{"reference":"Patient/1"},"participant":[{"individual":{"reference":"Practitioner/9"}}],"period":{"start":"2026-03-0%d"}}`, i+1)}
		if err := s.Apply(fact); err != nil {
			t.Fatal(err)
		}
	}
	care := s.Care(s.PatientOf(&v1.Patient{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/1"}}}))
	if len(care) != 4 {
		t.Fatalf("%d rows of care", len(care))
	}
	resources := slices.Repeat([]facts.ID{care[0].Resource}, 25_000)
	for _, c := range care {
		resources = append(resources, c.Resource)
	}
	accesses, cited := 0, map[string]bool{}
	for _, m := range detectors.VerdictsOn(s, resources) {
		if size := m.SizeVT(); size > 1<<20 {
			t.Errorf("a message of %d bytes", size)
		}
		accesses += len(m.Verdicts.Positions)
		for _, d := range m.Verdicts.Documents {
			cited[d.Id] = true
		}
	}
	if accesses != len(resources) || len(cited) != 2 || !cited["e1"] || !cited["e2"] {
		t.Errorf("%d of %d accesses, %d documents", accesses, len(resources), len(cited))
	}
}
