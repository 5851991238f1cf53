package fhir_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// eventsIn counts the AuditEvents of a document with encoding/json, which knows nothing of our decoder.
func eventsIn(t *testing.T, data []byte) int {
	t.Helper()
	var top struct {
		ResourceType string
		Entry        []struct{ Resource struct{ ResourceType string } }
	}
	if json.Unmarshal(data, &top) != nil {
		return 0
	}
	n := 0
	if top.ResourceType == "AuditEvent" {
		n++
	}
	for _, e := range top.Entry {
		if e.Resource.ResourceType == "AuditEvent" {
			n++
		}
	}
	return n
}

// TestCorpora puts every JSON file of the corpora into a journal: each AuditEvent is stored, or a dead letter whose
// reason names the element; and in = stored + duplicates + conflicts + dead letters.
func TestCorpora(t *testing.T) {
	dir := ingesttest.Corpora(t)
	rig := ingesttest.Open(t)
	var total ingest.Counts
	events, letters, entriesIn := 0, 0, 0
	kinds := map[v1.Kind]int{}
	reasons := map[string]int{}
	d := fhir.NewDecoder(fhir.Limits{})
	submit := func(src ingest.Source, entries []ingest.Entry) {
		t.Helper()
		_, counts, err := rig.Intake.Submit(t.Context(), src, entries, ingest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if counts.In() != uint64(len(entries)) {
			t.Fatalf("in %d, counted %+v", len(entries), counts)
		}
		total.Add(counts)
		entriesIn += len(entries)
		for i := range entries {
			kinds[proto.KindOf(entries[i].Item)]++
			if letter := entries[i].Item.GetDeadLetter(); letter != nil {
				reasons[letter.Reason+" "+letter.Element]++
			}
		}
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" && filepath.Ext(path) != ".ndjson" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
		src := ingesttest.Source(strings.Split(strings.TrimPrefix(path, dir+"/"), "/")[0])
		if filepath.Ext(path) == ".ndjson" {
			return fhir.Lines(t.Context(), fhir.LinesConfig{Origin: filepath.Base(path)}, src, strings.NewReader(string(data)),
				func(b fhir.Batch) error { submit(src, b.Entries); return nil })
		}
		entries := d.Entries(src, fhir.Document{Data: data, Origin: filepath.Base(path)})
		want, got := eventsIn(t, data), 0
		for i := range entries {
			letter := entries[i].Item.GetDeadLetter()
			switch {
			case entries[i].Item.GetAccess() != nil:
				got++
			case letter != nil && strings.HasPrefix(letter.Element, "AuditEvent."):
				got++
				letters++
			}
		}
		if got != want {
			t.Errorf("%s: %d AuditEvents, %d accounted for", path, want, got)
		}
		events += want
		submit(src, entries)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries: %+v", entriesIn, total)
	t.Logf("%d AuditEvents: %d decoded, %d dead letters", events, events-letters, letters)
	t.Logf("kinds %v, reasons %v", kinds, reasons)
	if events < 933 || letters != 830 {
		t.Errorf("%d AuditEvents with %d dead letters: the corpora have 830 without a recorded time", events, letters)
	}
	if total.In() != uint64(entriesIn) {
		t.Errorf("in %d, counted %+v", entriesIn, total)
	}
	if kept := rig.Kept(); uint64(len(kept)) != total.Stored+total.Conflicts+total.DeadLetters {
		t.Errorf("%d items in the journal, counted %+v", len(kept), total)
	}
}
