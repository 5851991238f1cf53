package cli

import (
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Verdicts narrow a list to accesses that detectors judged so.
type Verdicts struct {
	Verdict []string `help:"Only accesses with this verdict (several: any of them): ${enum}." enum:"explained,unexplained,not-assessable,not-judged"`
}

func (v Verdicts) list() []v1.Verdict {
	var out []v1.Verdict
	for _, name := range v.Verdict {
		out = append(out, map[string]v1.Verdict{
			"explained": v1.Verdict_VERDICT_EXPLAINED, "unexplained": v1.Verdict_VERDICT_UNEXPLAINED, "not-assessable": v1.Verdict_VERDICT_NOT_ASSESSABLE,
			"not-judged": v1.Verdict_VERDICT_UNSPECIFIED,
		}[name])
	}
	return out
}
