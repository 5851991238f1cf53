// Package dataset brings detectors and adapters together: a dataset directory is judged without a server, and neither
// side imports the other.
package dataset

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/importer"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Decode reads a file of a dataset directory with the adapters that the server uses.
func Decode(ctx context.Context, f evaluation.File, zone *time.Location, emit func(*v1.Item, *v1.FreeText) error) error {
	src := ingest.Source{Name: "dataset", Zone: zone, Policy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE}
	each := func(entries []ingest.Entry) error {
		for _, entry := range entries {
			entry.Item.Content = entry.Content.Check() // as the journal stores it: it tells a duplicate from a conflict
			if err := emit(entry.Item, entry.Sealed.GetFreeText()); err != nil {
				return err
			}
		}
		return nil
	}
	switch filepath.Ext(strings.TrimSuffix(f.Path, ".gz")) {
	case ".ndjson", ".jsonl":
		lines := fhir.LinesConfig{Origin: filepath.Base(f.Path)}
		return fhir.Lines(ctx, lines, src, f.Body, func(b fhir.Batch) error { return each(b.Entries) }) //nolint:wrapcheck // says what failed
	}
	delimited, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	err = delimited.DecodeFile(ctx, src, importer.File{Name: filepath.Base(f.Path), MappingText: f.Mapping, Body: f.Body}, each)
	if fault := (*ingest.DecodeError)(nil); errors.As(err, &fault) && fault.Reason == ingest.ReasonUnsupportedFormat {
		return evaluation.ErrUnknownFile // delimited text that no preset knows is none of the dataset's
	}
	return err //nolint:wrapcheck // says what failed
}
