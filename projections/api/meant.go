package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxSubjects bounds the people and things that one search names: each is followed through links of identity.
const maxSubjects = 20

// meant is whom and what a search of events is about, followed through links.
type meant struct {
	patients, readers, entities []anyOf
	// first are the first patient and reader as they were asked for.
	first struct{ patient, reader *v1.Identifier }
	// unknown: of one of the patients or readers nothing is known.
	unknown bool
}

// anyOf is one list of alternatives: an event that names one of these meets it.
type anyOf struct {
	// ids are the identifiers, keyed those that key rows; values are bare ones that are known as nobody's.
	ids    map[ident]bool
	keyed  []ident
	values []string
	// objects are entities as they were written.
	objects []Subject
	// known: an event or context names one of them.
	known bool
}

// meantBy follows all that a search names.
func (p *pin) meantBy(ctx context.Context, a *eventAsk, around *backdrop) (*meant, error) {
	m := &meant{}
	n := 0
	for _, lists := range [][][]Subject{a.Patients, a.Readers, a.Entities} {
		for _, list := range lists {
			n += len(list)
		}
	}
	if n > maxSubjects {
		return nil, invalid("subjects", "at most 20 patients, agents and entities")
	}
	for _, group := range []struct {
		field string
		lists [][]Subject
		as    role
		to    *[]anyOf
	}{
		{"patient", a.Patients, patientRole, &m.patients},
		{"agent", a.Readers, readerRole, &m.readers},
		{"entity", a.Entities, patientRole, &m.entities},
	} {
		for _, list := range group.lists {
			one, err := p.anyOf(ctx, group.field, list, group.as, around)
			if err != nil {
				return nil, err
			}
			if group.field == "entity" {
				one.objects = list
			} else {
				m.unknown = m.unknown || !one.known
			}
			*group.to = append(*group.to, one)
		}
	}
	if len(a.Patients) > 0 && len(a.Patients[0]) > 0 {
		m.first.patient = a.Patients[0][0].identifier()
	}
	if len(a.Readers) > 0 && len(a.Readers[0]) > 0 {
		m.first.reader = a.Readers[0][0].identifier()
	}
	return m, nil
}

// ErrAmbiguous marks a value that names more than one person. Answers about several people under one name are not given.
var ErrAmbiguous = errors.New("it names more than one person: name the assigning system, or write an absolute reference")

func (p *pin) anyOf(ctx context.Context, field string, list []Subject, as role, around *backdrop) (anyOf, error) {
	out := anyOf{ids: map[ident]bool{}}
	for _, subject := range list {
		who, err := p.resolve(ctx, subject, as, around)
		if err != nil {
			return out, err
		}
		if len(who.candidates) > 0 {
			return out, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%s: %w", field, ErrAmbiguous))
		}
		out.known = out.known || who.known
		if !who.known && !subject.Exact {
			out.values = append(out.values, subject.Value)
		}
		for _, id := range who.idents() {
			out.ids[id] = true
		}
		for _, id := range who.keyed {
			if !slices.Contains(out.keyed, id) {
				out.keyed = append(out.keyed, id)
			}
		}
	}
	return out, nil
}

func (x *anyOf) names(ids []*v1.Identifier) bool {
	return slices.ContainsFunc(ids, func(id *v1.Identifier) bool { return x.ids[identOf(id)] || slices.Contains(x.values, id.GetValue()) })
}

// meets checks the event itself.
func (m *meant) meets(e *v1.AccessEvent) bool {
	for i := range m.patients {
		if !m.patients[i].amongPatients(e) {
			return false
		}
	}
	for i := range m.readers {
		if !m.readers[i].tookPart(e) {
			return false
		}
	}
	for i := range m.entities {
		if x := &m.entities[i]; !x.amongPatients(e) && !x.amongObjects(e) {
			return false
		}
	}
	return true
}

// tookPart reports whether one of them is an agent of the event: who did it, for whom, with what, or another participant.
func (x *anyOf) tookPart(e *v1.AccessEvent) bool {
	one := func(r *v1.Reader) bool { return x.names(r.GetIdentifiers()) }
	return one(e.Reader) || x.ids[keyedBy(e)] || one(e.OnBehalfOf) || slices.ContainsFunc(e.Participants, one) ||
		e.Application.GetId() != nil && x.names([]*v1.Identifier{e.Application.Id})
}

// keyedBy is the identifier that keys an event's reader: the name within the source, where it states nothing else.
func keyedBy(e *v1.AccessEvent) ident {
	system, value := projections.ReaderIdentifier(e)
	return ident{system, value}
}

func (x *anyOf) amongPatients(e *v1.AccessEvent) bool {
	return slices.ContainsFunc(e.Patients, func(p *v1.Patient) bool { return x.names(p.Identifiers) })
}

