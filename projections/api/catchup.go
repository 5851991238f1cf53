package api

import (
	"context"
	"fmt"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// catchUpTimeout is how long an answer waits for what the journal had acknowledged about its subject: the projections
	// are a few hundred milliseconds behind, a second under an import. Beyond two, a person wants to hear so.
	catchUpTimeout = 2 * time.Second
	// catchUpPoll is how often the watermark is read where no projector of this process tells of it.
	catchUpPoll = 50 * time.Millisecond
	// maxInspected bounds the messages, and maxInspectedItems their items, that are looked into before an answer waits for
	// them anyway: a few milliseconds of reading.
	maxInspected, maxInspectedItems = 32, 4096
)

// ground is what an answer about somebody rests on: the pin, what surrounds it and who is meant. What the journal had
// acknowledged about the subject when the question was asked is in it, or the pin says how far behind it is: an event or a
// merge that a source was told is kept must not be answered with "nothing is known". The caller waits for the backdrop.
func (s *Service) ground(ctx context.Context, a *listAsk, as role) (*pin, *backdrop, *identity, error) {
	p, around, who, err := s.stand(ctx, a, as)
	if err != nil || p.past || a.token.Position != 0 {
		return p, around, who, err
	}
	missing, err := s.concerns(ctx, p, a, who, as)
	if err == nil && !missing {
		return p, around, who, nil
	}
	_ = around.wait() // what surrounds the later pin counts
	if err != nil {
		return nil, nil, nil, err
	}
	head := p.journal
	if err := s.catchUp(ctx, p); err != nil {
		return nil, nil, nil, err
	}
	if p, around, who, err = s.stand(ctx, a, as); err != nil {
		return nil, nil, nil, err
	}
	p.journal = head
	if p.past || p.position >= head { // what came after a past moment is not missing
		return p, around, who, nil
	}
	p.behind = head.Sequence() - p.position.Sequence()
	if _, err := s.concerns(ctx, p, a, who, as); err != nil { // for the questions among what is missing
		_ = around.wait()
		return nil, nil, nil, err
	}
	return p, around, who, nil
}

// stand pins an answer and finds who is meant.
func (s *Service) stand(ctx context.Context, a *listAsk, as role) (*pin, *backdrop, *identity, error) {
	p, err := s.pin(ctx, a.asOf, a.token)
	if err != nil {
		return nil, nil, nil, err
	}
	around := p.backdrop(ctx, a.at)
	if a.whole && as.event == projections.IdentifierPatient {
		p.ahead = &recordAhead{}
	}
	who, err := p.resolve(ctx, a.subject, as, around)
	if err != nil {
		_ = around.wait()
		return nil, nil, nil, err
	}
	return p, around, who, nil
}

// concerns reports whether a message above the pin may be about the subject: an event that names one of the identifiers, or
// any context, which may link others to it. Ticks, which follow each other all the time, are not, nor is what was received
// after the moment that was asked for. Questions, of which the projector lets many gather, are not waited for either: they
// are read here, into p.asked.
func (s *Service) concerns(ctx context.Context, p *pin, a *listAsk, who *identity, as role) (bool, error) {
	names := map[string]bool{projections.Fold(a.subject.Value): true}
	for _, id := range who.idents() {
		names[projections.Fold(id.value)] = true
	}
	inspected, items, first := 0, 0, p.position.Sequence()+1
	for sequence := first; sequence <= p.journal.Sequence(); sequence++ {
		if sequence-first >= maxHeard {
			return true, nil
		}
		m, b, err := s.hear(ctx, p, sequence)
		if err != nil {
			return false, fmt.Errorf("read what is not projected yet: %w", err)
		}
		if a.asOf != 0 && m.received > a.asOf {
			return false, nil
		}
		p.asked = append(p.asked, m.questions...)
		if b == nil {
			continue
		}
		inspected++
		items += b.Count()
		if b.Has(v1.Kind_KIND_CONTEXT) || inspected > maxInspected || items > maxInspectedItems {
			return true, nil
		}
		all, err := b.Items()
		if err != nil {
			return false, fmt.Errorf("read what is not projected yet: %w", err)
		}
		for _, it := range all {
			if e := it.GetAccess(); e != nil && as.mentions(e, names) {
				return true, nil
			}
		}
	}
	return false, nil
}

// mentions reports whether an event names somebody of the role by one of the values. Systems are left out of it: to wait
// once too often is no mistake.
func (r role) mentions(e *v1.AccessEvent, values map[string]bool) bool {
	one := func(ids []*v1.Identifier) bool {
		for _, id := range ids {
			if values[projections.Fold(id.Value)] {
				return true
			}
		}
		return false
	}
	if r.event == projections.IdentifierReader {
		return one(e.Reader.GetIdentifiers()) || values[projections.Fold(e.Reader.GetName())]
	}
	for _, p := range e.Patients {
		if one(p.Identifiers) {
			return true
		}
	}
	return false
}

// stuckAt reports whether an answer waited in vain at the watermark already, and notes it when told so.
func (e *engine) stuckAt(position proto.Position, note bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if note {
		e.stuck = &position
	}
	return e.stuck != nil && *e.stuck == position
}

// catchUp waits until the projections hold what the journal held when the question was asked, as long as that is bearable.
// Projections that stand still (ClickHouse refuses, the journal is damaged) are waited for once, not by every question.
func (s *Service) catchUp(ctx context.Context, p *pin) error {
	if s.engine.stuckAt(p.position, false) {
		return nil
	}
	if live, ok := s.cfg.Live(); ok {
		live.Hurry(p.journal)
	}
	timeout := time.NewTimer(s.patience)
	defer timeout.Stop()
	for {
		at := &pin{engine: p.engine}
		if err := s.watermark(ctx, at); err != nil || at.position >= p.journal {
			return err
		}
		changed := at.written.Changed
		poll := time.NewTimer(catchUpPoll)
		if at.live {
			poll.Stop()
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-timeout.C:
			poll.Stop()
			s.engine.stuckAt(at.position, at.position == p.position)
			return nil
		case <-ctx.Done():
			poll.Stop()
			return ctx.Err()
		}
		poll.Stop()
	}
}
