package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Bounds of the identity walk. A person has a handful of identifiers, a much merged one a few dozen: hundreds mean that a
// shared value (a default number, "unknown") joined strangers, and an answer over all of them would be wrong.
const (
	maxIdentifiers = 500
	maxSteps       = 32
	maxCandidates  = 100
	// maxLinks bounds what one step reads: every identifier linked to every other would be more, and is no person.
	maxLinks = 10_000
)

// ident is an identifier as a map key. It names somebody: never for a log or an error.
type ident struct{ system, value string }

func identOf(id *v1.Identifier) ident { return ident{id.GetSystem(), id.GetValue()} }

func (i ident) key() uint64    { return projections.Key(i.system, i.value) }
func (i ident) packed() string { return projections.Pack(i.system, i.value) }
func (i ident) proto() *v1.Identifier {
	return &v1.Identifier{System: i.system, Value: i.value}
}

// role is the side on which an identifier is asked for: as a patient or as a reader.
type role struct {
	// event and context are what identifiers are that events, and that context, made known.
	event, context uint8
	// excluded are resource types whose links are not followed: a record does not become its doctor's because one
	// number names both, and a Person joins roles, not records.
	excluded []string
}

var (
	patientRole = role{
		event:    projections.IdentifierPatient,
		context:  projections.IdentifierContextPatient,
		excluded: []string{"Practitioner", "PractitionerRole", "Person", "RelatedPerson"},
	}
	readerRole = role{
		event:    projections.IdentifierReader,
		context:  projections.IdentifierContextReader,
		excluded: []string{"Person"},
	}
)

// links are the rows of identities_vN that link identifiers of this side, names those that name them.
func (r role) links() []uint64 {
	return []uint64{uint64(projections.LinkOf(r.event)), uint64(projections.LinkOfContext)}
}

func (r role) names() []uint64 {
	return []uint64{uint64(projections.NameOf(r.event)), uint64(projections.NameOf(r.context))}
}

// identity is what a subject was followed to.
type identity struct {
	// followed are the identifiers, the one asked for first; candidates instead when several people are meant.
	followed   []*v1.FollowedIdentifier
	candidates []ident
	// known is false when no event and no context ever named any of them.
	known bool
	// keyed are the identifiers that may key rows, all of them for what is asked of events.
	keyed []ident
	// names are what the identifiers came with, for display and for unresolved candidates.
	names map[ident]string
}

func (i *identity) idents() []ident {
	out := make([]ident, len(i.followed))
	for n, f := range i.followed {
		out[n] = identOf(f.Identifier)
	}
	return out
}

// resolve follows a subject as of the pin. Several unlinked people under one value make candidates. A reader who was followed before is not
// followed again until anything is written about any (knownreaders.go).
func (p *pin) resolve(ctx context.Context, subject Subject, as role, around *backdrop) (*identity, error) {
	if as.event != projections.IdentifierReader {
		return p.find(ctx, subject, as, around)
	}
	if who := p.knownReader(subject); who != nil {
		return who, nil
	}
	who, err := p.find(ctx, subject, as, around)
	if err == nil {
		p.keepReader(subject, who)
	}
	return who, err
}

// find is resolve in the tables.
func (p *pin) find(ctx context.Context, subject Subject, as role, around *backdrop) (*identity, error) {
	seeds, found, links := []ident{{subject.System, subject.Value}}, &step{}, (*step)(nil)
	if !subject.Exact {
		var err error
		if seeds, found, links, err = p.seeds(ctx, subject.Value, as); err != nil {
			return nil, err
		}
	}
	if len(seeds) == 0 {
		return &identity{followed: []*v1.FollowedIdentifier{{Identifier: subject.identifier(), Via: "asked"}}}, nil
	}
	w := newWalk(seeds)
	w.identity.learn(found)
	if err := w.run(ctx, p, as, around, subject.Exact, links); err != nil {
		return nil, err
	}
	if firsts := w.separate(seeds); len(firsts) > 1 {
		return &identity{candidates: firsts, known: true}, nil
	}
	w.identity.followed = w.followed
	return w.identity, nil
}

// seeds finds who is known by a bare value, what is known of them, and where they are whom one would guess, the links that leave them: nil, they
// were not read.
func (p *pin) seeds(ctx context.Context, value string, as role) (seeds []ident, found, links *step, err error) {
	if guess := p.engine.systems.guess(as, value); len(guess) > 0 {
		if found, links, err = p.guessed(ctx, guess, value, as); err != nil {
			return nil, nil, nil, err
		}
	}
	if found == nil {
		if found, err = p.byValue(ctx, value, as); err != nil {
			return nil, nil, nil, err
		}
	}
	seeds, found = found.meant(value)
	p.engine.systems.learn(as, seeds)
	if links != nil && !links.leave(seeds) {
		links = nil
	}
	return seeds, found, links, nil
}

// byValue is what is known of a bare value.
func (p *pin) byValue(ctx context.Context, value string, as role) (*step, error) {
	found := newStep(as, p.position)
	found.byValue(value)
	var last ident
	params := store.Params{"key": projections.NameKey(value), "kinds": as.names()}
	err := p.query(ctx, "identifiers_by_value", params, func(row store.Row) error {
		r, err := identityRowOf(row)
		if err != nil {
			return err
		}
		// Rows come in order: a new identifier begins when all of the one before are read.
		if r.of != last && len(found.names) >= maxCandidates {
			return store.Stop()
		}
		last = r.of
		return found.take(r)
	})
	if err != nil {
		return nil, fmt.Errorf("find identifiers by value: %w", err)
	}
	return found, nil
}

