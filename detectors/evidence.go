package detectors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Evidence is what a note rests on: accesses, told one a line.
type Evidence struct {
	// Lines are the first accesses, at most mostCited.
	Lines []string
	// More is how many others there are.
	More int
}

// mostCited is how many accesses a note names; the alert cites all of them.
const mostCited = 5

// mostRefused is how many of them may be attempts that were refused, where something was opened as well.
const mostRefused = 2

// and adds the evidence of another record of the same day. Lines begin with their time.
func (e Evidence) and(other Evidence) Evidence {
	all := slices.Concat(e.Lines, other.Lines)
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(a[:len("15:04")], b[:len("15:04")]) })
	shown := min(len(all), mostCited)
	return Evidence{all[:shown], e.More + other.More + len(all) - shown}
}

// withRefused adds attempts that were refused, which take the places of what else would be told last.
func (e Evidence) withRefused(told Evidence) Evidence {
	kept := min(len(e.Lines), mostCited-len(told.Lines))
	return Evidence{e.Lines[:kept], e.More + len(e.Lines) - kept}.and(told)
}

// of names the reader in each line, behind its time.
func (e Evidence) of(name string) Evidence {
	lines := make([]string, len(e.Lines))
	for i, line := range e.Lines {
		lines[i] = line[:len("15:04")] + " " + name + line[len("15:04"):]
	}
	return Evidence{lines, e.More}
}

func (e Evidence) write(b *strings.Builder) {
	if len(e.Lines) == 0 {
		return
	}
	b.WriteString("\nEvidence:")
	for _, line := range e.Lines {
		b.WriteString("\n  " + line)
	}
	if e.More > 0 {
		fmt.Fprintf(b, "\n  and %s more", number(e.More))
	}
}

// evidence tells the accesses that a story cites, by time; where there are several readers or records, with them.
func (t *teller) evidence(c *Candidate) Evidence {
	cited := slices.DeleteFunc(slices.Clone(c.Accesses), func(a Cited) bool { return a.Signs&SignAgain != 0 })
	slices.SortStableFunc(cited, func(a, b Cited) int { return cmp.Compare(a.Occurred, b.Occurred) })
	e := Evidence{More: max(len(cited)-mostCited, 0)}
	for _, a := range cited[:len(cited)-e.More] {
		line := t.clock(a.Occurred) + " "
		if c.Shape == ShapeRecordDay {
			line += t.name(a.Reader) + " "
		}
		line += t.act(&a)
		if c.Shape != ShapeRecordDay && a.Patient != 0 {
			line += " of " + t.record(a.Patient)
		}
		e.Lines = append(e.Lines, line)
	}
	return e
}

// refusals tells the first of the attempts that a story cites beside what was opened.
func (t *teller) refusals(cited []Cited) (e Evidence) {
	for _, a := range cited[:min(len(cited), mostRefused)] {
		line := t.clock(a.Occurred) + " " + t.act(&a)
		if a.Patient != 0 {
			line += " of " + t.record(a.Patient)
		}
		e.Lines = append(e.Lines, line)
	}
	e.More = len(cited) - len(e.Lines)
	return e
}

// act is what was done with which part: "opened a result".
func (t *teller) act(a *Cited) string {
	done := "opened "
	switch {
	case a.Patient == 0 && a.Signs&SignLogin != 0:
		return "tried to sign in"
	case a.Patient == 0:
		return "tried to search"
	case a.Signs&SignRefused != 0:
		done = "tried to open "
	case a.Signs&SignExport != 0:
		done = "exported "
	case a.Signs&SignPrint != 0:
		done = "printed "
	case a.Signs&SignWrite != 0:
		done = "wrote "
	case a.Signs&SignListed != 0:
		done = "saw on a list "
	case a.Signs&(SignBreakGlass|SignNoReason) == SignBreakGlass:
		done = "broke the glass, giving a reason, and opened "
	case a.Signs&SignBreakGlass != 0:
		done = "broke the glass and opened "
	}
	return done + part(t.judge.state.Text(a.Object))
}

// part is what people call a part of a record.
func part(object string) string {
	switch strings.ToLower(object) {
	case "observation":
		return "a measurement or result"
	case "diagnosticreport":
		return "a report"
	case "documentreference", "composition", "binary":
		return "a document"
	case "medicationrequest", "medicationadministration", "medicationdispense", "medicationstatement":
		return "the medication"
	case "imagingstudy", "media":
		return "an image"
	case "condition":
		return "a diagnosis"
	case "servicerequest":
		return "an order"
	case "encounter":
		return "a stay or visit"
	case "procedure":
		return "a procedure"
	case "allergyintolerance":
		return "an allergy"
	case "immunization":
		return "a vaccination"
	case "appointment":
		return "an appointment"
	}
	return "the record"
}
