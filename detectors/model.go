package detectors

import (
	"cmp"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// group is a peer group: department and role.
type group struct{ department, role facts.ID }

// situation is a peer group, and how the record is known to concern the reader.
type situation struct {
	group
	tie tie
}

// tie is what kind of reason is known.
type tie uint8

const (
	// tieNamed: a reason that names the reader, or a unit that needs none.
	tieNamed tie = iota
	// tieDepartment: one that names only the department. Whoever is rung up, or looks for a colleague, searches; who works from a
	// list does not.
	tieDepartment
	// tieNone: nothing is known.
	tieNone
	ties
)

// counts are how many units had each grade, by scale.
type counts [maxScales][maxGrades]uint32

// rates count how usual each grade is in everyday work, in sixteenths of a unit: what may be misuse counts as far as it may
// be none, or a department in which half of what is unexplained is curiosity would take that for its custom.
type rates struct {
	// all are those that a document explains, any those of each tie.
	all   counts
	any   [ties]counts
	peers map[situation]*counts
	// most are, by tie, scale and grade, the counts of the group in which the grade is most common.
	most [ties][maxScales][maxGrades]most
}

// share is how many units have a grade, of how many.
type share struct{ have, of uint32 }

// most is the share of one group.
type most struct {
	share
	in group
}

func newRates() *rates { return &rates{peers: map[situation]*counts{}} }

// place is where the grades of a scale are counted: among peers, with or without regard to the tie.
func (s *Scale) place(at situation) situation {
	if s.Peers != PeersSituation {
		at.tie = tieNamed
	}
	return at
}

// whole is what one unit counts that is everyday work for certain; what may be misuse counts less.
const whole = 16

// observe counts the grades of one unit, up to whole times; documented says that a document explains it.
func (r *rates) observe(scales []Scale, at situation, u *grades, documented bool, share uint32) {
	for i := range scales {
		s := &scales[i]
		switch {
		case u[i] == Blind:
		case s.Peers == PeersAll:
			if documented {
				r.all[i][u[i]] += share
			}
		default:
			p := s.place(at)
			if r.peers[p] == nil {
				r.peers[p] = new(counts)
			}
			r.peers[p][i][u[i]] += share
			r.any[p.tie][i][u[i]] += share
			if r.any[p.tie][i][u[i]] >= mostCounted {
				r.fade()
			}
		}
	}
	if r.all[0][0] >= mostCounted || r.all[1][0] >= mostCounted {
		r.fade()
	}
}

// settle ends the counting: it finds, for each grade, the group whose work it is.
func (r *rates) settle() {
	r.most = [ties][maxScales][maxGrades]most{}
	for at, mine := range r.peers {
		for i := range mine {
			of := sum(mine[i][:])
			for g, n := range mine[i] {
				one := most{share{n, uint32(min(of, 1<<32-1))}, at.group}
				if m := &r.most[at.tie][i][g]; one.before(m) {
					*m = one
				}
			}
		}
	}
}

// before: more have it; where that is equal, of fewer; then by number, so that the order of a map decides nothing.
func (a *most) before(b *most) bool {
	return cmp.Or(cmp.Compare(b.have, a.have), cmp.Compare(a.of, b.of), cmp.Compare(a.in.department, b.in.department),
		cmp.Compare(a.in.role, b.in.role)) < 0
}

const (
	// million is the unit of rates.
	million = 1_000_000
	// shrink is how many units of the whole hospital a peer group is worth before its own count: a group that is not seen often
	// behaves like everybody.
	shrink = 400 * whole
	// floorUnits are added to each grade of a scale: no grade is impossible. Quiet gets quietFloors of them, because most units are quiet on
	// most scales: else, where next to nothing was seen yet, that many scales are quiet would look like misuse.
	floorUnits  = 2 * whole
	quietFloors = 8
)

// usual is how many of a million units have a grade, at least as many as have a higher one: grades say how far something is out of
// the ordinary, so that what is seldom counted is no more telling than what is worse.
func (r *rates) usual(scales []Scale, i int, at situation, grade Grade, own uint32) uint64 {
	n := r.perMillion(scales, i, at, grade, own)
	if grade == Quiet {
		return n
	}
	for g := grade + 1; int(g) <= len(scales[i].Words); g++ {
		n = max(n, r.perMillion(scales, i, at, g, 0))
	}
	return n
}

// perMillion is how many of a million units have a grade: among peers, drawn to everybody. Everybody is all but the one group
// that does it most: what is the work of one department (a review of deaths, a search at the desk) is no custom of the others.
// own is what the unit itself was counted, which says nothing about itself.
func (r *rates) perMillion(scales []Scale, i int, at situation, grade Grade, own uint32) uint64 {
	s := &scales[i]
	n := uint64(len(s.Words) + 1)
	if s.Peers == PeersAll {
		return max(rate(grade, r.all[i][grade], 0, sum(r.all[i][:n]), n), 1)
	}
	at = s.place(at)
	everybody, most := &r.any[at.tie], &r.most[at.tie][i][grade]
	mine := r.peers[at]
	if mine != nil {
		own = min(own, mine[i][grade])
	}
	out := most.share
	switch {
	case mine == nil:
	case most.in != at.group:
		out = share{out.have + own, out.of + own}
	case out.have == own: // it does it once, and that is the unit itself
		out = share{own, own}
	}
	all := rate(grade, everybody[i][grade]-out.have, out.of, sum(everybody[i][:n]), n)
	if mine == nil {
		return max(all, 1)
	}
	return max((uint64(mine[i][grade]-own)*million+shrink*all)/(sum(mine[i][:n])-uint64(own)+shrink), 1)
}

// rate is how many of a million have a grade of n: so many of the total, less what is left out.
func rate(grade Grade, have, out uint32, total, n uint64) uint64 {
	floor := uint64(floorUnits)
	if grade == Quiet {
		floor *= quietFloors
	}
	return (uint64(have) + floor) * million / (total - uint64(out) + floorUnits*(n-1+quietFloors))
}

func sum(of []uint32) uint64 {
	total := uint64(0)
	for _, n := range of {
		total += uint64(n)
	}
	return total
}

// Scenario is one kind of misuse, as a model of what its units look like.
type Scenario struct {
	// Name is what people call it.
	Name string
	// Share is how much of all misuse it is, in per mille.
	Share int
	// Grades says for some detectors how often, in per mille, each grade from 1 on is seen in the scenario; the rest is quiet. A
	// detector that is not named behaves as in everyday work, and weighs nothing.
	Grades map[string][]int
}

// model weighs units of one key.
type model struct {
	scales    []Scale
	scenarios []Scenario
	// at is Scenario.Grades by number of scenario and of scale; nil: not named.
	at [][][]uint64
	// shares are how much of all misuse each scenario is, in millionths: as configured at first, then learned.
	shares []uint64
}

func newModel(scales []Scale, scenarios []Scenario) *model {
	m := &model{scales: scales, scenarios: scenarios, at: make([][][]uint64, len(scenarios)), shares: make([]uint64, len(scenarios))}
	for s := range scenarios {
		m.shares[s] = uint64(scenarios[s].Share) * 1000
		m.at[s] = make([][]uint64, len(scales))
		for name, share := range scenarios[s].Grades {
			i := slices.IndexFunc(scales, func(x Scale) bool { return x.Name == name })
			if i < 0 {
				continue // one of another key; TestScenarios holds the built-in ones, validation those of a site
			}
			full, rest := make([]uint64, len(scales[i].Words)+1), uint64(1000)
			for g, v := range share {
				full[g+1] = uint64(v) * 1000
				rest -= uint64(v)
			}
			full[0] = rest * 1000
			m.at[s][i] = full
		}
	}
	return m
}

// maxWeight bounds what one detector can say: 16 bits, one in 65,000. No single sign proves anything.
const maxWeight = 16 * bit

// maxScenarios bounds the scenarios of one key.
const maxScenarios = 64

// weighing is how a unit's weight came about.
type weighing struct {
	// parts are the shares of the detectors in the scenario that fits best, each the weights of all scenarios, with their shares.
	parts [maxScales]Weight
	each  [maxScenarios]Weight
}

// weigh says how much more likely a unit's grades are in misuse, whichever scenario, than in everyday work, and which scenario
// fits best. own is what the unit itself was counted among the rates. how, when not nil, gets how that came about.
func (m *model) weigh(r *rates, at situation, u *grades, own uint32, how *weighing) (best Weight, scenario int) {
	var usual [maxScales]Weight
	for i := range m.scales {
		if u[i] != Blind && m.scales[i].Weights == nil {
			usual[i] = log2(r.usual(m.scales, i, at, u[i], own))
		}
	}
	best = -1 << 30
	var each [maxScenarios]Weight
	for s := range m.scenarios {
		w := log2(m.shares[s]) - log2(million)
		for i := range m.scales {
			w += m.part(s, i, u[i], usual[i])
		}
		each[s] = w
		if w > best {
			best, scenario = w, s
		}
	}
	all := uint64(0)
	for _, w := range each[:len(m.scenarios)] {
		all += exp2(w - best)
	}
	best += log2(all) - 16*bit // all scenarios together: who hides the relation still looks without a reason
	if how != nil {
		how.each = each
		for i := range m.scales {
			how.parts[i] = m.part(scenario, i, u[i], usual[i])
		}
	}
	return best, scenario
}

// credit adds, in millionths of units, how far a unit of that weight belongs to each scenario.
func (m *model) credit(into []uint64, how *weighing, weight, prior Weight) {
	misuse := fine(weight + prior)
	if misuse == 0 {
		return
	}
	for s := range into {
		into[s] += misuse * exp2(how.each[s]-weight) >> 16
	}
}

// heldShares is how many units of misuse what is configured is worth beside those that are found.
const heldShares = 30

// share learns how much of all misuse each scenario is from the credits: what this hospital is like, drawn to what is
// configured (a Dirichlet prior; Dempster, Laird, Rubin 1977).
func (m *model) share(credits []uint64) {
	found := uint64(0)
	for _, n := range credits {
		found += n
	}
	for s := range m.shares {
		configured := uint64(m.scenarios[s].Share) * 1000
		m.shares[s] = max((configured*heldShares+credits[s])*million/(heldShares*million+found), 1)
	}
}

func (m *model) part(s, i int, grade Grade, usual Weight) Weight {
	if m.at[s][i] == nil || grade == Blind {
		return 0
	}
	if direct := m.scales[i].Weights; direct != nil {
		return direct[grade]
	}
	w := log2(max(m.at[s][i][grade], 100)) - usual
	return min(max(w, -maxWeight), maxWeight)
}

const (
	// certainly is the evidence of a sign that is a matter of record: with the least prior it is still more likely than not.
	certainly = -leastPrior + 2*bit
	// rareSign is how many of a million units may show such a sign before the record is doubted; fewSigns never raise a doubt.
	rareSign, fewSigns = 3_000, 5
)

// certain reports whether a sign that is a matter of record is among the grades, and rare.
func (m *model) certain(r *rates, u *grades) bool {
	for i := range m.scales {
		s := &m.scales[i]
		top := Grade(len(s.Words))
		if !s.Certain || u[i] != top {
			continue
		}
		if n := uint64(r.all[i][top]); n <= fewSigns*whole || n*million <= sum(r.all[i][:])*rareSign {
			return true
		}
	}
	return false
}
