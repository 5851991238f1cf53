// Package detectiontest is what tests of the read side need of detectors: streams in memory, and messages that detectors may have
// written.
package detectiontest

import (
	"context"
	"slices"
	"sync"
)

// Stream is a stream in memory, handed out as a follower gets it.
type Stream[M any] struct {
	mu       sync.Mutex // guards what follows
	messages []M
	// skip leaves a message out, as a stream with a gap would.
	skip    uint64
	changed chan struct{}
}

// NewStream returns an empty stream.
func NewStream[M any]() *Stream[M] { return &Stream[M]{changed: make(chan struct{})} }

// Publish appends messages.
func (s *Stream[M]) Publish(messages ...M) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, messages...)
	close(s.changed)
	s.changed = make(chan struct{})
}

// Skip makes followers miss a message.
func (s *Stream[M]) Skip(sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skip = sequence
}

// Messages are all messages; the first has sequence 1.
func (s *Stream[M]) Messages() []M {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.messages)
}

// Head is projections.Stream.Head.
func (s *Stream[M]) Head() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.messages))
}

// Follow is projections.Stream.Follow.
func (s *Stream[M]) Follow(ctx context.Context, from uint64, fn func(ctx context.Context, sequence uint64, message M) error) error {
	for next := from + 1; ; {
		s.mu.Lock()
		messages, skip, changed := s.messages, s.skip, s.changed
		s.mu.Unlock()
		if next > uint64(len(messages)) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-changed:
			}
			continue
		}
		if next != skip {
			if err := fn(ctx, next, messages[next-1]); err != nil {
				return err
			}
		}
		next++
	}
}
