package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Detectors is how accesses are judged.
type Detectors struct {
	Enabled bool `yaml:"enabled"`
	// Budget is how many alerts a day are shown at the most, Threshold how likely misuse must be.
	Budget    int     `yaml:"budget"`
	Threshold float64 `yaml:"threshold"`
	// Queues are those of some sites, with budgets of their own; Budget is that of everything else.
	Queues detectors.SiteQueues `yaml:"queues"`
	// Grace is how long after its end a day is judged, Recheck how long after that a late fact takes an alert back, or explains what had no reason.
	Grace   time.Duration `yaml:"grace"`
	Recheck time.Duration `yaml:"recheck"`
	// LearningDays are judged together before the first alert.
	LearningDays int `yaml:"learning_days"`
	// Sample is how many accesses a day are drawn at random.
	Sample int    `yaml:"sample"`
	MaxAge MaxAge `yaml:"max_age"`
	// Numbers are what explanations and detectors count to, where that is not the default.
	Numbers detectors.Chosen `yaml:"numbers"`
	// Exemptions are days on which detectors say nothing of the readers of a department or a role.
	Exemptions detectors.Exemptions `yaml:"exemptions"`
	// RulesFile holds custom detectors, WeightsFile what calibration learned.
	RulesFile   string `yaml:"rules_file"`
	WeightsFile string `yaml:"weights_file"`
	// Workers judge a day together; 0: half of the processors.
	Workers          int           `yaml:"workers"`
	SnapshotInterval time.Duration `yaml:"snapshot_interval"`
	StreamBytes      Size          `yaml:"stream_bytes"`
}

// MaxAge is how old the newest fact of each kind of context may be.
type MaxAge struct {
	Patients   time.Duration `yaml:"patients"`
	Staff      time.Duration `yaml:"staff"`
	Employment time.Duration `yaml:"employment"`
	Roster     time.Duration `yaml:"roster"`
	Watches    time.Duration `yaml:"watches"`
	Tickets    time.Duration `yaml:"tickets"`
	Badges     time.Duration `yaml:"badges"`
	Consents   time.Duration `yaml:"consents"`
	// Care is anything of the kinds that follow.
	Care         time.Duration `yaml:"care"`
	Encounters   time.Duration `yaml:"encounters"`
	Appointments time.Duration `yaml:"appointments"`
	Teams        time.Duration `yaml:"teams"`
	Orders       time.Duration `yaml:"orders"`
	Charting     time.Duration `yaml:"charting"`
}

// byKind names the ages that are limited.
func (m MaxAge) byKind() map[string]time.Duration {
	out := map[string]time.Duration{
		"patients": m.Patients, "staff": m.Staff, "employment": m.Employment, "roster": m.Roster, "watches": m.Watches, "tickets": m.Tickets,
		"badges": m.Badges, "consents": m.Consents, "care": m.Care, "encounters": m.Encounters, "appointments": m.Appointments,
		"teams": m.Teams, "orders": m.Orders, "charting": m.Charting,
	}
	for kind, age := range out {
		if age == 0 {
			delete(out, kind)
		}
	}
	return out
}

func (d Detectors) faults() []error {
	var out []error
	fault := func(key, text string) { out = append(out, fmt.Errorf("detectors.%s: %s", key, text)) }
	if d.Budget < 1 || d.Budget > 100_000 {
		fault("budget", "want 1 to 100000")
	}
	if math.IsNaN(d.Threshold) || d.Threshold < 0.001 || d.Threshold > 1 {
		fault("threshold", "want 0.001 to 1")
	}
	if d.Grace <= 0 || d.Grace > 14*24*time.Hour {
		fault("grace", "want more than 0, at most 336h")
	}
	if d.Recheck <= 0 || d.Recheck > 30*24*time.Hour {
		fault("recheck", "want more than 0, at most 720h")
	}
	if d.LearningDays < 1 || d.LearningDays > 90 {
		fault("learning_days", "want 1 to 90")
	}
	if d.Sample < 0 || d.Sample > 1000 {
		fault("sample", "want 0 to 1000")
	}
	for kind, age := range d.MaxAge.byKind() {
		if age < 0 {
			fault("max_age."+kind, "want 0 or more")
		}
	}
	for _, err := range []error{d.Queues.Validate(), d.Numbers.Validate(), d.Exemptions.Validate()} {
		if err == nil {
			continue
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			out = append(out, errors.New("detectors."+line))
		}
	}
	if d.Workers < 0 || d.Workers > 256 {
		fault("workers", "want 0 to 256")
	}
	if d.SnapshotInterval <= 0 {
		fault("snapshot_interval", "must be larger than 0")
	}
	if d.StreamBytes <= 0 {
		fault("stream_bytes", "must be larger than 0")
	}
	return out
}

// Hands are the workers that there are.
func (d Detectors) Hands() int {
	if d.Workers > 0 {
		return d.Workers
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

// RuleSet is what detectors work by, with the files that the configuration names.
func (c *Config) RuleSet(asker string) (*v1.RuleSet, error) {
	d := c.Detectors
	rules, err := optional(d.RulesFile)
	if err != nil {
		return nil, fmt.Errorf("read detectors.rules_file: %w", err)
	}
	weights, err := optional(d.WeightsFile)
	if err != nil {
		return nil, fmt.Errorf("read detectors.weights_file: %w", err)
	}
	rs, err := ruleset.Make(ruleset.Config{
		TimeZone: c.Site.TimeZone, Budget: d.Budget, Queues: d.Queues, Threshold: int32(d.Threshold*1000 + 0.5), LearningDays: d.LearningDays,
		Grace: d.Grace, Recheck: d.Recheck, Sample: d.Sample, MaxAge: d.MaxAge.byKind(), Numbers: d.Numbers, Exemptions: d.Exemptions, Rules: rules,
	}, weights, asker)
	var file *ruleset.FileFault
	switch {
	case err == nil:
		return rs, nil
	case !errors.As(err, &file):
		return nil, fmt.Errorf("detectors: %w", err)
	case file.Learned:
		return nil, inFile("detectors.weights_file", d.WeightsFile, file.Err)
	}
	return nil, inFile("detectors.rules_file", d.RulesFile, file.Err)
}

// inFile says what is wrong with a file that a key names; several faults each on a line.
func inFile(key, path string, err error) error {
	if strings.Contains(err.Error(), "\n") {
		return fmt.Errorf("%s: %s:\n%w", key, path, err)
	}
	return fmt.Errorf("%s: %s: %w", key, path, err)
}

func optional(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	return string(text), err //nolint:wrapcheck // the caller says of what
}
