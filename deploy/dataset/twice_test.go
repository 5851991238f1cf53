package dataset_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
)

// TestTwice: what comes twice is judged once, as the journal stores it once, whatever the file, the end of its line or its place. The same
// id with other content is another event, and so is a second event without any id.
func TestTwice(t *testing.T) {
	t.Parallel()
	event := func(id, at string) string {
		if id != "" {
			id = fmt.Sprintf(`"id":%q,`, id)
		}
		return fmt.Sprintf(`{"resourceType":"AuditEvent",%s"type":{"code":"rest"},"action":"R","recorded":%q,"outcome":"0",`+
			`"agent":[{"who":{"reference":"Practitioner/1"},"requestor":true}],"source":{"observer":{"display":"emr"}},`+
			`"entity":[{"what":{"reference":"Patient/1"}}]}`, id, at)
	}
	first, second := event("a1", "2026-03-16T10:00:00Z"), event("a2", "2026-03-16T11:00:00Z")
	changed := strings.Replace(first, `"action":"R"`, `"action":"U"`, 1)
	nameless, other := event("", "2026-03-16T12:00:00Z"), event("", "2026-03-16T13:00:00Z")
	dir := fstest.MapFS{
		"AuditEvent.1.ndjson": {Data: []byte(first + "\r\n" + second + "\n" + first + "\n" + nameless + "\n")},
		"AuditEvent.2.ndjson": {Data: []byte("\ufeff" + second + "\n\n" + changed + "\n" + other + "\n" + nameless)},
	}
	judged, named := map[string]int{}, 0
	r, err := evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20, Least: 1, Prior: -1},
		Clock:  func() time.Time { return time.Unix(0, 0) },
		Judged: func(id string, _ *detectors.Access, _ detectors.Verdict, _ string) { judged[id]++ },
		Ranked: func(_ *detectors.Alert, events []string) { named += len(events) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events != 5 || r.Duplicates != 3 || r.DeadLetters != 0 {
		t.Errorf("%d events, %d duplicates, %d dead letters; want 5, 3 and 0", r.Events, r.Duplicates, r.DeadLetters)
	}
	if judged["a1"] != 2 || judged["a2"] != 1 || judged[""] != 2 {
		t.Errorf("judged %v; want a1 twice (it says two things), a2 once, and both without an id", judged)
	}
	if named != 3 {
		t.Errorf("an alert names %d events, want the three that have an id", named)
	}
}
