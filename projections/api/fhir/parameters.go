package fhir

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/readtrail/readtrail/projections/api"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Limits of a search. Beyond them it is refused: nobody reads a URL of more than that.
const (
	maxParameters   = 50
	maxAlternatives = 20
	// maxValue is the longest value in bytes, and maxSearch all of a search: page links carry it whole, and headers of 64 KiB
	// must take them.
	maxValue, maxSearch = 2_000, 8 << 10
	// DefaultCount is how many events a page has when a search does not say, MaxCount the most.
	DefaultCount = 50
	MaxCount     = 200
	// farAhead is beyond any time that a condition can mean: it bounds nothing.
	farAhead = 9 * 365 * 24 * time.Hour
)

// Parameter is one name and value of a search, as it came.
type Parameter struct{ Name, Value string }

// Fault refuses a search. Its text names the parameter and what to do, never the value.
type Fault struct {
	// Parameter is the name, without its modifier.
	Parameter string
	// Code is of http://hl7.org/fhir/issue-type.
	Code string
	Text string
}

// Error implements error.
func (f *Fault) Error() string { return f.Parameter + ": " + f.Text }

// Search is a search, understood.
type Search struct {
	api.EventSearch
	// Version is the one whose kinds of events are meant.
	Version Version
	// Used are the parameters that are conditions, in a fixed order.
	Used []Parameter
	// Ignored are names that nothing here knows; Warnings are about those that are known in part.
	Ignored  []string
	Warnings []Fault
	// Pretty: indent the answer. CountOnly: no events, just how many.
	Pretty, CountOnly bool

	conditions []condition
}

// condition is one that only the event itself can meet.
type condition func(v *view) bool

// parser reads the parameters of one search.
type parser struct {
	*Search
	zone *time.Location
	now  time.Time
	// bounded: a condition limits where to look.
	bounded bool
}

// reading says how a parameter is read.
type reading func(p *parser, name, modifier string, values []string) *Fault

// readings are the parameters that are known: those of IHE ITI-81 with their former names, those of R4 and R5 that events
// have anything for, and those of all searches. It is a table on purpose.
func readings() map[string]reading {
	return map[string]reading{
		"_id": (*parser).ids, "_lastUpdated": (*parser).received, "date": (*parser).recorded,
		"patient": people(subjectPatient), "patient.identifier": people(subjectPatient),
		"agent": people(subjectAgent), "agent.identifier": people(subjectAgent), "user": people(subjectAgent),
		"entity": people(subjectEntity), "entity.identifier": people(subjectEntity), "identity": people(subjectEntity),
		"source": (*parser).observer, "source.identifier": (*parser).observer, "_source": (*parser).reporter,
		"site": (*parser).site, "outcome": (*parser).outcome, "address": (*parser).address,
		"type": codes(broadKinds), "category": codes(broadKinds), "subtype": codes(narrowKinds), "code": codes(narrowKinds),
		"action": codes(actions), "agent-role": codes(agentRoles), "entity-role": codes(entityRoles), "role": codes(entityRoles),
		"entity-type": codes(entityTypes), "object-type": codes(entityTypes), "purpose": codes(purposes),
		"agent-name": names(agentNames), "entity-name": names(entityNames),
		"_count": (*parser).count, "_total": (*parser).total, "_format": (*parser).nothing, "_pretty": (*parser).pretty,
	}
}

// ParseSearch reads the parameters of a search. zone tells days that name no offset, now is the clock. The error is a *Fault.
func ParseSearch(all []Parameter, version Version, zone *time.Location, now time.Time) (*Search, error) {
	s := &Search{Version: version}
	s.Size = DefaultCount
	p := &parser{Search: s, zone: zone, now: now}
	if fault := p.parse(all); fault != nil {
		return nil, fault
	}
	if !p.bounded {
		return nil, &Fault{"date", "too-costly", "a search names a date, or a patient, an agent, an entity or an _id"}
	}
	s.Key = keyOf(s.Used, version)
	if len(s.conditions) > 0 {
		s.Match = s.match
	}
	return s, nil
}

// parse reads one parameter after the other, in an order that does not hang on theirs.
func (p *parser) parse(all []Parameter) *Fault {
	known := readings()
	bytes := 0
	if len(all) > maxParameters {
		return &Fault{"parameters", "too-costly", fmt.Sprintf("at most %d", maxParameters)}
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Parameter) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	for _, one := range all {
		name, modifier, _ := strings.Cut(one.Name, ":")
		read := known[name]
		switch {
		case !isPlain(one.Name, 100):
			return &Fault{"parameters", "invalid", "a parameter's name is longer than 100 bytes, or no plain text"}
		case read == nil:
			p.Ignored = append(p.Ignored, name)
			continue
		case !isPlain(one.Value, maxValue):
			return &Fault{name, "too-long", fmt.Sprintf("at most %d bytes of plain text", maxValue)}
		}
		if bytes += len(one.Name) + len(one.Value); bytes > maxSearch {
			return &Fault{"parameters", "too-long", fmt.Sprintf("at most %d bytes in all", maxSearch)}
		}
		if one.Value == "" {
			continue // FHIR has a parameter without a value be none
		}
		values := splitEscaped(one.Value)
		if len(values) > maxAlternatives {
			return &Fault{name, "too-costly", fmt.Sprintf("at most %d alternatives", maxAlternatives)}
		}
		if fault := read(p, name, modifier, values); fault != nil {
			return fault
		}
		if isCondition(name) {
			p.Used = append(p.Used, one)
		}
	}
	p.Ignored = slices.Compact(p.Ignored)
	return nil
}

