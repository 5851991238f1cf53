package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ksuidLength tells KSUID text from a decimal position, which has at most 20 digits.
const ksuidLength = 27

// What an answer says when an original cannot be shown.
const (
	noteRedacted = "The original was redacted: the key of its source and day was destroyed. The normalised event stands, and its proof holds."
	noteNoOrigin = "Nothing was sealed beside this entry: it has no original."
	// noteConflictElsewhere says that an event outside of the asker's limits has the id that this one claims.
	noteConflictElsewhere = "Its source sent other content under the same id before: an access elsewhere, which is not shown."
)

// GetEvent answers with one event as it was normalised, and with its original when asked. It reads the journal, so it
// also knows events that no projection holds yet.
func (s *Service) GetEvent(ctx context.Context, req *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	return answer(ctx, s, queryGetEvent, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.GetEventResponse, error) {
		return s.getEvent(ctx, c, req.Msg)
	})
}

func (s *Service) getEvent(ctx context.Context, c proto.Caller, m *v1.GetEventRequest) (*v1.GetEventResponse, error) {
	if err := checkPurpose(m.Purpose); err != nil {
		return nil, err
	}
	e, err := s.entry(ctx, "event", m.Event, v1.Kind_KIND_ACCESS, v1.Kind_KIND_QUESTION)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryGetEvent, e.position.String(), m.Purpose, m.QuestionId)
	if err != nil {
		return nil, err
	}
	event := eventOf(e.item).GetAccess()
	if event == nil {
		return nil, notFound("the journal holds no such event")
	}
	if q := e.item.GetQuestion(); q != nil {
		s.untold(c, q, event)
	}
	res := &v1.GetEventResponse{Position: uint64(e.position), Event: event, ReceivedUs: e.batch.Head.ReceivedUs}
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	if !p.limits.Within(event) {
		return nil, s.keepElsewhere(ctx, a, p.limits, p.position, notFound("the journal holds no such event"))
	}
	var hidden string
	if res.ConflictsWith, hidden, err = s.conflict(ctx, p.limits, e.item.ConflictsWith); err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{event.OccurredUs, event.OccurredUs + 1})
	defer func() { _ = around.wait() }()
	if res.Paired, err = p.paired(ctx, event, e.position, around); err != nil {
		return nil, err
	}
	self := &v1.Access{Source: event.Source, OccurredUs: event.OccurredUs, ReceivedUs: res.ReceivedUs}
	if res.Header, err = around.header(s.cfg.TimeZone, []*v1.Access{self}, "more happened"); err != nil {
		return nil, err
	}
	res.Header.Notes = noted(hidden, res.Header.Notes)
	if err := p.judged(ctx, res); err != nil {
		return nil, err
	}
	if m.Original {
		sealed, note, err := e.original()
		if err != nil {
			return nil, err
		}
		res.Original, res.MediaType, res.FreeText = sealed.GetOriginal(), sealed.GetMediaType(), sealed.GetFreeText()
		res.Header.Notes = noted(note, res.Header.Notes)
	}
	question := &v1.Question{Rows: 1}
	for _, patient := range event.Patients {
		question.Subjects = append(question.Subjects, patient.Identifiers...)
		question.Patients = append(question.Patients, record(patient.Identifiers...)...)
	}
	if len(question.Subjects) > 0 {
		question.Patient = question.Subjects[0]
	}
	if ids := event.GetReader().GetIdentifiers(); len(ids) > 0 {
		question.Reader = ids[0]
	}
	return res, s.journal(ctx, a, res.Header, question)
}

// noted puts a note, if there is one, before others.
func noted(note string, notes []string) []string {
	if note == "" {
		return notes
	}
	return append([]string{note}, notes...)
}

// conflict is the id that an event claims and that other content stands under, as far as the asker may see what that is; else a note.
func (s *Service) conflict(ctx context.Context, l proto.Limits, claimed []byte) (id []byte, note string, err error) {
	if len(claimed) == 0 || !l.Limited() {
		return claimed, "", nil
	}
	first, err := proto.EventIDFromBytes(claimed)
	if err != nil {
		return nil, "", fmt.Errorf("read the id that an event claims: %w: %w", err, proto.ErrCorrupt)
	}
	e, err := s.entry(ctx, "event", first.String(), v1.Kind_KIND_ACCESS)
	switch {
	case err == nil && l.Within(e.item.GetAccess()):
		return claimed, "", nil
	case err == nil || connect.CodeOf(err) == connect.CodeNotFound:
		return nil, noteConflictElsewhere, nil
	}
	return nil, "", err
}

