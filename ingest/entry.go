// Package ingest is the write side: adapters turn what sources send into entries, and the journal keeps them. This
// package holds what the adapters and the journal share.
package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Entry is one item offered to the journal.
type Entry struct {
	// Item has exactly one body; its event id and source are filled in. Followers are given an event, a fact or a dead letter as
	// it is, so that nobody changes it, or what its texts stand in, once it was offered.
	Item *v1.Item
	// ID decides whether the item was seen before. Zero: it never was (ticks, questions, marks).
	ID proto.EventID
	// Content tells a duplicate (same id, same content) from a conflict (same id, other content).
	Content proto.ContentHash
	// Source is the registered name under whose key Sealed is sealed.
	Source string
	// Sealed is the original with its free text; nil when there is none. Nobody changes it once it was offered.
	Sealed *v1.SealedItem
	// Digest is the SHA-256 of Sealed.Original where the adapter has it, so that it is not taken twice; else zero.
	Digest proto.Hash
}

// Status is what became of an entry.
type Status uint8

// In = stored + duplicates + conflicts, and a dead letter is stored as one: nothing else can happen to an entry that
// Append accepted.
const (
	// Stored: new, on disk at its position.
	Stored Status = iota + 1
	// Duplicate: the same content stands under this id already, at the position of the result.
	Duplicate
	// Conflict: other content stands under this id; the entry is on disk under a salted id.
	Conflict
)

// Result says what became of one entry, and where it stands.
type Result struct {
	Status   Status
	Position proto.Position
	// ID differs from the entry's for a conflict.
	ID proto.EventID
}

// Options say how entries are appended.
type Options struct {
	// Atomic: all entries in one batch, or none.
	Atomic bool
	// Reserved: the entry may use the space and the queue kept back for questions, decisions and ticks.
	Reserved bool
}

// ErrBusy is the family of refusals that pass: nothing was kept, or it is unknown whether it was; the caller sends the
// same entries again later (HTTP: 503 with Retry-After) and duplicates are recognised.
var ErrBusy = errors.New("journal is busy")

// ErrTooLarge refuses what fits no batch (HTTP: 413). The caller splits it or gives up.
var ErrTooLarge = errors.New("too large for one batch")

// ErrClosed refuses entries after the journal stopped taking them. The caller sends them again after the restart.
var ErrClosed = errors.New("journal is closed")

// Appender is what adapters need of the journal. Append returns once every entry is on disk, with one result an entry
// in order; entries of one call keep their order in the journal. On an error the whole call counts as not kept, and it
// is safe to repeat. It is safe for concurrent use.
type Appender interface {
	Append(ctx context.Context, entries []Entry, opts Options) ([]Result, error)
}

// Source is a registered source as adapters need it.
type Source struct {
	// Name is the registered name: it scopes local references and ids.
	Name string
	// Zone reads times that carry none; never nil.
	Zone *time.Location
	// Policy says what makes an event the same event.
	Policy v1.IdentityPolicy
	// BaseURL, when set, is what relative references are relative to.
	BaseURL string
	// PatientSystem and ReaderSystem assign bare numbers; empty: the source itself does.
	PatientSystem, ReaderSystem string
	// PairWithin pairs two reports of one access that share no request id; 0: never.
	PairWithin time.Duration
}

// LocalSystem is the system of references and numbers that mean something only within the source.
func (s Source) LocalSystem() string { return "source:" + s.Name }
