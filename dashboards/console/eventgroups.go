package console

import (
	"fmt"
	"strings"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// groupsOf sorts what an event states under the questions that people have.
func groupsOf(e *v1.AccessEvent, at clock, links linker, m *v1.GetEventResponse) []group {
	var groups []group
	add := func(name string, fill func(*sheet)) {
		s := &sheet{}
		if fill(s); len(s.lines) > 0 {
			groups = append(groups, group{name, s.lines})
		}
	}
	add("What happened", func(s *sheet) { whatHappened(s, e, m) })
	add("Who", func(s *sheet) {
		aboutReader(s, "reader", e.GetReader(), links)
		aboutReader(s, "on behalf of", e.GetOnBehalfOf(), links)
		s.text("application", applicationText(e.GetApplication()))
		for _, p := range e.GetParticipants() {
			aboutReader(s, "also took part", p, links)
		}
		s.text("session", e.GetSession())
	})
	add("Whose record, which part", func(s *sheet) {
		for _, p := range e.GetPatients() {
			s.person("patient", links.patient(p))
			for _, i := range p.GetIdentifiers() {
				s.text("identifier", id(i))
			}
		}
		for _, o := range e.GetObjects() {
			s.text("object", objectText(o))
		}
		s.text("encounter", id(e.GetEncounter()))
		s.text("sensitivity", strings.Join(e.GetSensitivity(), ", "))
	})
	add("Where", func(s *sheet) {
		s.text("organisation", e.GetOrganization())
		s.text("site", e.GetSite())
		s.text("workstation", e.GetWorkstation())
		s.text("network address", e.GetNetworkAddress())
	})
	add("Why", func(s *sheet) {
		s.text("purpose", codings(e.GetPurposes()))
		s.text("break-glass reason", coding(e.GetBreakGlassReason()))
		s.text("break-glass, as typed", m.GetFreeText().GetBreakGlassText())
	})
	add("How it was judged", func(s *sheet) {
		s.text("reason", words.Reason(words.Judged(m)))
		s.text("documented by", proto.DocumentText(m.GetDocument(), at.zone))
	})
	add("Where it went", func(s *sheet) { disclosed(s, e.GetDisclosure()) })
	add("How it is known", func(s *sheet) { provenance(s, e, at, m) })
	return groups
}

func whatHappened(s *sheet, e *v1.AccessEvent, m *v1.GetEventResponse) {
	text := actionWord(e.GetAction())
	if code := e.GetActionCode(); code != "" && code != text {
		text = strings.TrimSpace(text + " (" + code + ")")
	}
	s.text("action", text)
	outcome := outcomeWord(e.GetOutcome())
	if code := e.GetOutcomeCode(); code != "" && code != outcome {
		outcome = strings.TrimSpace(outcome + " (" + code + ")")
	}
	s.text("outcome", outcome)
	s.text("mode", modeWord(e.GetMode()))
	s.text("type", coding(e.GetType()))
	s.text("subtype", codings(e.GetSubtypes()))
	s.text("query, as typed", m.GetFreeText().GetQueryText())
	s.text("outcome, as typed", m.GetFreeText().GetOutcomeText())
}

func aboutReader(s *sheet, name string, r *v1.Reader, links linker) {
	if r == nil {
		return
	}
	p := links.reader(r)
	s.lines = append(s.lines, detail{Name: name, Person: &p})
	for _, i := range r.GetIdentifiers() {
		s.text("identifier", id(i))
	}
	s.text("kind", readerWord(r.GetType()))
	s.text("role", coding(r.GetRole()))
	s.text("department", r.GetDepartment())
}

func applicationText(a *v1.Application) string {
	if a.GetName() != "" {
		return a.GetName()
	}
	return id(a.GetId())
}

func objectText(o *v1.Object) string {
	parts := []string{o.GetName()}
	if o.GetType() != "" {
		parts = append(parts, o.GetType())
	}
	parts = append(parts, id(o.GetId()))
	if o.GetCount() > 0 {
		parts = append(parts, fmt.Sprintf("%d of them", o.GetCount()))
	}
	if len(o.GetSensitivity()) > 0 {
		parts = append(parts, strings.Join(o.GetSensitivity(), ", "))
	}
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, " · ")
}

func disclosed(s *sheet, d *v1.Disclosure) {
	if d == nil {
		return
	}
	yes := func(b *bool) string {
		switch {
		case b == nil:
			return ""
		case *b:
			return "yes"
		}
		return "no"
	}
	s.text("channel", d.GetChannel())
	s.text("recipient", d.GetRecipientName())
	s.text("recipient's identifier", id(d.GetRecipient()))
	s.text("recipient verified", yes(d.RecipientVerified))
	s.text("encrypted", yes(d.Encrypted))
	s.text("protocol", d.GetProtocol())
	s.text("consent", id(d.GetConsent()))
	s.text("legal exception", d.GetLegalException())
	if d.GetSizeBytes() > 0 {
		s.text("size", bytesWord(d.GetSizeBytes()))
	}
}

func provenance(s *sheet, e *v1.AccessEvent, at clock, m *v1.GetEventResponse) {
	s.when("occurred", at.at(e.GetOccurredUs()))
	s.when("until", at.at(e.GetOccurredEndUs()))
	s.when("recorded by the source", at.at(e.GetRecordedUs()))
	s.when("received by the journal", at.at(m.GetReceivedUs()))
	s.text("source", e.GetSource())
	s.text("observer", e.GetObserver())
	s.text("the source's own id", e.GetSourceEventId())
	if e.GetSourceSequence() > 0 {
		s.text("the source's own number", fmt.Sprint(e.GetSourceSequence()))
	}
	s.text("request", e.GetRequestId())
	s.text("format", e.GetFormat())
	if len(e.GetImportId()) > 0 {
		s.text("came", "by an import")
	}
	for _, x := range e.GetExtensions() {
		s.text(x.GetName(), x.GetValue())
	}
}