func (x *anyOf) amongObjects(e *v1.AccessEvent) bool {
	return slices.ContainsFunc(e.Objects, func(o *v1.Object) bool {
		return slices.ContainsFunc(x.objects, func(s Subject) bool {
			return o.Id.GetValue() != "" && o.Id.Value == s.Value && (!s.Exact || o.Id.System == s.System)
		})
	})
}

// question is what the journal keeps of whom the search is about.
func (m *meant) question() *v1.Question {
	q := &v1.Question{Patient: m.first.patient, Reader: m.first.reader}
	for _, group := range [][]anyOf{m.patients, m.readers, m.entities} {
		for _, x := range group {
			q.Subjects = append(q.Subjects, subjects(x.sorted())...)
		}
	}
	return q
}

// sorted are the identifiers in an order that does not change.
func (x *anyOf) sorted() []ident {
	out := make([]ident, 0, len(x.ids))
	for id := range x.ids {
		out = append(out, id)
	}
	slices.SortFunc(out, func(a, b ident) int {
		return cmp.Or(strings.Compare(a.system, b.system), strings.Compare(a.value, b.value))
	})
	return out
}

// byReader reports whether the reader-first table is what a search goes by: then it finds those who did it, and none who only
// took part.
func (a *eventAsk) byReader() bool {
	return !a.looks() && len(a.Readers) > 0 && len(a.Patients) == 0 && len(a.Entities) == 0 && len(a.IDs) == 0
}

// looks reports whether a search is for looks through Readtrail. They stand apart from accesses, so it is for them alone.
func (a *eventAsk) looks() bool {
	return len(a.Sources) == 1 && a.Sources[0] == proto.OwnSource && len(a.IDs) == 0
}

// candidatesFor finds where to look, by the condition that leaves least: patients, entities, readers, else time and place.
func (p *pin) candidatesFor(ctx context.Context, in *inspection, limit int) ([]candidate, error) {
	q, m := in.ask, in.meant
	name, params := "events_by_time", p.bounds(q)
	by := func(statement string, x *anyOf) {
		name, params["keys"], params["packed"] = statement, keysOf(x.keyed), packedOf(x.keyed)
	}
	switch {
	case q.looks():
		name, params["keys"] = "events_looked", []uint64{}
		if len(m.patients) > 0 {
			params["keys"] = keysOf(m.patients[0].keyed)
		}
	case len(m.patients) > 0:
		by("events_by_patient", &m.patients[0])
	case len(m.entities) > 0:
		var values []string
		for _, s := range m.entities[0].objects {
			values = append(values, s.Value)
		}
		params["objects"] = values
		by("events_by_entity", &m.entities[0])
	case len(m.readers) > 0:
		by("events_by_reader", &m.readers[0])
	default:
		params["sources"], params["sites"], params["addresses"] = texts(q.Sources), texts(q.Sites), texts(q.Addresses)
	}
	params["limit"] = uint32(limit)
	for param := range params {
		if !strings.Contains(p.set[name], "{"+param+":") {
			delete(params, param) // not every statement knows every condition; each is checked on the event too
		}
	}
	var out []candidate
	err := p.query(ctx, name, params, func(row store.Row) error {
		var position uint64
		var c candidate
		err := row.Scan(&position, &c.occurred)
		c.position = proto.Position(position)
		out = append(out, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return out, nil
}

// texts is a list that is never nil: a parameter has to be one.
func texts(list []string) []string { return append([]string{}, list...) }

// bounds are the parameters that all statements of searches take.
func (p *pin) bounds(q *eventAsk) store.Params {
	after := order{maxTime, proto.Position(^uint64(0))}
	if q.token.AfterPosition != 0 {
		after = q.token.after()
	}
	recordedFrom, recordedUntil := period{q.Recorded.From, q.Recorded.Until}.bounds(0)
	occurredFrom, occurredUntil := period{q.Recorded.From, q.Recorded.Until}.bounds(apartBy.Microseconds())
	receivedFrom, receivedUntil := period{q.Received.From, q.Received.Until}.bounds(0)
	outcomes := make([]uint64, len(q.Outcomes)) // bytes would travel as a text
	for i, o := range q.Outcomes {
		outcomes[i] = uint64(o)
	}
	return store.Params{
		"recorded_from": recordedFrom, "recorded_until": recordedUntil, "occurred_from": occurredFrom, "occurred_until": occurredUntil,
		"received_from": receivedFrom, "received_until": receivedUntil, "outcomes": outcomes, "apart": q.Recorded != Span{},
		"after_occurred": after.occurred, "after_position": uint64(after.position),
	}
}
