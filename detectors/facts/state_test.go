package facts_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// at is a moment, in microseconds.
func at(text string) int64 {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func newState(tb testing.TB) *facts.State {
	tb.Helper()
	s, err := facts.New(facts.Config{Zone: time.UTC})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// newFact makes of a resource the fact that ingest makes of it.
func newFact(tb testing.TB, source, resource string) *v1.ContextFact {
	tb.Helper()
	var r struct {
		ResourceType, ID string
		Identifier       json.RawMessage
		Meta             struct{ LastUpdated string }
		Link             []struct {
			Type          string
			Other, Target struct{ Reference string }
		}
	}
	if err := json.Unmarshal([]byte(resource), &r); err != nil {
		tb.Fatalf("bad test resource: %v\n%s", err, resource)
	}
	f := &v1.ContextFact{Source: source, ResourceType: r.ResourceType, ResourceId: r.ID, Resource: []byte(resource)}
	ref := &v1.Identifier{System: "source:" + source, Value: r.ResourceType + "/" + r.ID}
	f.Identifiers = append(f.Identifiers, ref)
	var ids []struct{ System, Value string }
	_ = json.Unmarshal(r.Identifier, &ids) // some types have one, not a list
	for _, id := range ids {
		if id.Value == "" {
			continue
		}
		if id.System == "" {
			id.System = "source:" + source
		}
		f.Identifiers = append(f.Identifiers, &v1.Identifier{System: id.System, Value: id.Value})
	}
	if t, err := time.Parse(time.RFC3339, r.Meta.LastUpdated); err == nil {
		f.EffectiveUs = t.UnixMicro()
	}
	for _, l := range r.Link {
		kind, to := v1.IdentityLink_KIND_SEE_ALSO, l.Other.Reference
		switch {
		case r.ResourceType == "Person":
			kind, to = v1.IdentityLink_KIND_PERSON, l.Target.Reference
		case l.Type == "replaced-by":
			kind = v1.IdentityLink_KIND_REPLACED_BY
		case l.Type == "replaces":
			kind = v1.IdentityLink_KIND_REPLACES
		}
		f.Links = append(f.Links, &v1.IdentityLink{Kind: kind, From: ref, To: &v1.Identifier{System: "source:" + source, Value: to}})
	}
	return f
}

func apply(tb testing.TB, s *facts.State, resources ...string) {
	tb.Helper()
	for _, r := range resources {
		if err := s.Apply(newFact(tb, "ehr", r)); err != nil {
			tb.Fatalf("apply: %v\n%s", err, r)
		}
	}
}

func applyDeleted(tb testing.TB, s *facts.State, typ, id string) {
	tb.Helper()
	if err := s.Apply(&v1.ContextFact{Source: "ehr", ResourceType: typ, ResourceId: id, Deleted: true}); err != nil {
		tb.Fatal(err)
	}
}

// reader and patient are numbers by local reference, or by "system|value".
func reader(s *facts.State, ref string) facts.ID {
	return s.Reader(&v1.Reader{Identifiers: []*v1.Identifier{identifier(ref)}}, "ehr")
}

func patient(s *facts.State, ref string) facts.ID {
	return s.PatientOf(&v1.Patient{Identifiers: []*v1.Identifier{identifier(ref)}})
}

func identifier(ref string) *v1.Identifier {
	if system, value, ok := strings.Cut(ref, "|"); ok {
		return &v1.Identifier{System: system, Value: value}
	}
	return &v1.Identifier{System: "source:ehr", Value: ref}
}

// care lists a patient's care in words: kind, staff, department, reason.
func care(s *facts.State, p facts.ID) []string {
	var out []string
	for _, c := range s.Care(p) {
		var words []string
		for _, w := range []string{
			kinds[c.Kind], s.Text(c.Class), s.StaffIdentifier(c.Staff).GetValue(), s.DepartmentName(c.Department), s.Text(c.Reason),
			s.Text(c.Type) + "/" + s.Resource(c.Resource), span(c.Period),
		} {
			if w != "" {
				words = append(words, w)
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

var kinds = map[facts.CareKind]string{
	facts.CareAttending: "attending", facts.CareTeam: "team", facts.CareRequester: "requester", facts.CarePerformer: "performer",
	facts.CareAuthor: "author", facts.CareAppointment: "appointment", facts.CareGeneral: "general", facts.CareUnit: "unit",
	facts.CareOther: "other",
}

func span(p facts.Period) string {
	word := func(us int64) string {
		switch us {
		case 0:
			return ""
		case facts.Forever:
			return ""
		}
		return strings.TrimSuffix(time.UnixMicro(us).UTC().Format("2006-01-02T15:04"), "T00:00")
	}
	if p.Until == p.From+1 {
		return word(p.From)
	}
	return word(p.From) + ".." + word(p.Until)
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s: want -, got +\n%s", what, diff)
	}
}

// checkSnapshot asserts that a state survives: same bytes, and the restored one gives them again.
func checkSnapshot(tb testing.TB, s *facts.State) *facts.State {
	tb.Helper()
	var first, second bytes.Buffer
	if err := s.Snapshot(&first); err != nil {
		tb.Fatal(err)
	}
	restored := newState(tb)
	if err := restored.Restore(bytes.NewReader(first.Bytes())); err != nil {
		tb.Fatal(err)
	}
	if err := restored.Snapshot(&second); err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		tb.Fatalf("a restored state gives another snapshot: %d bytes, before %d", second.Len(), first.Len())
	}
	return restored
}

func TestPersonLinksStaffAndRecord(t *testing.T) {
	s := newState(t)
	apply(t, s,
		`{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Patient/1"}},{"target":{"reference":"Practitioner/a"}}]}`,
		`{"resourceType":"Practitioner","id":"a","name":[{"family":"Stephens","given":["Alexander"]}]}`,
		`{"resourceType":"Patient","id":"1","name":[{"family":"Stephens","given":["Alexander"]}]}`,
	)
	a, p := reader(s, "Practitioner/a"), patient(s, "Patient/1")
	same(t, "patient's staff", s.Patient(p).Staff, a)
	same(t, "staff's record", s.Staff(a).Patient, p)
	same(t, "same", s.Kinship(a, p, at("2026-03-01 00:00")).Same, facts.Grade(1000))
	checkSnapshot(t, s)

	apply(t, s, `{"resourceType":"Person","id":"x","link":[{"target":{"reference":"Practitioner/a"}}]}`)
	same(t, "patient's staff after the link went", s.Patient(p).Staff, facts.ID(0))
	same(t, "staff's record after the link went", s.Staff(a).Patient, facts.ID(0))
}

var utc = time.UTC

func sorted(list []string) []string {
	return slices.Sorted(slices.Values(list))
}

type (
	v1Reader  = v1.Reader
	v1Patient = v1.Patient
)

func snapshotOf(tb testing.TB, s *facts.State) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := s.Snapshot(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func restore(tb testing.TB, snapshot []byte) *facts.State {
	tb.Helper()
	s := newState(tb)
	if err := s.Restore(bytes.NewReader(snapshot)); err != nil {
		tb.Fatal(err)
	}
	return s
}