// eventOf is an item as an event: a look through Readtrail, which may be cited like any access, as an event of its own source. A
// summary is none.
func eventOf(it *v1.Item) *v1.Item {
	if look := proto.QuestionEvent(it.GetQuestion()); look != nil {
		return &v1.Item{Body: &v1.Item_Access{Access: look}}
	}
	return it
}

// entry is one item of the journal, opened.
type entry struct {
	position proto.Position
	batch    *proto.Batch
	item     *v1.Item
}

// entry reads what a KSUID or a position names. Errors say which field, never what was in it.
func (s *Service) entry(ctx context.Context, field, text string, kinds ...v1.Kind) (*entry, error) {
	position, err := s.position(ctx, field, text)
	if err != nil {
		return nil, err
	}
	missing := notFound("the journal holds no such " + field)
	if position > s.cfg.Head() {
		return nil, missing
	}
	b, err := s.cfg.ReadBatch(ctx, position.Sequence())
	if err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	if position.Index() >= b.Count() || !slices.Contains(kinds, b.Kind(position.Index())) {
		return nil, missing
	}
	item, err := b.Item(position.Index())
	if err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	return &entry{position: position, batch: b, item: item}, nil
}

func (s *Service) position(ctx context.Context, field, text string) (proto.Position, error) {
	if len(text) != ksuidLength {
		position, err := proto.ParsePosition(text)
		if err != nil {
			return 0, invalid(field, "a KSUID of 27 characters or a position in decimal")
		}
		return position, nil
	}
	id, err := proto.ParseEventID(text)
	if err != nil {
		return 0, invalid(field, "a KSUID of 27 characters or a position in decimal")
	}
	position, found, err := s.cfg.Locate(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("locate entry: %w", err)
	}
	if !found {
		return 0, notFound("the journal holds no such " + field)
	}
	return position, nil
}

// original opens what was sealed beside the entry, or says in a note why it cannot be shown.
func (e *entry) original() (*v1.SealedItem, string, error) {
	sealed, err := e.batch.Original(e.position.Index())
	switch {
	case errors.Is(err, proto.ErrKeyGone):
		return nil, noteRedacted, nil
	case errors.Is(err, proto.ErrNotSealed):
		return nil, noteNoOrigin, nil
	case err != nil:
		return nil, "", fmt.Errorf("open original: %w", err)
	}
	return sealed, "", nil
}

// paired finds the other reports of the event's access, in the record of the first patient it names.
func (p *pin) paired(ctx context.Context, event *v1.AccessEvent, position proto.Position, around *backdrop) ([]*v1.PairedEvent, error) {
	var subject *v1.Identifier
	for _, patient := range event.Patients {
		if len(patient.Identifiers) > 0 {
			subject = patient.Identifiers[0]
			break
		}
	}
	if subject == nil || position > p.position {
		return nil, nil
	}
	who, err := p.resolve(ctx, Subject{System: subject.System, Value: subject.Value, Exact: true}, patientRole, around)
	if err != nil {
		return nil, err
	}
	sources, err := around.sources()
	if err != nil {
		return nil, err
	}
	var out []*v1.PairedEvent
	span := maxPair.Microseconds() + time.Second.Microseconds()
	l := newLister(cut{all: true}, func(a *access) {
		mine := false
		a.events(func(r *row) { mine = mine || r.position == position })
		if !mine {
			return
		}
		a.events(func(r *row) {
			if r.position != position {
				out = append(out, &v1.PairedEvent{Position: uint64(r.position), Source: r.source, OccurredUs: r.occurred})
			}
		})
	})
	at := period{max(event.OccurredUs-span, 1), event.OccurredUs + span}
	err = p.recordEvents(ctx, recordAsk{ids: who.keyed, at: at, from: start(PageToken{}), sources: sources}, l.add)
	if err == nil {
		err = l.pairs.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("pair event: %w", err)
	}
	return out, nil
}
