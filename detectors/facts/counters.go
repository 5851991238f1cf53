package facts

import (
	"slices"
	"strings"
)

// counters are derived from what stands: how many people share a surname, a telephone number, a door. A snapshot leaves them
// out.
type counters struct {
	families              map[ID]int32
	numbers               map[uint64]int32
	doors                 map[ID]int32
	known                 int32          // patients with a Patient resource
	humans                map[human][]ID // nodes of staff
	parts                 map[ID][]ID    // of compound family names
	former                map[ID]bool    // relations that are over
	days                  map[int32]int32
	arrivals              map[int32]int32 // by the hour (UTC) in which stays begin
	evicted, evictedStays int64
}

// human is what tells people of one name apart.
type human struct {
	family, given ID
	birth         int32
}

func newCounters() counters {
	return counters{
		families: map[ID]int32{}, numbers: map[uint64]int32{}, doors: map[ID]int32{}, humans: map[human][]ID{},
		parts: map[ID][]ID{}, days: map[int32]int32{}, arrivals: map[int32]int32{}, former: map[ID]bool{},
	}
}

// addPatient counts what a record says, or with -1 takes it back.
func (s *State) addPatient(r *record, by int32) {
	if !r.Known {
		return
	}
	s.known += by
	for i, n := range r.Names {
		if n.Family != 0 && !slices.ContainsFunc(r.Names[:i], func(o Name) bool { return o.Family == n.Family }) {
			bump(s.families, n.Family, by)
		}
	}
	s.addHomes(r.Homes, r.Phones, by)
}

func (s *State) addHomes(homes []Home, phones []uint64, by int32) {
	for i, h := range homes {
		if h.Door != 0 && !slices.ContainsFunc(homes[:i], func(o Home) bool { return o.Door == h.Door }) {
			bump(s.doors, h.Door, by)
		}
	}
	for _, p := range phones {
		bump(s.numbers, p, by)
	}
}

func bump[K comparable](counts map[K]int32, key K, by int32) {
	if n := counts[key] + by; n != 0 {
		counts[key] = n
	} else {
		delete(counts, key)
	}
}

// addStaff counts what a Practitioner says, or with -1 takes it back.
func (s *State) addStaff(n ID, p *person, by int32) {
	if !p.Known {
		return
	}
	s.addHomes(p.Homes, p.Phones, by)
	if p.Birth == NoDay {
		return
	}
	for _, name := range p.Names {
		if name.Family == 0 || name.Given == 0 {
			continue
		}
		h := human{name.Family, name.Given, p.Birth}
		if by > 0 {
			s.humans[h] = insertID(s.humans[h], n)
		} else if s.humans[h] = slices.DeleteFunc(s.humans[h], func(m ID) bool { return m == n }); len(s.humans[h]) == 0 {
			delete(s.humans, h)
		}
	}
}

// compound remembers the parts of a family name of several words that are long enough to be names themselves.
func (s *State) compound(id ID, folded string) {
	if _, ok := s.parts[id]; ok {
		return
	}
	var parts []ID
	for w := range strings.FieldsSeq(folded) {
		if !isParticle(w) && len(w) > 3 {
			parts = append(parts, s.texts.number(0, w))
		}
	}
	s.parts[id] = parts
}

// countDuty counts the days (UTC) that a roster covers. A shift of more than a month is none.
func (s *State) countDuty(p Period, by int32) {
	first, last := dayNumber(p.From), dayNumber(p.Until-1)
	for day := first; day <= last && day < first+32; day++ {
		bump(s.days, day, by)
	}
}

const microsPerDay = 86400 * 1_000_000

func dayNumber(at int64) int32 {
	day := at / microsPerDay
	if at < 0 && at%microsPerDay != 0 {
		day--
	}
	return int32(min(max(day, -1<<30), 1<<30))
}

// Coverage says what the state has seen, by resource type in the order of their names.
type Coverage struct {
	Types []TypeCoverage
	// Evicted counts rows of care that MaxCare pushed out.
	Evicted int64
	// Patients and Staff are those of whom a resource was read.
	Patients, Staff int
}

// TypeCoverage is what was seen of one resource type.
type TypeCoverage struct {
	Type string
	// Resources counts resources, Facts their versions.
	Resources, Facts int64
	// First and Last are the earliest and latest effective time that was stated; 0: none was.
	First, Last int64
}

// Of returns what was seen of a resource type; a zero value when nothing was.
func (c Coverage) Of(typ string) TypeCoverage {
	i, ok := slices.BinarySearchFunc(c.Types, typ, func(t TypeCoverage, typ string) int { return strings.Compare(t.Type, typ) })
	if !ok {
		return TypeCoverage{Type: typ}
	}
	return c.Types[i]
}

type stats struct{ types map[ID]*TypeCoverage }

func newStats() stats { return stats{map[ID]*TypeCoverage{}} }

func (st *stats) count(typ ID, effective int64, isNew bool) {
	t := st.types[typ]
	if t == nil {
		t = &TypeCoverage{}
		st.types[typ] = t
	}
	t.Facts++
	if isNew {
		t.Resources++
	}
	if effective > 0 {
		if t.First == 0 || effective < t.First {
			t.First = effective
		}
		t.Last = max(t.Last, effective)
	}
}

// Has reports whether a resource of a type was read.
func (s *State) Has(resourceType string) bool {
	t := s.stats.types[s.texts.find(0, resourceType)]
	return t != nil && t.Resources > 0
}

// Evicted counts rows of care that MaxCare pushed out.
func (s *State) Evicted() int64 { return s.evicted }

// EvictedStays counts stays that more of the same person pushed out.
func (s *State) EvictedStays() int64 { return s.evictedStays }

// Coverage says how many facts of each resource type there are, and of what time: detectors abstain without their context.
func (s *State) Coverage() Coverage {
	out := Coverage{Evicted: s.evicted, Patients: int(s.known)}
	for typ, t := range s.stats.types {
		c := *t
		c.Type = s.Text(typ)
		out.Types = append(out.Types, c)
	}
	slices.SortFunc(out.Types, func(a, b TypeCoverage) int { return strings.Compare(a.Type, b.Type) })
	for _, p := range s.people {
		if p != nil && p.Known {
			out.Staff++
		}
	}
	return out
}
