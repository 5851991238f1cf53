package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// errLink marks a row that says less than a link: it does not repeat it, which names people.
var errLink = errors.New("its row does not say which resource, or how it links")

// followedLinks are the links of context facts that are followed.
var followedLinks = []v1.IdentityLink_Kind{v1.IdentityLink_KIND_SAME_RESOURCE, v1.IdentityLink_KIND_REPLACED_BY, v1.IdentityLink_KIND_REPLACES}

// resourceChunk is how many context resources one statement asks about: keys of 20 digits, 100 KB of parameters.
const resourceChunk = 5_000

// naming is one row that names an identifier.
type naming struct {
	id       ident
	kind     uint8
	text     string
	position uint64
}

// identified is what all rows say of an identifier.
type identified struct {
	// text is the largest of all names: rows may not be merged yet.
	text  string
	first uint64
	// inEvents: an event named it, so it may key rows; the others are known from context only.
	inEvents bool
}

// edgeKey tells edges apart. Many resources may state one and the same.
type edgeKey struct {
	from, to ident
	via      string
}

// stated are the edges of the version of a resource that stated any last.
type stated struct {
	position uint64
	edges    []edge
}

// step is what one statement of the identity walk found, while its rows are added up.
type step struct {
	as role
	// until is the position up to which rows are known.
	until proto.Position
	// at and look say whose links and names are wanted, everybody's when nil. ClickHouse finds rows by a hash, which others may share ("a|b" of
	// "c", "b|c" of "a"); whoever is meant is told apart here.
	at                  map[ident]bool
	look                func(ident) bool
	names               map[ident]*identified
	ofEvents, ofContext map[edgeKey]edge
	resources           map[uint64]*stated
	// bounded: there were more links than a step keeps, which are most, and no person has as many; or more names than mostNames, where that is not 0.
	bounded         bool
	most, mostNames int
	// self, when set, is told of the identifiers that key rows, whoever they are.
	self func(ident)
}

func newStep(as role, until proto.Position) *step {
	return &step{
		as: as, until: until, most: maxLinks, names: map[ident]*identified{}, ofEvents: map[edgeKey]edge{}, ofContext: map[edgeKey]edge{}, resources: map[uint64]*stated{},
	}
}

// byValue has the step look up whoever goes by a value.
func (s *step) byValue(value string) {
	folded := projections.Fold(value)
	s.look = func(id ident) bool { return projections.Fold(id.value) == folded }
}

// name adds a row that names an identifier.
func (s *step) name(n naming) {
	known := s.names[n.id]
	if known == nil {
		known = &identified{first: n.position}
		s.names[n.id] = known
	}
	known.text, known.first = max(known.text, n.text), min(known.first, n.position)
	known.inEvents = known.inEvents || n.kind == s.as.event
}

// only is what was found of some identifiers.
func (s *step) only(ids []ident) *step {
	out := newStep(s.as, s.until)
	for _, id := range ids {
		out.names[id] = s.names[id]
	}
	return out
}

// meant are those who are known by a value. Values differ in case at times; where one matches as written, that is meant.
func (s *step) meant(value string) ([]ident, *step) {
	all := s.idents()
	exact := slices.DeleteFunc(slices.Clone(all), func(id ident) bool { return id.value != value })
	if len(exact) > 0 {
		return exact, s.only(exact)
	}
	return all, s
}

// leave keeps of the links those that leave some identifiers, and reports whether those of all of them were read.
func (s *step) leave(ids []ident) bool {
	wanted := setOf(ids)
	for id := range wanted {
		if !s.at[id] {
			return false
		}
	}
	for _, edges := range []map[edgeKey]edge{s.ofEvents, s.ofContext} {
		maps.DeleteFunc(edges, func(k edgeKey, _ edge) bool { return !wanted[k.from] })
	}
	return true
}

// idents are the identifiers that were named, in order.
func (s *step) idents() []ident {
	return slices.SortedFunc(maps.Keys(s.names), func(a, b ident) int {
		return cmp.Or(cmp.Compare(a.system, b.system), cmp.Compare(a.value, b.value))
	})
}

// edges are the links that were found, of context before those of events, each in the order in which they were stated.
func (s *step) edges() []edge { return append(ordered(s.ofContext), ordered(s.ofEvents)...) }

func ordered(edges map[edgeKey]edge) []edge {
	return slices.SortedFunc(maps.Values(edges), func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.to.system, b.to.system), cmp.Compare(a.to.value, b.to.value),
			cmp.Compare(a.from.system, b.from.system), cmp.Compare(a.from.value, b.from.value), cmp.Compare(a.via, b.via))
	})
}

// keep keeps the earliest statement of an edge.
func keep(edges map[edgeKey]edge, e edge) {
	key := edgeKey{e.from, e.to, e.via}
	if old, ok := edges[key]; !ok || e.position < old.position || (e.position == old.position && e.source < old.source) {
		edges[key] = e
	}
}

