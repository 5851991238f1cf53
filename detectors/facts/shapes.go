package facts

import (
	"slices"
	"strings"
)

// actor says where a resource type names who cares.
type actor struct {
	kind CareKind
	// path leads to the reference; period, beside the reference's parent, to its own period.
	path []string
	// department: without a type of its own, the reference names a department.
	department bool
}

type careShape struct {
	// times are the elements of its time; several are spanned.
	times  []string
	actors []actor
	// lasting: without an end it goes on, unless the status says that it is over.
	lasting bool
	// untilDone: it is lasting while it is given to somebody and not over; of what is over, what it states counts.
	untilDone bool
}

func who(kind CareKind, path string) actor { return actor{kind: kind, path: strings.Split(path, ".")} }

func where(kind CareKind, path string) actor {
	return actor{kind: kind, path: strings.Split(path, "."), department: true}
}

// fallback is how a type that is not listed is read: any resource about a patient that names staff is evidence of care.
var fallback = careShape{
	times: []string{
		"period", "effectivePeriod", "performedPeriod", "effectiveDateTime", "authoredOn", "recordedDate", "issued", "date",
		"created", "dateTime",
	},
	actors: []actor{
		who(CareOther, "author"), who(CareOther, "performer"), who(CareOther, "performer.actor"), who(CareOther, "recorder"),
		who(CareOther, "requester"), who(CareOther, "asserter"), who(CareOther, "orderer"), who(CareOther, "sender"),
		who(CareOther, "assessor"), who(CareOther, "participant.actor"),
	},
}

func orders(more ...actor) careShape {
	return careShape{
		times: []string{"authoredOn", "occurrenceDateTime", "occurrencePeriod", "executionPeriod"},
		actors: append([]actor{
			who(CareRequester, "requester"), who(CareRequester, "requester.agent"), who(CareRequester, "orderer"),
			who(CarePerformer, "performer"),
		}, more...),
	}
}

// untilDone is of what stands in somebody's work queue.
func untilDone(of careShape) careShape {
	of.untilDone = true
	return of
}

func charting(times string, actors ...actor) careShape {
	return careShape{times: strings.Fields(times), actors: actors}
}

// CareKinds are how each resource type that documents care names people and departments who care. CareOther, which says nothing in
// particular, is left out, and so are types that name nobody in another way.
func CareKinds() map[string][]CareKind {
	out := map[string][]CareKind{}
	for typ, shape := range careShapes {
		for _, a := range shape.actors {
			if a.kind != CareOther && !slices.Contains(out[typ], a.kind) {
				out[typ] = append(out[typ], a.kind)
			}
		}
	}
	return out
}

