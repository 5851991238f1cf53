package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fault"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// MaxDeadLetterBytes is how much of an input that could not become an event is kept. It is half of what fits one batch
// (8 MiB), so that a dead letter can always be stored. Larger inputs are cut there, and the dead letter says so.
const MaxDeadLetterBytes = 4 << 20

// IntakeConfig says where an Intake puts what comes in.
type IntakeConfig struct {
	// Appender is the journal. Required.
	Appender Appender
	// Metrics registers the counters; nil registers none.
	Metrics prometheus.Registerer
}

// Validate reports all faults of the configuration.
func (c IntakeConfig) Validate() error {
	if c.Appender == nil {
		return errors.New("intake: no appender")
	}
	return nil
}

// Intake is what all adapters submit through: it appends and counts, so that for every source
// in = stored + duplicates + conflicts + dead letters. It is safe for concurrent use.
type Intake struct {
	appender    Appender
	entries     *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
}

// NewIntake returns an Intake before the journal of cfg.
func NewIntake(cfg IntakeConfig) (*Intake, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	in := &Intake{
		appender: cfg.Appender,
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_ingest_entries_total",
			Help: "Entries by source and by what became of them: stored, duplicate, conflict or dead_letter.",
		}, []string{"source", "outcome"}),
		deadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_ingest_dead_letters_total",
			Help: "Inputs that could not become an event, by source and reason.",
		}, []string{"source", "reason"}),
	}
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Collector{in.entries, in.deadLetters} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("register intake metrics: %w", err)
			}
		}
	}
	return in, nil
}

// Counts is what became of entries. A dead letter whose bytes were kept before counts as a duplicate.
type Counts struct {
	Stored      uint64 `json:"stored"`
	Duplicates  uint64 `json:"duplicates"`
	Conflicts   uint64 `json:"conflicts"`
	DeadLetters uint64 `json:"dead_letters"`
}

// In is how many entries came in.
func (c Counts) In() uint64 { return c.Stored + c.Duplicates + c.Conflicts + c.DeadLetters }

// Add adds other to c.
func (c *Counts) Add(other Counts) {
	c.Stored += other.Stored
	c.Duplicates += other.Duplicates
	c.Conflicts += other.Conflicts
	c.DeadLetters += other.DeadLetters
}

// Submit appends entries of one source, dead letters among them, and returns what became of each, in order. On an error
// nothing counts as kept and it is safe to submit the same again; the error wraps the Appender's.
func (in *Intake) Submit(ctx context.Context, src Source, entries []Entry, opts Options) ([]Result, Counts, error) {
	if len(entries) == 0 {
		return nil, Counts{}, nil
	}
	fault.Point("intake:decoded")
	results, err := in.appender.Append(ctx, entries, opts)
	if err != nil {
		return nil, Counts{}, fmt.Errorf("submit %d entries: %w", len(entries), err)
	}
	if len(results) != len(entries) {
		return nil, Counts{}, fmt.Errorf("submit %d entries: %d results", len(entries), len(results))
	}
	var counts Counts
	for i := range results {
		letter := entries[i].Item.GetDeadLetter()
		switch {
		case results[i].Status == Duplicate:
			counts.Duplicates++
		case letter != nil:
			counts.DeadLetters++
			in.deadLetters.WithLabelValues(src.Name, letter.Reason).Inc()
		case results[i].Status == Conflict:
			counts.Conflicts++
		default:
			counts.Stored++
		}
	}
	in.count(src.Name, counts)
	fault.Point("intake:answered")
	return results, counts, nil
}

func (in *Intake) count(source string, c Counts) {
	for _, outcome := range []struct {
		name string
		n    uint64
	}{{"stored", c.Stored}, {"duplicate", c.Duplicates}, {"conflict", c.Conflicts}, {"dead_letter", c.DeadLetters}} {
		if outcome.n > 0 {
			in.entries.WithLabelValues(source, outcome.name).Add(float64(outcome.n))
		}
	}
}

// Fault is input that could not become an event, on its way to the dead letters.
type Fault struct {
	// Err says why.
	Err *DecodeError
	// Original is the input as it came.
	Original []byte
	// MediaType and Format say what it was taken for; both may be empty.
	MediaType, Format string
	// Origin is where it stood: a file's name without its directory, "POST /fhir". It must name nobody.
	Origin string
	// Line and Column say where it began in the origin, counted from 1; 0: unknown. Err counts on from there.
	Line, Column int
	// ImportID is the import that brought it; nil when it came live.
	ImportID []byte
}

// DeadLetter makes the entry that keeps a fault. The same bytes of one source make the same dead letter, so that a
// source that sends them again and again adds one.
func DeadLetter(src Source, f Fault) Entry {
	original := f.Original
	digest := sha256.Sum256(original)
	content := proto.ContentOf(digest)
	message := f.Err.Message
	if len(original) > MaxDeadLetterBytes {
		original = original[:MaxDeadLetterBytes]
		digest = sha256.Sum256(original)
		message += fmt.Sprintf(" (only the first %d bytes are kept)", MaxDeadLetterBytes)
	}
	id := proto.NewEventID(proto.EventIdentity{Source: src.Name, Observer: "dead letter", Key: content[:]})
	line, column := position(f)
	letter := &v1.DeadLetter{
		EventId: id.Bytes(), Source: src.Name, Reason: f.Err.Reason, Message: message, Element: f.Err.Element,
		Origin: f.Origin, Line: line, Column: column, SizeBytes: uint64(len(f.Original)), Format: f.Format,
		ImportId: f.ImportID,
	}
	return Entry{
		Item: &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: letter}}, ID: id, Content: content, Source: src.Name,
		Sealed: &v1.SealedItem{Original: original, MediaType: f.MediaType}, Digest: digest,
	}
}

// position adds where the fault lies in the input to where the input began.
func position(f Fault) (line, column uint64) {
	begin, at := max(f.Line, 1), max(f.Err.Line, 1)
	if f.Line == 0 && f.Err.Line == 0 {
		return 0, 0
	}
	line = uint64(begin + at - 1)
	if at > 1 {
		return line, uint64(f.Err.Column)
	}
	return line, uint64(max(f.Column, 1) + max(f.Err.Column, 1) - 1)
}

// Mark appends an entry that is no input: the begin or end of an import. It is not counted. It may use the reserve: it is
// tiny, and an import that cannot end is judged never.
func (in *Intake) Mark(ctx context.Context, entry Entry) error {
	if _, err := in.appender.Append(ctx, []Entry{entry}, Options{Reserved: true}); err != nil {
		return fmt.Errorf("append mark: %w", err)
	}
	return nil
}
