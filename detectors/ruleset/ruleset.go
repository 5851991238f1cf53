// Package ruleset writes what detectors work by into the journal, and reads it back: settings, custom detectors and learned weights,
// as one canonical text that is hashed together with the version of the code.
package ruleset

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/rules"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Config is what a site configures, in the order of the canonical text. Everything that changes what comes out of the journal stands
// here, and nothing else does.
type Config struct {
	// TimeZone is the site's.
	TimeZone string `yaml:"time_zone"`
	// Budget is how many alerts a local day are shown at the most.
	Budget int `yaml:"budget"`
	// Queues are those of some sites, with budgets of their own; Budget is that of everything else.
	Queues detectors.SiteQueues `yaml:"queues,omitempty"`
	// Threshold is how likely misuse must be for an alert to be shown, in per mille.
	Threshold int32 `yaml:"threshold"`
	// LearningDays are held and judged together before the first alert.
	LearningDays int `yaml:"learning_days"`
	// Grace is how long after its end a day is closed.
	Grace time.Duration `yaml:"grace"`
	// Recheck is how long after that a late fact can take an alert back.
	Recheck time.Duration `yaml:"recheck"`
	// Sample is how many pairs a day are drawn at random; 0: none.
	Sample int `yaml:"sample"`
	// MaxAge is how old the newest fact of a kind of context may be, by kind; a kind that is not named may be of any age.
	MaxAge map[string]time.Duration `yaml:"max_age,omitempty"`
	// Numbers are what explanations and detectors count to, where that is not the default: by detector and name.
	Numbers detectors.Chosen `yaml:"numbers,omitempty"`
	// Exemptions are days on which detectors say nothing of some readers.
	Exemptions detectors.Exemptions `yaml:"exemptions,omitempty"`
	// Rules are the site's own detectors, as their file says them.
	Rules string `yaml:"rules,omitempty"`
}

// FileFault is what is wrong with the text of a file: the site's own detectors, or Learned weights. The caller knows the file.
type FileFault struct {
	Learned bool
	Err     error
}

// Error says in which text, and what.
func (f *FileFault) Error() string {
	if f.Learned {
		return "learned weights: " + f.Err.Error()
	}
	return "rules:\n" + f.Err.Error()
}

// Unwrap is the fault.
func (f *FileFault) Unwrap() error { return f.Err }

// kinds are the kinds of context, by the names that configurations use.
func kinds() map[string]detectors.Needs {
	return map[string]detectors.Needs{
		"patients": detectors.NeedsPatients, "staff": detectors.NeedsStaff, "employment": detectors.NeedsRoles,
		"roster": detectors.NeedsRoster, "care": detectors.NeedsCare, "watches": detectors.NeedsWatches,
		"tickets": detectors.NeedsTickets, "badges": detectors.NeedsBadges, "consents": detectors.NeedsConsents,
		"encounters": detectors.NeedsEncounters, "appointments": detectors.NeedsAppointments, "teams": detectors.NeedsTeams,
		"orders": detectors.NeedsOrders, "charting": detectors.NeedsCharting,
	}
}

// Settings are what the engine works by.
func (c Config) Settings() (detectors.Settings, error) {
	s := detectors.Settings{
		Queue: detectors.Queue{Budget: c.Budget, Threshold: c.Threshold}, Queues: c.Queues, Grace: c.Grace, Recheck: c.Recheck,
		LearningDays: c.LearningDays, Sample: c.Sample, MaxAge: map[detectors.Needs]time.Duration{}, Numbers: c.Numbers, Exemptions: c.Exemptions,
	}
	if s.Sample == 0 {
		s.Sample = -1
	}
	var faults []error
	for name, age := range c.MaxAge {
		kind, ok := kinds()[name]
		if !ok {
			faults = append(faults, fmt.Errorf("max_age: no kind of context is called %q", name))
			continue
		}
		s.MaxAge[kind] = age
	}
	if c.Rules != "" {
		own, err := rules.Parse([]byte(c.Rules))
		if err != nil {
			faults = append(faults, &FileFault{Err: err})
		}
		s.Custom = own.Detectors()
	}
	if err := errors.Join(faults...); err != nil {
		return s, err
	}
	return s, s.Validate() //nolint:wrapcheck // says what is wrong
}

// Make makes the journal entry of a configuration. weights is the text that `readtrail detectors calibrate` wrote, or "".
func Make(c Config, weights, asker string) (*v1.RuleSet, error) {
	if c.TimeZone == "" {
		return nil, errors.New("make rule set: time_zone: required")
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("make rule set: %w", err)
	}
	rs := &v1.RuleSet{Code: detectors.CodeVersion, Config: string(text), Weights: weights, Asker: asker}
	rs.Hash = Hash(rs)
	if _, err := Parse(rs); err != nil {
		return nil, err
	}
	return rs, nil
}

// Hash is the first 16 bytes of SHA-256 over what a rule set says, each part preceded by its length.
func Hash(rs *v1.RuleSet) []byte {
	h := sha256.New()
	for _, text := range []string{rs.GetCode(), rs.GetConfig(), rs.GetWeights()} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return h.Sum(nil)[:16]
}

// Parse reads a rule set of the journal.
func Parse(rs *v1.RuleSet) (detectors.Settings, error) {
	var c Config
	if err := strict(rs.GetConfig(), &c); err != nil {
		return detectors.Settings{}, fmt.Errorf("read rule set: %w", err)
	}
	s, err := c.Settings()
	if err != nil {
		return s, fmt.Errorf("read rule set: %w", err)
	}
	if rs.GetWeights() != "" {
		if s.Weights, err = Weights(rs.GetWeights()); err == nil {
			err = s.Validate() // without weights it was valid
		}
		if err != nil {
			return s, fmt.Errorf("read rule set: %w", &FileFault{Learned: true, Err: err})
		}
	}
	return s, nil
}

// File is a file of learned weights.
type File struct {
	// Learned says from how much, for people.
	Learned string                      `yaml:"learned"`
	Weights []detectors.ScenarioWeights `yaml:"weights"`
}

// Weights reads a file of learned weights.
func Weights(text string) ([]detectors.ScenarioWeights, error) {
	var f File
	if err := strict(text, &f); err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	return f.Weights, nil
}

func strict(text string, into any) error {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // the caller says of what
	}
	return nil
}