// careShapes are the resource types that document care, R4 and R5 shapes side by side.
var careShapes = map[string]careShape{
	"Encounter": {
		times: []string{"period", "actualPeriod"}, lasting: true,
		actors: []actor{
			who(CareAttending, "participant.individual"), who(CareAttending, "participant.actor"),
			where(CareUnit, "serviceProvider"), where(CareUnit, "location.location"),
		},
	},
	"Appointment": {
		times: []string{"start", "end", "requestedPeriod"}, actors: []actor{who(CareAppointment, "participant.actor")},
	},
	"CareTeam": {
		times: []string{"period"}, lasting: true,
		actors: []actor{
			who(CareTeam, "participant.member"), where(CareTeam, "participant.onBehalfOf"), where(CareTeam, "managingOrganization"),
		},
	},
	"EpisodeOfCare": {
		times: []string{"period"}, lasting: true,
		actors: []actor{who(CareTeam, "careManager"), who(CareTeam, "team"), where(CareUnit, "managingOrganization")},
	},
	"ServiceRequest": orders(where(CarePerformer, "locationReference"), where(CarePerformer, "location")),
	"MedicationRequest": orders(who(CareRequester, "recorder"), where(CarePerformer, "dispenseRequest.performer"),
		where(CarePerformer, "dispenseRequest.dispenser")),
	"DeviceRequest": orders(), "NutritionOrder": orders(), "VisionPrescription": orders(who(CareRequester, "prescriber")),
	"ReferralRequest": orders(who(CarePerformer, "recipient")), "Referral": orders(who(CarePerformer, "recipient")),
	"CommunicationRequest": orders(who(CarePerformer, "recipient")), "ProcedureRequest": orders(), "RequestGroup": orders(),
	"Task": untilDone(orders(who(CarePerformer, "owner"), who(CarePerformer, "performer.actor"), who(CarePerformer, "requestedPerformer"),
		where(CarePerformer, "location"))),
	"Observation": charting("effectiveDateTime effectivePeriod effectiveInstant issued", who(CareAuthor, "performer")),
	"DiagnosticReport": charting("effectiveDateTime effectivePeriod issued", who(CareAuthor, "performer"),
		who(CareAuthor, "performer.actor"), who(CareAuthor, "resultsInterpreter")),
	"DocumentReference": charting("date created period", who(CareAuthor, "author"), who(CareAuthor, "authenticator"),
		who(CareAuthor, "attester.party"), where(CareOther, "custodian")),
	"Composition": charting("date", who(CareAuthor, "author"), who(CareAuthor, "attester.party"), where(CareOther, "custodian")),
	"MedicationAdministration": charting("effectiveDateTime effectivePeriod occurenceDateTime occurencePeriod occurrenceDateTime",
		who(CareAuthor, "performer.actor")),
	"MedicationDispense":  charting("whenHandedOver whenPrepared", who(CareAuthor, "performer.actor"), where(CareOther, "location")),
	"MedicationStatement": charting("dateAsserted effectiveDateTime effectivePeriod", who(CareOther, "informationSource")),
	"Procedure": charting("performedDateTime performedPeriod occurrenceDateTime occurrencePeriod", who(CareAuthor, "performer.actor"),
		who(CareAuthor, "recorder"), who(CareAuthor, "asserter"), where(CareOther, "location")),
	"Immunization": charting("occurrenceDateTime date recorded", who(CareAuthor, "performer.actor"), who(CareAuthor, "recorder")),
	"Condition": charting("recordedDate assertedDate onsetDateTime", who(CareAuthor, "recorder"), who(CareAuthor, "asserter"),
		who(CareAuthor, "participant.actor")),
	"AllergyIntolerance": charting("recordedDate assertedDate", who(CareAuthor, "recorder"), who(CareAuthor, "asserter"),
		who(CareAuthor, "participant.actor")),
	"QuestionnaireResponse": charting("authored", who(CareAuthor, "author")),
	"ImagingStudy": charting("started", who(CareRequester, "referrer"), who(CareAuthor, "interpreter"),
		who(CareAuthor, "series.performer.actor"), where(CareOther, "location")),
	"CarePlan": {
		times: []string{"period", "created"}, lasting: true,
		actors: []actor{who(CareAuthor, "author"), who(CareAuthor, "custodian"), who(CareAuthor, "contributor")},
	},
	"ClinicalImpression": charting("effectiveDateTime effectivePeriod date", who(CareAuthor, "assessor"), who(CareAuthor, "performer")),
	"Consent": {
		times: []string{"dateTime", "date"}, lasting: true,
		actors: []actor{
			who(CareOther, "performer"), where(CareOther, "organization"), who(CareOther, "manager"), who(CareOther, "controller"),
			who(CareOther, "provision.actor.reference"),
		},
	},
}

// IsOrder reports whether a resource type is an order for a patient that an event can be based on (FHIR R5 AuditEvent.basedOn).
func IsOrder(typ string) bool {
	switch typ {
	case "ServiceRequest", "Task", "MedicationRequest", "DeviceRequest", "NutritionOrder":
		return true
	}
	return false
}

// ignored are types that are about money, terms or machines.
var ignored = map[string]bool{
	"Claim": true, "ClaimResponse": true, "ExplanationOfBenefit": true, "Invoice": true, "Provenance": true, "AuditEvent": true, "Device": true, "Medication": true, "Substance": true, "Bundle": true, "Binary": true,
	"CoverageEligibilityRequest": true, "CoverageEligibilityResponse": true, "PaymentNotice": true, "ChargeItem": true,
	"SupplyDelivery": true, "Specimen": true, "Group": true, "Endpoint": true, "Questionnaire": true, "Parameters": true,
}
