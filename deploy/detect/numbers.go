package detect

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/detectors"
)

// NumbersCommand is `readtrail detectors numbers`.
type NumbersCommand struct {
	JSON bool `help:"Print the numbers as JSON." name:"json"`
}

// Help is what --help adds.
func (NumbersCommand) Help() string {
	return "Windows, distances, and how many of something make a grade. A number is changed under detectors.numbers of the configuration; " +
		"`readtrail detectors backtest --config FILE` says what it would have shown, and `readtrail evaluate DIR --number DETECTOR.NAME=N` how well " +
		"it does. What is usual was counted by the old number when a new one comes into force, and is counted by the new one from then on: it takes " +
		"some weeks until the server shows what a backtest says. How much a grade weighs is no such number: it is counted in the hospital at hand."
}

// numberInForce is a number as the configuration has it.
type numberInForce struct {
	Detector string `json:"detector"`
	Name     string `json:"name"`
	Value    int    `json:"value"`
	Default  int    `json:"default"`
	Least    int    `json:"least"`
	Most     int    `json:"most"`
	Says     string `json:"says"`
}

// Run lists them.
func (c *NumbersCommand) Run(out io.Writer, load func() (*config.Config, error)) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	var all []numberInForce
	for _, n := range detectors.Numbers() {
		one := numberInForce{n.Of, n.Name, n.Value, n.Value, n.Least, n.Most, n.Says}
		if value, ok := cfg.Detectors.Numbers[n.Of][n.Name]; ok {
			one.Value = value
		}
		all = append(all, one)
	}
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(all) //nolint:wrapcheck // nothing to add
	}
	for i, n := range all {
		if i == 0 || all[i-1].Detector != n.Detector {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintln(out, n.Detector)
		}
		bounds := fmt.Sprintf("%d to %d", n.Least, n.Most)
		if n.Value != n.Default {
			bounds += fmt.Sprintf("; %d unless configured", n.Default)
		}
		fmt.Fprintf(out, "  %-20s %6d  %s (%s)\n", n.Name, n.Value, n.Says, bounds)
	}
	return nil
}
