package importer

import (
	"github.com/readtrail/readtrail/ingest"
)

// The protocol, version 1. A client
//
//	POST /import/begin?source=S&name=N[&backfill=true]    once: {"import_id": "..."}
//	POST /import?source=S&import=ID&name=FILE...          once a file, its bytes as the body (gzip or not)
//	POST /import/end?source=S&import=ID&name=N...         once, with the counts as its JSON body
//
// The answer to a file is newline-delimited JSON, one Progress a line, written while the file is read; the last one has
// done or error set. After an error or a broken connection the client sends the file again, from Offset on where
// Resumable says so and from the start otherwise: what was kept already is recognised.
const (
	paramSource   = "source"
	paramImport   = "import"
	paramName     = "name"
	paramBackfill = "backfill"
	paramMapping  = "mapping"
	paramDryRun   = "dry_run"
	paramOffset   = "offset"
	paramLine     = "line"
)

// headerMapping carries a mapping's own text, base64.
const headerMapping = "Readtrail-Mapping"

// Progress is one line of the answer to a file.
type Progress struct {
	// Form is what the file was found to be.
	Form Form `json:"form,omitempty"`
	// Offset counts the bytes (without compression) that are safely kept; Line is the number of the line after them.
	// Resumable: sending may go on from there.
	Offset    int64 `json:"offset"`
	Line      int   `json:"line,omitempty"`
	Resumable bool  `json:"resumable,omitempty"`
	// Counts is what became of this request's entries so far.
	Counts ingest.Counts `json:"counts"`
	// Faults are dead letters, the first of a file only.
	Faults []Fault `json:"faults,omitempty"`
	// Waiting: the journal is busy, the server tries again by itself.
	Waiting bool `json:"waiting,omitempty"`
	// Done: the file is through.
	Done bool `json:"done,omitempty"`
	// Error ends the request; Busy says that sending the rest later is expected to work.
	Error string `json:"error,omitempty"`
	Busy  bool   `json:"busy,omitempty"`
}

// Fault says what is wrong with one input. It names elements and positions, never values, nor the id, which is a hash of the input: reports
// are kept in logs.
type Fault struct {
	// Position is where the dead letter stands in the journal; 0 in a dry run.
	Position uint64 `json:"position,omitempty"`
	Reason   string `json:"reason"`
	Element  string `json:"element,omitempty"`
	Message  string `json:"message"`
	Line     uint64 `json:"line,omitempty"`
	Column   uint64 `json:"column,omitempty"`
}

// beginAnswer is the answer to /import/begin.
type beginAnswer struct {
	ImportID string `json:"import_id"`
}
