package detect

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
)

// WeightsCommand is `readtrail detectors weights`.
type WeightsCommand struct {
	JSON bool `help:"Print the weights as JSON." name:"json"`
}

// Help is what --help adds.
func (WeightsCommand) Help() string {
	return "How much each kind of misuse is of all, and how often each grade of a detector is seen in it, in 1,000. That is one half of a score; the other, how often " +
		"the grade is seen in everyday work, is counted in the hospital at hand. They are built in, and replaced by what `readtrail detectors calibrate` learned " +
		"(detectors.weights_file); custom detectors bring their own. While judging goes on, the shares follow how much of each kind seems to be there."
}

// Run lists them.
func (c *WeightsCommand) Run(out io.Writer, load func() (*config.Config, error)) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	rs, err := cfg.RuleSet("")
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	settings, err := ruleset.Parse(rs)
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	all := detectors.WeightsInForce(settings.Custom, settings.Weights)
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(all) //nolint:wrapcheck // nothing to add
	}
	for i, w := range all {
		if i > 0 && all[i-1].Unit == w.Unit {
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		writeWeights(out, slices.Collect(func(yield func(detectors.WeightsOf) bool) {
			for _, of := range all {
				if of.Unit == w.Unit && !yield(of) {
					return
				}
			}
		}))
	}
	return nil
}

// writeWeights writes the kinds of one unit: first what all of them have in common.
func writeWeights(out io.Writer, all []detectors.WeightsOf) {
	alike := func(g detectors.GradesOf) bool {
		return len(all) > 1 && !slices.ContainsFunc(all, func(w detectors.WeightsOf) bool {
			return !slices.ContainsFunc(w.Grades, func(o detectors.GradesOf) bool { return reflect.DeepEqual(g, o) })
		})
	}
	write := func(grades []detectors.GradesOf, which bool) {
		for _, g := range grades {
			if alike(g) != which {
				continue
			}
			var words []string
			for k, n := range g.Misuse {
				words = append(words, fmt.Sprintf("%d %s", n, g.Words[k]))
			}
			if g.Misuse == nil {
				words = []string{fmt.Sprintf("compares with peers by itself, and weighs %s bits", strings.Trim(fmt.Sprint(g.Bits), "[]"))}
			}
			fmt.Fprintf(out, "       %s: %s\n", g.Detector, strings.Join(words, "; "))
		}
	}
	unit := map[string]string{
		"pair": "what a reader did in a record on a day", "reader-day": "a reader's day", "record-day": "a record's day",
	}[all[0].Unit]
	fmt.Fprintf(out, "Of 1,000 cases of misuse that show in %s:\n", unit)
	if slices.ContainsFunc(all[0].Grades, alike) {
		fmt.Fprint(out, "\n       in every kind of it\n")
		write(all[0].Grades, true)
	}
	for _, w := range all {
		from := ""
		switch {
		case w.Learned:
			from = " (learned)"
		case w.Own:
			from = " (custom)"
		}
		fmt.Fprintf(out, "\n%5d  %s%s\n", w.Share, w.Scenario, from)
		write(w.Grades, false)
	}
}
