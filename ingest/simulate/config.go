package simulate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Defaults of Config. 400 staff and 8,000 patients give about 16,000 events a day: 40 a head, between the 18 of
// Mackenzie Health (55,000 accesses a day, 3,050 staff) and the 50 of a hospital of 2,000 that logs 3 million a month.
const (
	DefaultStaff     = 400
	DefaultPatients  = 8000
	DefaultDays      = 28
	DefaultIncidents = 12
	maxIncidents     = 200_000
	maxWeight        = 1000
	DefaultZone      = "America/Chicago"
	minStaff         = 150
	maxStaff         = 20_000
	maxPatients      = 1_000_000
	maxDays          = 3660
	patientsPerStaff = 4
)

// DefaultStart is the first day of a dataset when nothing else is asked for: fixed, so that two people who run the same
// command hold the same bytes.
func DefaultStart() time.Time { return time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC) }

// Config says which hospital it is. The zero value with a Seed is a whole one.
type Config struct {
	// Seed decides everything that is left to chance. Default 0, which is a seed like any other.
	Seed uint64
	// Staff is how many people work there, 150 to 20,000. Default 400.
	Staff int
	// Patients is how many people have a record there: at least 4 for each member of staff, at most 1,000,000.
	// Default 8,000.
	Patients int
	// Start names the first day by its year, month and day as they are written; the hour and its own zone do not count.
	// Default 2 March 2026, a Monday.
	Start time.Time
	// Days is how many local days of accesses the hospital has, 1 to 3,660. Default 28.
	Days int
	// Zone is where its clocks hang. Default America/Chicago.
	Zone *time.Location
	// Incidents is how many labelled incidents of misuse happen on all days together, beside the story. Default 12;
	// negative: none.
	Incidents int
	// Weights are the shares of scenarios among the incidents, by name; a scenario without one has its usual share, and 0
	// leaves it out. Default: the shares of the table in misuse.go.
	Weights map[string]int
	// Covering surrounds misuse with looks at records that the reader has to do with, to hide it among them (Xu 2023:
	// How to cover up anomalous accesses to electronic health records). They are not labelled.
	Covering bool
	// NoStory leaves out the planted story.
	NoStory bool
}

func (c Config) withDefaults() (Config, error) {
	if c.Staff == 0 {
		c.Staff = DefaultStaff
	}
	if c.Patients == 0 {
		c.Patients = DefaultPatients
	}
	if c.Days == 0 {
		c.Days = DefaultDays
	}
	if c.Start.IsZero() {
		c.Start = DefaultStart()
	}
	if c.Incidents == 0 {
		c.Incidents = DefaultIncidents
	}
	if c.Zone == nil {
		zone, err := time.LoadLocation(DefaultZone)
		if err != nil {
			return c, fmt.Errorf("load the default zone: %w", err)
		}
		c.Zone = zone
	}
	return c, nil
}

// Validate reports every field that is out of its bounds. Zero values stand for defaults and are fine.
func (c Config) Validate() error {
	c, err := c.withDefaults()
	errs := []error{err}
	if c.Staff < minStaff || c.Staff > maxStaff {
		errs = append(errs, fmt.Errorf("staff: %d is not within %d and %d", c.Staff, minStaff, maxStaff))
	}
	if c.Patients < c.Staff*patientsPerStaff || c.Patients > maxPatients {
		errs = append(errs, fmt.Errorf("patients: %d is not within %d (%d for each of the staff) and %d",
			c.Patients, c.Staff*patientsPerStaff, patientsPerStaff, maxPatients))
	}
	if c.Days < 1 || c.Days > maxDays {
		errs = append(errs, fmt.Errorf("days: %d is not within 1 and %d", c.Days, maxDays))
	}
	if c.Incidents > maxIncidents {
		errs = append(errs, fmt.Errorf("incidents: %d is more than %d", c.Incidents, maxIncidents))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if !slices.Contains(Scenarios(), name) || c.Weights[name] < 0 || c.Weights[name] > maxWeight {
			errs = append(errs, fmt.Errorf("weights: %s=%d: a scenario and a share within 0 and %d are needed", name, c.Weights[name], maxWeight))
		}
	}
	if y := c.Start.Year(); y < 2015 || y > 2100 {
		errs = append(errs, fmt.Errorf("start: the year %d is not within 2015 and 2100", y))
	}
	return errors.Join(errs...)
}

// weights are the shares in force, in the order of the table.
func (c Config) weights() []int {
	out := make([]int, len(scenarios))
	for i := range scenarios {
		out[i] = scenarios[i].share
		if w, ok := c.Weights[scenarios[i].name]; ok {
			out[i] = w
		}
	}
	return out
}
