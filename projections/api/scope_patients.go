package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// scopeChunk is how many keys one statement asks about: of 20 digits, 100 KB of parameters.
	scopeChunk = 5_000
	// manyKeys is from how many keys on their links are read by two statements.
	manyKeys = 500
	// maxScopeLinks bounds the links of one such statement: fifty a patient are more than any hospital merges.
	maxScopeLinks = 50 * scopeChunk
)

// scopePatient is one patient of a scope: all identifiers that links join at the pin, or a text that stands for one.
type scopePatient struct {
	// members are the identifiers, the one that stands for the patient first; none for a text.
	members []ident
	text    string
	// country and state are where the patient lives, as known at the pin; stated is the position that says so.
	country, state string
	stated         uint64
	counts         scopeCounts
	verdicts       scopeVerdicts
	parts, labels  ticks
	// lastPosition is the position of the last report: patients are listed by it.
	lastPosition uint64
	// number tells the patients of a scope apart, from 1.
	number int
}

func (p *scopePatient) resolved() bool { return len(p.members) > 0 }

// people are the patients that keys of rows stand for.
type people struct {
	// byIdent has the patient of each identifier that keys rows.
	byIdent map[ident]*scopePatient
	// byKey has the patient of each key that stands for one identifier alone; other keys, apart, have to be told by what their
	// rows say.
	byKey map[uint64]*scopePatient
	apart []uint64
	// several is true when a patient's rows stand under more than one key.
	several bool
	// strangers is how many identifiers are joined by more links than one person can have.
	strangers int
	byText    map[string]*scopePatient
	// made is how many patients there are.
	made int
}

// patient makes one more.
func (who *people) patient(p scopePatient) *scopePatient {
	who.made++
	p.number = who.made
	return &p
}

// people finds who the keys of a scope's rows are, following links as of the pin.
func (p *pin) people(ctx context.Context, keys []uint64, sources []*source) (*people, error) {
	who := &people{byIdent: map[ident]*scopePatient{}, byKey: map[uint64]*scopePatient{}, byText: map[string]*scopePatient{}}
	homes := homes{}
	var first *keyNames
	together, running := errgroup.WithContext(ctx)
	together.Go(func() (err error) { first, err = p.namedLinks(running, keys); return err })
	together.Go(func() error { return p.addresses(running, keys, homes) })
	if err := together.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	seeds := make([]ident, 0, len(keys))
	for _, key := range keys {
		names := first.selves[key]
		if len(names) == 0 {
			return nil, tooWide(unseen)
		}
		if len(names) > 1 {
			who.apart = append(who.apart, key)
		}
		seeds = append(seeds, names...)
	}
	w := newWalk(seeds)
	if err := p.walkPatients(ctx, w, first.edges, sources, homes); err != nil {
		return nil, err
	}
	who.group(w, seeds)
	who.settle(homes)
	for _, key := range keys {
		if names := first.selves[key]; len(names) == 1 {
			who.byKey[key] = who.byIdent[names[0]]
		}
	}
	return who, nil
}

// walkPatients follows the links of all patients together: a few statements a step, however many patients there are. Meanwhile it reads
// where those live whom it reached.
func (p *pin) walkPatients(ctx context.Context, w *walk, edges []edge, sources []*source, homes homes) error {
	for n := 0; len(w.frontier) > 0; n++ {
		if n == maxSteps {
			return tooManyLinks()
		}
		at := w.frontier
		w.frontier = nil
		if n > 0 {
			var err error
			if edges, err = p.linksAndHomes(ctx, at, homes); err != nil {
				return err
			}
		}
		for _, e := range slices.Concat(edges, baseLinks(at, sources)) {
			if _, ok := w.group[e.from]; ok {
				w.follow(e)
			}
		}
	}
	return nil
}

// linksAndHomes reads the links that leave some identifiers, and where their patients live.
func (p *pin) linksAndHomes(ctx context.Context, at []ident, homes homes) (edges []edge, err error) {
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() error {
		for chunk := range slices.Chunk(at, scopeChunk) {
			found := newStep(patientRole, p.position)
			found.at, found.most = setOf(chunk), maxScopeLinks
			if err := p.takeLinks(ctx, found, keysOf(chunk)); err != nil {
				return err
			}
			edges = append(edges, found.edges()...)
		}
		return nil
	})
	together.Go(func() error { return p.addresses(ctx, keysOf(at), homes) })
	err = together.Wait() // in a statement of its own: the language does not say that it comes before edges is read
	return edges, err     //nolint:wrapcheck // says what failed
}

// keyNames are the links that leave some keys, and the identifiers that key rows under them.
type keyNames struct {
	selves map[uint64][]ident
	edges  []edge
}

