package detect_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRepeatedLooksFollowMerges: a reader opened a record without a reason on two days, opens another record on the next, and the first one
// again on the fourth. When the second record was merged into the first one by then, these are three days before it, wherever among the
// looks the merge comes; when it was not, or the merge was taken back, they are two.
func TestRepeatedLooksFollowMerges(t *testing.T) {
	t.Parallel()
	base, w := fortnight(), fortnightWritten()
	of := likelyPair(t, base, w)
	first := time.UnixMicro(of.Accesses[0].OccurredUs)
	patient, other := of.Patients[0].Identifier, &v1.Identifier{System: of.Patients[0].Identifier.System, Value: "900900900"}
	merge := func(links ...*v1.IdentityLink) entry {
		return entry{item: &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
			Source: "merges", ResourceType: "Patient", ResourceId: "other", Resource: []byte(`{"resourceType":"Patient","id":"other"}`),
			Identifiers: []*v1.Identifier{other}, Links: links,
		}}}}
	}
	merged := merge(&v1.IdentityLink{Kind: v1.IdentityLink_KIND_REPLACED_BY, From: other, To: patient})
	for name, at := range map[string]struct {
		merged, parted time.Duration
		joined         bool
	}{
		"never":                  {0, 0, false},
		"before the looks":       {-6 * time.Hour, 0, true},
		"between them":           {12 * time.Hour, 0, true},
		"long after the looks":   {60 * time.Hour, 0, true},
		"taken back after a day": {60 * time.Hour, 61 * time.Hour, false},
	} {
		h := base.copy(t)
		var all []arrival
		for day := 1; day <= 2; day++ {
			var again []entry
			for i, e := range citedEvents(t, base, of) {
				e.SourceEventId = fmt.Sprintf("merge-%d-%d", day, i)
				e.EventId, e.RequestId = nil, ""
				e.OccurredUs += (time.Duration(day) * 24 * time.Hour).Microseconds()
				e.RecordedUs = e.OccurredUs
				if day == 1 {
					e.Patients = []*v1.Patient{{Identifiers: []*v1.Identifier{other}}}
				}
				again = append(again, entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
			}
			all = append(all, arrival{first.Add(time.Duration(day)*24*time.Hour + time.Hour), again})
		}
		if at.merged != 0 {
			all = append(all, arrival{first.Add(at.merged), []entry{merged}})
		}
		if at.parted != 0 {
			all = append(all, arrival{first.Add(at.parted), []entry{merge()}})
		}
		h.insert(all...)
		got := judged(t, h)
		words := ""
		for _, m := range got.messages {
			for _, f := range m.Findings {
				if m.Day == of.Day+2 && f.Detector == "RepeatedLooks" && pb.Equal(f.Reader, of.Readers[0].Identifier) &&
					(pb.Equal(f.Patient, patient) || pb.Equal(f.Patient, other)) {
					words = f.Words
				}
			}
		}
		want := "on several days without a reason"
		if at.joined {
			want = "on many days without a reason"
		}
		if words != want {
			t.Errorf("merged %s: %q, want %q", name, words, want)
		}
	}
}

