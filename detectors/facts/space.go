package facts

import "slices"

// space holds the identities of one kind: patients, staff or departments.
//
// A key is an identifier. A key that something mentions on its own (a reference, an event) has a node; nodes are the IDs that
// others see. A fact claims keys for its node: its own identifiers, and those that it is linked to. Nodes that keys connect
// are one entity, known by the smallest of them. Everything that hangs on a node stays there, so a merge moves nothing and
// an un-merge (a later version that claims less) is exact.
type space struct {
	keys table
	// node of each key; 0 is none.
	node []ID
	// first is each key's smallest claimant, more the others, ascending.
	first []ID
	more  map[ID][]ID
	// key of each node.
	key []ID
	// claims of each node.
	claims [][]claim
	// canon is the smallest node of each node's entity; groups lists, by it, the members of entities of more than one.
	canon  []ID
	groups map[ID][]ID
	// limit is how many claimants a key may have before it connects nobody.
	limit func(system ID) int
	// dirty collects nodes whose entity changed.
	dirty []ID
}

// claim says that a fact gave a key to a node.
type claim struct{ key, fact ID }

func newSpace() space {
	return space{
		node: make([]ID, 1), first: make([]ID, 1), key: make([]ID, 1), canon: make([]ID, 1), claims: make([][]claim, 1),
		more: map[ID][]ID{}, groups: map[ID][]ID{},
	}
}

// size is the largest node in use.
func (s *space) size() ID { return ID(len(s.key) - 1) }

// keyOf returns the number of an identifier's key, a new one when it has none.
func (s *space) keyOf(system ID, value string) ID {
	k := s.keys.number(system, value)
	for len(s.node) <= int(k) {
		s.node = append(s.node, 0)
		s.first = append(s.first, 0)
	}
	return k
}

// mention returns the node of a key, a new one when it has none.
func (s *space) mention(k ID) ID {
	if n := s.node[k]; n != 0 {
		return n
	}
	n := ID(len(s.key))
	s.node[k] = n
	s.key = append(s.key, k)
	s.canon = append(s.canon, n)
	s.claims = append(s.claims, nil)
	if s.first[k] != 0 {
		s.regroup([]ID{n, s.first[k]})
	}
	return n
}

// lookup returns who goes by a key: whoever claims it when that is one entity, else its own node; 0 for nobody.
func (s *space) lookup(k ID) ID {
	if k == 0 {
		return 0
	}
	if s.first[k] != 0 {
		canon := s.canon[s.first[k]]
		if !slices.ContainsFunc(s.more[k], func(n ID) bool { return s.canon[n] != canon }) {
			return canon
		}
	}
	if n := s.node[k]; n != 0 {
		return s.canon[n]
	}
	return 0
}

// connects reports whether a key joins those who claim it.
func (s *space) connects(k ID) bool {
	more := s.more[k]
	if len(more) == 0 {
		return true
	}
	return 1+len(more) <= s.limit(s.keys.system(k))
}

// members are the nodes of an entity, ascending.
func (s *space) members(n ID) []ID {
	if g := s.groups[s.canon[n]]; g != nil {
		return g
	}
	return s.canon[n : n+1 : n+1] // a node alone is its own canon
}

// same is members for a number that may be none.
func (s *space) same(n ID) []ID {
	if n <= 0 || n > s.size() {
		return nil
	}
	return s.members(n)
}

// claim makes keys (ascending, without repetition) what a fact gives to a node, in place of what it gave before.
func (s *space) claim(n, fact ID, keys []ID) {
	if s.unchanged(n, fact, keys) {
		return
	}
	var seeds []ID
	for _, c := range s.claims[n] {
		if c.fact == fact && !slices.Contains(keys, c.key) {
			seeds = s.touched(seeds, n, c.key)
		}
	}
	had := s.claims[n]
	kept := make([]claim, 0, len(had)+len(keys))
	for _, c := range had {
		if c.fact != fact {
			kept = append(kept, c)
		}
	}
	for _, k := range keys {
		kept = append(kept, claim{k, fact})
	}
	slices.SortFunc(kept, func(a, b claim) int { return compare2(a.key, b.key, a.fact, b.fact) })
	s.claims[n] = kept
	for _, c := range had {
		if !claimsKey(kept, c.key) {
			s.unclaim(n, c.key)
		}
	}
	for _, k := range keys {
		if !claimsKey(had, k) {
			s.addClaimant(n, k)
			seeds = s.touched(seeds, n, k)
		}
	}
	if len(seeds) > 0 {
		s.regroup(append(seeds, n))
	}
	s.dirty = append(s.dirty, n)
}

