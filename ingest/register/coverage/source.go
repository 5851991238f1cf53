package coverage

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// source is what is known of one source. It is a fold: the same entries make the same source.
type source struct {
	name   string
	zone   *time.Location
	events prometheus.Counter

	Zone string `json:"zone"`
	// ExpectedS is the longest silence that its owner calls normal; 0: it is learned.
	ExpectedS    uint32 `json:"expected_s"`
	Disabled     bool   `json:"disabled"`
	RegisteredUs int64  `json:"registered_us"`
	// HeardUs is when it last spoke: live, and for one whose silence is declared also by an import. AnyUs: ever.
	HeardUs int64 `json:"heard_us"`
	AnyUs   int64 `json:"any_us"`
	// SilentUs is since when it is silent; 0: it is not.
	SilentUs int64  `json:"silent_us"`
	Rhythm   rhythm `json:"rhythm"`
	Clock    clock  `json:"clock"`
	// Numbers are the source's own counters, by the observer that counts.
	Numbers map[string]*numbers `json:"numbers"`
}

// load completes a source that came out of a snapshot, or is new.
func (s *source) load(name string) {
	s.name = name
	s.zone = time.UTC
	if zone, err := time.LoadLocation(s.Zone); err == nil {
		s.zone = zone
	}
	if s.Numbers == nil {
		s.Numbers = map[string]*numbers{}
	}
}

func (s *source) fact(kind v1.CoverageFact_Kind, from, until, amount int64) *v1.CoverageFact {
	return &v1.CoverageFact{Source: s.name, Kind: kind, FromUs: from, UntilUs: until, Amount: amount}
}

// registered takes a registration. One that disables the source ends its silence: nothing is expected of it any more.
func (s *source) registered(facts []*v1.CoverageFact, entry *v1.SourceRegistered, at int64) []*v1.CoverageFact {
	if s.Zone != entry.TimeZone {
		s.Zone = entry.TimeZone
		s.load(s.name)
		s.Rhythm.forgetCache()
	}
	if s.RegisteredUs == 0 || (s.Disabled && !entry.Disabled) {
		s.RegisteredUs = at
	}
	if s.Disabled && !entry.Disabled && s.HeardUs != 0 {
		s.HeardUs = at // what it did not say while it was disabled is not its silence
	}
	s.ExpectedS, s.Disabled = entry.ExpectedSilenceS, entry.Disabled
	if s.Disabled && s.SilentUs != 0 {
		facts = s.speak(facts, at)
	}
	return facts
}

// heard notes that the source spoke. A silence that no tick saw, because none was journaled in it, is told now.
func (s *source) heard(facts []*v1.CoverageFact, by judge, at int64, imported bool) []*v1.CoverageFact {
	s.AnyUs = max(s.AnyUs, at)
	if imported && s.ExpectedS == 0 {
		return facts
	}
	if at <= s.HeardUs {
		return facts
	}
	facts = s.listen(facts, by, at)
	if s.SilentUs != 0 {
		facts = s.speak(facts, at)
	}
	s.HeardUs = at
	return facts
}

// listen opens a silence when it has lasted for longer than this hour of the week explains. While Readtrail was down, nobody
// listened.
func (s *source) listen(facts []*v1.CoverageFact, by judge, now int64) []*v1.CoverageFact {
	since := s.HeardUs
	if since == 0 && s.ExpectedS > 0 {
		since = s.RegisteredUs
	}
	if s.SilentUs != 0 || s.Disabled || since == 0 {
		return facts
	}
	silent := now - since - by.outages.within(since, now)
	if s.ExpectedS > 0 {
		if silent <= int64(s.ExpectedS)*1e6 {
			return facts
		}
	} else if silent < by.MinSilence.Microseconds() || !s.Rhythm.missed(s.zone, since, now, by) {
		return facts
	}
	s.SilentUs = since
	return append(facts, s.fact(v1.CoverageFact_KIND_SILENCE, since, 0, 0))
}

// speak closes a silence.
func (s *source) speak(facts []*v1.CoverageFact, at int64) []*v1.CoverageFact {
	facts = append(facts, s.fact(v1.CoverageFact_KIND_SILENCE, s.SilentUs, at, (at-s.SilentUs)/1e6))
	s.SilentUs = 0
	return facts
}

// futureTolerance is how far beyond its receipt an event may lie before its time is not believed.
const futureTolerance = int64(5 * time.Minute / time.Microsecond)

// maxObservers bounds how many counters of one source are watched.
const maxObservers = 64

// event takes an event in: live ones train the rhythm by when they came, imported ones by when they occurred, and only
// live ones say anything about delays and clocks.
func (s *source) event(facts []*v1.CoverageFact, by judge, e *v1.AccessEvent, at int64) []*v1.CoverageFact {
	imported := len(e.ImportId) > 0
	switch {
	case !imported:
		s.Rhythm.train(s.zone, at)
		facts = s.Clock.event(facts, s, by.outages, e, at)
	case e.OccurredUs != 0 && e.OccurredUs <= at+futureTolerance:
		s.Rhythm.train(s.zone, e.OccurredUs)
	}
	if e.SourceSequence == 0 {
		return facts
	}
	n, ok := s.Numbers[e.Observer]
	if !ok {
		if len(s.Numbers) >= maxObservers {
			return facts
		}
		n = &numbers{}
		s.Numbers[strings.Clone(e.Observer)] = n // the batch's memory can go
	}
	when := e.OccurredUs
	if when == 0 {
		when = at
	}
	return n.event(facts, s, e.SourceSequence, counted{when: when, at: at, imported: imported})
}

func (s *source) tick(facts []*v1.CoverageFact, by judge, now int64) []*v1.CoverageFact {
	facts = s.listen(facts, by, now)
	facts = s.Clock.roll(facts, s, now)
	for _, name := range sortedNames(s.Numbers) {
		facts = s.Numbers[name].ripen(facts, s, now)
	}
	return facts
}
