package evaluation_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// decode reads lines "id reader patient time" as looks, "fact TYPE ID JSON" as context, and anything else as a dead letter. The zone
// of AuditEvents is read from the files themselves, so events carry a "recorded" that only the evaluation looks at.
func decode(_ context.Context, f evaluation.File, _ *time.Location, emit func(*v1.Item, *v1.FreeText) error) error {
	lines := bufio.NewScanner(f.Body)
	for lines.Scan() {
		if err := emit(decodeLine(lines.Text()), nil); err != nil {
			return err
		}
	}
	return lines.Err()
}

func decodeLine(line string) *v1.Item {
	if rest, ok := strings.CutPrefix(line, "fact "); ok {
		typ, rest, _ := strings.Cut(rest, " ")
		id, text, _ := strings.Cut(rest, " ")
		return &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
			Source: "s", ResourceType: typ, ResourceId: id, Resource: []byte(text),
			Identifiers: []*v1.Identifier{{System: "source:s", Value: typ + "/" + id}},
		}}}
	}
	var e struct{ ID, Reader, Patient, Recorded string }
	if json.Unmarshal([]byte(line), &e) != nil || e.ID == "" {
		return &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{}}}
	}
	at, _ := time.Parse(time.RFC3339, e.Recorded)
	return &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		Source: "s", SourceEventId: e.ID, OccurredUs: at.UnixMicro(), Action: v1.Action_ACTION_READ, Outcome: v1.Outcome_OUTCOME_SUCCESS,
		Mode:     v1.AccessMode_ACCESS_MODE_DELIBERATE,
		Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "source:s", Value: e.Reader}}, Type: v1.ReaderType_READER_TYPE_PRACTITIONER},
		Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "source:s", Value: e.Patient}}}},
	}}}
}

