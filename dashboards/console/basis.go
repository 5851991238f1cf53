package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// basis is an answer's header in plain words: what the answer rests on. It stands before every answer.
type basis struct {
	// Position and Journal are journal positions: of the answer, and of the journal's end when asked.
	Position, Journal string
	Behind            bool
	AsOf              *moment
	Zone              string
	From, Until       *moment
	Sources           []covered
	Gaps              []gapLine
	Unresolved        uint64
	Notes             []string
	Question          string
	// Limited says what the asker's limits left out, "" where they have none. It stands apart: the answer is not complete.
	Limited string
	// Glass is the broken glass that the answer was given under, if any.
	Glass string
	// Timeless says that the answer is of no period, so that no source could cover it.
	Timeless bool
	// Whole is true when no gap and no note stands in the way.
	Whole bool
}

type covered struct {
	Name        string
	Systems     string
	First, Last *moment
	Disabled    bool
}

type gapLine struct {
	Source, Text string
	From, Until  *moment
}

// limitedNote begins the sentence of an answer that says what its asker is limited to.
const limitedNote = "Limited to "

func (c *Console) basisOf(h *v1.AnswerHeader) *basis {
	if h == nil {
		h = &v1.AnswerHeader{}
	}
	at := c.clockOf(h)
	b := &basis{
		Position: fmt.Sprint(h.Position), Journal: fmt.Sprint(h.JournalPosition), Behind: h.Position < h.JournalPosition,
		AsOf: at.at(h.AsOfUs), Zone: h.TimeZone, From: at.at(h.FromUs), Until: at.at(h.UntilUs), Unresolved: h.UnresolvedEvents,
		Question: h.QuestionId, Notes: slices.Clone(h.Notes), Glass: h.GlassId,
	}
	if at := slices.IndexFunc(b.Notes, func(note string) bool { return strings.HasPrefix(note, limitedNote) }); at >= 0 && h.Limits != nil {
		b.Limited = b.Notes[at]
		b.Notes = slices.Delete(b.Notes, at, at+1)
	}
	for _, s := range h.Coverage {
		b.Sources = append(b.Sources, covered{
			Name: s.Source, Systems: strings.Join(s.Systems, ", "), First: at.at(s.FirstOccurredUs), Last: at.at(s.LastOccurredUs), Disabled: s.Disabled,
		})
	}
	for _, g := range h.Gaps {
		b.Gaps = append(b.Gaps, gapOf(at, g))
	}
	b.Whole = b.Limited == "" && len(b.Gaps) == 0 && len(b.Notes) == 0 && len(b.Sources) > 0
	return b
}

func gapOf(at clock, g *v1.CoverageGap) gapLine {
	line := gapLine{Source: g.Source, From: at.at(g.FromUs), Until: at.at(g.UntilUs)}
	amount := max(g.Amount, -g.Amount)
	switch g.Kind {
	case v1.CoverageFact_KIND_SILENCE:
		line.Text = "silent: what it should have reported is not known"
	case v1.CoverageFact_KIND_LATENESS:
		line.Text = fmt.Sprintf("reported up to %d s late", amount)
	case v1.CoverageFact_KIND_CLOCK_SKEW:
		line.Text = fmt.Sprintf("its clock was off by %d s", amount)
	case v1.CoverageFact_KIND_SEQUENCE_GAP:
		line.Text = count(uint64(amount), "number", "numbers") + " of its own are missing: as many events are not known"
	case v1.CoverageFact_KIND_OUTAGE:
		line.Source, line.Text = "Readtrail itself", "down: it took nothing then"
	default:
		line.Text = "incomplete"
	}
	return line
}

// accessRow is one access in a list.
type accessRow struct {
	When       *moment
	Reader     person
	Role       string
	Department string
	Action     string
	Patients   []person
	// MorePatients are those that the list does not name.
	Objects  string
	Purposes string
	Source   string
	Place    string
	Marks    []mark
	// Reason is what accounts for it, as detectors judged it; no text: they have not.
	Reason mark
	// Document is what documents it, and Work the path of the event where that is work on the record.
	Document, Work string
	Position       string
	Event          string // path
	Application    string
}

// person is a reader or a patient, and the page about them.
type person struct {
	Name, ID string
	// Path is empty when nothing can be asked about them.
	Path string
	// Unresolved is text that names no identifier.
	Unresolved bool
}

// Known reports whether there is anything to call them by.
func (p person) Known() bool { return p.Name != "" || p.ID != "" }

