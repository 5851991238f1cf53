package importer

import (
	"context"
	"io"

	"github.com/readtrail/readtrail/ingest"
)

// File is one file on its way to a Decoder.
type File struct {
	// Name is its name without the directory; it goes into dead letters.
	Name string
	// Mapping names how delimited text is read: a mapping the server knows. MappingText is a mapping's own text, when
	// the caller brought one.
	Mapping     string
	MappingText []byte
	// ImportID goes into events and dead letters; nil when there is none.
	ImportID []byte
	// Body is the content without compression.
	Body io.Reader
}

// Decoder reads files of a form that is not FHIR JSON. It hands entries to emit in the file's order, dead letters among
// them in their place, in calls of at most a few thousand; emit returns when they are on disk, and an error from it
// ends the work. A *ingest.DecodeError means that the file as a whole cannot be read: then it becomes one dead letter,
// if nothing was emitted before; with the element "mapping" it ends the request instead, as the caller's mistake.
type Decoder interface {
	DecodeFile(ctx context.Context, src ingest.Source, file File, emit func([]ingest.Entry) error) error
}
