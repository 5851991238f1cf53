package simulate

import (
	"iter"
	"time"
)

// Resource is one fact about people or care, as FHIR R4.
type Resource struct {
	// Type is its resourceType: the name of the file it belongs to in a dataset directory.
	Type string
	// JSON is one line of NDJSON without its end. It is the caller's to keep.
	JSON []byte
}

// facts writes resources one after the other.
type facts struct {
	h     *Hospital
	block []byte
	from  int
	typ   string
	yield func(Resource) bool
	done  bool
	// first: encounters that began earlier are told too.
	first bool
}

// begin starts a resource with the id that follows.
func (f *facts) begin(typ string) {
	if cap(f.block)-len(f.block) < largest {
		f.block = make([]byte, 0, blockSize)
	}
	f.from, f.typ = len(f.block), typ
	f.put(`{"resourceType":"`, typ, `","id":"`)
}

// end closes the resource and hands it out.
func (f *facts) end() {
	f.block = append(f.block, '}')
	if !f.done {
		b := f.block[f.from:len(f.block):len(f.block)]
		f.done = !f.yield(Resource{Type: f.typ, JSON: b})
	}
}

func (f *facts) put(parts ...string) {
	for _, s := range parts {
		f.block = append(f.block, s...)
	}
}

func (f *facts) num(x int64) { f.block = appendInt(f.block, x) }

func (f *facts) instant(key string, at int64) {
	f.put(`,"`, key, `":"`)
	f.block = appendTime(f.block, at, f.h.cfg.Zone)
	f.put(`"`)
}

// period writes start and, when it is known by then, end.
func (f *facts) period(from, to, known int64) {
	f.put(`,"period":{"start":"`)
	f.block = appendTime(f.block, from, f.h.cfg.Zone)
	if to < known {
		f.put(`","end":"`)
		f.block = appendTime(f.block, to, f.h.cfg.Zone)
	}
	f.put(`"}`)
}

// date writes a day counted from 1970-01-01.
func (f *facts) date(key string, day int32) {
	f.put(`,"`, key, `":"`)
	f.block = appendDate(f.block, day)
	f.put(`"`)
}

func appendDate(b []byte, day int32) []byte {
	return time.Unix(int64(day)*86400, 0).UTC().AppendFormat(b, time.DateOnly)
}

func (f *facts) refPatient(key string, i int32) {
	f.put(`,"`, key, `":{"reference":"Patient/`)
	f.block = f.h.appendPatientID(f.block, i)
	f.put(`"}`)
}

func (f *facts) refStaff(key string, i int32) {
	f.put(`"`, key, `":{"reference":"Practitioner/`)
	f.block = f.h.appendStaffID(f.block, i)
	f.put(`"}`)
}

func (f *facts) refDepartment(key, typ string, dept uint16) {
	f.put(`"`, key, `":{"reference":"`, typ, `/`)
	f.block = f.h.appendDepartmentID(f.block, dept)
	f.put(`"}`)
}

// of writes a logical id that is made from an encounter.
func (f *facts) of(prefix string, enc uint64) {
	f.put(prefix)
	f.block = f.h.appendEncounter(f.block, enc)
}

// People returns what is known about the house and its people, whatever the day: Organization, Location, Practitioner,
// PractitionerRole, Schedule, Patient, RelatedPerson, Person, Consent, type by type.
func (h *Hospital) People() iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		f := &facts{h: h, yield: yield}
		for _, write := range []func(*facts){
			(*facts).organizations, (*facts).locations, (*facts).practitioners, (*facts).practitionerRoles, (*facts).schedules,
			(*facts).patients, (*facts).relatedPersons, (*facts).linkedPersons, (*facts).consents,
		} {
			if write(f); f.done {
				return
			}
		}
	}
}

// Care returns what care leaves on one local day: the Encounter, CareTeam, Condition and Appointment of what begins on
// it, its ServiceRequests, what was charted (DocumentReference, Observation, MedicationAdministration), and the roster as
// busy Slots. Days before the first exist back to the day -24, which explain
// the accesses of the first days.
//
// What ends behind the last day (or, for a day behind it, behind that day) is still in progress; an encounter that ends
// on a day behind the last is told again.
func (h *Hospital) Care(day int) iter.Seq[Resource] { return h.care(day, false) }

// care is Care; on the first of several days it also tells the encounters that began before, for what refers to them.
func (h *Hospital) care(day int, first bool) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		f := &facts{h: h, yield: yield, first: first}
		known := h.at(max(h.cfg.Days, day+1), 0)
		h.active(day, func(e *episode) {
			for n := uint8(0); int(n) < e.n && !f.done; n++ {
				f.encounter(e, n, day, known)
			}
		})
		p := h.plan(day, 0)
		for i := range p.orders {
			if f.done {
				return
			}
			f.serviceRequest(&p.orders[i])
		}
		if day >= chartedFrom {
			f.charts(p)
		}
		for _, s := range h.roster(day, nil) {
			if f.done {
				return
			}
			f.slot(&s, day)
		}
	}
}

// Context returns People, the last visit of most patients before that, Care for every day of the hospital and the 24 days
// before it, and the appointments of the two weeks after it.
func (h *Hospital) Context() iter.Seq[Resource] { return h.from(-horizon, h.cfg.Days-1) }

// Recent is Context for a day: People, last visits, Care for it and the 24 days before it, appointments ahead.
func (h *Hospital) Recent(day int) iter.Seq[Resource] { return h.from(day-horizon, day) }

func (h *Hospital) from(first, last int) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		for r := range h.People() {
			if !yield(r) {
				return
			}
		}
		f := &facts{h: h, yield: yield}
		if f.histories(); f.done {
			return
		}
		for day := first; day <= last; day++ {
			for r := range h.care(day, day == first) {
				if !yield(r) {
					return
				}
			}
		}
		for r := range h.ahead(last) {
			if !yield(r) {
				return
			}
		}
	}
}
