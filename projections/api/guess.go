package api

import (
	"slices"
	"strings"
	"sync"
)

// maxGuessed bounds the systems that are guessed: a hospital's own record numbers are of one or a few.
const maxGuessed = 4

// systems are those that assigned the bare values of the latest questions, newest first. Whoever asks about a bare value mostly means one of the
// same: its links are read while it is being found out, and dropped where another one is meant.
type systems struct {
	mu     sync.Mutex // guards latest
	latest map[systemKey][]string
}

// systemKey sets apart what values are of: patients or readers, and numbers or references ("Patient/123").
type systemKey struct {
	event     uint8
	reference bool
}

func keyOfSystem(as role, value string) systemKey {
	return systemKey{as.event, strings.Contains(value, "/")}
}

// guess is what a bare value may mean.
func (s *systems) guess(as role, value string) []ident {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ident
	for _, system := range s.latest[keyOfSystem(as, value)] {
		out = append(out, ident{system, value})
	}
	return out
}

// learn remembers which systems a bare value was of.
func (s *systems) learn(as role, seeds []ident) {
	if len(seeds) == 0 || len(seeds) > maxGuessed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		s.latest = map[systemKey][]string{}
	}
	for _, id := range seeds {
		key := keyOfSystem(as, id.value)
		latest := slices.DeleteFunc(s.latest[key], func(system string) bool { return system == id.system })
		latest = slices.Insert(latest, 0, id.system)
		s.latest[key] = latest[:min(len(latest), maxGuessed)]
	}
}
