package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxInspectedEvents is how many events one page looks into: those that the tables find, of which conditions that no table
	// knows leave few. A page that ends for this has less than was asked for, and a next one.
	maxInspectedEvents = 2_000
	// maxCountedEvents is how many it looks into to say how many there are.
	maxCountedEvents = 10_000
	// inspectFor ends a page early that found something: a third of what an answer may take.
	inspectFor = answerTimeout / 3
	// inspectChunk events are read together, from at most inspectReads messages at a time: a message opened is a few
	// megabytes at most.
	inspectChunk, inspectReads = 64, 4
	// maxEventBytes ends a page of large events: list screens name thousands of patients.
	maxEventBytes = 8 << 20
	// maxEventIDs bounds the ids of one search.
	maxEventIDs = 100
	// apartBy is how far from when it occurred an event may be recorded to be found by the reader-first table; see
	// events_by_reader.sql, which has the same hour.
	apartBy = time.Hour
)

// What a search says of how it was understood.
const (
	noteUnknown  = "Nothing is known of one of the patients or agents: no event has it as its patient or as the one who did it, and no context names it."
	noteWhoDidIt = "Agents were searched for as those who did it. Events in which they only took part are found together with a patient or an entity."
)

// Span is a stretch of time in microseconds, half-open; 0 is unbounded.
type Span struct{ From, Until int64 }

func (s Span) holds(us int64) bool { return period{s.From, s.Until}.holds(us) }

// EventSearch asks for events as they were normalised. All conditions hold; within a list, any one does. It is what FHIR
// searches are made of (package fhir).
type EventSearch struct {
	// Purpose is why this is asked; required.
	Purpose string
	// Key is the conditions as text: it tells this question from others, and its page tokens from others'.
	Key string
	// IDs are event ids; an event with one of them.
	IDs []string
	// Patients, Readers and Entities are lists of alternatives: each list has to be met. A patient or reader is meant under
	// each identifier that links say is theirs; an entity is a patient or an object. With patients, entities or ids, readers
	// are any agents of the event; else they are who did it.
	Patients, Readers, Entities [][]Subject
	// Recorded is when it was recorded, or happened, where the event does not say when it was recorded.
	Recorded Span
	// Received is when the journal received it.
	Received Span
	// Sources and Sites are exact; Addresses are beginnings in lower case of a network address or workstation.
	Sources, Sites, Addresses []string
	Outcomes                  []v1.Outcome
	// Match is asked last, of events that meet all else; nil takes all.
	Match func(*v1.AccessEvent) bool
	// Size is how many events a page has at most.
	Size int
	// Count asks how many there are, as far as that can be found out.
	Count bool
	// Token is where the page begins; "" for the first.
	Token string
}

// EventPage is one page of a search.
type EventPage struct {
	Header *v1.AnswerHeader
	// Events come newest first, by when they occurred.
	Events []FoundEvent
	// Next opens the next page; "" behind the last.
	Next string
	// Total is how many there are in all, when Counted.
	Total   uint64
	Counted bool
}

// FoundEvent is one event of a page.
type FoundEvent struct {
	Position      proto.Position
	ReceivedUs    int64
	Event         *v1.AccessEvent
	ConflictsWith []byte
}

