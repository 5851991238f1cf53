package fhir

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// The data types of FHIR that an AuditEvent is made of (R4 section 2.24, R5 section 2.1.28), as far as they are emitted.
type coding struct {
	// Absent stands in place of the rest where a coding is mandatory and none was stated.
	Absent  *reasons `json:"extension,omitempty"`
	System  string   `json:"system,omitempty"`
	Code    string   `json:"code,omitempty"`
	Display string   `json:"display,omitempty"`
}

// reasons is a data-absent-reason, as a list of extensions.
type reasons []extension

type concept struct {
	Extension []extension `json:"extension,omitempty"`
	Coding    []coding    `json:"coding,omitempty"`
	Text      string      `json:"text,omitempty"`
}

type identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

type reference struct {
	Extension  []extension `json:"extension,omitempty"`
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type extension struct {
	URL             string      `json:"url"`
	ValueCode       string      `json:"valueCode,omitempty"`
	ValueString     string      `json:"valueString,omitempty"`
	ValueIdentifier *identifier `json:"valueIdentifier,omitempty"`
	ValueReference  *reference  `json:"valueReference,omitempty"`
}

type period struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

type meta struct {
	VersionID   string   `json:"versionId,omitempty"`
	LastUpdated string   `json:"lastUpdated,omitempty"`
	Source      string   `json:"source,omitempty"`
	Security    []coding `json:"security,omitempty"`
	Tag         []coding `json:"tag,omitempty"`
}

// contained holds the identifiers of a Patient or Device that a Reference has no room for.
type contained struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier"`
}

// absent is what stands beside a primitive element that is mandatory and was not stated: _recorded, _requestor.
type absent struct {
	Extension []extension `json:"extension"`
}

// Base is where the extensions and code systems of Readtrail are named.
const Base = "https://github.com/readtrail/readtrail/fhir"

// Extensions for what FHIR has no element for.
const (
	extSourceEventID  = Base + "/StructureDefinition/source-event-id"
	extSourceSequence = Base + "/StructureDefinition/source-sequence"
	extSession        = Base + "/StructureDefinition/session"
	extAccessMode     = Base + "/StructureDefinition/access-mode"
	extActionCode     = Base + "/StructureDefinition/action-code"
	extFormat         = Base + "/StructureDefinition/format"
	extConflictsWith  = Base + "/StructureDefinition/conflicts-with"
	systemFlag        = Base + "/CodeSystem/flag"
	systemAction      = Base + "/CodeSystem/action"
)

// Names of others.
const (
	extAbsent         = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	extOtherID        = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/ihe-otherId"
	extOnBehalfOf     = "http://hl7.org/fhir/StructureDefinition/auditevent-OnBehalfOf"
	extBasedOn        = "http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent.basedOn"
	extEncounter      = "http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent.encounter"
	systemDICOM       = "http://dicom.nema.org/resources/ontology/DCM"
	systemParticipant = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemEntityType  = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemObjectRole  = "http://terminology.hl7.org/CodeSystem/object-role"
	systemBALPEntity  = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	systemOutcome     = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
	systemSeverity    = "http://hl7.org/fhir/issue-severity"
	systemHuman       = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
)

// unknown says that a mandatory element was not stated.
func unknown() reasons { return reasons{{URL: extAbsent, ValueCode: "unknown"}} }

// textOf makes a string that FHIR takes: no control characters, and none of nothing but blanks.
func textOf(s string) string {
	if strings.TrimFunc(s, isBlank) == "" {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return utf8.RuneError
		}
		return r
	}, s)
}

// uriOf makes a URI that FHIR takes: one without blanks. Those that a system has are escaped, so that two stay two.
func uriOf(s string) string {
	if !strings.ContainsFunc(s, notURI) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, r := range s {
		if !notURI(r) {
			b.WriteRune(r)
			continue
		}
		var room [utf8.UTFMax]byte
		for _, c := range room[:utf8.EncodeRune(room[:], r)] {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func notURI(r rune) bool { return isBlank(r) || unicode.IsControl(r) }

// isBlank counts the byte order mark as well: some of those who validate do.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// isCode accepts what FHIR takes as a code: no blanks around it, single ones within.
func isCode(s string) bool {
	blank := true
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return false
		case isBlank(r):
			if blank {
				return false
			}
			blank = true
		default:
			blank = false
		}
	}
	return !blank
}

// codingOf emits a coding as it was sent; what is no code by FHIR's rules is its text.
func codingOf(c *v1.Coding) coding {
	out := coding{System: uriOf(c.GetSystem()), Display: textOf(c.GetDisplay())}
	switch code := c.GetCode(); {
	case isCode(code):
		out.Code = code
	case out.Display == "":
		out.Display = textOf(code)
	}
	return out
}

func (c coding) isZero() bool { return c == coding{} }

// conceptOf is a concept of one coding; of text alone when there is no code.
func conceptOf(c coding) concept {
	if c.Code == "" && c.System == "" {
		return concept{Text: c.Display}
	}
	return concept{Coding: []coding{c}}
}

func conceptsOf(list []coding) []concept {
	var out []concept
	for _, c := range list {
		out = append(out, conceptOf(c))
	}
	return out
}

// codingsOf emits codings and leaves out those that say nothing.
func codingsOf(list []*v1.Coding) []coding {
	var out []coding
	for _, c := range list {
		if made := codingOf(c); !made.isZero() {
			out = append(out, made)
		}
	}
	return out
}

func identifierOf(id *v1.Identifier) *identifier {
	return &identifier{System: uriOf(id.GetSystem()), Value: textOf(id.GetValue())}
}

// instant writes microseconds as FHIR does, in UTC; "" for none and for years that FHIR cannot say.
func instant(us int64) string {
	if us == 0 {
		return ""
	}
	at := time.UnixMicro(us).UTC()
	if at.Year() < 1 || at.Year() > 9999 {
		return ""
	}
	return at.Format("2006-01-02T15:04:05.999999Z07:00")
}

// Kinds of network addresses (http://hl7.org/fhir/network-type).
const (
	networkName  = "1"
	networkIP    = "2"
	networkEmail = "4"
	networkURI   = "5"
)

// networkType tells what an address is.
func networkType(address string) string {
	if _, err := netip.ParseAddr(address); err == nil {
		return networkIP
	}
	switch {
	case strings.Contains(address, "://"):
		return networkURI
	case strings.Contains(address, "@"):
		return networkEmail
	}
	return networkName
}

// typeOfReference is the resource type in "Patient/123", "" in anything else.
func typeOfReference(value string) string {
	typ, id, ok := strings.Cut(value, "/")
	if !ok || id == "" || strings.Contains(id, "/") || !fhirid.IsType(typ) {
		return ""
	}
	return typ
}

// isServer accepts the base URL of a server, below which a literal reference is found.
func isServer(system string) bool {
	return (strings.HasPrefix(system, "https://") || strings.HasPrefix(system, "http://")) && !strings.ContainsFunc(system, notURI)
}
