package detectors

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"time"
)

// CodeVersion names what the detectors do. It is part of every rule set: change it whenever the same accesses could be judged
// differently.
const CodeVersion = "2026.11.30.10"

// Settings are what a rule set says about how a site is judged.
type Settings struct {
	// Queue is how many alerts are shown.
	Queue Queue
	// Queues are those of some sites, beside the one of everything else, of which Queue says how many are shown.
	Queues SiteQueues
	// Custom are detectors that the site wrote.
	Custom []CustomDetector
	// Grace is how long after its end a day is closed. Default 24 hours: most notes and orders are charted by the end of the next
	// shift, and an officer looks at yesterday's queue on the day after.
	Grace time.Duration
	// LearningDays is how many closed days are held and judged together before the first alert, so that what is usual is known.
	// Default 14.
	LearningDays int
	// Sample is how many pairs a day are drawn at random beside each ranked queue. Default 2; negative: none.
	Sample int
	// Recheck is how long after a day was judged a late fact can take an alert back, or explain what had no reason. Default 7 days.
	Recheck time.Duration
	// MaxAge is how old the newest fact of a kind of context may be before what needs it abstains. 0: any age.
	MaxAge map[Needs]time.Duration
	// Numbers are those that the site changed.
	Numbers Chosen
	// Exemptions are days on which detectors say nothing of some readers.
	Exemptions Exemptions
	// Weights are learned from dispositions: they replace what is configured of the scenarios that they name.
	Weights []ScenarioWeights
}

// ScenarioWeights is what dispositions taught about one kind of misuse.
type ScenarioWeights struct {
	Scenario string           `yaml:"scenario"`
	Share    int              `yaml:"share"`
	Grades   map[string][]int `yaml:"grades"`
}

// WithDefaults fills what is 0.
func (s Settings) WithDefaults() Settings {
	s.Queue = Config{Queue: s.Queue}.withDefaults().Queue
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&s.Grace, 24 * time.Hour}, {&s.Recheck, 7 * 24 * time.Hour}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if s.LearningDays == 0 {
		s.LearningDays = 14
	}
	if s.Sample == 0 {
		s.Sample = 2
	}
	return s
}

// Validate reports everything that is wrong.
func (s Settings) Validate() error {
	faults := []error{Config{Zone: time.UTC, Queue: s.Queue, Custom: s.Custom, Numbers: s.Numbers, Exemptions: s.Exemptions}.Validate()}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if s.Grace < 0 || s.Grace > 14*24*time.Hour {
		fault("grace: %s; want 0 to 336h", s.Grace)
	}
	if s.Recheck < 0 || s.Recheck > 30*24*time.Hour {
		fault("recheck: %s; want 0 to 720h", s.Recheck)
	}
	if s.LearningDays < 0 || s.LearningDays > 90 {
		fault("learning_days: %d; want 1 to 90", s.LearningDays)
	}
	if s.Sample > 1000 {
		fault("sample: %d; want at most 1,000", s.Sample)
	}
	for kind, age := range s.MaxAge {
		if bits.OnesCount16(uint16(kind)) != 1 || kind&^allNeeds != 0 || age < 0 {
			fault("max_age: want kinds of context, and durations of 0 or more")
		}
	}
	faults = append(faults, s.Queues.Validate(), s.validateWeights())
	return errors.Join(faults...)
}

// validateWeights checks learned weights against the scenarios and scales that there are.
func (s Settings) validateWeights() error {
	var faults []error
	own := newCustoms(s.Custom, nil)
	for _, w := range s.Weights {
		scales, s := findScenario(w.Scenario, own)
		if s == nil {
			faults = append(faults, fmt.Errorf("weights: no kind of misuse is called %q", w.Scenario))
			continue
		}
		if w.Share < 1 || w.Share > 1000 {
			faults = append(faults, fmt.Errorf("weights: %s: share %d; want 1 to 1,000", w.Scenario, w.Share))
		}
		for name, grades := range w.Grades {
			words, sum := 0, 0
			for i := range scales {
				if scales[i].Name == name {
					words = len(scales[i].Words)
				}
			}
			for _, g := range grades {
				sum += max(g, 0)
			}
			if s.Grades[name] == nil || len(grades) > words || sum > 1000 {
				faults = append(faults, fmt.Errorf("weights: %s: grades of %s", w.Scenario, name))
			}
		}
	}
	if len(faults) == 0 {
		for key, of := range newCustoms(s.Custom, s.Weights) {
			share := 0
			for _, c := range of {
				share += c.Share
			}
			if share > maxShare {
				faults = append(faults, fmt.Errorf("weights: custom detectors per %s claim %d per mille together; want at most %d", Key(key), share, maxShare))
			}
		}
	}
	return errors.Join(faults...)
}

// findScenario finds a kind of misuse, built in or of a custom detector, and the scales whose grades can be learned of it.
func findScenario(name string, own customs) ([]Scale, *Scenario) {
	for _, of := range own {
		for _, c := range of {
			if c.Name == name {
				s := c.scenario(nil)
				return []Scale{c.scale}, &s
			}
		}
	}
	set := allDetectors()
	for _, of := range []struct {
		scales    []Scale
		scenarios []Scenario
	}{
		{scalesOf(set.pairs, func(d pairDetector) Scale { return d.Scale }), pairScenarios()},
		{scalesOf(set.readers, func(d readerDetector) Scale { return d.Scale }), readerScenarios()},
		{scalesOf(set.records, func(d recordDetector) Scale { return d.Scale }), recordScenarios()},
	} {
		for i := range of.scenarios {
			if of.scenarios[i].Name == name {
				return of.scales, &of.scenarios[i]
			}
		}
	}
	return nil, nil
}

// Names are what detectors and scenarios are called, those of custom detectors at the end.
func (s Settings) Names() (detectors, scenarios []string) {
	detectors = Names()
	for _, of := range [...][]Scenario{pairScenarios(), readerScenarios(), recordScenarios()} {
		for i := range of {
			scenarios = append(scenarios, of[i].Name)
		}
	}
	for _, d := range s.Custom {
		name := d.Custom().Name
		detectors, scenarios = append(detectors, name), append(scenarios, name)
	}
	return detectors, scenarios
}

// learned puts what dispositions taught in the place of what is configured.
func learned(all []Scenario, weights []ScenarioWeights) []Scenario {
	for i := range all {
		for _, w := range weights {
			if w.Scenario != all[i].Name {
				continue
			}
			all[i].Share = w.Share
			maps.Copy(all[i].Grades, w.Grades)
		}
	}
	return all
}
