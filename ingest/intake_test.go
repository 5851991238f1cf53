package ingest_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func entry(key, content string) ingest.Entry {
	id := proto.NewEventID(proto.EventIdentity{Source: "ehr", Key: []byte(key)})
	return ingest.Entry{
		Item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{EventId: id.Bytes(), Source: "ehr"}}},
		ID:   id, Content: proto.HashContent([]byte(content)), Source: "ehr",
	}
}

// TestEverythingIsCounted: in = stored + duplicates + conflicts + dead letters, in the answer and in the metrics.
func TestEverythingIsCounted(t *testing.T) {
	rig := ingesttest.Open(t)
	metrics := prometheus.NewRegistry()
	in, err := ingest.NewIntake(ingest.IntakeConfig{Appender: rig, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	src := ingesttest.Source("ehr")
	letter := ingest.DeadLetter(src, ingest.Fault{Err: &ingest.DecodeError{Reason: ingest.ReasonInvalidJSON}, Original: []byte("{")})
	results, counts, err := in.Submit(t.Context(), src, []ingest.Entry{entry("1", "a"), entry("1", "a"), entry("1", "b"), letter, letter}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := ingest.Counts{Stored: 1, Duplicates: 2, Conflicts: 1, DeadLetters: 1}
	if counts != want || counts.In() != 5 || len(results) != 5 {
		t.Errorf("counted %+v", counts)
	}
	got := map[string]float64{}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.Metric {
			key := family.GetName()
			for _, label := range m.Label {
				key += " " + label.GetValue()
			}
			got[key] = m.Counter.GetValue()
		}
	}
	if diff := cmp.Diff(map[string]float64{
		"readtrail_ingest_dead_letters_total invalid_json ehr": 1,
		"readtrail_ingest_entries_total stored ehr":            1,
		"readtrail_ingest_entries_total duplicate ehr":         2,
		"readtrail_ingest_entries_total conflict ehr":          1,
		"readtrail_ingest_entries_total dead_letter ehr":       1,
	}, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	rig.Fail = func([]ingest.Entry) error { return ingest.ErrBusy }
	if _, counts, err := in.Submit(t.Context(), src, []ingest.Entry{entry("2", "a")}, ingest.Options{}); !errors.Is(err, ingest.ErrBusy) || counts.In() != 0 {
		t.Errorf("a busy journal: %+v, %v", counts, err)
	}
}

func TestDeadLettersSayWhere(t *testing.T) {
	src := ingesttest.Source("ehr")
	large := make([]byte, ingest.MaxDeadLetterBytes+10)
	for _, tt := range []struct {
		fault        ingest.Fault
		line, column uint64
	}{
		{ingest.Fault{Err: &ingest.DecodeError{}}, 0, 0},
		{ingest.Fault{Err: &ingest.DecodeError{Line: 1, Column: 5}}, 1, 5},
		{ingest.Fault{Err: &ingest.DecodeError{Line: 1, Column: 5}, Line: 7, Column: 11}, 7, 15},
		{ingest.Fault{Err: &ingest.DecodeError{Line: 3, Column: 5}, Line: 7, Column: 11}, 9, 5},
		{ingest.Fault{Err: &ingest.DecodeError{}, Line: 7, Original: large}, 7, 1},
	} {
		e := ingest.DeadLetter(src, tt.fault)
		letter := e.Item.GetDeadLetter()
		if letter.Line != tt.line || letter.Column != tt.column {
			t.Errorf("got %d:%d, want %d:%d", letter.Line, letter.Column, tt.line, tt.column)
		}
		if e.Digest != sha256.Sum256(e.Sealed.Original) {
			t.Error("the digest is not that of the original")
		}
		if letter.SizeBytes != uint64(len(tt.fault.Original)) || len(e.Sealed.Original) > ingest.MaxDeadLetterBytes {
			t.Errorf("%d bytes, %d kept", letter.SizeBytes, len(e.Sealed.Original))
		}
	}
}
