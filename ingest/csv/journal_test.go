package csv_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
)

// TestCorpusIntoTheJournal imports both files twice, with a bad row between: in = stored + duplicates + dead letters.
func TestCorpusIntoTheJournal(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpora", "hospital-web-app-behaviour-csv", "*.csv"))
	if err != nil || len(files) == 0 {
		t.Skip("no corpora beside the repository")
	}
	keys, err := proto.OpenKeyRing(t.TempDir(), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), TickEvery: -1, MaxBytes: 256 << 20, Reserve: 2, LastReserve: 1, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: j})
	if err != nil {
		t.Fatal(err)
	}
	im, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var rounds [2]ingest.Counts
	for round := range rounds {
		for _, name := range files {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(content) < 100_000 {
				content = append(bytes.Clone(content), "\nthis,is no row of it\n"...)
			}
			file := importer.File{Name: filepath.Base(name), Body: bytes.NewReader(content), ImportID: []byte{byte(round)}}
			if err := im.DecodeFile(t.Context(), emr(t), file, func(entries []ingest.Entry) error {
				_, counts, err := intake.Submit(t.Context(), emr(t), entries, ingest.Options{})
				rounds[round].Add(counts)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := [2]ingest.Counts{{Stored: 5206, DeadLetters: 1}, {Duplicates: 5207}}
	if diff := cmp.Diff(want, rounds); diff != "" {
		t.Error(diff)
	}
}