// step reads the links that leave some identifiers at the pin, and looks some up.
func (p *pin) step(ctx context.Context, at, look []ident, as role) (*step, error) {
	s := newStep(as, p.position)
	wanted := setOf(look)
	s.at, s.look = setOf(at), func(id ident) bool { return wanted[id] }
	values := make([]string, len(look))
	for i, id := range look {
		values[i] = id.value
	}
	if err := p.readStep(ctx, s, at, values); err != nil {
		return nil, err
	}
	return s, p.current(ctx, s)
}

// readStep reads the links that leave some identifiers at the pin, those of context whether or not they still hold, and what goes by some values.
func (p *pin) readStep(ctx context.Context, s *step, at []ident, values []string) error {
	names := make([]uint64, len(values))
	for i, value := range values {
		names[i] = projections.NameKey(value)
	}
	params := store.Params{"links": s.as.links(), "keys": keysOf(at), "named": s.as.names(), "names": names}
	if err := p.query(ctx, "identity_step", params, s.add); err != nil {
		return fmt.Errorf("follow identifiers: %w", err)
	}
	return nil
}

// identityRow is a row of identities_vN.
type identityRow struct {
	kind     uint8
	position uint64
	of       ident
	field    func(int) string
	text     string
}

func identityRowOf(row store.Row) (identityRow, error) {
	var r identityRow
	var said string
	err := row.Scan(&r.kind, &r.position, &said, &r.text)
	r.field = fields(said)
	r.of = ident{r.field(0), r.field(1)}
	return r, err
}

// add takes a row, and stops where there are more than a step keeps.
func (s *step) add(row store.Row) error {
	r, err := identityRowOf(row)
	if err != nil {
		return err
	}
	if proto.Position(r.position) > s.until {
		return nil
	}
	if err := s.take(r); err != nil {
		return err
	}
	if len(s.ofEvents) > s.most || len(s.resources) > s.most || (s.mostNames > 0 && len(s.names) > s.mostNames) {
		s.bounded = true
		return store.Stop()
	}
	return nil
}

func (s *step) take(r identityRow) error {
	if identifier, named := projections.NamedKind(r.kind); named {
		if s.look == nil || s.look(r.of) {
			s.name(naming{r.of, identifier, r.text, r.position})
		}
		return nil
	}
	if s.at != nil && !s.at[r.of] {
		return nil
	}
	return s.link(r.kind, edge{from: r.of, to: ident{r.field(2), r.field(3)}, source: r.field(4), position: r.position}, r.field)
}

// link takes a row that links two identifiers, or says that one stands alone.
func (s *step) link(kind uint8, e edge, field func(int) string) error {
	if kind != projections.LinkOfContext {
		if e.to != (ident{}) {
			e.via = "same_event"
			keep(s.ofEvents, e)
		} else if s.self != nil {
			s.self(e.from)
		}
		return nil
	}
	resource, err := strconv.ParseUint(field(5), 10, 64)
	if err != nil {
		return fmt.Errorf("link of a fact: %w", errLink)
	}
	as, err := strconv.ParseUint(field(6), 10, 8)
	if err != nil {
		return fmt.Errorf("link of a fact: %w", errLink)
	}
	if !slices.Contains(followedLinks, v1.IdentityLink_Kind(as)) || slices.Contains(s.as.excluded, field(8)) {
		return nil
	}
	e.via = via(v1.IdentityLink_Kind(as), field(7) == "1")
	last := s.resources[resource]
	if last == nil || e.position > last.position {
		last = &stated{position: e.position}
		s.resources[resource] = last
	}
	if e.position == last.position {
		last.edges = append(last.edges, e)
	}
	return nil
}

// current keeps of the links of context those whose resource has no later version.
func (p *pin) current(ctx context.Context, s *step) error {
	if len(s.resources) == 0 {
		return nil
	}
	resources := slices.Sorted(maps.Keys(s.resources))
	together, ctx := errgroup.WithContext(ctx)
	chunks := slices.Collect(slices.Chunk(resources, resourceChunk))
	holds := make([][]uint64, len(chunks))
	for i, chunk := range chunks {
		together.Go(func() error {
			return p.query(ctx, "latest_versions", store.Params{"resources": chunk}, func(row store.Row) error {
				var resource, position uint64
				err := row.Scan(&resource, &position)
				if err == nil && s.resources[resource].position == position {
					holds[i] = append(holds[i], resource)
				}
				return err
			})
		})
	}
	if err := together.Wait(); err != nil {
		return fmt.Errorf("follow links of context: %w", err)
	}
	for _, resource := range slices.Concat(holds...) {
		for _, e := range s.resources[resource].edges {
			keep(s.ofContext, e)
		}
	}
	return nil
}