// guessed is byValue, together with the links that leave some identifiers of that value. Nil: there are too many of either, and they have to be
// read in order.
func (p *pin) guessed(ctx context.Context, guess []ident, value string, as role) (found, links *step, err error) {
	s := newStep(as, p.position)
	s.at, s.mostNames = setOf(guess), maxCandidates
	s.byValue(value)
	if err := p.readStep(ctx, s, guess, []string{value}); err != nil || s.bounded {
		return nil, nil, err
	}
	found = newStep(as, p.position)
	found.names, s.names = s.names, nil
	return found, s, p.current(ctx, s)
}

// learn adds what a step found out about identifiers.
func (i *identity) learn(found *step) {
	for _, id := range found.idents() {
		n := found.names[id]
		i.known = true
		if n.text != "" {
			i.names[id] = n.text
		}
		if n.inEvents {
			i.keyed = append(i.keyed, id)
		}
	}
}

// walk follows links from one or more seeds, breadth first.
type walk struct {
	followed []*v1.FollowedIdentifier
	// group maps each identifier to another one of the same person; roots map to themselves.
	group    map[ident]ident
	frontier []ident
	identity *identity
}

func newWalk(seeds []ident) *walk {
	w := &walk{group: map[ident]ident{}, identity: &identity{names: map[ident]string{}}}
	for _, id := range seeds {
		w.reach(id, &v1.FollowedIdentifier{Identifier: id.proto(), Via: "asked"})
	}
	return w
}

// edge is a link that holds, read from an identifier that was reached.
type edge struct {
	from, to ident
	via      string
	position uint64
	source   string
}

func (w *walk) reach(id ident, f *v1.FollowedIdentifier) {
	w.group[id] = id
	w.followed = append(w.followed, f)
	w.frontier = append(w.frontier, id)
}

func (w *walk) follow(e edge) {
	if _, ok := w.group[e.to]; !ok {
		w.reach(e.to, &v1.FollowedIdentifier{Identifier: e.to.proto(), Via: e.via, Position: e.position, Source: e.source})
	}
	w.group[w.root(e.to)] = w.root(e.from)
}

func (w *walk) root(id ident) ident {
	for w.group[id] != id {
		w.group[id] = w.group[w.group[id]]
		id = w.group[id]
	}
	return id
}

// reached are the identifiers so far.
func (w *walk) reached() []ident {
	out := make([]ident, len(w.followed))
	for n, f := range w.followed {
		out[n] = identOf(f.Identifier)
	}
	return out
}

// separate returns one seed for each person among the seeds.
func (w *walk) separate(seeds []ident) []ident {
	seen := map[ident]bool{}
	var firsts []ident
	for _, id := range seeds {
		if r := w.root(id); !seen[r] {
			seen[r] = true
			firsts = append(firsts, id)
		}
	}
	return firsts
}

func tooManyLinks() error {
	return connect.NewError(connect.CodeFailedPrecondition, errors.New("identity links join more identifiers than one person can have: correct the links of this record at their source"))
}

// run follows links until nothing new is reached. named: look the seeds up too; else it was done. links are those that leave the seeds, where they
// were read before.
func (w *walk) run(ctx context.Context, p *pin, as role, around *backdrop, named bool, links *step) error {
	for n := 0; len(w.frontier) > 0; n++ {
		if n == maxSteps || len(w.followed) > maxIdentifiers {
			return tooManyLinks()
		}
		at := w.frontier
		w.frontier = nil
		look := at
		if !named && n == 0 {
			look = nil
		}
		if n == 1 {
			if err := p.ahead.begin(ctx, p, w.reached(), around); err != nil {
				return err
			}
		}
		found := links
		if links = nil; found == nil {
			var err error
			if found, err = p.step(ctx, at, look, as); err != nil {
				return err
			}
		}
		if found.bounded {
			return tooManyLinks()
		}
		w.identity.learn(found)
		sources, err := around.sources()
		if err != nil {
			return err
		}
		for _, e := range slices.Concat(found.edges(), baseLinks(at, sources)) {
			w.follow(e)
		}
	}
	return nil
}

// via names a link as seen from the identifier that it was reached from.
func via(kind v1.IdentityLink_Kind, reverse bool) string {
	switch {
	case kind == v1.IdentityLink_KIND_SAME_RESOURCE:
		return "same_resource"
	case (kind == v1.IdentityLink_KIND_REPLACED_BY) != reverse:
		return "replaced_by"
	}
	return "replaces"
}

// baseLinks says that a reference relative to a source and one to the source's registered base URL are the same: events
// from before the URL was registered carry the former.
func baseLinks(at []ident, sources []*source) []edge {
	var edges []edge
	for _, id := range at {
		if !strings.Contains(id.value, "/") {
			continue
		}
		for _, s := range sources {
			if s.row.BaseUrl == "" {
				continue
			}
			base := strings.TrimSuffix(s.row.BaseUrl, "/")
			e := edge{from: id, via: "source_base_url", position: s.position, source: s.row.Name}
			switch id.system {
			case "source:" + s.row.Name:
				e.to = ident{base, id.value}
			case base:
				e.to = ident{"source:" + s.row.Name, id.value}
			default:
				continue
			}
			edges = append(edges, e)
		}
	}
	return edges
}

// packedOf returns the identifiers as the path tables hold them.
func packedOf(ids []ident) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.packed()
	}
	return out
}

// keysOf returns the keys of identifiers, as the statements take them.
func keysOf(ids []ident) []uint64 {
	keys := make([]uint64, len(ids))
	for i, id := range ids {
		keys[i] = id.key()
	}
	return keys
}

// setOf returns the identifiers as a set.
func setOf(ids []ident) map[ident]bool {
	set := make(map[ident]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
