package api

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxHeard bounds the messages that are remembered: a second of questions, a hundred a second, of about a kilobyte each. Beyond
// it they are read again.
const maxHeard = 1024

// message is what an answer must know of a message that holds no events and no context: it never changes.
type message struct {
	received  int64
	questions []*v1.Question
}

// heard remembers messages of questions that stand in no table yet, so that many questions one after the other do not read
// each other again and again.
type heard struct {
	mu       sync.Mutex // guards messages
	messages map[uint64]message
}

// hear reads a message above the pin. The batch comes with it only when it holds events or context.
func (s *Service) hear(ctx context.Context, p *pin, sequence uint64) (message, *proto.Batch, error) {
	h := &s.engine.heard
	h.mu.Lock()
	m, ok := h.messages[sequence]
	h.mu.Unlock()
	if ok {
		return m, nil, nil
	}
	b, err := s.cfg.ReadBatch(ctx, sequence)
	if err != nil {
		return m, nil, err
	}
	m.received = b.Head.ReceivedUs
	if b.Has(v1.Kind_KIND_QUESTION) {
		items, err := b.Items()
		if err != nil {
			return m, nil, fmt.Errorf("open message: %w", err)
		}
		for _, it := range items {
			if q := it.GetQuestion(); q != nil {
				m.questions = append(m.questions, q)
			}
		}
	}
	if b.Has(v1.Kind_KIND_ACCESS, v1.Kind_KIND_CONTEXT) {
		return m, b, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.messages == nil || len(h.messages) >= maxHeard {
		maps.DeleteFunc(h.messages, func(at uint64, _ message) bool { return at <= p.position.Sequence() })
		if h.messages == nil || len(h.messages) >= maxHeard {
			h.messages = map[uint64]message{}
		}
	}
	h.messages[sequence] = m
	return m, nil, nil
}
