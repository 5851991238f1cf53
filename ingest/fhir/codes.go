package fhir

import (
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// coding is a Coding element in values of its own: most are looked at and not kept.
type coding struct{ system, code, display string }

func (c coding) isZero() bool { return c == coding{} }

// coding reads a Coding element.
func (d *Decoder) readCoding(i int) (c coding) {
	if d.doc.kindOf(i) != kindObject {
		// A code alone, as some senders write it.
		c.code = d.doc.scalar(i)
		return c
	}
	for j, end := d.doc.first(i), d.doc.end(i); j < end; j = d.doc.end(j) {
		switch d.doc.key(j) {
		case "system":
			c.system = d.doc.stringAt(j)
		case "code":
			c.code = d.doc.scalar(j)
		case "display":
			c.display = d.doc.stringAt(j)
		}
	}
	return c
}

// codings calls f for every coding in a Coding, a CodeableConcept, or a list of either. A concept that is only text
// counts as a coding with a display.
func (d *Decoder) eachCoding(i int, f func(coding)) {
	d.doc.items(i, func(item int) {
		list, text := d.doc.get(item, "coding"), d.doc.field(item, "text")
		if list == none {
			c := d.readCoding(item)
			if c.isZero() {
				c.display = text
			}
			if !c.isZero() {
				f(c)
			}
			return
		}
		found := false
		d.doc.items(list, func(j int) {
			if c := d.readCoding(j); !c.isZero() {
				found = true
				f(c)
			}
		})
		if !found && text != "" {
			f(coding{display: text})
		}
	})
}

// firstCoding is the first coding of an element.
func (d *Decoder) firstCoding(i int) (first coding) {
	d.eachCoding(i, func(c coding) {
		if first.isZero() {
			first = c
		}
	})
	return first
}

// Code systems by a part of their URI: senders use the canonical URI, its OID, or an older one.
func isDICOM(system string) bool {
	return strings.Contains(system, "dicom.nema.org") || strings.HasSuffix(system, "1.2.840.10008.2.16.4") || system == "DCM"
}

func isRESTful(system string) bool { return strings.HasSuffix(system, "restful-interaction") }

func isLifecycle(system string) bool { return strings.Contains(system, "lifecycle") }

// agentClass is what an agent's type says about it.
type agentClass uint8

const (
	classUnknown agentClass = iota
	// classHuman: a code that only people carry.
	classHuman
	// classMachine: DICOM's role ids for systems, and the like.
	classMachine
	// classServer: a machine that answers; never the one who looked.
	classServer
	// classOrganization: the organisation behind the reader.
	classOrganization
	// classMedia: where an export went.
	classMedia
)

// classOf classifies an agent type: DICOM PS3.16 CID 402 (110150 to 110155), FHIR extra-security-role-type, HL7
// v3-ParticipationType and v3-RoleClass, provenance-participant-type, BALP UserAgentTypes.
func classOf(c coding) agentClass {
	switch c.code {
	case "110150", "110151", "110152", "110153":
		return classMachine
	case "110154", "110155":
		return classMedia
	case "humanuser", "IRCP", "INF", "CST", "AUT", "AUTHEN", "ENT", "PPRF", "SPRF", "PRF", "ATND", "CON", "REF",
		"LA", "VRF", "WIT", "UserSamlAgent", "UserOauthAgent", "enterer", "performer", "author", "verifier", "legal",
		"attester", "informant", "HCP", "ASS", "PAT", "REP", "PADM", "DADM", "DRADM":
		return classHuman
	case "custodian", "authserver", "datacollector", "dataprocessor", "datasubject", "assembler", "composer":
		if c.code == "authserver" || c.code == "custodian" {
			return classServer
		}
		return classMachine
	case "DEV", "TCU", "promotedtolegal":
		return classMachine
	case "PROV", "homeCommunityId", "GRP":
		return classOrganization
	}
	if strings.HasSuffix(c.system, "snomed.info/sct") {
		// SNOMED types of agents are roles that people play.
		return classHuman
	}
	return classUnknown
}

// isRole reports whether an agent's type says which role the reader has in the organisation, and not only which part
// the agent played in the event.
func isRole(c coding) bool {
	if c.system == "" && classOf(c) != classUnknown {
		return false
	}
	return !isDICOM(c.system) && !strings.Contains(c.system, "v3-ParticipationType") &&
		!strings.Contains(c.system, "extra-security-role-type") && !strings.Contains(c.system, "UserAgentTypes") &&
		!strings.Contains(c.system, "provenance-participant-type") && !strings.Contains(c.system, "v3-RoleClass")
}

// readerTypeOf tells the kind of reader from a resource type.
func readerTypeOf(resourceType string) v1.ReaderType {
	switch resourceType {
	case "Practitioner", "PractitionerRole":
		return v1.ReaderType_READER_TYPE_PRACTITIONER
	case "Patient":
		return v1.ReaderType_READER_TYPE_PATIENT
	case "RelatedPerson":
		return v1.ReaderType_READER_TYPE_RELATED_PERSON
	case "Person":
		return v1.ReaderType_READER_TYPE_PERSON
	case "Device", "DeviceDefinition", "Endpoint":
		return v1.ReaderType_READER_TYPE_APPLICATION
	case "Organization", "CareTeam", "HealthcareService", "Group":
		return v1.ReaderType_READER_TYPE_ORGANIZATION
	}
	return v1.ReaderType_READER_TYPE_UNSPECIFIED
}

// readerTypeOfRole tells it from the roles of the Swiss EPR (HCP, ASS, PAT, REP, PADM, DADM, TCU, GRP).
func readerTypeOfRole(code string) v1.ReaderType {
	switch code {
	case "HCP":
		return v1.ReaderType_READER_TYPE_PRACTITIONER
	case "ASS", "PADM", "DADM", "DRADM":
		return v1.ReaderType_READER_TYPE_STAFF
	case "PAT":
		return v1.ReaderType_READER_TYPE_PATIENT
	case "REP":
		return v1.ReaderType_READER_TYPE_RELATED_PERSON
	case "TCU":
		return v1.ReaderType_READER_TYPE_APPLICATION
	case "GRP":
		return v1.ReaderType_READER_TYPE_ORGANIZATION
	}
	return v1.ReaderType_READER_TYPE_UNSPECIFIED
}

// isBreakGlass reports whether a code says that somebody overrode a barrier: DICOM 110127 (Emergency Override Started),
// HL7 v3-ActReason ETREAT and BTG, Swiss EPR EMER, XSPA EMERGENCY, and spellings of "break the glass".
func isBreakGlass(code string) bool {
	switch code {
	case "":
		return false
	case "110127", "ETREAT", "EMER", "BTG":
		return true
	}
	if len(code) > 24 {
		return false
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, code)
	switch plain {
	case "BTG", "ETREAT", "BREAKGLASS", "BREAKTHEGLASS", "EMERGENCY", "EMERGENCYACCESS", "EMERGENCYOVERRIDE":
		return true
	}
	return false
}

// isSystemPurpose reports whether a purpose says that no human looked (Swiss EPR AUTO and DICOM_AUTO).
func isSystemPurpose(code string) bool { return code == "AUTO" || code == "DICOM_AUTO" }

// isSensitivity keeps labels that say how delicate something is, and leaves out test data marks and reasons.
func isSensitivity(c coding) bool {
	return c.code != "" && !strings.Contains(c.system, "v3-ActReason")
}

// outcomeOf maps R4's indicator (DICOM PS3.15 A.5.1) and the code systems that R5 examples use for it.
func outcomeOf(code string) v1.Outcome {
	switch code {
	case "0", "success", "information", "informational":
		return v1.Outcome_OUTCOME_SUCCESS
	case "4", "warning":
		return v1.Outcome_OUTCOME_MINOR_FAILURE
	case "8", "error":
		return v1.Outcome_OUTCOME_SERIOUS_FAILURE
	case "12", "fatal":
		return v1.Outcome_OUTCOME_MAJOR_FAILURE
	}
	return v1.Outcome_OUTCOME_UNSPECIFIED
}
