package api

import (
	"slices"
	"strings"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// actionWord is what was done, as one would say it to the patient.
func actionWord(a v1.Action) string {
	switch a {
	case v1.Action_ACTION_READ:
		return "looked at"
	case v1.Action_ACTION_SEARCH:
		return "found in a search"
	case v1.Action_ACTION_PRINT:
		return "printed"
	case v1.Action_ACTION_EXPORT:
		return "copied out"
	case v1.Action_ACTION_CREATE:
		return "added to"
	case v1.Action_ACTION_UPDATE:
		return "changed"
	case v1.Action_ACTION_DELETE:
		return "deleted"
	case v1.Action_ACTION_EXECUTE:
		return "used"
	case v1.Action_ACTION_DISCLOSE:
		return "passed on"
	}
	return "opened"
}

// dataWords are the parts of the record in plain words, each once. What has no plain word stays as the system named it.
func dataWords(objects []*v1.Object) []string {
	var out []string
	for _, o := range objects {
		text := dataWord(o.Type)
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// dataWord is a type of resource (FHIR's names) in plain words.
func dataWord(typ string) string {
	switch typ {
	case "Patient", "Person", "RelatedPerson":
		return "personal details"
	case "DocumentReference", "Composition", "DocumentManifest", "Binary", "Media":
		return "documents and notes"
	case "Observation":
		return "measurements and laboratory values"
	case "DiagnosticReport", "Report":
		return "test reports"
	case "ImagingStudy", "ImagingSelection":
		return "X-ray and other images"
	case "Medication", "MedicationRequest", "MedicationAdministration", "MedicationStatement", "MedicationDispense":
		return "medication"
	case "Condition":
		return "diagnoses"
	case "AllergyIntolerance":
		return "allergies"
	case "Encounter", "EpisodeOfCare":
		return "visits"
	case "Appointment", "Schedule", "Slot":
		return "appointments"
	case "Procedure":
		return "treatments and operations"
	case "ServiceRequest", "Task":
		return "orders and referrals"
	case "Immunization":
		return "vaccinations"
	case "Coverage", "Claim", "ClaimResponse", "ExplanationOfBenefit", "Account", "Invoice":
		return "insurance and billing"
	case "CarePlan", "CareTeam", "Goal":
		return "care plans"
	case "Consent":
		return "consents"
	case "FamilyMemberHistory":
		return "family history"
	case "Questionnaire", "QuestionnaireResponse":
		return "questionnaires"
	}
	return typ
}

// purposeWords are reasons in plain words: codes of HL7's PurposeOfUse, else as the system stated them.
func purposeWords(purposes []string) []string {
	out := make([]string, 0, len(purposes))
	for _, p := range purposes {
		out = append(out, purposeWord(p))
	}
	return out
}

func purposeWord(code string) string {
	switch strings.ToUpper(code) {
	case "TREAT", "CAREMGT", "CLINTRCH":
		return "your treatment"
	case "ETREAT", "BTG", "ERTREAT":
		return "emergency treatment"
	case "HPAYMT", "CLMATTCH", "COVAUTH", "COVERAGE", "REMITADV", "PMTDS":
		return "billing and insurance"
	case "HOPERAT", "HSYSADMIN", "SYSADMIN", "RECORDMGT", "TRANSRCH":
		return "running the hospital"
	case "HRESCH", "BIORCH", "CLINTRCHNPC", "CLINTRCHPC":
		return "research"
	case "PATRQT", "PATADMIN":
		return "at your request"
	case "FAMRQT":
		return "at your family's request"
	case "PUBHLTH":
		return "public health"
	case "HLEGAL":
		return "legal reasons"
	case "HQUALIMP", "QUALIMP":
		return "quality of care"
	case "HCOMPL", "HSECURITY":
		return "protection of records"
	case "HMARKT":
		return "advertising"
	case "TRAIN", "HTRAIN":
		return "training"
	}
	return code
}

// roleWord is what somebody is in the hospital.
func roleWord(by *v1.Reader) string {
	if c := by.GetRole(); c != nil {
		return orText(c.Display, c.Code)
	}
	switch by.GetType() {
	case v1.ReaderType_READER_TYPE_PRACTITIONER:
		return "clinical staff"
	case v1.ReaderType_READER_TYPE_STAFF:
		return "staff"
	case v1.ReaderType_READER_TYPE_APPLICATION:
		return "computer system"
	case v1.ReaderType_READER_TYPE_ORGANIZATION:
		return "organization"
	}
	return ""
}

// roleName is a role in Readtrail in plain words.
func roleName(role string) string {
	switch role {
	case proto.RoleRespondent:
		return "somebody who was asked about an access"
	case proto.RoleInvestigator:
		return "investigator of accesses"
	case proto.RolePrivacyOfficer:
		return "privacy officer"
	case proto.RoleAdministrator:
		return "administrator of the audit system"
	}
	return role
}

// origin is where an access came from.
func origin(source, site string) string {
	if site == "" {
		return source
	}
	return source + ", at " + site
}