func event(id, reader, patient, at string) string {
	return fmt.Sprintf(`{"id":%q,"reader":%q,"patient":%q,"recorded":%q}`, id, reader, patient, at) + "\n"
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func packed(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// hospital: a leaver whose account still reads, among colleagues who look at their patients with an encounter.
func hospital(t *testing.T) fstest.MapFS {
	var events, encounters strings.Builder
	for d := range 10 {
		for p := range 20 {
			at := fmt.Sprintf("2026-03-%02dT%02d:00:00-06:00", d+1, 8+p%8)
			events.WriteString(event(fmt.Sprintf("e%d-%d", d, p), fmt.Sprintf("Practitioner/w%d", p%5), fmt.Sprintf("Patient/p%d", p), at))
		}
	}
	for p := range 20 {
		fmt.Fprintf(&encounters, `fact Encounter enc%d {"resourceType":"Encounter","id":"enc%d","status":"in-progress","subject":{"reference":"Patient/p%d"},`+
			`"participant":[{"individual":{"reference":"Practitioner/w%d"}}],"period":{"start":"2026-02-20T08:00:00-06:00"}}`+"\n", p, p, p, p%5)
	}
	events.WriteString(event("gone-1", "Practitioner/gone", "Patient/p3", "2026-03-05T22:10:00-06:00"))
	events.WriteString(event("gone-2", "Practitioner/gone", "Patient/p4", "2026-03-05T22:15:00-06:00"))
	events.WriteString("this is no event\n")
	return fstest.MapFS{
		"AuditEvent.ndjson.gz": packed(t, events.String()),
		"Encounter.ndjson":     file(encounters.String()),
		"PractitionerRole.ndjson": file(`fact PractitionerRole r1 {"resourceType":"PractitionerRole","id":"r1","practitioner":{"reference":"Practitioner/gone"},` +
			`"organization":{"reference":"Organization/a"},"period":{"start":"2020-01-01","end":"2026-02-01"}}` + "\n"),
		"README.md": file("not data"),
	}
}

func evaluate(t *testing.T, dir fstest.MapFS) (*evaluation.Report, []map[string]any) {
	t.Helper()
	var alerts bytes.Buffer
	r, err := evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Decode: decode, Alerts: &alerts, Queue: detectors.Queue{Budget: 20}, Clock: func() time.Time { return time.Unix(0, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range strings.Lines(alerts.String()) {
		a := map[string]any{}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return r, out
}

func TestEvaluate(t *testing.T) {
	dir := hospital(t)
	r, alerts := evaluate(t, dir)
	if r.Events != 202 || r.DeadLetters != 1 || r.Days != 10 || r.Zone != "UTC-06:00" {
		t.Errorf("%d events, %d dead letters, %d days, zone %s; want 202, 1, 10, UTC-06:00", r.Events, r.DeadLetters, r.Days, r.Zone)
	}
	if r.ExplainedShare < 0.98 || r.ExplainedShare == 1 {
		t.Errorf("%.3f explained: all but the leaver's two looks are", r.ExplainedShare)
	}
	if r.Precision != nil || r.Recall != nil || len(r.ByScenario) != 0 {
		t.Error("without labels there is no precision and no recall")
	}
	if len(alerts) == 0 || alerts[0]["day"] != "2026-03-05" || alerts[0]["shape"] != "reader-day" || alerts[0]["shown"] != true {
		t.Fatalf("want the leaver's day first, got %v", alerts)
	}
	if diff := cmp.Diff([]any{"gone-1", "gone-2"}, alerts[0]["events"]); diff != "" {
		t.Errorf("cited events (-want +got):\n%s", diff)
	}
	for _, key := range []string{"rank", "score", "readers", "patients", "detectors", "explanation"} {
		if alerts[0][key] == nil {
			t.Errorf("the alert says no %s", key)
		}
	}

	// With labels: one incident found, one that no alert cites.
	dir["labels.csv"] = file("event_id,scenario,incident\ngone-1,terminated,t1\ngone-2,terminated,t1\ne3-1,family,f1\n")
	r, again := evaluate(t, dir)
	if diff := cmp.Diff(alerts, again); diff != "" {
		t.Errorf("labels change the alerts (-without +with):\n%s", diff)
	}
	if *r.PrecisionOfDay != 1 || *r.RecallOfDay != 0.5 {
		t.Errorf("by accesses of the alerts' own days: precision %v, recall %v; want 1, 0.5", *r.PrecisionOfDay, *r.RecallOfDay)
	}
	if r.Precision == nil || *r.Precision != 1 || *r.Recall != 0.5 || r.Incidents != 2 {
		t.Errorf("precision %v, recall %v of %d incidents; want 1, 0.5 of 2", r.Precision, r.Recall, r.Incidents)
	}
	if diff := cmp.Diff(map[string]float64{"terminated": 1, "family": 0}, r.ByScenario); diff != "" {
		t.Errorf("recall by scenario (-want +got):\n%s", diff)
	}
	if *r.MisuseExplained < 0.3 || *r.MisuseExplained > 0.34 {
		t.Errorf("%.2f of the misuse called explained, want a third", *r.MisuseExplained)
	}
}

// Every context file may be missing: nothing fails, alerts stay within the budget, and what is missing is named.
func TestMissingContext(t *testing.T) {
	for _, name := range []string{"Encounter.ndjson", "PractitionerRole.ndjson"} {
		dir := hospital(t)
		delete(dir, name)
		r, alerts := evaluate(t, dir)
		shown := map[any]int{}
		for _, a := range alerts {
			if a["shown"] == true {
				shown[a["day"]]++
			}
		}
		for day, n := range shown {
			if n > 20 {
				t.Errorf("without %s: %d alerts on %s", name, n, day)
			}
		}
		if len(r.Blind) == 0 {
			t.Errorf("without %s nothing is said to be missing", name)
		}
	}
	dir := hospital(t)
	delete(dir, "Encounter.ndjson")
	if r, _ := evaluate(t, dir); r.NotAssessableShare < 0.9 || r.UnexplainedShare > 0 {
		t.Errorf("without care nothing can be assessed, and nothing is unexplained: %.2f and %.2f", r.NotAssessableShare, r.UnexplainedShare)
	}
}

func TestRefused(t *testing.T) {
	run := func(dir fstest.MapFS) error {
		_, err := evaluation.Run(t.Context(), evaluation.Config{Dir: dir, Decode: decode, Clock: func() time.Time { return time.Unix(0, 0) }})
		return err
	}
	if err := run(fstest.MapFS{"Patient.ndjson": file("")}); !errors.Is(err, evaluation.ErrNoEvents) {
		t.Errorf("a directory without events: %v", err)
	}
	for _, tt := range []struct{ labels, want string }{
		{"event,scenario\n", "want the columns event_id, scenario, incident"},
		{"event_id,scenario,incident\na,b\n", "line 2"},
		{"event_id,scenario,incident\n\"a,b\n", "read labels.csv"},
		{"event_id,scenario,incident\n,b,c\n", "line 2: want an event_id and an incident"},
		{"event_id,scenario,incident\n\na,b, \n", "line 3: want an event_id and an incident"},
	} {
		dir := hospital(t)
		dir["labels.csv"] = file(tt.labels)
		if err := run(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("labels %q: %v, want %q", tt.labels, err, tt.want)
		}
	}
	dir := hospital(t)
	dir["Patient.ndjson"] = file("\x1f\x8bbroken")
	if err := run(dir); err == nil {
		t.Error("a damaged file is read as if it were whole")
	}
}

// Average precision falls with incidents that no alert cites, and is nothing where nothing is found.
func TestAveragePrecision(t *testing.T) {
	dir := hospital(t)
	for _, tt := range []struct {
		labels string
		want   float64
	}{
		{"gone-1,terminated,t1\ngone-2,terminated,t1\n", 1},
		{"gone-1,terminated,t1\ne3-1,family,f1\n", 0.5},
		{"e3-1,family,f1\n", 0},
	} {
		dir["labels.csv"] = file("event_id,scenario,incident\n" + tt.labels)
		r, alerts := evaluate(t, dir)
		if len(alerts) != 1 || r.AveragePrecision == nil || *r.AveragePrecision != tt.want {
			t.Errorf("labels %q: average precision %v of %d alerts, want %v of one", tt.labels, r.AveragePrecision, len(alerts), tt.want)
		}
	}
}

// Labels may be empty, or of events that are not there: the report says so, and what was not there was not found.
func TestLabelsOfNothing(t *testing.T) {
	dir := hospital(t)
	dir["labels.csv"] = file("")
	if r, alerts := evaluate(t, dir); len(alerts) == 0 || r.Precision != nil {
		t.Errorf("an empty file of labels: %d alerts, precision %v; want as without it", len(alerts), r.Precision)
	}
	dir["labels.csv"] = file("event_id,scenario,incident\n")
	if r, _ := evaluate(t, dir); r.Precision == nil || *r.Precision != 0 || r.Recall != nil || r.AveragePrecision != nil || r.Incidents != 0 {
		t.Errorf("no incidents: precision %v, recall %v, average precision %v; want 0 and nothing else", r.Precision, r.Recall, r.AveragePrecision)
	}
	dir["labels.csv"] = file("\ufeffevent_id,scenario,incident\r\ngone-1,terminated,t1\r\nnowhere,family,f1\n")
	if r, _ := evaluate(t, dir); r.UnknownLabels != 1 || *r.Recall != 0.5 {
		t.Errorf("%d labels of unknown events, recall %v; want 1 and 0.5", r.UnknownLabels, *r.Recall)
	}
}

// Labels as people write them: spaces around values, columns in any order, rows of nothing, an event in two incidents. An incident is of the
// scenario that its first row names, whichever the others name.
func TestLabelsAsPeopleWriteThem(t *testing.T) {
	dir := hospital(t)
	dir["labels.csv"] = file("incident, event_id ,remark,Scenario\r\n t1, gone-1,,terminated\nt2,gone-1,\"also, that\",export\n,,,\nf1,e3-1,,family\n" +
		"t1,gone-1,,terminated\nt1,gone-2,,vendor\nt1,e3-2,,crowd\nt1,e3-3,,self\nt1,e3-4,,vip\n")
	r, _ := evaluate(t, dir)
	if r.Incidents != 3 || r.UnknownLabels != 0 || r.Recall == nil || *r.Recall != 2.0/3 {
		t.Errorf("%d incidents, %d labels of unknown events, recall %v; want 3, 0 and two thirds", r.Incidents, r.UnknownLabels, r.Recall)
	}
	if diff := cmp.Diff(map[string]float64{"terminated": 1, "export": 1, "family": 0}, r.ByScenario); diff != "" {
		t.Errorf("recall by scenario (-want +got):\n%s", diff)
	}
}

// An alert that is right by what it cites of another day is not right by what was done on its own.
func TestOwnDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		labelled string
		day      float64
	}{{"before", 0}, {"today", 1}} {
		r := evaluation.Counted(tt.labelled, []string{"before", "today"}, []string{"today"})
		if *r.Precision != 1 || *r.Recall != 1 || *r.PrecisionOfDay != tt.day || *r.RecallOfDay != tt.day {
			t.Errorf("%s: precision %v, recall %v, of the day %v and %v; want 1, 1, %v, %v",
				tt.labelled, *r.Precision, *r.Recall, *r.PrecisionOfDay, *r.RecallOfDay, tt.day, tt.day)
		}
	}
}
