package detect

import (
	"fmt"
	"io"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Calibration is what decisions taught.
type Calibration struct {
	// Decided are alerts found to be misuse, or appropriate.
	Decided int `json:"decided"`
	Wanted  int `json:"wanted"`
	// Elsewhere were decided so too, and are no alerts of the rule set in force: nothing is learned from them.
	Elsewhere int                    `json:"decided_on_other_alerts"`
	Scenarios []detectors.Calibrated `json:"scenarios"`
	// Weights is the text of the file; "" when there are too few decisions.
	Weights string `json:"weights,omitempty"`
}

func calibration(r *replayed, dispositions map[string]v1.Disposition, custom []detectors.CustomDetector) (Calibration, error) {
	var all []detectors.Outcome
	elsewhere := 0
	for id, d := range dispositions {
		if r.alerts[id] == nil && (d == v1.Disposition_DISPOSITION_MISUSE || d == v1.Disposition_DISPOSITION_APPROPRIATE) {
			elsewhere++
		}
	}
	for id, a := range r.alerts {
		switch dispositions[id] {
		case v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE:
			all = append(all, detectors.Outcome{
				Scenario: a.scenario, Chance: a.chance, Misuse: dispositions[id] == v1.Disposition_DISPOSITION_MISUSE, Grades: a.grades,
			})
		}
	}
	weights, report := detectors.Calibrate(all, custom)
	out := Calibration{Decided: len(all), Wanted: detectors.FewestDecided, Elsewhere: elsewhere, Scenarios: report}
	if len(weights) == 0 {
		return out, nil
	}
	text, err := yaml.Marshal(ruleset.File{
		Learned: fmt.Sprintf("from %d alerts that were found to be misuse, or appropriate", len(all)), Weights: weights,
	})
	if err != nil {
		return out, fmt.Errorf("write weights: %w", err)
	}
	out.Weights = string(text)
	_, err = ruleset.Weights(out.Weights)
	return out, err //nolint:wrapcheck // says what failed
}

func (c Calibration) write(w io.Writer) error {
	if c.Elsewhere > 0 {
		fmt.Fprintf(w, "Decisions on %d alerts teach nothing: the rule set in force does not raise them.\n", c.Elsewhere)
	}
	if c.Weights == "" {
		_, err := fmt.Fprintf(w, "%d alerts were found to be misuse or appropriate; %d are needed, at least 5 of one kind, before anything is learned.\n",
			c.Decided, c.Wanted)
		return err //nolint:wrapcheck // nothing to add
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "kind of misuse\tdecided\tmisuse\tpromised\tshare\n")
	for _, s := range c.Scenarios {
		share := fmt.Sprintf("%d, was %d of 1,000", s.After, s.Before)
		if s.TooFew {
			share = fmt.Sprintf("%d of 1,000: too few", s.Before)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%s\n", s.Scenario, s.Decided, s.Misuse, s.Expected, share)
	}
	return t.Flush() //nolint:wrapcheck // nothing to add
}
