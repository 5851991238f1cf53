// Package journaltest is a journal in memory, for tests of what follows one. It keeps the contract of ingest.Appender
// and of Follow: real batches, one total order, duplicates and conflicts told apart by event id and content.
package journaltest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Journal is a journal in memory. It is safe for concurrent use.
type Journal struct {
	codec *proto.Codec

	mu       sync.Mutex // guards what follows
	messages [][]byte
	seen     map[proto.EventID]seen
	grown    chan struct{}
	now      time.Time
	fail     error
}

type seen struct {
	content  proto.ContentHash
	position proto.Position
}

// New returns an empty journal whose clock stands at now.
func New(now time.Time) (*Journal, error) {
	codec, err := proto.NewCodec(nil)
	if err != nil {
		return nil, fmt.Errorf("make a journal for tests: %w", err)
	}
	return &Journal{codec: codec, seen: map[proto.EventID]seen{}, grown: make(chan struct{}), now: now}, nil
}

// SetNow moves the clock that received times come from.
func (j *Journal) SetNow(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now = now
}

// FailWith makes every Append fail with err until it is called with nil.
func (j *Journal) FailWith(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
}

// Append implements ingest.Appender: one batch a call.
func (j *Journal) Append(ctx context.Context, entries []ingest.Entry, _ ingest.Options) ([]ingest.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append for tests: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, fmt.Errorf("append for tests: %w", j.fail)
	}
	sequence := uint64(len(j.messages) + 1)
	results := make([]ingest.Result, len(entries))
	var items []proto.BatchItem
	for i, e := range entries {
		result := ingest.Result{Status: ingest.Stored, ID: e.ID}
		if before, ok := j.seen[e.ID]; ok && !e.ID.IsZero() {
			if before.content == e.Content {
				results[i] = ingest.Result{Status: ingest.Duplicate, Position: before.position, ID: e.ID}
				continue
			}
			result = ingest.Result{Status: ingest.Conflict, ID: e.ID.Salted(e.Content)}
		}
		item, err := proto.NewBatchItem(e.Item, e.Source, nil)
		if err != nil {
			return nil, fmt.Errorf("append for tests: %w", err)
		}
		result.Position = proto.At(sequence, len(items))
		j.seen[result.ID] = seen{content: e.Content, position: result.Position}
		items, results[i] = append(items, item), result
	}
	if len(items) == 0 {
		return results, nil
	}
	message, err := j.codec.Encode(sequence, j.now, items)
	if err != nil {
		return nil, fmt.Errorf("append for tests: %w", err)
	}
	j.messages = append(j.messages, message)
	close(j.grown)
	j.grown = make(chan struct{})
	return results, nil
}

// Last returns the end of the last message, 0 when there is none.
func (j *Journal) Last(context.Context) (proto.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.messages) == 0 {
		return 0, nil
	}
	return proto.EndOf(uint64(len(j.messages))), nil
}

// Follow calls fn with the message that from stands in and every one after it, until ctx ends or fn fails. To meet a
// message twice is what followers must bear.
func (j *Journal) Follow(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
	for sequence := max(from.Sequence(), 1); ; sequence++ {
		batch, err := j.await(ctx, sequence)
		if err != nil {
			return err
		}
		if err := fn(ctx, batch); err != nil {
			return err
		}
	}
}

func (j *Journal) await(ctx context.Context, sequence uint64) (*proto.Batch, error) {
	for {
		j.mu.Lock()
		grown, count := j.grown, uint64(len(j.messages))
		var message []byte
		if sequence <= count {
			message = j.messages[sequence-1]
		}
		j.mu.Unlock()
		if message != nil {
			return j.codec.Decode(sequence, message)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, fmt.Errorf("follow for tests: %w", ctx.Err())
		}
	}
}

// Batches returns every batch from the first to the last.
func (j *Journal) Batches() ([]*proto.Batch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]*proto.Batch, len(j.messages))
	for i, message := range j.messages {
		var err error
		if out[i], err = j.codec.Decode(uint64(i+1), message); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Items returns every item in order.
func (j *Journal) Items() ([]*v1.Item, error) {
	batches, err := j.Batches()
	if err != nil {
		return nil, err
	}
	var out []*v1.Item
	for _, b := range batches {
		items, err := b.Items()
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}
