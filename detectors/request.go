package detectors

import (
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// basedOnName is the extension that says what an event is based on: FHIR AuditEvent.basedOn, of R4 its extensions, as references to the source's
// own server. What stands elsewhere in the event (AuditEvent.entity) is no such thing, or every look at an order would account for itself.
const basedOnName = "based_on"

// basedOn is the hash of the first order that an event is based on; 0: of none.
func basedOn(e *v1.AccessEvent) uint32 {
	for _, x := range e.Extensions {
		if x.Name != basedOnName {
			continue
		}
		if typ, id, _ := strings.Cut(x.Value, "/"); id != "" && facts.IsOrder(typ) && !strings.Contains(id, "/") {
			return orderHash(typ, id)
		}
	}
	return 0
}

// orderHash is never 0.
func orderHash(typ, id string) uint32 { return max(uint32(xxhash.Sum64String(typ+"/"+id)), 1) }

// requested is the order for the patient that the first look of a pair names, if each of them names one that holds at its time, whoever ordered
// it and whoever is to carry it out: a release of records, a study.
func (j *judge) requested(p *Pair) (first document, all bool) {
	for i := range p.Accesses {
		a := &p.Accesses[i]
		if !a.Any(SignLook) {
			continue
		}
		d, ok := j.orderNamed(p, a)
		if !ok {
			return document{}, false
		}
		if !all {
			first, all = d, true
		}
	}
	return first, all
}

// orderNamed is the order that a look names, itself or by another report of the same access. It holds as long as one that is routed to a
// department is a reason there, if it says that somebody is to carry it out, and when.
func (j *judge) orderNamed(p *Pair, a *Access) (document, bool) {
	named := a.BasedOn
	if named == 0 {
		if i := slices.IndexFunc(p.Accesses, func(b Access) bool { return b.BasedOn != 0 && b.reportsWith(a) }); i >= 0 {
			named = p.Accesses[i].BasedOn
		}
	}
	if named == 0 {
		return document{}, false
	}
	from, until := j.numbers.days(unitDays), j.numbers.days(orderDays)
	for i := range j.care {
		c := &j.care[i]
		typ := j.state.Text(c.Type)
		switch {
		case c.Class == 0 || !facts.IsOrder(typ) || orderHash(typ, j.state.Resource(c.Resource)) != named:
		case p.Post.Vendor && c.Type == j.taskType: // of a vendor it is a ticket, and holds in its time alone; whoever wrote it
		case a.Occurred >= c.Period.From-from && a.Occurred <= c.Period.Until+until:
			return documentOf(c), true
		}
	}
	return document{}, false
}

// onlyRequested reports whether nothing but the orders that its looks name accounts for a pair.
func (p *Pair) onlyRequested() bool { return p.Reasons == 1<<ReasonRequested }

// namesOrder reports whether one of a pair's looks names an order.
func (p *Pair) namesOrder() bool {
	return slices.ContainsFunc(p.Accesses, func(a Access) bool { return a.Any(SignLook) && a.BasedOn != 0 })
}