func (s *space) unchanged(n, fact ID, keys []ID) bool {
	i := 0
	for _, c := range s.claims[n] {
		if c.fact != fact {
			continue
		}
		if i >= len(keys) || keys[i] != c.key {
			return false
		}
		i++
	}
	return i == len(keys)
}

// touched adds the others that a key connects, or has just ceased to connect, to a node.
func (s *space) touched(seeds []ID, n, k ID) []ID {
	if m := s.node[k]; m != 0 && m != n {
		seeds = append(seeds, m)
	}
	if f := s.first[k]; f != 0 && f != n {
		seeds = append(seeds, f)
	}
	more := s.more[k]
	if len(more) > 0 {
		if limit := s.limit(s.keys.system(k)); len(more) <= limit { // at most one above: the change may be that it was crossed
			for _, m := range more {
				if m != n {
					seeds = append(seeds, m)
				}
			}
		}
	}
	return seeds
}

func (s *space) addClaimant(n, k ID) {
	switch f := s.first[k]; f {
	case 0:
		s.first[k] = n
	case n:
	default:
		s.first[k] = min(f, n)
		s.more[k] = insertID(s.more[k], max(f, n))
	}
}

func (s *space) unclaim(n, k ID) {
	more := s.more[k]
	if s.first[k] == n {
		s.first[k] = 0
		if len(more) > 0 {
			s.first[k], more = more[0], more[1:]
		}
	} else if i, ok := slices.BinarySearch(more, n); ok {
		more = slices.Delete(slices.Clone(more), i, i+1)
	}
	if len(more) == 0 {
		delete(s.more, k)
		return
	}
	s.more[k] = more
}

// regroup finds the entities of nodes, and of those that were one with them, anew.
func (s *space) regroup(seeds []ID) {
	all, entities := slices.Clone(seeds), make(map[ID]bool, len(seeds))
	for _, n := range seeds {
		if head := s.canon[n]; !entities[head] { // the others of an entity have the same members
			entities[head] = true
			all = append(all, s.members(n)...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	seen := make(map[ID]bool, len(all))
	var found [][]ID
	for _, n := range all {
		if !seen[n] {
			found = append(found, s.connected(n, seen))
		}
	}
	// All groups of before go first: one of them may have the head of one that is made now.
	for _, group := range found {
		for _, m := range group {
			delete(s.groups, s.canon[m])
		}
	}
	for _, group := range found {
		slices.Sort(group)
		for _, m := range group {
			s.canon[m] = group[0]
		}
		if len(group) > 1 {
			s.groups[group[0]] = group
		}
		s.dirty = append(s.dirty, group...)
	}
}

// connected lists the nodes that keys connect with n.
func (s *space) connected(n ID, seen map[ID]bool) []ID {
	group := []ID{n}
	seen[n] = true
	add := func(m ID) {
		if m != 0 && !seen[m] {
			seen[m] = true
			group = append(group, m)
		}
	}
	var followed map[ID]bool // in a large group the same keys connect all of it
	follow := func(k ID) {
		if !s.connects(k) || followed[k] {
			return
		}
		if len(group) > 8 {
			if followed == nil {
				followed = map[ID]bool{}
			}
			followed[k] = true
		}
		add(s.node[k])
		add(s.first[k])
		for _, m := range s.more[k] {
			add(m)
		}
	}
	for i := 0; i < len(group); i++ {
		m := group[i]
		follow(s.key[m])
		for _, c := range s.claims[m] {
			follow(c.key)
		}
	}
	return group
}

// takeDirty returns the entities that changed since the last call, as all their nodes, ascending.
func (s *space) takeDirty() []ID {
	if len(s.dirty) == 0 {
		return nil
	}
	slices.Sort(s.dirty)
	out := slices.Compact(s.dirty)
	s.dirty = nil
	return out
}

// entities adds to nodes all that are one with them.
func (s *space) entities(nodes []ID) []ID {
	if len(s.groups) == 0 {
		return nodes
	}
	out := nodes
	for _, n := range nodes {
		if g := s.groups[s.canon[n]]; g != nil {
			out = append(out, g...)
		}
	}
	return distinct(out)
}

func claimsKey(claims []claim, k ID) bool {
	return slices.ContainsFunc(claims, func(c claim) bool { return c.key == k })
}

func insertID(ids []ID, id ID) []ID {
	i, ok := slices.BinarySearch(ids, id)
	if ok {
		return ids
	}
	return slices.Insert(ids, i, id)
}

func compare2(a, b, c, d ID) int {
	if a != b {
		return int(a) - int(b)
	}
	return int(c) - int(d)
}
