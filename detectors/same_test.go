package detectors_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestDaysFollowMerges: the days on which a record was opened without a reason are those of all records that it is now, whether the looks
// were before, between or after the merges; after an un-merge each record has its own again, and what came while they were one stays with
// the number that they had then.
func TestDaysFollowMerges(t *testing.T) {
	t.Parallel()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2", "3"} {
		patientFact(t, s, id, "")
	}
	patient := func(id string) facts.ID {
		return s.PatientOf(&v1.Patient{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/" + id}}})
	}
	const reader = 901
	h := detectors.NewHistories(s)
	check := func(when string, want map[string]int) {
		t.Helper()
		for id, n := range want {
			if got := h.Days(reader, patient(id)); got != n {
				t.Errorf("%s: %d days of %s, want %d", when, got, id, n)
			}
		}
	}
	one, two := patient("1"), patient("2")
	h.Alone(reader, one, 100, 101)
	h.Alone(reader, two, 101, 102)
	h.Alone(reader+1, two, 90)
	check("before", map[string]int{"1": 2, "2": 2, "3": 0})
	patientFact(t, s, "1", "2")
	check("merged", map[string]int{"1": 3, "2": 3, "3": 0})
	if got := h.Days(reader, one); got != 3 {
		t.Errorf("of the number that the record had: %d days", got)
	}
	h.Alone(reader, patient("2"), 103)
	patientFact(t, s, "2", "3")
	h.Alone(reader, patient("3"), 104)
	check("merged twice", map[string]int{"1": 5, "2": 5, "3": 5})
	h.Alone(reader, one, 104, 105, 106, 107, 108, 109)
	check("at most eight", map[string]int{"3": 8})
	patientFact(t, s, "2", "")
	patientFact(t, s, "1", "")
	at := map[facts.ID]int{}
	for _, id := range []string{"1", "2", "3"} {
		at[patient(id)] = h.Days(reader, patient(id))
	}
	if len(at) != 3 || at[one] != 8 || at[two] != 2 {
		t.Errorf("after the un-merge: %v", at)
	}
}

// TestLooksFollowAccounts: records without a reason are counted over all accounts that turned out to be one person's.
func TestLooksFollowAccounts(t *testing.T) {
	t.Parallel()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	account := func(value string) *v1.Identifier { return &v1.Identifier{System: "urn:account", Value: value} }
	reader := func(value string) facts.ID {
		return s.Reader(&v1.Reader{Identifiers: []*v1.Identifier{account(value)}}, "ehr")
	}
	one, two := reader("jo"), reader("jo2")
	h := detectors.NewHistories(s)
	h.Alone(one, 1, 100)
	h.Alone(two, 2, 100, 101)
	if one == two || h.Records(one) != 1 || h.Records(two) != 2 {
		t.Fatalf("two accounts: %d and %d records", h.Records(one), h.Records(two))
	}
	person := &v1.ContextFact{
		Source: "ehr", ResourceType: "Practitioner", ResourceId: "p", Resource: []byte(`{"resourceType":"Practitioner","id":"p"}`),
		Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Practitioner/p"}, account("jo"), account("jo2")},
	}
	if err := s.Apply(person); err != nil {
		t.Fatal(err)
	}
	if got := h.Records(reader("jo2")); got != 3 {
		t.Errorf("%d records of one person, want 3", got)
	}
}
