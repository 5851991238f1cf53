package facts

import "strings"

// factNumber is the number of a resource, which others may name before it is read.
func (s *State) factNumber(source, typ, id string) ID {
	n := s.facts.number(s.texts.number(0, source+"\x00"+typ), id)
	for len(s.about) <= int(n) {
		s.about = append(s.about, 0)
	}
	return n
}

// meet marks a resource as read, and reports whether it was not.
func (s *State) meet(n ID) bool {
	for len(s.met) <= int(n)/64 {
		s.met = append(s.met, 0)
	}
	bit := uint64(1) << (n % 64)
	is := s.met[n/64]&bit == 0
	s.met[n/64] |= bit
	return is
}

// isFormer tells relations that are over by their name: "former spouse", "ex-husband", "FMRSPS" (v3-RoleCode).
func isFormer(relation string) bool {
	for w := range strings.FieldsFuncSeq(relation, func(r rune) bool { return r == ' ' || r == '-' || r == '_' }) {
		switch w {
		case "former", "ex", "divorced", "separated", "fmrsps", "estranged":
			return true
		}
	}
	return false
}
