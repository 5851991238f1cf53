package console

import (
	"strings"
	"unicode"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// stand is where an alert stands: what people decided, else what became of it.
type stand struct {
	Text, By string
	When     *moment
	// Kind is its look: "waiting", "review", "misuse", "done" or "back".
	Kind string
	// Since says that more is known since the decision.
	Since bool
}

func standOf(at clock, r *v1.AlertRow) stand {
	s := stand{Text: words.Disposition(r.Disposition), By: r.DecidedBy, When: at.at(r.DecidedUs), Since: r.Disposition != 0 && r.DecidedVersion < r.Version}
	switch r.Disposition {
	case v1.Disposition_DISPOSITION_IN_REVIEW:
		s.Kind = "review"
	case v1.Disposition_DISPOSITION_MISUSE:
		s.Kind = "misuse"
	case v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE:
		s.Kind = "done"
	default:
		s.Kind, s.By, s.When = "waiting", "", nil
	}
	if r.State == v1.AlertState_ALERT_STATE_RETRACTED {
		if s.Kind == "waiting" {
			s.Text = "taken back"
		} else {
			s.Text += ", taken back"
		}
		s.Kind = "back"
	}
	return s
}

// alertMarks is what sets an alert apart, and how each word looks.
func alertMarks(r *v1.AlertRow) []mark {
	var out []mark
	for _, m := range []struct {
		is         bool
		text, kind string
	}{
		{r.Queue != "", "queue " + r.Queue, "quiet"},
		{r.Hard, "matter of record", "strong"},
		{r.Severity == v1.Severity_SEVERITY_HIGH, "sensitive data", "sensitive"},
		{r.Sampled, "random sample", "quiet"},
		{r.Backfill, "imported history", "quiet"},
		{!r.Shown && !r.Sampled && r.State != v1.AlertState_ALERT_STATE_RETRACTED, "not shown", "quiet"},
	} {
		if m.is {
			out = append(out, mark{m.text, m.kind})
		}
	}
	return out
}

// detectorWords writes the names of behaviours as words: "SerialLooks" becomes "serial looks". A name that an administrator gave is
// written as it is.
func detectorWords(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		var out strings.Builder
		for at, r := range name {
			if unicode.IsUpper(r) && at > 0 {
				out.WriteByte(' ')
			}
			out.WriteRune(unicode.ToLower(r))
		}
		words[i] = name
		if strings.IndexFunc(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) < 0 {
			words[i] = out.String()
		}
	}
	return strings.Join(words, ", ")
}

// reasonOf says what accounts for an access, as detectors judged it; no text: they have not.
func reasonOf(a *v1.Access) mark {
	m := mark{Text: words.Reason(a)}
	switch a.GetVerdict() {
	case v1.Verdict_VERDICT_EXPLAINED:
		m.Kind = "known"
	case v1.Verdict_VERDICT_UNEXPLAINED:
		m.Kind = "strong"
	case v1.Verdict_VERDICT_NOT_ASSESSABLE:
		m.Kind = "quiet"
	}
	return m
}
