package detectors

import (
	"maps"
	"slices"
)

// Outcome is an alert that somebody decided on.
type Outcome struct {
	// Scenario is what it looked like; Chance how likely misuse was said to be, in per mille.
	Scenario string
	Chance   uint32
	Misuse   bool
	// Grades are those of the detectors that spoke for it.
	Grades map[string]uint32
}

// Calibrated says what decisions taught about one kind of misuse.
type Calibrated struct {
	Scenario string `json:"scenario"`
	// Decided alerts of that kind; Misuse those found to be misuse, Expected as many as their chances had promised.
	Decided  int     `json:"decided"`
	Misuse   int     `json:"misuse"`
	Expected float64 `json:"expected"`
	// Before and After are its share of all misuse, in per mille. TooFew: nothing was learned.
	Before int  `json:"share_before"`
	After  int  `json:"share_after"`
	TooFew bool `json:"too_few"`
}

const (
	// FewestDecided is how many decisions there are at least, of all kinds, before anything is learned.
	FewestDecided = 20
	// fewestOfKind is the same for one kind.
	fewestOfKind = 5
	// shareCounts and gradeCounts are how many decisions the configured shares and grades are worth beforehand.
	shareCounts = 10
	gradeCounts = 20
	// mostChange bounds what one calibration does to a share.
	mostChange = 4
)

// Calibrate learns the weights of scenarios from decisions. The configured ones are prior counts: a share is worth ten decisions of its
// kind (a gamma prior on how many misuses there are for each that was promised), a distribution of grades twenty (a Dirichlet
// prior). Only what tells a scenario from the others is learned: what all have in common is known better from everyday work. custom
// are the site's own detectors, of each of which the share and its own grades are learned. It returns nothing when there are fewer than
// FewestDecided.
func Calibrate(all []Outcome, custom []CustomDetector) ([]ScenarioWeights, []Calibrated) {
	l := lessonsOf{all: all}
	for _, built := range [][]Scenario{pairScenarios(), readerScenarios(), recordScenarios()} {
		shared := common(built)
		if len(built) == 1 {
			shared = nil
		}
		for i := range built {
			l.learn(&built[i], shared)
		}
	}
	for _, of := range newCustoms(custom, nil) {
		from := len(l.weights)
		for _, c := range of {
			s := c.scenario(nil)
			l.learn(&s, nil)
		}
		bound(l.weights[from:], l.report[len(l.report)-len(of):])
	}
	return l.weights, l.report
}

// lessonsOf are what decisions taught so far.
type lessonsOf struct {
	all     []Outcome
	weights []ScenarioWeights
	report  []Calibrated
}

func (l *lessonsOf) learn(s *Scenario, shared map[string][]int) {
	w, r, learned := calibrate(s, shared, l.all)
	learned = learned && len(l.all) >= FewestDecided
	if r.TooFew = !learned; learned {
		l.weights = append(l.weights, w)
	} else {
		r.After = r.Before
	}
	l.report = append(l.report, r)
}

// bound keeps what custom detectors of a key claim together, those of which nothing was learned included, within maxShare: the built-in
// kinds keep their half. What was learned gives way, in proportion.
func bound(weights []ScenarioWeights, report []Calibrated) {
	fixed, claimed := 0, 0
	for _, r := range report {
		if r.TooFew {
			fixed += r.Before
		} else {
			claimed += r.After
		}
	}
	if left := maxShare - fixed; claimed > left {
		for i := range weights {
			weights[i].Share = max(weights[i].Share*left/claimed, 1)
		}
		for i := range report {
			if !report[i].TooFew {
				report[i].After = max(report[i].After*left/claimed, 1)
			}
		}
	}
}

func calibrate(s *Scenario, shared map[string][]int, all []Outcome) (ScenarioWeights, Calibrated, bool) {
	r := Calibrated{Scenario: s.Name, Before: s.Share}
	promised := 0 // in per mille
	var misuse []Outcome
	for _, o := range all {
		if o.Scenario != s.Name {
			continue
		}
		r.Decided++
		promised += int(o.Chance)
		if o.Misuse {
			misuse = append(misuse, o)
		}
	}
	r.Misuse, r.Expected = len(misuse), float64(promised)/1000
	share := s.Share * (len(misuse) + shareCounts) * 1000 / (promised + shareCounts*1000)
	r.After = min(max(share, s.Share/mostChange, 1), s.Share*mostChange, 1000)
	w := ScenarioWeights{Scenario: s.Name, Share: r.After, Grades: map[string][]int{}}
	for _, name := range slices.Sorted(maps.Keys(s.Grades)) {
		if shared[name] == nil || !slices.Equal(shared[name], s.Grades[name]) {
			w.Grades[name] = learnGrades(name, s.Grades[name], misuse)
		}
	}
	return w, r, r.Decided >= fewestOfKind
}

// learnGrades is the distribution of a detector's grades in a kind of misuse, in per mille; what is left of 1,000 is quiet.
func learnGrades(name string, prior []int, misuse []Outcome) []int {
	out := make([]int, len(prior))
	for g := range prior {
		n := 0
		for _, o := range misuse {
			if int(o.Grades[name]) == g+1 {
				n++
			}
		}
		out[g] = (gradeCounts*prior[g] + 1000*n) / (gradeCounts + len(misuse))
	}
	return out
}
