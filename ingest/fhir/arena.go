package fhir

import (
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// arenaChunk is how many messages one allocation brings: an event takes about a dozen identifiers and codings, so a
// chunk serves five events, and a chunk that one long-lived event pins is below 8 KiB.
const arenaChunk = 64

// arena hands out zero values of T from chunks: one allocation per chunk instead of one per value.
type arena[T any] struct {
	free    []T
	free2   []*T
	scratch []*T
}

func (a *arena[T]) next() *T {
	if len(a.free) == 0 {
		a.free = make([]T, arenaChunk)
	}
	out := &a.free[0]
	a.free = a.free[1:]
	return out
}

// add puts a value on the list that save closes.
func (a *arena[T]) add(v *T) { a.scratch = append(a.scratch, v) }

// since returns what was added after mark (a length of the list) as a slice of its own and takes it off the list.
func (a *arena[T]) since(mark int) []*T {
	added := a.scratch[mark:]
	if len(added) == 0 {
		return nil
	}
	if len(a.free2) < len(added) {
		a.free2 = make([]*T, max(arenaChunk, len(added)))
	}
	out := a.free2[:len(added):len(added)]
	a.free2 = a.free2[len(added):]
	copy(out, added)
	clear(added)
	a.scratch = a.scratch[:mark]
	return out
}

// mark is the length of the list now.
func (a *arena[T]) mark() int { return len(a.scratch) }

// arenas are the messages that an event is made of.
type arenas struct {
	ids          arena[v1.Identifier]
	codings      arena[v1.Coding]
	readers      arena[v1.Reader]
	patients     arena[v1.Patient]
	objects      arena[v1.Object]
	extensions   arena[v1.Extension]
	applications arena[v1.Application]
}

func (a *arenas) identifier(system, value string) *v1.Identifier {
	id := a.ids.next()
	id.System, id.Value = system, value
	return id
}

// addIdentifier puts an identifier on the list unless the list has it since mark.
func (a *arenas) addIdentifier(mark int, system, value string) {
	if value == "" {
		return
	}
	for _, have := range a.ids.scratch[mark:] {
		if have.System == system && have.Value == value {
			return
		}
	}
	a.ids.add(a.identifier(system, value))
}

// addCoding puts a coding on the list unless the list has it since mark.
func (a *arenas) addCoding(mark int, c coding) {
	if c.isZero() {
		return
	}
	for _, have := range a.codings.scratch[mark:] {
		if have.System == c.system && have.Code == c.code && (have.Display == c.display || c.code != "") {
			return
		}
	}
	a.codings.add(a.coding(c))
}

func (a *arenas) coding(c coding) *v1.Coding {
	if c.isZero() {
		return nil
	}
	out := a.codings.next()
	out.System, out.Code, out.Display = c.system, c.code, c.display
	return out
}

func (a *arenas) addExtension(name, value string) {
	if name == "" || value == "" || len(a.extensions.scratch) >= maxExtensions {
		return
	}
	out := a.extensions.next()
	out.Name, out.Value = name, value
	a.extensions.add(out)
}
