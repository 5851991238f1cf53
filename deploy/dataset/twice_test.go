package dataset_test

import (
	"bytes"
	"compress/gzip"
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
		"PractitionerRole.ndjson": {Data: []byte(`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/1"},` +
			`"period":{"start":"2010-01-01","end":"2020-01-01"}}` + "\n")}, // they had left, which makes an alert
	}
	judged, named := map[string]int{}, 0
	r, err := evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20, Least: 1, Prior: -1},
		Clock:  func() time.Time { return time.Unix(0, 0) },
		Judged: func(id string, _ *detectors.Access, _ detectors.Verdict, _, _ string) { judged[id]++ },
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

// TestFilesThatCannotBeRead: what nobody can read is named with its file, and so is where dead letters stand; what is damaged as a whole is
// refused with its name.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	look := `{"resourceType":"AuditEvent","id":"a1","type":{"code":"rest"},"action":"R","recorded":"2026-03-16T10:00:00Z","outcome":"0",` +
		`"agent":[{"who":{"reference":"Practitioner/1"},"requestor":true}],"source":{"observer":{"display":"emr"}},"entity":[{"what":{"reference":"Patient/1"}}]}`
	run := func(name, text string) (*evaluation.Report, error) {
		return evaluation.Run(t.Context(), evaluation.Config{
			Dir:    fstest.MapFS{"AuditEvent.ndjson": {Data: []byte(look + "\n")}, name: {Data: []byte(text)}},
			Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20}, Clock: func() time.Time { return time.Unix(0, 0) },
		})
	}
	r, err := run("shifts.csv", "who,when\n1,2\n")
	if err != nil || len(r.Unread) != 1 || r.Unread[0] != "shifts.csv" {
		t.Errorf("%v; not read: %v, want shifts.csv", err, r.Unread)
	}
	r, err = run("Patient.ndjson", `{"resourceType":"Patient"`)
	if err != nil || r.DeadLetters != 1 || r.DeadLettersByFile["Patient.ndjson"] != 1 {
		t.Errorf("%v; dead letters %v, want one in Patient.ndjson", err, r.DeadLettersByFile)
	}
	if _, err = run("Patient.ndjson.gz", "\x1f\x8b\x08\x00"); err == nil || !strings.Contains(err.Error(), "Patient.ndjson.gz") {
		t.Errorf("a damaged file is refused with %v; want its name", err)
	}
	if _, err = run("Encounter.ndjson.gz", string(cut(t))); err == nil || !strings.Contains(err.Error(), "Encounter.ndjson.gz") {
		t.Errorf("a file that was cut is refused with %v; want its name", err)
	}
}

// cut is the first half of a packed file.
func cut(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for i := range 1000 {
		fmt.Fprintf(w, `{"resourceType":"Encounter","id":"e%d","status":"finished","subject":{"reference":"Patient/%d"}}`+"\n", i, i*i)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[:b.Len()/2]
}

// TestEmptyFiles: an export of nothing is no reason to stop, whatever it would have held.
func TestEmptyFiles(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"vendors.yaml": {Data: []byte("name: vendors\n")}}
	for _, name := range []string{"AuditEvent.ndjson", "Patient.ndjson", "vendors.csv", "roster.tsv", "notes.txt"} {
		dir[name] = &fstest.MapFile{}
	}
	r, err := evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Decode: dataset.Decode, Queue: detectors.Queue{Budget: 20}, Clock: func() time.Time { return time.Unix(0, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events != 0 || r.DeadLetters != 0 || len(r.Unread) != 0 {
		t.Errorf("%d events, %d dead letters, not read: %v; want nothing at all", r.Events, r.DeadLetters, r.Unread)
	}
}