// namedLinks reads the links of keys whose identifiers are not known yet: events state each one with itself.
func (p *pin) namedLinks(ctx context.Context, keys []uint64) (*keyNames, error) {
	out := &keyNames{selves: make(map[uint64][]ident, len(keys))}
	for chunk := range slices.Chunk(keys, scopeChunk) {
		found := newStep(patientRole, p.position)
		found.most = maxScopeLinks
		found.self = func(id ident) {
			key := id.key()
			if !slices.Contains(out.selves[key], id) {
				out.selves[key] = append(out.selves[key], id)
			}
		}
		if err := p.takeLinks(ctx, found, chunk); err != nil {
			return nil, err
		}
		out.edges = append(out.edges, found.edges()...)
	}
	return out, nil
}

// takeLinks reads the links of some keys into a step: of many, each half by a statement of its own, because one reads with one thread.
func (p *pin) takeLinks(ctx context.Context, s *step, keys []uint64) error {
	var mu sync.Mutex // guards s
	add := func(row store.Row) error {
		mu.Lock()
		defer mu.Unlock()
		return s.add(row)
	}
	together, running := errgroup.WithContext(ctx)
	for half := range slices.Chunk(keys, max((len(keys)+1)/2, manyKeys)) {
		params := store.Params{"links": s.as.links(), "keys": half, "named": s.as.names(), "names": []uint64{}}
		together.Go(func() error { return p.query(running, "identity_step", params, add) })
	}
	if err := together.Wait(); err != nil {
		return fmt.Errorf("follow patients: %w", err)
	}
	if s.bounded {
		return tooManyLinks()
	}
	return p.current(ctx, s)
}

// group makes one patient of identifiers that links join. Too many of them are no patient: a number that strangers share.
func (who *people) group(w *walk, seeds []ident) {
	members, keyed := map[ident][]ident{}, map[ident]int{}
	for id := range w.group {
		root := w.root(id)
		members[root] = append(members[root], id)
	}
	for _, id := range seeds {
		keyed[w.root(id)]++
	}
	made := map[ident]*scopePatient{}
	for _, id := range seeds {
		root := w.root(id)
		if len(members[root]) > maxIdentifiers {
			who.strangers++
			who.byIdent[id] = who.patient(scopePatient{members: []ident{id}})
			continue
		}
		if made[root] == nil {
			slices.SortFunc(members[root], compareIdents)
			made[root] = who.patient(scopePatient{members: members[root]})
		}
		who.byIdent[id] = made[root]
		who.several = who.several || keyed[root] > 1
	}
}

// compareIdents orders the identifiers of a patient: numbers before references to resources, then by system and value.
func compareIdents(a, b ident) int {
	return cmp.Or(cmp.Compare(a.reference(), b.reference()), cmp.Compare(a.system, b.system), cmp.Compare(a.value, b.value))
}

// reference is 1 for an identifier that only names a resource of a server.
func (i ident) reference() int {
	if strings.HasPrefix(i.system, "source:") || isReference(i.value) {
		return 1
	}
	return 0
}

// home is where a patient lives, as the latest version of one Patient resource says.
type home struct {
	country, state string
	stated         uint64
}

// homes are those that identifiers lead to.
type homes map[ident]home

// addresses reads where the patients of some keys live. Of several resources the one that spoke last counts.
func (p *pin) addresses(ctx context.Context, keys []uint64, into homes) error {
	for chunk := range slices.Chunk(keys, scopeChunk) {
		err := p.query(ctx, "scope_addresses", store.Params{"keys": chunk}, func(row store.Row) error {
			var key uint64
			var id ident
			var h home
			err := row.Scan(&key, &id.system, &id.value, &h.country, &h.state, &h.stated)
			if h.stated > into[id].stated {
				into[id] = h
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read where patients live: %w", err)
		}
	}
	return nil
}

// settle tells each patient where they live. Of several identifiers the one of which was spoken last counts.
func (who *people) settle(homes homes) {
	for _, x := range who.byIdent {
		for _, id := range x.members {
			if h := homes[id]; h.stated > x.stated {
				x.country, x.state, x.stated = h.country, h.state, h.stated
			}
		}
	}
}

// of returns the patient of a row whose key says who it is, or nil.
func (who *people) of(key uint64) *scopePatient { return who.byKey[key] }

// told returns the patient that a row's own words name: an identifier, or a text.
func (who *people) told(packed string) *scopePatient {
	f := fields(packed)
	if id := (ident{f(0), f(1)}); id.value != "" {
		return who.byIdent[id]
	}
	text := f(2)
	if who.byText[text] == nil {
		who.byText[text] = who.patient(scopePatient{text: text})
	}
	return who.byText[text]
}

func (p *scopePatient) identifiers() []*v1.Identifier { return subjects(p.members) }
