package detectors

import (
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Sign is a bit that says something about an access.
type Sign uint32

// Signs of an access.
const (
	// SignLook: somebody looked at this record on purpose: it was opened, or asked for by a search within it.
	SignLook Sign = 1 << iota
	// SignListed: the record was one of several on a list or report.
	SignListed
	// SignNameSearch: people were searched for; no record was opened.
	SignNameSearch
	// SignWrite: something was created, changed or deleted: work was done on the record.
	SignWrite
	SignPrint
	SignExport
	SignLogin
	SignLogout
	SignRefused // it failed or was denied
	SignBreakGlass
	// SignNoReason: glass was broken without a reason, or with one that says nothing.
	SignNoReason
	// SignSystem: no human looked.
	SignSystem
	// SignPatient: the reader is the patient, or somebody who acts for a patient.
	SignPatient
	// SignEmergency: the purpose of use names an emergency.
	SignEmergency
	SignPayment
	SignOperations
	SignResearch
	// SignAgain: another event reported the same access before, as client and server do. Both are judged and cited, and counted and told once.
	SignAgain
	// SignReset: the sign-in of an account was reset or unlocked.
	SignReset
)

// Access is one access as detectors see it: one patient of one event. 80 bytes, no pointer.
type Access struct {
	Position proto.Position
	// Occurred is when it happened, clamped to received plus five minutes, in microseconds.
	Occurred int64
	Signs    Sign
	// Count is how many objects the event says it touched.
	Count                              uint32
	Reader, Patient, Department, Role  facts.ID
	Workstation, Network, Object, Site facts.ID
	// Request is a hash of the request id that reports of one access have in common; 0: there is none.
	Request uint32
	// BasedOn is a hash of the order that the event names (orderHash of FHIR AuditEvent.basedOn, the first order of several, whomever of the event's
	// patients it is for); 0: it names none. It is held against the orders of the patient alone, so that two of one hash meet next to never.
	BasedOn uint32
	// Number is the numeric value of the record number, for enumeration; 0 is none. Of a reset, which is about no record, it is the
	// reader whose account was reset.
	Number int64
	Labels facts.Label
	Action uint8
	// Why is for which kind of reason the glass was broken.
	Why Why
	// Nth is which of the event's patients it is about: proto.PatientNumber.
	Nth uint16
}

// Has reports whether all the signs are there.
func (a *Access) Has(s Sign) bool { return a.Signs&s == s }

// Any reports whether one of the signs is there.
func (a *Access) Any(s Sign) bool { return a.Signs&s != 0 }

// viewer turns events into accesses. It numbers texts, so it is used by one goroutine.
type viewer struct {
	state *facts.State
	// named are the event's distinct patients, and records whose records theirs are: one may go by two identifiers.
	named   []*v1.Patient
	records []facts.ID
}

// maxAhead is how far a source's clock may run ahead of the journal's before the occurred time is clamped (design: three clocks).
const maxAhead = 5 * time.Minute

// view appends the accesses of an event: one a patient, or one without. free is what people typed, nil when it is not open.
func (v *viewer) view(into []Access, at proto.Position, received int64, e *v1.AccessEvent, free *v1.FreeText) []Access {
	a := Access{
		Position: at, Occurred: e.OccurredUs, Action: uint8(e.Action),
		Reader: v.state.Reader(e.Reader, e.Source), Workstation: v.text(e.Workstation), Network: v.text(e.NetworkAddress),
		Site: v.text(e.Site),
	}
	if late := received + maxAhead.Microseconds(); received != 0 && a.Occurred > late {
		a.Occurred = late
	}
	if d := e.Reader.GetDepartment(); d != "" {
		a.Department = v.state.Department(d)
	}
	if r := e.Reader.GetRole(); r != nil {
		a.Role = v.text(strings.ToLower(r.Code))
	}
	for _, o := range e.Objects {
		if a.Object == 0 {
			a.Object = v.text(o.Type)
		}
		a.Count += max(o.Count, 1)
		for _, s := range o.Sensitivity {
			a.Labels |= facts.LabelOf(s)
		}
	}
	for _, s := range e.Sensitivity {
		a.Labels |= facts.LabelOf(s)
	}
	if e.RequestId != "" {
		a.Request = uint32(xxhash.Sum64String(e.RequestId))
	}
	a.BasedOn = basedOn(e)
	a.Signs = signs(e, free)
	if a.Any(SignBreakGlass) {
		a.Why = whyOf(e, free.GetBreakGlassText())
	}
	v.named = proto.DistinctPatients(v.named[:0], e)
	if len(v.named) == 0 {
		if a.Action == uint8(v1.Action_ACTION_SEARCH) {
			a.Signs |= SignNameSearch
		}
		a.Signs &^= SignLook
		if a.Any(SignReset) {
			a.Number = int64(v.account(e))
		}
		return append(into, a)
	}
	a.Signs &^= SignReset  // what was changed is something about a patient
	account := facts.ID(0) // whose portal account it is
	if e.Reader.GetType() == v1.ReaderType_READER_TYPE_PATIENT {
		account = v.state.KnownPatient(e.Reader.GetIdentifiers())
	}
	several := v.several()
	for n := range v.named {
		one := a
		one.Nth = proto.PatientNumber(n)
		one.Patient = v.records[n]
		if account != 0 && account != v.state.Canonical(one.Patient) {
			one.Signs &^= SignPatient // another patient's record: who acts for somebody comes as a related person
		}
		one.Number = recordNumber(v.named[n])
		if several || n > 0 { // a record under two identifiers is looked at once
			one.Signs = one.Signs&^SignLook | SignListed
		}
		into = append(into, one)
	}
	return into
}

// account is the reader whose account was reset: whom an entity names, by a reference to a person, else by an identifier of a reader who is
// known, else by any; else an agent beside the one who did it, else that one. 0 is nobody.
func (v *viewer) account(e *v1.AccessEvent) facts.ID {
	var named *v1.Identifier
	known := false
	for _, o := range e.Objects {
		switch {
		case o.Id == nil:
		case o.Type == "Practitioner" || o.Type == "PractitionerRole" || o.Type == "Person":
			return v.state.Account(o.Id, e.Source)
		case fhirid.IsType(o.Type):
		case !known:
			if known = v.state.KnownAccount(o.Id, e.Source) != 0; known || named == nil {
				named = o.Id
			}
		}
	}
	if named != nil {
		return v.state.Account(named, e.Source)
	}
	for _, p := range e.Participants {
		switch p.Type {
		case v1.ReaderType_READER_TYPE_APPLICATION, v1.ReaderType_READER_TYPE_ORGANIZATION:
		default:
			if n := v.state.Reader(p, e.Source); n != 0 {
				return n
			}
		}
	}
	return v.state.Reader(e.Reader, e.Source)
}

// several finds whose records the event's patients are, and reports whether there is more than one.
func (v *viewer) several() (several bool) {
	v.records = v.records[:0]
	for _, p := range v.named {
		id := v.state.PatientOf(p)
		v.records = append(v.records, id)
		several = several || id == 0 && len(v.named) > 1 || id != v.records[0]
	}
	return several
}

func (v *viewer) text(s string) facts.ID {
	if s == "" {
		return 0
	}
	return v.state.TextID(s)
}

// signs reads everything that one event says of itself.
func signs(e *v1.AccessEvent, free *v1.FreeText) Sign {
	var s Sign
	switch e.Action {
	case v1.Action_ACTION_PRINT:
		s |= SignPrint | SignLook
	case v1.Action_ACTION_EXPORT, v1.Action_ACTION_DISCLOSE:
		s |= SignExport | SignLook
	case v1.Action_ACTION_CREATE, v1.Action_ACTION_UPDATE, v1.Action_ACTION_DELETE:
		s |= SignWrite | SignLook
	case v1.Action_ACTION_LOGIN:
		s |= SignLogin
	case v1.Action_ACTION_LOGOUT:
		s |= SignLogout
	default:
		s |= SignLook
	}
	switch e.Mode {
	case v1.AccessMode_ACCESS_MODE_INCIDENTAL:
		s = s&^SignLook | SignListed
	case v1.AccessMode_ACCESS_MODE_SYSTEM:
		s = s&^SignLook | SignSystem
	}
	if e.Outcome > v1.Outcome_OUTCOME_SUCCESS {
		s = s&^(SignLook|SignWrite|SignPrint|SignExport) | SignRefused
	}
	switch e.Reader.GetType() {
	case v1.ReaderType_READER_TYPE_PATIENT, v1.ReaderType_READER_TYPE_RELATED_PERSON:
		s |= SignPatient
	case v1.ReaderType_READER_TYPE_APPLICATION, v1.ReaderType_READER_TYPE_ORGANIZATION:
		s = s&^SignLook | SignSystem
	}
	for _, p := range e.Purposes {
		s |= purposeSign(p.Code)
	}
	if s&SignRefused == 0 && (isReset(e.Type) || slices.ContainsFunc(e.Subtypes, isReset)) {
		s |= SignReset
	}
	if e.BreakGlass {
		s |= SignBreakGlass
		if !meansSomething(e.BreakGlassReason, free.GetBreakGlassText()) {
			s |= SignNoReason
		}
	}
	return s
}

// isReset reads DICOM's types of security alerts (PS3.16): 110137, User Security Attributes Changed, is a password that was reset or an account
// that was unlocked.
func isReset(c *v1.Coding) bool { return c.GetCode() == "110137" }

// purposeSign reads v3-ActReason PurposeOfUse.
func purposeSign(code string) Sign {
	switch strings.ToUpper(code) {
	case "BTG":
		return SignBreakGlass
	case "ETREAT":
		return SignEmergency
	case "HPAYMT", "CLMATTCH", "COVAUTH", "COVERAGE", "ELIGDTRM", "ELIGVER", "ENROLLM", "REMITADV":
		return SignPayment
	case "HOPERAT", "CAREMGT", "HSYSADMIN", "HQUALIMP", "PATADMIN", "RECORDMGT", "HLEGAL", "HACCRED", "HCOMPL":
		return SignOperations
	case "HRESCH", "CLINTRCH":
		return SignResearch
	}
	return 0
}

// minReason is how many letters a typed reason has at least, to say something.
const minReason = 8

// meansSomething says whether a break-glass reason is one. A code alone counts unless it is the one for "other"; a typed
// text counts when it has at least two different words of some length: "asdf", "x", "....", "other" do not.
func meansSomething(code *v1.Coding, text string) bool {
	if text == "" {
		c := strings.ToLower(code.GetCode() + " " + code.GetDisplay())
		return strings.TrimSpace(c) != "" && !strings.Contains(c, "other") && !saysOnlyThat(code.GetCode())
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' && r < 0x80 })
	distinct, letters := map[string]bool{}, 0
	for _, w := range words {
		if len(w) > 1 && varied(w) {
			distinct[w] = true
			letters += len(w)
		}
	}
	delete(distinct, "other")
	delete(distinct, "test")
	return len(distinct) >= 2 && letters >= minReason
}

// saysOnlyThat: the code says that the glass was broken, and not why (DICOM 110127, v3-ActReason BTG).
func saysOnlyThat(code string) bool {
	switch strings.ToLower(code) {
	case "btg", "110127", "break-glass", "breakglass", "break-the-glass", "breaktheglass":
		return true
	}
	return false
}

// varied: a word repeats no letter all the time ("aaaa", "xxx").
func varied(w string) bool {
	return strings.Trim(w, w[:1]) != ""
}

// recordNumber finds the number under which a record is filed: the digits of the identifier that has the most of them and
// is no reference.
func recordNumber(p *v1.Patient) int64 {
	best, most := int64(0), 3
	for _, id := range p.Identifiers {
		if strings.Contains(id.Value, "/") {
			continue
		}
		n, digits, tooLong := int64(0), 0, false
		for i := range len(id.Value) {
			c := id.Value[i]
			if c >= '0' && c <= '9' {
				n, digits = n*10+int64(c-'0'), digits+1
				tooLong = tooLong || digits > 17
			} else if digits > 0 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
				tooLong = true // a hash, not a number
			}
		}
		if digits > most && !tooLong {
			best, most = n, digits
		}
	}
	return best
}