// SearchEvents answers with whole events, read in the journal. Like every question it is journaled before its answer
// leaves. Errors are *connect.Error.
func (s *Service) SearchEvents(ctx context.Context, q EventSearch) (*EventPage, error) {
	res, err := answer(ctx, s, querySearchEvents, asksOfPeople, func(ctx context.Context, c proto.Caller) (*EventPage, error) {
		return s.searchEvents(ctx, c, q)
	})
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// eventAsk is a search, checked.
type eventAsk struct {
	*asking
	EventSearch
	hash  [8]byte
	token PageToken
}

func (s *Service) checkEvents(c proto.Caller, q EventSearch) (*eventAsk, error) {
	a := &eventAsk{EventSearch: q, hash: questionHash(querySearchEvents, q.Key)}
	now := s.cfg.Now()
	for _, span := range []Span{q.Recorded, q.Received} {
		if err := checkPeriod(now, period{span.From, span.Until}, 0); err != nil {
			return nil, err
		}
	}
	switch {
	case len(q.IDs) > maxEventIDs:
		return nil, invalid("ids", "at most 100")
	case q.Size < 1 || q.Size > maxPage:
		return nil, invalid("page.size", "from 1 to 1000 rows")
	}
	var err error
	if a.token, err = parseToken(q.Token, a.hash); err != nil {
		return nil, err
	}
	a.asking, err = s.begin(c, querySearchEvents, string(a.hash[:]), q.Purpose, "")
	return a, err
}

func (s *Service) searchEvents(ctx context.Context, c proto.Caller, q EventSearch) (*EventPage, error) {
	a, err := s.checkEvents(c, q)
	if err != nil {
		return nil, err
	}
	p, err := s.pinEvents(ctx, a)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{q.Recorded.From, q.Recorded.Until})
	defer func() { _ = around.wait() }()
	meant, err := p.meantBy(ctx, a, around)
	if err != nil {
		return nil, err
	}
	found := &inspection{ask: a, meant: meant, limits: p.limits, deadline: time.Now().Add(inspectFor)}
	if len(q.IDs) > 0 {
		err = s.eventsByID(ctx, found)
	} else {
		err = s.inspect(ctx, p, found)
	}
	if err != nil {
		return nil, err
	}
	res := found.page(p)
	hidden := ""
	for i := range res.Events {
		e, note := &res.Events[i], ""
		if e.ConflictsWith, note, err = s.conflict(ctx, p.limits, e.ConflictsWith); err != nil {
			return nil, err
		}
		hidden = cmp.Or(hidden, note)
	}
	shown := make([]*v1.Access, len(res.Events))
	for i, e := range res.Events {
		shown[i] = &v1.Access{Source: e.Event.Source, OccurredUs: e.Event.OccurredUs, ReceivedUs: e.ReceivedUs, Patients: e.Event.Patients}
	}
	if res.Header, err = around.header(s.cfg.TimeZone, shown, "there were such events"); err != nil {
		return nil, err
	}
	res.Header.Notes = noted(hidden, res.Header.Notes)
	if a.byReader() {
		res.Header.Notes = append([]string{noteWhoDidIt}, res.Header.Notes...)
	}
	if meant.unknown && p.behind == 0 {
		res.Header.Notes = append([]string{noteUnknown}, res.Header.Notes...)
	}
	question := meant.question()
	question.Rows = uint64(len(res.Events))
	question.Subjects = append(question.Subjects, shownPatients(shown)...)
	question.Patients = recordsShown(shown)
	return res, s.journal(ctx, a.asking, res.Header, question)
}

// pinEvents pins the answer. The first page waits, as long as that is bearable, for events and context that the journal has
// acknowledged: what was sent and kept a moment ago is found.
func (s *Service) pinEvents(ctx context.Context, a *eventAsk) (*pin, error) {
	p, err := s.pin(ctx, 0, a.token)
	if err != nil || a.token.Position != 0 || len(a.IDs) > 0 {
		return p, err
	}
	if a.looks() {
		return s.withKinds(ctx, p, v1.Kind_KIND_QUESTION)
	}
	waits := false
	for sequence := p.position.Sequence() + 1; sequence <= p.journal.Sequence() && !waits; sequence++ {
		_, b, err := s.hear(ctx, p, sequence)
		if err != nil {
			return nil, fmt.Errorf("read what is not projected yet: %w", err)
		}
		waits = b != nil || sequence-p.position.Sequence() > maxHeard
	}
	if !waits {
		return p, nil
	}
	head := p.journal
	if err := s.catchUp(ctx, p); err != nil {
		return nil, err
	}
	if p, err = s.pin(ctx, 0, a.token); err != nil {
		return nil, err
	}
	p.journal = head
	if p.position < head {
		p.behind = head.Sequence() - p.position.Sequence()
	}
	return p, nil
}

// eventsByID finds events by their ids, in the journal.
func (s *Service) eventsByID(ctx context.Context, in *inspection) error {
	in.ask.Size = max(in.ask.Size, len(in.ask.IDs)) // one page has them all
	for _, text := range in.ask.IDs {
		if len(text) != ksuidLength {
			continue // the position of an event is not its id
		}
		e, err := s.entry(ctx, "_id", text, v1.Kind_KIND_ACCESS)
		if connectErr := new(connect.Error); errors.As(err, &connectErr) && connectErr.Code() != connect.CodeUnavailable {
			continue // an id that nothing has finds nothing
		}
		if err != nil {
			return err
		}
		in.look(candidate{position: e.position}, e.batch, e.item)
	}
	slices.SortFunc(in.events, func(a, b FoundEvent) int {
		if (order{b.Event.OccurredUs, b.Position}).after(order{a.Event.OccurredUs, a.Position}) {
			return -1
		}
		return 1
	})
	in.events = slices.CompactFunc(in.events, func(a, b FoundEvent) bool { return a.Position == b.Position })
	in.matched, in.more, in.ended = uint64(len(in.events)), false, true
	return nil
}

// candidate is a row that the tables found.
type candidate struct {
	position proto.Position
	occurred int64
}

// inspection is the search of one page among candidates.
type inspection struct {
	ask   *eventAsk
	meant *meant
	// limits are those of the asker: an event outside of them is as none.
	limits   proto.Limits
	deadline time.Time

	events []FoundEvent
	bytes  int
	// matched counts those beyond the page too; last is the last candidate that belongs to the page.
	matched uint64
	last    candidate
	// full: the page takes no more; more: there is one behind it; ended: there are no more candidates.
	full, more, ended bool
}

