package facts_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	hill  = `{"resourceType":"Location","id":"hill","identifier":[{"system":"urn:sites","value":"H1"}],"name":"Hill Hospital","position":{"longitude":-85.0,"latitude":41.0}}`
	river = `{"resourceType":"Location","id":"river","name":"River Clinic","position":{"longitude":-85.0,"latitude":41.072,"altitude":210}}`
	ward  = `{"resourceType":"Location","id":"ward","name":"Ward 3","partOf":{"reference":"Location/wing"}}`
	wing  = `{"resourceType":"Location","id":"wing","name":"North Wing","partOf":{"reference":"Location/hill"}}`
)

// apart asks for two sites as events name them.
func apart(s *facts.State, a, b string) int32 { return s.MetresApart(s.TextID(a), s.TextID(b)) }

// TestMetresApart asserts that a site is found however an event names it, in any order of facts, and that what is part of it is where it is.
func TestMetresApart(t *testing.T) {
	permutations([]string{hill, river, ward, wing}, func(order []string) {
		s := newState(t)
		apply(t, s, order...)
		for _, state := range []*facts.State{s, checkSnapshot(t, s)} {
			for _, name := range []string{"Hill Hospital", "hill  hospital", "Location/hill", "hill", "H1", "North Wing", "Ward 3"} {
				same(t, name, apart(state, name, "River Clinic"), int32(8006))
				same(t, "back to "+name, apart(state, "River Clinic", name), int32(8006))
			}
			same(t, "one site by two names", apart(state, "H1", "Hill Hospital"), int32(0))
			same(t, "a ward and its hospital", apart(state, "Ward 3", "Hill Hospital"), int32(0))
			same(t, "a site that nothing names", apart(state, "Hill Hospital", "Lake Hospital"), int32(-1))
		}
	})
}

// TestPositionNotKnown asserts that a place that is said in two ways, or in none, or goes round in a circle is not known, and that a version
// takes the one before back.
func TestPositionNotKnown(t *testing.T) {
	at := func(id, name, more string) string {
		return `{"resourceType":"Location","id":"` + id + `","name":"` + name + `"` + more + `}`
	}
	const near, far = `,"position":{"longitude":-85,"latitude":41}`, `,"position":{"longitude":-85,"latitude":44}`
	for _, c := range []struct {
		name      string
		resources []string
		want      int32
	}{
		{"one of two of a name", []string{at("1", "Annex", near), at("2", "Annex", "")}, 8006},
		{"two at one place", []string{at("1", "Annex", near), at("2", "Annex", near)}, 8006},
		{"two of a name apart", []string{at("1", "Annex", near), at("2", "Annex", far)}, -1},
		{"parts of two", []string{at("1", "Annex", `,"partOf":{"reference":"Location/hill"}`), at("2", "Annex", `,"partOf":{"reference":"Location/river"}`)}, -1},
		{"a part of itself", []string{at("1", "Annex", `,"partOf":{"reference":"Location/2"}`), at("2", "House", `,"partOf":{"reference":"Location/1"}`)}, -1},
		{"no number", []string{at("1", "Annex", `,"position":{"longitude":"west","latitude":41}`)}, -1},
		{"no place on earth", []string{at("1", "Annex", `,"position":{"longitude":-85,"latitude":141}`)}, -1},
		{"half of it", []string{at("1", "Annex", `,"position":{"latitude":41}`)}, -1},
		{"no object", []string{at("1", "Annex", `,"position":[41,-85]`)}, -1},
		{"a room, of which its ward tells", []string{
			at("1", "Annex", near),
			at("2", "Room 2", far+`,"partOf":{"reference":"Location/1"},"form":{"coding":[{"code":"ro"}]}`),
		}, 8006},
		{"said again without", []string{at("1", "Annex", near), at("1", "Annex", "")}, -1},
		{"moved", []string{at("1", "Annex", far), at("1", "Annex", near)}, 8006},
		{"an organisation has none", []string{`{"resourceType":"Organization","id":"1","name":"Annex"` + near + `}`}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newState(t)
			apply(t, s, hill, river)
			apply(t, s, c.resources...)
			same(t, "metres", apart(s, "Annex", "River Clinic"), c.want)
			same(t, "restored", apart(checkSnapshot(t, s), "Annex", "River Clinic"), c.want)
		})
	}
	s := newState(t)
	apply(t, s, hill, river)
	applyDeleted(t, s, "Location", "river")
	same(t, "deleted", apart(s, "Hill Hospital", "River Clinic"), int32(-1))
}
