package detectors

import (
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// document is what says that a reason holds: a fact, or work on the record, on another day (its period) or on the same one (position).
// It is comparable: each stands once in a message.
type document struct {
	period   facts.Period
	resource facts.ID
	position proto.Position
}

func documentOf(c *facts.Care) document { return document{period: c.Period, resource: c.Resource} }

// because takes a reason that holds, and what documents it. A pair keeps the document of its strongest reason: of several the one whose
// time is closest to the access.
func (p *Pair) because(r Reason, d document) {
	if strongest, ok := p.Reasons.strongest(); !ok || r < strongest || r == strongest && d.closer(&p.document, p.First()) {
		p.document = d
	}
	p.Reasons.add(r)
}

// closer reports whether a document is closer to a time than another one: of those that hold, or are as far, the one that began last.
func (d *document) closer(other *document, at int64) bool {
	mine, theirs := distance(d.period, at), distance(other.period, at)
	return mine < theirs || mine == theirs && d.period.From > other.period.From
}

func distance(p facts.Period, at int64) int64 {
	switch {
	case at < p.From:
		return p.From - at
	case at >= p.Until:
		return at - p.Until + 1
	}
	return 0
}

// worked is the reader's work on the record: an access of the day, or else the closest day around. Later days count as far as they are
// known when the day is closed: that is what the period of grace is for.
func (j *judge) worked(p *Pair) (document, bool) {
	if p.Signs&SignWrite != 0 {
		for i := range p.Accesses {
			if p.Accesses[i].Any(SignWrite) {
				return document{position: p.Accesses[i].Position}, true
			}
		}
	}
	for off := day(1); off <= day(j.numbers[noteDays]); off++ {
		for _, d := range [...]day{p.Day - off, p.Day + off} {
			if j.underAny(pairKey{p.Reader, p.Patient}, func(k pairKey) bool { return j.wrote(d, k) }) {
				return document{period: facts.Period{From: j.begins(d), Until: j.begins(d + 1)}}, true
			}
		}
	}
	return document{}, false
}

// begins is when a local day begins.
func (j *judge) begins(d day) int64 {
	return time.Date(1970, time.January, 1+int(d), 0, 0, 0, 0, j.zone).UnixMicro()
}

// learned takes what is learned of a department or a diagnosis, documented by what says that the patient was there, or has it.
func (j *judge) learned(p *Pair, r Reason, of phased) {
	d := document{}
	for i := range j.care {
		c := &j.care[i]
		if c.Kind == facts.CareGeneral || c.Type == j.consent {
			continue
		}
		says := r == ReasonResponsible && c.Reason == of.id
		if r == ReasonWorksWith {
			says = j.hasPatient(c, p.First()) == of.id && phaseOf(c.Period, p.First()) == of.phase
		}
		if one := documentOf(c); says && (d == document{} || one.closer(&d, p.First())) {
			d = one
		}
	}
	p.because(r, d)
}

// hasPatient is the department that has the patient by what is documented: the one that is named, else that of whom it names.
func (j *judge) hasPatient(c *facts.Care, at int64) facts.ID {
	switch {
	case c.Department != 0 && !j.whole(c.Department):
		return c.Department
	case c.Staff != 0:
		return j.home(c.Staff, at)
	}
	return 0
}

// stated is a document as a verdict carries it; nil where there is none.
func stated(state *facts.State, d document) *v1.Document {
	if d == (document{}) {
		return nil
	}
	out := &v1.Document{Id: state.Resource(d.resource), Position: uint64(d.position)}
	out.Source, out.Type = state.Source(d.resource)
	if d.period.From > 0 {
		out.FromUs = d.period.From
	}
	if d.period.Until < facts.Forever {
		out.UntilUs = d.period.Until
	}
	return out
}

// by says in words what documents the reason of a pair: " (Encounter/e17, 3 March to 9 March 2026)"; nothing where nothing does but an
// access of the day, which is cited anyway.
func (j *judge) by(p *Pair) string {
	if p.document.position > 0 {
		return ""
	}
	text := proto.DocumentText(stated(j.state, p.document), j.zone)
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