// TestWhoItWasBecomesKnown: whose account it was, or which record it is a part of, becomes known between the access and the closing of its
// day, and what documents the access does so too. The day is judged by what is known when it is closed: the verdict is the one that it would
// be, had it been known before.
func TestWhoItWasBecomesKnown(t *testing.T) {
	t.Parallel()
	h := fortnight().copy(t)
	of := likelyPair(t, h, fortnightWritten())
	looked, reader := citedEvents(t, h, of)[0], of.Readers[0].Identifier
	when := h.start(11).Add(11 * time.Hour)
	then := map[time.Duration][]entry{} // what comes in when, from the looks on
	event := func(n int, at time.Duration, action v1.Action, login, record string) string {
		e, _ := pb.Clone(looked).(*v1.AccessEvent)
		e.SourceEventId, e.EventId, e.RequestId = fmt.Sprintf("known-%d-%s", n, action), nil, ""
		e.OccurredUs = when.Add(at + time.Duration(n)*time.Second).UnixMicro()
		e.Mode, e.Action, e.RecordedUs = v1.AccessMode_ACCESS_MODE_DELIBERATE, action, e.OccurredUs
		e.Patients[0].Identifiers = e.Patients[0].Identifiers[:1]
		e.Patients[0].Identifiers[0].Value = record
		if login != "" {
			e.Reader.Identifiers, e.Reader.Name = []*v1.Identifier{{System: "urn:login", Value: login}}, ""
		}
		at += 5 * time.Minute
		then[at] = append(then[at], entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
		return e.SourceEventId
	}
	document := func(n int, reason string) {
		record := fmt.Sprintf("Patient/stranger-%d", n)
		switch reason {
		case "ATTENDING":
			then[7*time.Hour] = append(then[7*time.Hour], attended(h, n, reader, &v1.Identifier{Value: record}, when)...)
		case "ORDERED":
			then[7*time.Hour] = append(then[7*time.Hour], h.decode("ServiceRequest.ndjson", fmt.Appendf(nil, `{"resourceType":"ServiceRequest",`+
				`"id":"order-%d","status":"active","intent":"order","subject":{"reference":%q},"requester":{"reference":%q},"authoredOn":%q}`,
				n, record, reader.Value, when.UTC().Format(time.RFC3339)))...)
		default:
			event(n, 24*time.Hour, v1.Action_ACTION_UPDATE, "", record)
		}
	}
	type known struct{ what, event, want string }
	var all []known
	owned := []*v1.Identifier{reader}
	for _, k := range []struct {
		at   time.Duration
		name string
	}{{-2 * time.Hour, "before"}, {6 * time.Hour, "in the evening"}, {26 * time.Hour, "the next day"}} {

		for _, want := range []string{"ATTENDING", "ORDERED", "WORKED_ON_RECORD"} {
			n := 100 + 10*len(all)
			document(n, want)
			login := fmt.Sprintf("zz%d", n)
			owned = append(owned, &v1.Identifier{System: "urn:login", Value: login})
			all = append(all, known{"account becomes known " + k.name, event(n, 0, v1.Action_ACTION_READ, login, fmt.Sprintf("Patient/stranger-%d", n)), want})
			n += 5
			document(n, want)
			then[k.at] = append(then[k.at], replaced(h, n+1, n)...)
			all = append(all, known{"record becomes known " + k.name, event(n, 0, v1.Action_ACTION_READ, "", fmt.Sprintf("Patient/stranger-%d", n+1)), want})
		}
		then[k.at] = append(then[k.at], owns(fmt.Sprintf("x%d", len(all)), owned))
		owned = []*v1.Identifier{reader}
	}
	var come []arrival
	for _, at := range slices.Sorted(maps.Keys(then)) {
		come = append(come, arrival{when.Add(at), then[at]})
	}
	h.insert(come...)
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-80)))
	for _, k := range all {
		if got := verdictOn(t, h, w, k.event); got != "VERDICT_EXPLAINED EXPLANATION_"+k.want {
			t.Errorf("whose %s: %s, want it explained by %s", k.what, got, k.want)
		}
	}
}

// TestTwoAccountsAreOneReader: what somebody did on a day with an account that turns out to be theirs before the day is closed is told with
// what they did with the other one.
func TestTwoAccountsAreOneReader(t *testing.T) {
	t.Parallel()
	base := fortnight()
	of := likelyPair(t, base, fortnightWritten())
	h, at := base.copy(t), time.UnixMicro(of.Accesses[0].OccurredUs)
	login := &v1.Identifier{System: "urn:login", Value: "zz9"}
	e := citedEvents(t, base, of)[0]
	e.SourceEventId, e.EventId, e.RequestId = "other-account", nil, ""
	e.OccurredUs += time.Minute.Microseconds()
	e.Reader.Identifiers, e.Reader.Name = []*v1.Identifier{login}, ""
	h.insert(
		arrival{at.Add(2 * time.Minute), []entry{{item: &v1.Item{Body: &v1.Item_Access{Access: e}}}}},
		arrival{at.Add(2 * time.Hour), []entry{owns("x", []*v1.Identifier{of.Readers[0].Identifier, login})}},
	)
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
	told := 0
	for _, a := range w.versions {
		if a.Day == of.Day && a.Shape == of.Shape && pb.Equal(a.Patients[0].Identifier, of.Patients[0].Identifier) {
			told++
			if len(a.Accesses) != len(of.Accesses)+1 || len(a.Readers) != 1 || !pb.Equal(a.Readers[0].Identifier, of.Readers[0].Identifier) {
				t.Errorf("version %d cites %d accesses by %d readers, want %d by %v", a.Version, len(a.Accesses), len(a.Readers), len(of.Accesses)+1, of.Readers[0].Identifier)
			}
		}
	}
	if told != 1 {
		t.Errorf("the day in the record is told %d times, want once", told)
	}
}

// owns is a staff resource that says that accounts are one person's.
func owns(id string, accounts []*v1.Identifier) entry {
	return entry{item: &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: "hr", ResourceType: "Practitioner", ResourceId: id, Resource: fmt.Appendf(nil, `{"resourceType":"Practitioner","id":%q}`, id),
		Identifiers: accounts,
	}}}}
}

// verdictOn is the latest verdict on an event of a source.
func verdictOn(t *testing.T, h *hospital, w *written, event string) string {
	t.Helper()
	at := uint64(0)
	for _, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for k, it := range items {
			if it.GetAccess().GetSourceEventId() == event {
				at = uint64(b.Position(k))
			}
		}
	}
	return verdictAt(w, at)
}

// verdictAt is the latest verdict at a position.
func verdictAt(w *written, at uint64) (verdict string) {
	for _, m := range w.messages {
		position := uint64(0)
		for i, d := range m.Verdicts.GetPositions() {
			if position += d; position == at {
				verdict = fmt.Sprint(v1.Verdict(m.Verdicts.Verdicts[i]), " ", v1.Explanation(m.Verdicts.Explanations[i]))
			}
		}
	}
	return verdict
}
