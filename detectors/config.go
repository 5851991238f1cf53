package detectors

import (
	"errors"
	"fmt"
	"time"
)

// Config says how accesses are judged.
type Config struct {
	// Zone is the site's: days are local. Required.
	Zone *time.Location
	// Queue is how many alerts are shown.
	Queue Queue
	// Custom are detectors that the site wrote.
	Custom []CustomDetector
	// Weights are learned from dispositions.
	Weights []ScenarioWeights
	// Numbers are those that the site changed.
	Numbers Chosen
	// Exemptions are days on which detectors say nothing of some readers.
	Exemptions Exemptions
	// Hands are how many work on the units of a day at the same time. What comes out is the same for any number. Default 1.
	Hands int
}

// Validate reports everything that is wrong.
func (c Config) Validate() error {
	var faults []error
	if c.Zone == nil {
		faults = append(faults, errors.New("zone: a site has a time zone"))
	}
	if c.Queue.Budget < 0 || c.Queue.Budget > 100_000 {
		faults = append(faults, fmt.Errorf("queue.budget: %d alerts a day; want 1 to 100,000, or 0 for 20", c.Queue.Budget))
	}
	if c.Queue.Threshold < 0 || c.Queue.Threshold > 1000 {
		faults = append(faults, fmt.Errorf("queue.threshold: %d per mille; want 1 to 1,000, or 0 for 220", c.Queue.Threshold))
	}
	if c.Queue.Least < 0 || c.Queue.Least > certainly {
		faults = append(faults, fmt.Errorf("queue.least: %d; want 1 to %d, or 0 for %d", c.Queue.Least, certainly, 5*bit))
	}
	faults = append(faults, c.Numbers.Validate(), c.Exemptions.Validate(), validateCustom(c.Custom))
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.Queue.Budget == 0 {
		c.Queue.Budget = 20
	}
	if c.Queue.Threshold == 0 {
		c.Queue.Threshold = 220
	}
	if c.Queue.Least == 0 {
		c.Queue.Least = 5 * bit
	}
	return c
}