// isPlain accepts text on one line, up to a length.
func isPlain(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// isCondition tells parameters that say what is searched for from those that say how the answer looks.
func isCondition(name string) bool {
	switch name {
	case "_count", "_total", "_format", "_pretty":
		return false
	}
	return true
}

// keyOf is the conditions as one text.
func keyOf(used []Parameter, version Version) string {
	parts := []string{strconv.Itoa(int(version))}
	for _, one := range used {
		parts = append(parts, escape(one.Name)+"="+escape(one.Value))
	}
	return strings.Join(parts, ",")
}

func unsupported(name string) *Fault {
	return &Fault{name, "not-supported", "this modifier is not supported"}
}

func (p *parser) ids(name, modifier string, values []string) *Fault {
	if modifier != "" {
		return unsupported(name)
	}
	if p.IDs != nil {
		return &Fault{name, "not-supported", "name it once; alternatives stand behind commas"}
	}
	for _, value := range values {
		p.IDs = append(p.IDs, unescape(value))
	}
	p.bounded = true
	return nil
}

func (p *parser) recorded(name, modifier string, values []string) *Fault {
	return p.span(&p.Recorded, name, modifier, values)
}

func (p *parser) received(name, modifier string, values []string) *Fault {
	return p.span(&p.Received, name, modifier, values)
}

// span narrows a stretch of time.
func (p *parser) span(to *api.Span, name, modifier string, values []string) *Fault {
	switch {
	case modifier != "":
		return unsupported(name)
	case len(values) > 1:
		return &Fault{name, "not-supported", "name it once for each bound; alternatives are not supported"}
	}
	span, problem := parseDate(values[0], p.zone)
	if problem != "" {
		return &Fault{name, "value", problem}
	}
	limit := p.now.Add(farAhead).UnixMicro()
	if span.Until > limit {
		span.Until = 0
	}
	both, ok := meet(*to, span)
	if !ok || both.From > limit {
		return &Fault{name, "value", "no time meets all of these conditions"}
	}
	*to = both
	p.bounded = true
	return nil
}

// outcome reads R4's indicators and R5's severities as what they mean.
func (p *parser) outcome(name, modifier string, values []string) *Fault {
	switch {
	case modifier != "":
		return unsupported(name)
	case p.Outcomes != nil:
		return &Fault{name, "not-supported", "name it once; alternatives stand behind commas"}
	}
	for _, value := range values {
		t, ok := parseToken(value)
		if !ok {
			return &Fault{name, "value", "name a code"}
		}
		p.Outcomes = append(p.Outcomes, outcomesOf(t)...)
	}
	return nil
}

// noOutcome is what no event has: a code that nobody knows finds nothing.
const noOutcome v1.Outcome = 255

func outcomesOf(t token) []v1.Outcome {
	var out []v1.Outcome
	for _, known := range []struct {
		system, code string
		outcome      v1.Outcome
	}{
		{systemOutcome, "0", v1.Outcome_OUTCOME_SUCCESS},
		{systemOutcome, "4", v1.Outcome_OUTCOME_MINOR_FAILURE},
		{systemOutcome, "8", v1.Outcome_OUTCOME_SERIOUS_FAILURE},
		{systemOutcome, "12", v1.Outcome_OUTCOME_MAJOR_FAILURE},
		{systemSeverity, "success", v1.Outcome_OUTCOME_SUCCESS},
		{systemSeverity, "information", v1.Outcome_OUTCOME_SUCCESS},
		{systemSeverity, "warning", v1.Outcome_OUTCOME_MINOR_FAILURE},
		{systemSeverity, "error", v1.Outcome_OUTCOME_SERIOUS_FAILURE},
		{systemSeverity, "fatal", v1.Outcome_OUTCOME_MAJOR_FAILURE},
	} {
		if t.holds(coding{System: known.system, Code: known.code}) {
			out = append(out, known.outcome)
		}
	}
	if out == nil {
		return []v1.Outcome{noOutcome}
	}
	return out
}

// count is how many events a page has. More than the most is the most: a client says what it can take.
func (p *parser) count(name, modifier string, values []string) *Fault {
	n, err := strconv.ParseUint(values[0], 10, 32)
	switch {
	case modifier != "" || err != nil || len(values) > 1:
		return &Fault{name, "value", "a number"}
	case n == 0:
		p.CountOnly, p.Count, p.Size = true, true, 1
	default:
		p.Size = int(min(n, MaxCount))
	}
	return nil
}

func (p *parser) total(name, modifier string, values []string) *Fault {
	switch {
	case modifier != "" || len(values) > 1:
		return unsupported(name)
	case values[0] == "accurate", values[0] == "estimate":
		p.Count = true
	case values[0] != "none":
		return &Fault{name, "value", "none, estimate or accurate"}
	}
	return nil
}

func (p *parser) pretty(_, _ string, values []string) *Fault {
	p.Pretty = values[0] == "true"
	return nil
}

// nothing: the request's format was looked at before.
func (p *parser) nothing(_, _ string, _ []string) *Fault { return nil }
