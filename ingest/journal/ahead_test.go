package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// TestLookAhead: the ids of a long call are looked up together before the first of them is placed. What lands while the rest is being
// placed is recognised all the same: the call is so long that its first batches are on disk, and in the index, before the repetitions at its
// end come up.
func TestLookAhead(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j := open(t, cfg)
	const batches, each = 8, proto.MaxBatchItems
	call := func(text string) []ingest.Entry {
		entries := make([]ingest.Entry, 0, (batches+1)*each)
		for i := range batches * each {
			entries = append(entries, event(fmt.Sprint("event ", i), text))
		}
		return entries
	}
	one := call("1")
	one = append(one, one[:each]...)                      // the first batch again
	one = append(one, event("event 0", "2"))              // and a conflict with it
	one = append(one, event("event 0", "2"), one[1])      // twice
	one = append(one, event("event 7", "3"), one[each*2]) // and one more
	want := strings.Repeat("S", batches*each) + strings.Repeat("D", each) + "CDDCD"
	results := mustAppend(t, j, one...)
	if got := statuses(results); got != want {
		t.Errorf("the first call: from entry %d on the statuses differ", differsAt(got, want))
	}
	for i, r := range results[batches*each : (batches+1)*each] {
		if r.Position != results[i].Position {
			t.Fatalf("repetition %d is said to stand at %s, it stands at %s", i, r.Position, results[i].Position)
		}
	}
	if got, want := statuses(mustAppend(t, j, one...)), strings.Repeat("D", len(one)); got != want {
		t.Errorf("the same call again: from entry %d on the statuses differ", differsAt(got, want))
	}
	if got, want := statuses(mustAppend(t, j, call("4")...)), strings.Repeat("C", batches*each); got != want {
		t.Errorf("other contents: from entry %d on the statuses differ", differsAt(got, want))
	}
	if n, want := len(readAll(t, j)), 2*batches*each+2; n != want {
		t.Errorf("%d items in the journal, want %d", n, want)
	}
}

func differsAt(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}
