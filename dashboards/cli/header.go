package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// writeHeader prints what an answer rests on, before the answer: position, zone, coverage, gaps, unresolved events.
func writeHeader(w io.Writer, h *v1.AnswerHeader) {
	c := clockOf(h)
	line := func(name, text string) { fmt.Fprintf(w, "  %-14s%s\n", name, text) }
	behind := ""
	if h.GetPosition() < h.GetJournalPosition() {
		behind = fmt.Sprintf(" (the journal stands at %d)", h.GetJournalPosition())
	}
	known := fmt.Sprintf("journal position %d%s", h.GetPosition(), behind)
	if h.GetAsOfUs() != 0 {
		known = c.at(h.GetAsOfUs()) + " " + h.GetTimeZone() + ", " + known
	}
	line("known at", known)
	if h.GetFromUs() != 0 || h.GetUntilUs() != 0 {
		line("period", orOpen(c.at(h.GetFromUs()), "the beginning")+" to "+orOpen(c.at(h.GetUntilUs()), "now"))
	}
	for i, s := range h.GetCoverage() {
		name := ""
		if i == 0 {
			name = "sources"
		}
		text := printable(s.Source) + "  nothing yet"
		if s.FirstOccurredUs != 0 || s.LastOccurredUs != 0 {
			text = printable(s.Source) + "  " + c.at(s.FirstOccurredUs) + " to " + c.at(s.LastOccurredUs)
		}
		if len(s.Systems) > 0 {
			text += "  (" + printable(strings.Join(s.Systems, ", ")) + ")"
		}
		line(name, text)
	}
	if len(h.GetGaps()) == 0 && len(h.GetCoverage()) > 0 {
		line("gaps", "none known")
	}
	for i, g := range h.GetGaps() {
		name := ""
		if i == 0 {
			name = "gaps"
		}
		line(name, gapText(c, g))
	}
	if d := h.GetDetection(); d != nil {
		line("judged", judgedText(d))
	}
	for i, m := range h.GetDetection().GetMissing() {
		name := ""
		if i == 0 {
			name = "missing"
		}
		line(name, printable(m.Context)+" since "+c.at(m.SinceUs))
	}
	if h.GetUnresolvedEvents() > 0 {
		line("unresolved", count(h.UnresolvedEvents, "event", "events")+" in this period name no patient that could be resolved")
	}
	for _, note := range h.GetNotes() {
		line("note", printable(note))
	}
	if h.GetQuestionId() != "" {
		line("question", h.QuestionId+" (journaled)")
	}
}

// judgedText says how far detectors have judged.
func judgedText(d *v1.DetectionProgress) string {
	switch {
	case d.JudgedUntil != "":
		return "the days until " + d.JudgedUntil
	case d.HistoryUntil != "":
		return "what was imported, up to " + d.HistoryUntil + ", and no day since"
	case d.LearningUntil != "":
		return "no day yet; detectors learn until " + d.LearningUntil
	}
	return "no whole day yet"
}

func gapText(c clock, g *v1.CoverageGap) string {
	kind := words.Enum(g.Kind.String(), "KIND_")
	span := c.at(g.FromUs) + " to " + orOpen(c.at(g.UntilUs), "now, still open")
	switch g.Kind {
	case v1.CoverageFact_KIND_OUTAGE:
		return "Readtrail itself: " + span + ", down"
	case v1.CoverageFact_KIND_SEQUENCE_GAP:
		return fmt.Sprintf("%s: %s, %s missing", printable(g.Source), span, count(uint64(max(g.Amount, 0)), "event", "events"))
	case v1.CoverageFact_KIND_LATENESS, v1.CoverageFact_KIND_CLOCK_SKEW:
		return fmt.Sprintf("%s: %s, %s of %d s", printable(g.Source), span, kind, g.Amount)
	}
	return fmt.Sprintf("%s: %s, %s", printable(g.Source), span, kind)
}

func orOpen(text, open string) string {
	if text == "" {
		return open
	}
	return text
}

// withinLimits is a sentence that says that there is nothing, unless the asker has limits: then it says nothing of others.
func withinLimits(h *v1.AnswerHeader, text string) string {
	if h.GetLimits() == nil {
		return text
	}
	return "Nothing is within what you may see. That says nothing of others: see the note on limits."
}
