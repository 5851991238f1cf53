package detectors_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// patientFact is what a version of a patient says: whom the record was replaced by, "" for nobody.
func patientFact(t *testing.T, s *facts.State, id, by string) {
	t.Helper()
	ref := func(id string) *v1.Identifier { return &v1.Identifier{System: "source:ehr", Value: "Patient/" + id} }
	f := &v1.ContextFact{
		Source: "ehr", ResourceType: "Patient", ResourceId: id, Resource: []byte(`{"resourceType":"Patient","id":"` + id + `"}`),
		Identifiers: []*v1.Identifier{ref(id)},
	}
	if by != "" {
		f.Links = []*v1.IdentityLink{{Kind: v1.IdentityLink_KIND_REPLACED_BY, From: ref(id), To: ref(by)}}
	}
	if err := s.Apply(f); err != nil {
		t.Fatal(err)
	}
}

// TestOutcomesFollowMerges: whose records were misused is known under the number that they have now, and told apart after an un-merge.
func TestOutcomesFollowMerges(t *testing.T) {
	t.Parallel()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	patientFact(t, s, "1", "")
	patientFact(t, s, "2", "")
	patient := func(id string) facts.ID {
		return s.PatientOf(&v1.Patient{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/" + id}}})
	}
	one, two := patient("1"), patient("2")
	p := detectors.NewPast(10)
	p.Know(1, 20_000, 901, two)
	p.Misuse(1, 20_001)
	targeted := func() bool {
		return slices.Contains(p.Boosts(20_002, 902, patient("1"), s), "targeted_patient")
	}
	if one == two || targeted() {
		t.Fatal("two patients count as one before they are merged")
	}
	if !slices.Contains(p.Boosts(20_002, 902, two, s), "targeted_patient") {
		t.Fatal("a patient whose record was misused is not known")
	}
	patientFact(t, s, "2", "1")
	if !targeted() {
		t.Error("misuse of a record is forgotten when it is merged into another")
	}
	patientFact(t, s, "2", "")
	if targeted() {
		t.Error("misuse of a record counts for another one after they were taken apart")
	}
}

// TestKnownAlertsAreBounded: the oldest make room, and are counted; what was found to be misuse stays.
func TestKnownAlertsAreBounded(t *testing.T) {
	t.Parallel()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	p := detectors.NewPast(3)
	p.Know(1, 1, 901, 801)
	p.Know(2, 2, 902, 802)
	p.Know(3, 2, 903, 803)
	p.Misuse(1, 3)
	if n := p.Know(4, 3, 904, 804); n != 2 {
		t.Errorf("%d alerts made room, want the two of the oldest day on which nothing was decided", n)
	}
	p.Misuse(2, 4) // nobody knows it any more
	p.Misuse(4, 4)
	for _, tt := range []struct {
		reader facts.ID
		want   bool
	}{{901, true}, {902, false}, {904, true}} {
		if got := slices.Contains(p.Boosts(5, tt.reader, 700, s), "repeat_offender"); got != tt.want {
			t.Errorf("reader %d is an offender: %v, want %v", tt.reader, got, tt.want)
		}
	}
	p.Know(5, 5, 905, 805)
	p.Misuse(5, 5)
	if n := p.Know(6, 6, 906, 806); n != 1 {
		t.Errorf("%d alerts were dropped when all are misuse, want the new one", n)
	}
}

// TestEvictionsAreCounted: what an engine's limits push out stands in its figures.
func TestEvictionsAreCounted(t *testing.T) {
	t.Parallel()
	e, err := detectors.NewEngine(detectors.EngineConfig{
		Zone: time.UTC, Limits: detectors.Limits{Readers: 4, Known: 3, Kept: 2, Histories: 5, Addresses: 3, Episodes: 4},
		Standing: &detectors.Settings{LearningDays: 2, Queue: detectors.Queue{Budget: 20, Threshold: 1000, Least: 1, Prior: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	take := func(item *v1.Item) {
		n++
		at := detectors.Entry{At: proto.At(n, 0), Item: item}
		if err := e.Take(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	take(&v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: "ehr", ResourceType: "Encounter", ResourceId: "e",
		Resource: []byte(`{"resourceType":"Encounter","id":"e","status":"finished","subject":{"reference":"Patient/z"},"period":{"start":"2020-01-01","end":"2020-01-02"}}`),
	}}})
	for d := range 12 {
		for r := range 9 {
			take(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
				Source: "ehr", OccurredUs: start.AddDate(0, 0, d).Add(time.Duration(8+r) * time.Hour).UnixMicro(), Action: v1.Action_ACTION_READ,
				NetworkAddress: fmt.Sprintf("10.1.%d.1", r),
				Reader: &v1.Reader{
					Type:        v1.ReaderType_READER_TYPE_PRACTITIONER,
					Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Practitioner/" + string(rune('a'+r))}}, Department: "D",
				},
				Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/" + string(rune('a'+(d+r)%9))}}}},
			}}})
		}
		take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: start.AddDate(0, 0, d+2).UnixMicro()}}})
	}
	got := e.Stats()
	if got.Readers > 4 || got.EvictedReaders == 0 {
		t.Errorf("%d readers are held, %d pushed out", got.Readers, got.EvictedReaders)
	}
	if got.Histories > 5 || got.EvictedHistories == 0 {
		t.Errorf("%d histories are held, %d pushed out", got.Histories, got.EvictedHistories)
	}
	if got.Addresses > 2*3 || got.EvictedAddresses == 0 {
		t.Errorf("%d addresses and networks are held, %d pushed out", got.Addresses, got.EvictedAddresses)
	}
	if got.Episodes > 4 || got.EvictedEpisodes == 0 {
		t.Errorf("%d episodes are held, %d pushed out", got.Episodes, got.EvictedEpisodes)
	}
	if got.Known > 3 || got.EvictedKnown == 0 {
		t.Errorf("%d alerts are known, %d pushed out", got.Known, got.EvictedKnown)
	}
	if got.KeptAccesses > 2 || got.EvictedAlerts == 0 {
		t.Errorf("%d accesses are kept, %d alerts pushed out", got.KeptAccesses, got.EvictedAlerts)
	}
}

// TestAbstain: without care, what looks for a relation abstains; each is named once, whatever is missing beside it.
func TestAbstain(t *testing.T) {
	t.Parallel()
	all := detectors.Abstain(detectors.NeedsCare | detectors.NeedsRoster | detectors.NeedsPatients | detectors.NeedsStaff)
	for _, want := range []string{"NoRelation", "Crowd", "charted", "AfterHours", "NeighbourAccess"} {
		if n := len(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s != want })); n != 1 {
			t.Errorf("%s is named %d times among %v", want, n, all)
		}
	}
	if none := detectors.Abstain(0); len(none) != 0 {
		t.Errorf("with everything known, %v abstain", none)
	}
}

// TestAddressesAreInTheSnapshot: what is known of addresses is the same when it was read.
func TestAddressesAreInTheSnapshot(t *testing.T) {
	t.Parallel()
	written, again, err := detectors.AddressesAgain()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, again) {
		t.Errorf("%d bytes were written, and %d others of what was read", len(written), len(again))
	}
}
