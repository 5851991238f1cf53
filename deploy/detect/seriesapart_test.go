package detect_test

import (
	"fmt"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// unlinked is a patient resource that says that the record of a stranger is a part of no other one.
func unlinked(h *hospital, one int) []entry {
	return h.decode("Patient.ndjson", fmt.Appendf(nil, `{"resourceType":"Patient","id":"stranger-%d","active":true}`, one))
}

// sameAs are looks as an event is one, under ids of their own and a minute apart, at a stranger's record.
func sameAs(of *v1.AccessEvent, name string, at time.Time, n, stranger int) (out []entry) {
	for i := range n {
		e, _ := pb.Clone(of).(*v1.AccessEvent)
		e.SourceEventId, e.EventId, e.RequestId = fmt.Sprintf("%s-%d", name, i), nil, ""
		e.Mode, e.Action = v1.AccessMode_ACCESS_MODE_DELIBERATE, v1.Action_ACTION_READ
		e.OccurredUs = at.Add(time.Duration(i) * time.Minute).UnixMicro()
		e.RecordedUs = e.OccurredUs
		e.Patients[0].Identifiers = e.Patients[0].Identifiers[:1]
		e.Patients[0].Identifiers[0].Value = fmt.Sprintf("Patient/stranger-%d", stranger)
		out = append(out, entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
	}
	return out
}

// TestASeriesAcrossAnUnmerge: after a merge that is taken back, each access of a series is cited once, as one of the record that was opened.
func TestASeriesAcrossAnUnmerge(t *testing.T) {
	t.Parallel()
	base, reader, at := snooped(t, 8)
	for name, direction := range map[string][2]int{"into the later one": {2, 4}, "into the earlier one": {4, 2}} {
		h := base.copy(t)
		h.insert(
			arrival{at[5].Add(-2 * time.Hour), replaced(h, direction[0], direction[1])},
			arrival{at[7].Add(-2 * time.Hour), unlinked(h, direction[0])},
		)
		w := judged(t, h)
		both := false
		for _, a := range latestOf(t, w, reader) {
			if a.Shape != v1.Shape_SHAPE_SERIAL {
				continue
			}
			both = both || strangers(a)["2"] > 0 && strangers(a)["4"] > 0
			seen := map[uint64]bool{}
			for i, e := range citedEvents(t, h, a) {
				c := a.Accesses[i]
				if seen[c.Position] {
					t.Errorf("%s: position %d is cited twice", name, c.Position)
				}
				if seen[c.Position] = true; c.Patient == 0 {
					t.Errorf("%s: position %d is cited as nobody's", name, c.Position)
				} else if got, want := a.Patients[c.Patient-1].Identifier.Value, e.Patients[0].Identifiers[0].Value; got != want {
					t.Errorf("%s: an access of %s is cited as one of %s", name, want, got)
				}
			}
		}
		if !both {
			t.Errorf("%s: no series cites both records: the test saw nothing", name)
		}
	}
}

// TestASeriesAcrossAnUnmergeOfAccounts: two accounts turn out to be one person's, and then not: what the other one did is told against the first
// no more.
func TestASeriesAcrossAnUnmergeOfAccounts(t *testing.T) {
	t.Parallel()
	base, reader, at := snooped(t, 8)
	h, other := base.copy(t), &v1.Identifier{Value: "Practitioner/someone-else"}
	look := citedEvents(t, fortnight(), likelyPair(t, fortnight(), fortnightWritten()))[0]
	look.Reader.Identifiers, look.Reader.Name = []*v1.Identifier{other}, ""
	var all []arrival
	for n := range 3 {
		all = append(all, arrival{at[n+2].Add(3 * time.Hour), sameAs(look, fmt.Sprintf("other-%d", n), at[n+2].Add(2*time.Hour), 3, 100+n)})
	}
	accounts := func(ids ...*v1.Identifier) entry {
		return entry{item: &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
			Source: "hr", ResourceType: "Practitioner", ResourceId: "x", Resource: []byte(`{"resourceType":"Practitioner","id":"x"}`), Identifiers: ids,
		}}}}
	}
	h.insert(append(all,
		arrival{at[5].Add(-2 * time.Hour), []entry{accounts(reader, other)}}, // after what the other one did, which stands under their own number
		arrival{at[7].Add(-2 * time.Hour), []entry{accounts(reader)}},
	)...)
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-60)))
	together := false
	for _, a := range w.versions {
		theirs := strangers(a)["100"] + strangers(a)["101"] + strangers(a)["102"]
		together = together || a.Shape == v1.Shape_SHAPE_SERIAL && theirs > 0 && len(strangers(a)) > 3
	}
	if !together {
		t.Error("no series told of both accounts while they were one: the test saw nothing")
	}
	for _, a := range latestOf(t, w, reader) {
		if a.Shape != v1.Shape_SHAPE_SERIAL || a.Version < 2 {
			continue
		}
		for _, e := range citedEvents(t, h, a) {
			if got := e.Reader.Identifiers[0].Value; got != reader.Value {
				t.Errorf("an access by %s is cited as one by %s", got, reader.Value)
			}
		}
	}
}

// TestASeriesOfWhatIsOneByNow: what was done on one day in two records that turn out to be one is cited by the next series, all of it.
func TestASeriesOfWhatIsOneByNow(t *testing.T) {
	t.Parallel()
	h, reader := openedBy(t, opened{8, 20, 3}, opened{8, 21, 3}, opened{10, 22, 3}, opened{11, 23, 3}, opened{12, 24, 3})
	nothingShown := ruleSet(t, func(c *ruleset.Config) { c.Threshold = 1000 })
	h.insert(
		arrival{h.start(7), []entry{{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: nothingShown}}}}},
		arrival{h.start(10), replaced(h, 20, 21)},
	)
	w := judged(t, h)
	seen := false
	for _, a := range w.versions {
		if a.Shape != v1.Shape_SHAPE_SERIAL || !pb.Equal(a.Readers[0].Identifier, reader) || strangers(a)["24"] == 0 {
			continue
		}
		seen = true
		if n := strangers(a)["20"] + strangers(a)["21"]; n != 6 {
			t.Errorf("of six looks at a record that had two numbers, a series cites %d: %v", n, strangers(a))
		}
	}
	if !seen {
		t.Error("there is no series: the test saw nothing")
	}
}
