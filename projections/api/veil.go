package api

import (
	"context"
	"errors"
	"sync/atomic"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Every answer leaves under the veil, unless a question that may name people was journaled for it. So whoever stated no purpose, and
// every viewer, reads pseudonyms, whatever the code that made the answer thought of; and a field that nobody has decided about
// (proto/readtrail/v1/whom.proto) is left out of it.

// errVeiled refuses an answer that cannot be covered.
var errVeiled = errors.New("an answer that names people was not opened by a journaled question")

// opening says whether the answer of a request may name people.
type opening struct{ open atomic.Bool }

type openingKey struct{}

// unopened returns the context of a request whose answer is veiled until open is called.
func unopened(ctx context.Context) context.Context {
	return context.WithValue(ctx, openingKey{}, &opening{})
}

// open lifts the veil of a request's answer: its question is on disk, with who asks and why.
func open(ctx context.Context) {
	if o, ok := ctx.Value(openingKey{}).(*opening); ok {
		o.open.Store(true)
	}
}

// leaving is an answer as it may leave. What it covers is a copy: answers share parts with each other.
func leaving[Res any](ctx context.Context, s *Service, res *Res) (*Res, error) {
	if o, ok := ctx.Value(openingKey{}).(*opening); ok && o.open.Load() {
		return res, nil
	}
	m, ok := any(res).(protobuf.Message)
	if !ok {
		return nil, errVeiled
	}
	veiled, ok := any(s.pseudonyms.cover(m)).(*Res)
	if !ok {
		return nil, errVeiled
	}
	return veiled, nil
}

// cover returns a copy that names nobody.
func (p pseudonyms) cover(m protobuf.Message) protobuf.Message {
	m = protobuf.Clone(m)
	p.coverMessage(m.ProtoReflect(), v1.Whom_WHOM_SOMEBODY)
	return m
}

// coverMessage covers a message in place. subject is whom the field that holds it names.
func (p pseudonyms) coverMessage(m protoreflect.Message, subject v1.Whom) {
	switch person := m.Interface().(type) {
	case *v1.AlertReader:
		display := p.of(v1.Whom_WHOM_READER, person.Identifier)
		protobuf.Reset(person)
		person.Display = display
		return
	case *v1.AlertPatient:
		display := p.of(v1.Whom_WHOM_PATIENT, person.Identifier)
		protobuf.Reset(person)
		person.Display = display
		return
	case *v1.CaseEntry:
		if person.GetAnswered() != nil {
			person.Asker = "" // whom the question was put to, and they may be under inquiry
		}
	}
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		whom := whomOf(f)
		if whom == v1.Whom_WHOM_SUBJECT {
			whom = subject
		}
		p.coverField(m, f, value, whom)
		return true
	})
}

// coverField covers one field of a message.
func (p pseudonyms) coverField(m protoreflect.Message, f protoreflect.FieldDescriptor, value protoreflect.Value, whom v1.Whom) {
	switch {
	case whom == v1.Whom_WHOM_SOMEBODY, f.IsMap():
		m.Clear(f)
	case f.Message() != nil:
		each(m, f, value, func(x protoreflect.Value) protoreflect.Value {
			if id, ok := x.Message().Interface().(*v1.Identifier); ok {
				p.coverIdentifier(id, whom)
			} else {
				p.coverMessage(x.Message(), whom)
			}
			return x
		})
	case f.Kind() == protoreflect.StringKind && pseudonymKinds()[whom] != "":
		each(m, f, value, func(x protoreflect.Value) protoreflect.Value {
			return protoreflect.ValueOfString(p.of(whom, &v1.Identifier{Value: x.String()}))
		})
	case f.Kind() == protoreflect.StringKind, f.Kind() == protoreflect.BytesKind:
		if whom != v1.Whom_WHOM_NOBODY {
			m.Clear(f)
		}
	}
}

// coverIdentifier leaves nothing of an identifier but its pseudonym.
func (p pseudonyms) coverIdentifier(id *v1.Identifier, whom v1.Whom) {
	if whom == v1.Whom_WHOM_NOBODY {
		return
	}
	text := ""
	if id.Value != "" && pseudonymKinds()[whom] != "" {
		text = p.of(whom, id)
	}
	protobuf.Reset(id)
	id.Value = text
}

// each puts what change makes of it in place of a field's value, or of each value of a list.
func each(m protoreflect.Message, f protoreflect.FieldDescriptor, value protoreflect.Value, change func(protoreflect.Value) protoreflect.Value) {
	if !f.IsList() {
		m.Set(f, change(value))
		return
	}
	for i := range value.List().Len() {
		value.List().Set(i, change(value.List().Get(i)))
	}
}

// whomOf is whom a field names, as its schema says.
func whomOf(f protoreflect.FieldDescriptor) v1.Whom {
	whom, _ := protobuf.GetExtension(f.Options(), v1.E_Whom).(v1.Whom)
	return whom
}
