package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// group is a peer group: department and role.
type group struct{ department, role facts.ID }

// situation is a peer group, with or without a known reason.
type situation struct {
	group
	alone bool
}

// counts are how many units had each grade, by scale.
type counts [32][maxGrades]uint32

// rates count how usual each grade is in everyday work, in sixteenths of a unit: what may be misuse counts as far as it may
// be none, or a department in which half of what is unexplained is curiosity would take that for its custom.
type rates struct {
	// all are those that a document explains, any those of each verdict.
	all   counts
	any   [2]counts
	peers map[situation]*counts
}

func newRates() *rates { return &rates{peers: map[situation]*counts{}} }

// place is where the grades of a scale are counted: among peers, with or without regard to the verdict.
func (s *Scale) place(at situation) situation {
	if s.Peers != PeersSituation {
		at.alone = false
	}
	return at
}

func which(alone bool) int {
	if alone {
		return 1
	}
	return 0
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
			r.any[which(p.alone)][i][u[i]] += share
		}
	}
}

const (
	// million is the unit of rates.
	million = 1_000_000
	// shrink is how many units of the whole hospital a peer group is worth before its own count: a group that is not seen often
	// behaves like everybody.
	shrink = 400 * whole
	// floorUnits are added to each grade of a scale: no grade is impossible.
	floorUnits = 2 * whole
)

// perMillion is how many of a million units have a grade.
func (r *rates) perMillion(scales []Scale, i int, at situation, grade Grade) uint64 {
	s, everybody := &scales[i], &r.all
	at = s.place(at)
	if s.Peers != PeersAll {
		everybody = &r.any[which(at.alone)]
	}
	n := uint64(len(s.Words) + 1)
	all := (uint64(everybody[i][grade]) + floorUnits) * million / (sum(everybody[i][:n]) + floorUnits*n)
	mine := r.peers[at]
	if s.Peers == PeersAll || mine == nil {
		return max(all, 1)
	}
	return max((uint64(mine[i][grade])*million+shrink*all)/(sum(mine[i][:n])+shrink), 1)
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
}

func newModel(scales []Scale, scenarios []Scenario) *model {
	m := &model{scales: scales, scenarios: scenarios, at: make([][][]uint64, len(scenarios))}
	for s := range scenarios {
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

// weigh says how much more likely a unit's grades are in misuse, whichever scenario, than in everyday work, and which scenario
// fits best. parts, when not nil, gets each detector's share of that.
func (m *model) weigh(r *rates, at situation, u *grades, parts *[32]Weight) (best Weight, scenario int) {
	var usual [32]Weight
	for i := range m.scales {
		if u[i] != Blind && m.scales[i].Weights == nil {
			usual[i] = log2(r.perMillion(m.scales, i, at, u[i]))
		}
	}
	best = -1 << 30
	var each [maxScenarios]Weight
	for s := range m.scenarios {
		w := log2(uint64(m.scenarios[s].Share)) - log2(1000)
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
	if parts != nil {
		for i := range m.scales {
			parts[i] = m.part(scenario, i, u[i], usual[i])
		}
	}
	return best, scenario
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
