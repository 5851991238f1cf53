package projections_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// memoryJournal is a journal in memory: encoded messages, handed out as a follower gets them.
type memoryJournal struct {
	codec *proto.Codec

	mu       sync.Mutex
	messages [][]byte
	// skip leaves a message out, as a journal with a gap would.
	skip    uint64
	changed chan struct{}
}

func newMemoryJournal(t testing.TB) *memoryJournal {
	t.Helper()
	codec, err := proto.NewCodec(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &memoryJournal{codec: codec, changed: make(chan struct{})}
}

// append makes one message of the items.
func (j *memoryJournal) append(t testing.TB, received time.Time, items ...*v1.Item) {
	t.Helper()
	batch := make([]proto.BatchItem, len(items))
	for i, it := range items {
		item, err := proto.NewBatchItem(it, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = item
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	message, err := j.codec.Encode(uint64(len(j.messages)+1), received, batch)
	if err != nil {
		t.Fatal(err)
	}
	j.messages = append(j.messages, message)
	close(j.changed)
	j.changed = make(chan struct{})
}

// corrupt damages a message.
func (j *memoryJournal) corrupt(sequence uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	m := j.messages[sequence-1]
	m[len(m)/2] ^= 0xff
	m[len(m)/2+1] ^= 0xff
}

// Head is projections.Config.Head.
func (j *memoryJournal) Head() proto.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return proto.EndOf(uint64(len(j.messages)))
}

// Follow is projections.Config.Follow.
func (j *memoryJournal) Follow(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
	for next := from.Sequence() + 1; ; next++ {
		message, err := j.wait(ctx, next)
		if err != nil {
			return err
		}
		if message == nil {
			continue
		}
		b, err := j.codec.Decode(next, message)
		if err != nil {
			return err
		}
		if err := fn(ctx, b); err != nil {
			return err
		}
	}
}

func (j *memoryJournal) wait(ctx context.Context, sequence uint64) ([]byte, error) {
	for {
		j.mu.Lock()
		n, changed := uint64(len(j.messages)), j.changed
		var message []byte
		if sequence <= n && sequence != j.skip {
			message = j.messages[sequence-1]
		}
		j.mu.Unlock()
		if sequence <= n {
			return message, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}
