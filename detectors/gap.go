package detectors

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// contextAges are the received times of the newest facts, by kind of context.
type contextAges [len(needNames)]int64

// contextTypes are the kinds of context that a resource type is, or what a table holds. A document of care is of the kinds whose reasons
// it can give.
var contextTypes = func() map[string]Needs {
	out := map[string]Needs{
		"Patient": NeedsPatients | NeedsWatches, "Practitioner": NeedsStaff, "PractitionerRole": NeedsRoles, "Slot": NeedsRoster,
		"WatchListEntry": NeedsWatches, "BadgeStay": NeedsBadges, "Consent": NeedsConsents,
		"Contract": NeedsTickets, "Task": NeedsTickets, "Ticket": NeedsTickets, "VendorTicket": NeedsTickets,
	}
	for typ, kinds := range facts.CareKinds() {
		switch typ {
		case "Task": // most are those of vendors
			continue
		case "Condition", "AllergyIntolerance": // lists of problems alone do not say who cares
			continue
		}
		for _, kind := range kinds {
			out[typ] |= NeedsCare | personalReason(kind).Needs()
		}
	}
	return out
}()

func (c *contextAges) seen(resourceType string, received int64) {
	for kinds := uint16(contextTypes[resourceType]); kinds != 0; kinds &= kinds - 1 {
		i := bits.TrailingZeros16(kinds)
		c[i] = max(c[i], received)
	}
}

// gapState is what the journal says of a kind of context.
type gapState struct{ absent bool }

// coverage says which kinds of context there are, and are not too old.
func (e *Engine) coverage() coverage {
	have := contextOf(e.state)
	for kind, age := range e.settings.MaxAge {
		newest := e.context[bits.TrailingZeros16(uint16(kind))]
		if age > 0 && e.clock > 0 && newest < e.clock-age.Microseconds() {
			have &^= kind
		}
	}
	if have&kindsOfCare == 0 { // each of its kinds is too old
		have &^= NeedsCare
	}
	if have&NeedsCare == 0 {
		have &^= kindsOfCare
	}
	return covered(have)
}

// journaledGap takes in what was journaled.
func (e *Engine) journaledGap(g *v1.ContextGap) {
	for i := range e.context {
		if kind := Needs(1 << i); kind.String() == g.GetContext() {
			e.gaps[kind] = gapState{g.GetAbsent()}
		}
	}
}

// Gaps are changes of context that the journal does not know yet: a kind became absent or too old, or came back. Whoever follows the
// journal appends them; each has the same id at every try.
func (e *Engine) Gaps() []*v1.ContextGap {
	if !e.inForce || e.clock == 0 {
		return nil
	}
	var out []*v1.ContextGap
	have := e.judge.coverage.have
	for i := range e.context {
		kind := Needs(1 << i)
		absent := have&kind == 0
		if kind&kindsOfCare != 0 && have&NeedsCare == 0 { // that is told of care as a whole
			continue
		}
		if e.gaps[kind].absent == absent {
			continue
		}
		g := &v1.ContextGap{Context: kind.String(), Absent: absent, NewestUs: e.context[i], Blind: blindBy(kind)}
		key := append([]byte(g.Context), e.ruleSet...)
		key = binary.BigEndian.AppendUint64(key, uint64(g.NewestUs))
		if absent {
			key = append(key, 1)
		}
		id := proto.NewEventID(proto.EventIdentity{
			Source: "readtrail context", Key: key, Recorded: time.UnixMicro(g.NewestUs),
		})
		g.EventId = id.Bytes()
		out = append(out, g)
	}
	return out
}

// Abstain names what abstains without some kinds of context: reasons, then detectors, each once.
func Abstain(missing Needs) []string {
	var out []string
	for kind := Needs(1); kind != 0 && kind&allNeeds != 0; kind <<= 1 {
		if missing&kind != 0 {
			out = added(out, blindBy(kind))
		}
	}
	return out
}

// blindBy names what abstains without a kind of context.
func blindBy(kind Needs) []string {
	if kind == NeedsCare {
		kind |= kindsOfCare
	}
	var out []string
	without := abstaining(allNeeds &^ kind)
	for _, r := range Reasons() {
		if without.has(r) {
			out = append(out, r.String())
		}
	}
	if kind == NeedsRoster { // it goes on with what is usual for the reader
		out = append(out, afterHours().Name)
	}
	for _, s := range Scales() {
		if s.Needs&kind != 0 {
			out = append(out, s.Name)
		}
	}
	return out
}

// Missing are the kinds of context that are absent or too old.
func (e *Engine) Missing() Needs { return e.coverage().missing() }