// look takes an event that a candidate stands for, if it meets the conditions.
func (in *inspection) look(c candidate, b *proto.Batch, item *v1.Item) {
	e := item.GetAccess()
	received := b.Head.ReceivedUs
	if e == nil || !in.meets(e, received) {
		if !in.full {
			in.last = c
		}
		return
	}
	in.matched++
	if in.full {
		in.more = true
		return
	}
	in.events = append(in.events, FoundEvent{Position: c.position, ReceivedUs: received, Event: e, ConflictsWith: item.ConflictsWith})
	in.last = c
	in.bytes += e.SizeVT()
	in.full = len(in.events) >= in.ask.Size || in.bytes > maxEventBytes
}

// meets checks every condition on the event itself: what the tables find is only where to look.
func (in *inspection) meets(e *v1.AccessEvent, received int64) bool {
	q := in.ask
	recorded := cmp.Or(e.RecordedUs, e.OccurredUs, received)
	return in.limits.Within(e) && q.Recorded.holds(recorded) && q.Received.holds(received) &&
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, e.Outcome)) &&
		(len(q.Sources) == 0 || slices.Contains(q.Sources, e.Source)) &&
		(len(q.Sites) == 0 || slices.Contains(q.Sites, e.Site)) &&
		in.meant.meets(e) && (q.Match == nil || q.Match(e))
}

// enough reports whether the page is done.
func (in *inspection) enough() bool {
	switch {
	case in.ask.Count && in.ask.token.Page == 0:
		return false
	case in.more:
		return true
	}
	return len(in.events) > 0 && time.Now().After(in.deadline)
}

// page is what was found, with the token of what follows.
func (in *inspection) page(p *pin) *EventPage {
	res := &EventPage{Events: in.events}
	first := in.ask.token.Page == 0
	if in.ended && first && p.behind == 0 {
		res.Total, res.Counted = in.matched, true
	}
	if in.more || !in.ended {
		res.Next = PageToken{
			Question: in.ask.hash, Version: p.version, Position: p.position, Page: max(in.ask.token.Page, 1) + 1,
			AfterOccurred: in.last.occurred, AfterPosition: in.last.position,
		}.String()
	}
	return res
}

// inspect reads the events that the tables find, newest first, until the page is full.
func (s *Service) inspect(ctx context.Context, p *pin, in *inspection) error {
	limit := s.inspected
	if in.ask.Count && in.ask.token.Page == 0 {
		limit = maxCountedEvents
	}
	candidates, err := p.candidatesFor(ctx, in, limit+1)
	if err != nil {
		return err
	}
	in.ended = len(candidates) <= limit
	candidates = candidates[:min(len(candidates), limit)]
	open := map[uint64]*proto.Batch{}
	for chunk := range slices.Chunk(candidates, inspectChunk) {
		if open, err = s.openBatches(ctx, chunk, open); err != nil {
			return err
		}
		for _, c := range chunk {
			b := open[c.position.Sequence()]
			item, err := b.Item(c.position.Index())
			if err != nil {
				return fmt.Errorf("read event: %w", err)
			}
			in.look(c, b, s.lookOf(ctx, item))
			if in.enough() {
				in.ended = false
				return nil
			}
		}
	}
	return nil
}

// lookOf is an item as an event, as the asker may read it: a look of their own does not tell what its answer left out.
func (s *Service) lookOf(ctx context.Context, item *v1.Item) *v1.Item {
	q := item.GetQuestion()
	if q == nil {
		return item
	}
	told := eventOf(item)
	if look := told.GetAccess(); look != nil {
		s.untold(proto.CallerFrom(ctx), q, look)
	}
	return told
}

// openBatches reads the messages of some candidates; those of the chunk before are not read again.
func (s *Service) openBatches(ctx context.Context, chunk []candidate, before map[uint64]*proto.Batch) (map[uint64]*proto.Batch, error) {
	var missing []uint64
	open := map[uint64]*proto.Batch{}
	for _, c := range chunk {
		sequence := c.position.Sequence()
		if _, ok := open[sequence]; !ok {
			if open[sequence] = before[sequence]; open[sequence] == nil {
				missing = append(missing, sequence)
			}
		}
	}
	read := make([]*proto.Batch, len(missing))
	together, ctx := errgroup.WithContext(ctx)
	together.SetLimit(inspectReads)
	for i, sequence := range missing {
		together.Go(func() (err error) { read[i], err = s.cfg.ReadBatch(ctx, sequence); return err })
	}
	if err := together.Wait(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	for i, sequence := range missing {
		open[sequence] = read[i]
	}
	return open, nil
}
