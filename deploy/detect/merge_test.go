package detect_test

import (
	"fmt"
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
			h.after(first.Add(time.Duration(day)*24*time.Hour+time.Hour), again...)
		}
		if at.merged != 0 {
			h.after(first.Add(at.merged), merged)
		}
		if at.parted != 0 {
			h.after(first.Add(at.parted), merge())
		}
		_, got := run(t, engineConfig(t, h), h.batches)
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
