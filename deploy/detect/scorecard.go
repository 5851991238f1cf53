package detect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Scorecard says how each detector does.
type Scorecard struct {
	Looks uint64 `json:"looks"`
	Pairs uint64 `json:"pairs"`
	// Decided are alerts on which somebody decided.
	Decided int `json:"decided"`
	// Missing are the kinds of context that are absent now, or too old; Abstain are the reasons and detectors that need one of them.
	Missing []string `json:"missing_context"`
	Abstain []string `json:"abstain,omitempty"`
	// Exemptions are what each exemption of the rule set held back.
	Exemptions []detectors.HeldBack `json:"exemptions,omitempty"`
	Detectors  []DetectorScore      `json:"detectors"`
}

// DetectorScore is one detector's line.
type DetectorScore struct {
	Name string `json:"detector"`
	// Hits are units above quiet; PerMillion of the pairs of reader and record on a day.
	Hits       uint64  `json:"hits"`
	PerMillion float64 `json:"hits_per_million"`
	// Explained is which share of the hits has a known reason.
	Explained float64 `json:"explained_share"`
	// Lift is how many times more often it fires on real pairs than on pairs at random (Hedda 2017); absent where there are none.
	Lift *float64 `json:"lift_over_chance,omitempty"`
	// Shown are alerts that it speaks for; Misuse, Appropriate and Inconclusive how they were decided.
	Shown        int `json:"shown"`
	Misuse       int `json:"misuse"`
	Appropriate  int `json:"appropriate"`
	Inconclusive int `json:"inconclusive"`
}

// fewestByChance is how many hits on pairs at random a lift rests on at least.
const fewestByChance = 5

func scorecard(r *replayed, dispositions map[string]v1.Disposition) Scorecard {
	s := r.stats
	out := Scorecard{
		Looks: s.Explained + s.Unexplained + s.NotAssessable, Pairs: s.Pairs, Missing: r.missing.List(), Abstain: detectors.Abstain(r.missing),
		Exemptions: r.heldBack,
	}
	lines := map[string]*DetectorScore{}
	line := func(name string) *DetectorScore {
		if lines[name] == nil {
			lines[name] = &DetectorScore{Name: name}
		}
		return lines[name]
	}
	for _, scale := range detectors.Scales() {
		line(scale.Name)
	}
	share := func(a, b uint64) float64 { return float64(a) / float64(max(b, 1)) }
	for name, n := range s.Findings {
		l := line(name)
		l.Hits, l.PerMillion, l.Explained = n, 1e6*share(n, s.Pairs), share(s.ExplainedFindings[name], n)
		if by := s.ChanceFindings[name]; by >= fewestByChance {
			lift := share(n, s.Pairs) / share(by, s.ChancePairs)
			l.Lift = &lift
		}
	}
	for id, a := range r.alerts {
		d, decided := dispositions[id]
		if decided && d != v1.Disposition_DISPOSITION_REOPENED && d != v1.Disposition_DISPOSITION_IN_REVIEW {
			out.Decided++
		}
		for _, name := range a.detectors {
			l := line(name)
			if a.shown && !a.retracted {
				l.Shown++
			}
			switch d {
			case v1.Disposition_DISPOSITION_MISUSE:
				l.Misuse++
			case v1.Disposition_DISPOSITION_APPROPRIATE:
				l.Appropriate++
			case v1.Disposition_DISPOSITION_INCONCLUSIVE:
				l.Inconclusive++
			}
		}
	}
	for _, l := range lines {
		out.Detectors = append(out.Detectors, *l)
	}
	slices.SortFunc(out.Detectors, func(a, b DetectorScore) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

func (s Scorecard) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d looks, %d pairs of reader and record; %d alerts were decided on\n\n", s.Looks, s.Pairs, s.Decided)
	if len(s.Missing) > 0 {
		fmt.Fprintf(w, "Missing, or too old: %s. What needs it abstains: %s.\n\n", strings.Join(s.Missing, ", "), strings.Join(s.Abstain, ", "))
	}
	for i := range s.Exemptions {
		fmt.Fprintf(w, "Exempt from %s: %s\n", s.Exemptions[i].Detector, &s.Exemptions[i])
	}
	if len(s.Exemptions) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprint(t, "detector\thits\tper million\texplained\tlift\tshown\tmisuse\tappropriate\tinconclusive\t\n")
	for _, d := range s.Detectors {
		lift := "-"
		if d.Lift != nil {
			lift = fmt.Sprintf("%.1f", *d.Lift)
		}
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f %%\t%s\t%d\t%d\t%d\t%d\t\n", d.Name, d.Hits, d.PerMillion, 100*d.Explained, lift, d.Shown, d.Misuse,
			d.Appropriate, d.Inconclusive)
	}
	return t.Flush() //nolint:wrapcheck // nothing to add
}
