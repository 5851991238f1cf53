package cli

import (
	"fmt"
	"strings"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// whyText says what accounts for an access; empty: detectors have not judged it. What nothing accounts for stands out.
func whyText(a *v1.Access) string {
	if a.Verdict == v1.Verdict_VERDICT_UNEXPLAINED {
		return strings.Replace(words.Reason(a), "no reason found", "NO REASON FOUND", 1)
	}
	return words.Reason(a)
}

// verdictTotals says how many accesses have a reason; empty where detectors have judged none of them.
func verdictTotals(t *v1.WhoViewedTotals) string {
	if t.GetExplained()+t.GetUnexplained()+t.GetNotAssessable() == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d with a known reason, %d without", t.GetExplained(), t.GetUnexplained())}
	if n := t.GetNotAssessable(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not assessable", n))
	}
	if n := t.GetNotJudged(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged yet", n))
	}
	return strings.Join(parts, "; ") + "."
}