// mark is something about an access that deserves a second look; Kind is its look.
type mark struct{ Text, Kind string }

// links makes the paths of the people and events on a page: what is linked from an answer is asked for its purpose.
type linker struct {
	v   *visit
	why purpose
}

func (l linker) to(a ask) string {
	handle, err := l.v.session.views.open(a, l.why)
	if err != nil {
		return ""
	}
	return "/" + a.Page + "/" + handle
}

// chosen is the identifier that people know: a number of the house before a reference between machines.
func chosen(ids []*v1.Identifier) *v1.Identifier {
	for _, i := range ids {
		if !strings.Contains(i.GetValue(), "/") {
			return i
		}
	}
	if len(ids) > 0 {
		return ids[0]
	}
	return nil
}

func (l linker) reader(r *v1.Reader) person {
	p := person{Name: r.GetName()}
	if i := chosen(r.GetIdentifiers()); i != nil {
		p.ID, p.Path = i.GetValue(), l.to(ask{Page: pageReaders, Subject: id(i)})
	}
	if p.Name == p.ID {
		p.Name = ""
	}
	return p
}

func (l linker) patient(x *v1.Patient) person {
	p := person{Name: x.GetText()}
	if i := chosen(x.GetIdentifiers()); i != nil {
		p.ID, p.Path = i.GetValue(), l.to(ask{Page: pageRecords, Subject: id(i)})
	} else {
		p.Unresolved = true
	}
	return p
}

func (l linker) rows(at clock, accesses []*v1.Access) []accessRow {
	rows := make([]accessRow, len(accesses))
	for i, a := range accesses {
		position := fmt.Sprint(a.Position)
		r := accessRow{
			When: at.at(a.OccurredUs), Reader: l.reader(a.Reader), Role: roleText(a.Reader), Department: a.GetReader().GetDepartment(),
			Action: actionText(a), Objects: objectsText(a.Objects), Purposes: strings.Join(a.Purposes, ", "), Source: a.Source,
			Place: placeText(a), Marks: marksOf(a), Reason: reasonOf(a), Position: position, Application: a.Application,
			Event: l.to(ask{Page: pageEvents, Subject: position}), Document: proto.DocumentText(a.Document, at.zone),
		}
		if work := a.GetDocument().GetPosition(); work > 0 {
			r.Work = l.to(ask{Page: pageEvents, Subject: fmt.Sprint(work)})
		}
		for _, p := range a.Patients {
			r.Patients = append(r.Patients, l.patient(p))
		}
		rows[i] = r
	}
	return rows
}

func roleText(r *v1.Reader) string {
	if c := r.GetRole(); c != nil {
		if c.Display != "" {
			return c.Display
		}
		return c.Code
	}
	return readerWord(r.GetType())
}

func actionText(a *v1.Access) string {
	text := actionWord(a.Action)
	if text == "" || a.Action == v1.Action_ACTION_OTHER {
		return a.ActionCode
	}
	return text
}

func placeText(a *v1.Access) string {
	if a.Workstation == "" {
		return joined(a.Site, a.NetworkAddress)
	}
	return joined(a.Site, a.Workstation)
}

// joined writes what was stated, with commas.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func objectsText(objects []*v1.Object) string {
	names := make([]string, 0, len(objects))
	for _, o := range objects {
		switch {
		case o.Name != "":
			names = append(names, o.Name)
		case o.GetId().GetValue() != "":
			names = append(names, o.Id.Value)
		case o.Type != "":
			names = append(names, o.Type)
		}
	}
	return strings.Join(names, ", ")
}

func marksOf(a *v1.Access) []mark {
	var marks []mark
	add := func(yes bool, text, kind string) {
		if yes {
			marks = append(marks, mark{text, kind})
		}
	}
	add(a.BreakGlass, "break-glass", "strong")
	add(failed(a.Outcome), outcomeWord(a.Outcome), "strong")
	mode := modeWord(a.Mode)
	add(mode == "incidental" || mode == "system" || mode == "search" && a.Action != v1.Action_ACTION_SEARCH, mode, "quiet")
	add(len(a.Paired) > 0, fmt.Sprintf("%d reports", len(a.Paired)+1), "quiet")
	add(a.OnBehalfOf != "", "on behalf of "+a.OnBehalfOf, "quiet")
	for _, s := range a.Sensitivity {
		add(true, s, "sensitive")
	}
	for _, f := range a.Flags {
		add(true, words.Code(f), "quiet")
	}
	return marks
}
