package facts_test

import (
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

// ward and people that care facts refer to.
var staffed = []string{
	`{"resourceType":"Organization","id":"hospital","name":"Millbrook General","type":[{"coding":[{"code":"prov"}]}]}`,
	`{"resourceType":"Organization","id":"sur","name":"Surgery","partOf":{"reference":"Organization/hospital"}}`,
	`{"resourceType":"Location","id":"sur","name":"Surgery","managingOrganization":{"reference":"Organization/sur"}}`,
	`{"resourceType":"Practitioner","id":"a","identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"99999"}]}`,
	`{"resourceType":"Practitioner","id":"b"}`,
	`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/b"},` +
		`"organization":{"reference":"Organization/sur"}}`,
	`{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:mrn","value":"77"}]}`,
}

// careCases hold one resource of each type, R4 and R5 shapes.
var careCases = []struct {
	name, resource string
	want           []string
}{
	{
		"encounter R4",
		`{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"IMP"},"subject":{"reference":"Patient/1"},` +
			`"participant":[{"individual":{"reference":"Practitioner/a"}}],"period":{"start":"2026-01-02","end":"2026-01-04"},` +
			`"reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I25.10"}]}],` +
			`"location":[{"location":{"reference":"Location/sur"}}],"serviceProvider":{"reference":"Organization/sur"}}`,
		[]string{
			"attending imp Practitioner/a i25 Encounter/e 2026-01-02..2026-01-05",
			"unit imp Surgery i25 Encounter/e 2026-01-02..2026-01-05",
		},
	},
	{
		"encounter R5",
		`{"resourceType":"Encounter","id":"e","status":"completed","class":[{"coding":[{"code":"EMER"}]}],` +
			`"subject":{"reference":"Patient/1"},"participant":[{"period":{"start":"2026-01-02T10:00:00Z"},` +
			`"actor":{"reference":"Practitioner/a"}}],"actualPeriod":{"start":"2026-01-02T09:00:00Z","end":"2026-01-02T12:00:00Z"},` +
			`"reason":[{"value":[{"concept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"J18.9"}]}}]}],` +
			`"serviceProvider":{"reference":"Organization/sur"}}`,
		[]string{
			"unit emer Surgery j18 Encounter/e 2026-01-02T09:00..2026-01-02T12:00",
			"attending emer Practitioner/a j18 Encounter/e 2026-01-02T10:00..2026-01-02T12:00",
		},
	},
	{
		"encounter in progress, conditional reference, absolute display",
		`{"resourceType":"Encounter","id":"e","status":"in-progress","subject":{"identifier":{"system":"urn:mrn","value":"77"}},` +
			`"participant":[{"individual":{"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99999"}}],` +
			`"period":{"start":"2026-01-02"},"location":[{"location":{"display":"SURGERY"}}]}`,
		[]string{
			"attending Practitioner/a Encounter/e 2026-01-02..",
			"unit Surgery Encounter/e 2026-01-02..",
		},
	},
	{
		"appointment",
		`{"resourceType":"Appointment","id":"e","status":"booked","start":"2026-01-02T09:00:00Z","end":"2026-01-02T09:20:00Z",` +
			`"participant":[{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"Practitioner/a"}},` +
			`{"actor":{"reference":"Location/sur"}}]}`,
		[]string{
			"appointment Surgery Appointment/e 2026-01-02T09:00..2026-01-02T09:20",
			"appointment Practitioner/a Appointment/e 2026-01-02T09:00..2026-01-02T09:20",
		},
	},
	{
		"appointment R5: subject, reason as codeable reference",
		`{"resourceType":"Appointment","id":"e","status":"booked","start":"2026-01-02T09:00:00Z","end":"2026-01-02T09:20:00Z",` +
			`"subject":{"reference":"Patient/1"},"reason":[{"concept":{"text":"Hip"}}],` +
			`"participant":[{"actor":{"reference":"Practitioner/a"}}]}`,
		[]string{"appointment Practitioner/a hip Appointment/e 2026-01-02T09:00..2026-01-02T09:20"},
	},
	{
		"care team: members that are no staff are left out",
		`{"resourceType":"CareTeam","id":"e","status":"active","subject":{"reference":"Patient/1"},"period":{"start":"2026-01-02"},` +
			`"participant":[{"member":{"reference":"Practitioner/a"}},{"member":{"reference":"RelatedPerson/z"}},` +
			`{"member":{"reference":"Organization/sur"}}]}`,
		[]string{"team Surgery CareTeam/e 2026-01-02..", "team Practitioner/a CareTeam/e 2026-01-02.."},
	},
	{
		"care team: each member's own time, as R4 writes it",
		`{"resourceType":"CareTeam","id":"e","status":"active","subject":{"reference":"Patient/1"},"period":{"start":"2025-01-02"},` +
			`"participant":[{"member":{"reference":"Practitioner/a"},"period":{"end":"2025-06-30"}},{"member":{"reference":"Organization/sur"}}]}`,
		[]string{"team Practitioner/a CareTeam/e 2025-01-02..2025-07-01", "team Surgery CareTeam/e 2025-01-02.."},
	},
	{
		"care team R5: the member's time is a period, or a timing, which bounds nothing",
		`{"resourceType":"CareTeam","id":"e","status":"active","subject":{"reference":"Patient/1"},"period":{"start":"2025-01-02"},` +
			`"participant":[{"member":{"reference":"Practitioner/a"},"coveragePeriod":{"start":"2025-02-01","end":"2025-06-30"}},` +
			`{"member":{"reference":"Organization/sur"},"coverageTiming":{"repeat":{"boundsPeriod":{"end":"2025-06-30"},"dayOfWeek":["mon"]}}}]}`,
		[]string{"team Surgery CareTeam/e 2025-01-02..", "team Practitioner/a CareTeam/e 2025-02-01..2025-07-01"},
	},
	{
		"episode of care",
		`{"resourceType":"EpisodeOfCare","id":"e","status":"active","patient":{"reference":"Patient/1"},` +
			`"careManager":{"reference":"Practitioner/a"},"period":{"start":"2026-01-02"}}`,
		[]string{"team Practitioner/a EpisodeOfCare/e 2026-01-02.."},
	},
	{
		"order: requester and performer from the order to its occurrence",
		`{"resourceType":"ServiceRequest","id":"e","status":"active","subject":{"reference":"Patient/1"},"authoredOn":"2026-01-02",` +
			`"occurrenceDateTime":"2026-01-05","requester":{"reference":"PractitionerRole/r"},` +
			`"performer":[{"reference":"Organization/sur"}]}`,
		[]string{
			"requester Practitioner/b Surgery ServiceRequest/e 2026-01-02..2026-01-06",
			"performer Surgery ServiceRequest/e 2026-01-02..2026-01-06",
		},
	},
	{
		"order that somebody is to carry out",
		`{"resourceType":"ServiceRequest","id":"e","status":"active","intent":"order","doNotPerform":false,"subject":{"reference":"Patient/1"},` +
			`"authoredOn":"2026-01-02T10:00:00Z","requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester order Practitioner/a ServiceRequest/e 2026-01-02T10:00"},
	},
	{
		"order that somebody filled, R5: ended",
		`{"resourceType":"MedicationRequest","id":"e","status":"ended","intent":"filler-order","subject":{"reference":"Patient/1"},` +
			`"authoredOn":"2026-01-02","requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester order Practitioner/a MedicationRequest/e 2026-01-02..2026-01-03"},
	},
	{
		"order of what is not to be done",
		`{"resourceType":"ServiceRequest","id":"e","status":"active","intent":"order","doNotPerform":true,"subject":{"reference":"Patient/1"},` +
			`"authoredOn":"2026-01-02T10:00:00Z","requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester Practitioner/a ServiceRequest/e 2026-01-02T10:00"},
	},
	{
		"order of no intent that could be read",
		`{"resourceType":"ServiceRequest","id":"e","status":"active","intent":["order"],"subject":{"reference":"Patient/1"},` +
			`"authoredOn":"2026-01-02T10:00:00Z","requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester Practitioner/a ServiceRequest/e 2026-01-02T10:00"},
	},
	{
		"order of no stated time",
		`{"resourceType":"ServiceRequest","id":"e","status":"active","intent":"order","subject":{"reference":"Patient/1"},` +
			`"requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester Practitioner/a ServiceRequest/e .."},
	},
	{
		"order that was called off",
		`{"resourceType":"ServiceRequest","id":"e","status":"revoked","intent":"order","subject":{"reference":"Patient/1"},"authoredOn":"2026-01-02T10:00:00Z",` +
			`"requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester Practitioner/a ServiceRequest/e 2026-01-02T10:00"},
	},
	{
		"task that is not one yet",
		`{"resourceType":"Task","id":"e","status":"draft","intent":"order","for":{"reference":"Patient/1"},"authoredOn":"2026-01-02T10:00:00Z",` +
			`"owner":{"reference":"Practitioner/b"}}`,
		[]string{"performer Practitioner/b Task/e 2026-01-02T10:00"},
	},
	{
		"medication request",
		`{"resourceType":"MedicationRequest","id":"e","status":"active","subject":{"reference":"Patient/1"},` +
			`"authoredOn":"2026-01-02T10:00:00Z","requester":{"reference":"Practitioner/a"}}`,
		[]string{"requester Practitioner/a MedicationRequest/e 2026-01-02T10:00"},
	},
	{
		"task",
		`{"resourceType":"Task","id":"e","status":"requested","for":{"reference":"Patient/1"},"authoredOn":"2026-01-02T10:00:00Z",` +
			`"executionPeriod":{"start":"2026-01-02T10:00:00Z","end":"2026-01-03T10:00:00Z"},` +
			`"requester":{"reference":"Practitioner/a"},"owner":{"reference":"Practitioner/b"}}`,
		[]string{
			"requester Practitioner/a Task/e 2026-01-02T10:00..2026-01-03T10:00",
			"performer Practitioner/b Task/e 2026-01-02T10:00..2026-01-03T10:00",
		},
	},
	{
		"referral",
		`{"resourceType":"ReferralRequest","id":"e","subject":{"reference":"Patient/1"},"authoredOn":"2026-01-02T10:00:00Z",` +
			`"requester":{"agent":{"reference":"Practitioner/a"}},"recipient":[{"reference":"Practitioner/b"}]}`,
		[]string{
			"requester Practitioner/a ReferralRequest/e 2026-01-02T10:00",
			"performer Practitioner/b ReferralRequest/e 2026-01-02T10:00",
		},
	},
	{
		"observation",
		`{"resourceType":"Observation","id":"e","subject":{"reference":"Patient/1"},"effectiveDateTime":"2026-01-02T10:00:00Z",` +
			`"performer":[{"reference":"Practitioner/a"}]}`,
		[]string{"author Practitioner/a Observation/e 2026-01-02T10:00"},
	},
	{
		"document",
		`{"resourceType":"DocumentReference","id":"e","subject":{"reference":"Patient/1"},"date":"2026-01-02T10:00:00Z",` +
			`"author":[{"reference":"Practitioner/a"}],"custodian":{"reference":"Organization/sur"}}`,
		[]string{"author Practitioner/a DocumentReference/e 2026-01-02T10:00", "other Surgery DocumentReference/e 2026-01-02T10:00"},
	},
	{
		"report",
		`{"resourceType":"DiagnosticReport","id":"e","subject":{"reference":"Patient/1"},"issued":"2026-01-02T10:00:00Z",` +
			`"resultsInterpreter":[{"reference":"Practitioner/a"}]}`,
		[]string{"author Practitioner/a DiagnosticReport/e 2026-01-02T10:00"},
	},
	{
		"administration R4",
		`{"resourceType":"MedicationAdministration","id":"e","subject":{"reference":"Patient/1"},` +
			`"effectiveDateTime":"2026-01-02T10:00:00Z","performer":[{"actor":{"reference":"Practitioner/a"}}]}`,
		[]string{"author Practitioner/a MedicationAdministration/e 2026-01-02T10:00"},
	},
	{
		"procedure",
		`{"resourceType":"Procedure","id":"e","subject":{"reference":"Patient/1"},` +
			`"performedPeriod":{"start":"2026-01-02T10:00:00Z","end":"2026-01-02T11:00:00Z"},` +
			`"performer":[{"actor":{"reference":"Practitioner/a"}}]}`,
		[]string{"author Practitioner/a Procedure/e 2026-01-02T10:00..2026-01-02T11:00"},
	},
	{
		"composition R5: several subjects' shape, attester",
		`{"resourceType":"Composition","id":"e","subject":[{"reference":"Patient/1"}],"date":"2026-01-02T10:00:00Z",` +
			`"attester":[{"party":{"reference":"Practitioner/a"}}]}`,
		[]string{"author Practitioner/a Composition/e 2026-01-02T10:00"},
	},
	{
		"immunization",
		`{"resourceType":"Immunization","id":"e","patient":{"reference":"Patient/1"},"occurrenceDateTime":"2026-01-02T10:00:00Z",` +
			`"performer":[{"actor":{"reference":"Practitioner/a"}}]}`,
		[]string{"author Practitioner/a Immunization/e 2026-01-02T10:00"},
	},
	{
		"condition: a diagnosis without an author is kept",
		`{"resourceType":"Condition","id":"e","subject":{"reference":"Patient/1"},"recordedDate":"2026-01-02T10:00:00Z",` +
			`"code":{"coding":[{"system":"http://snomed.info/sct","code":"254837009"},` +
			`{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"C50.911"}]}}`,
		[]string{"other c50 Condition/e 2026-01-02T10:00"},
	},
	{
		"consent",
		`{"resourceType":"Consent","id":"e","status":"active","patient":{"reference":"Patient/1"},"dateTime":"2026-01-02",` +
			`"organization":[{"reference":"Organization/hospital"}],"provision":{"purpose":[{"code":"HRESCH"}]}}`,
		[]string{"other Millbrook General hresch Consent/e 2026-01-02.."},
	},
	{
		"consent of 42 CFR Part 2: it says what it is to",
		`{"resourceType":"Consent","id":"e","status":"active","patient":{"reference":"Patient/1"},"dateTime":"2026-01-02",` +
			`"category":[{"coding":[{"code":"42-CFR-2"}]}],"provision":{"actor":[{"reference":{"reference":"Practitioner/a"}}]}}`,
		[]string{"other Practitioner/a 42-cfr-2 Consent/e 2026-01-02.."},
	},
	{
		"a type that nobody listed",
		`{"resourceType":"BodyStructure","id":"e","patient":{"reference":"Patient/1"},"author":{"reference":"Practitioner/a"},` +
			`"date":"2026-01-02T10:00:00Z"}`,
		[]string{"other Practitioner/a BodyStructure/e 2026-01-02T10:00"},
	},
	{
		"contained author",
		`{"resourceType":"Observation","id":"e","subject":{"reference":"Patient/1"},"effectiveDateTime":"2026-01-02T10:00:00Z",` +
			`"contained":[{"resourceType":"Practitioner","id":"p","identifier":[{"system":"http://hl7.org/fhir/sid/us-npi",` +
			`"value":"99999"}]}],"performer":[{"reference":"#p"}]}`,
		[]string{"author Practitioner/a Observation/e 2026-01-02T10:00"},
	},
	{
		"entered in error is no care",
		`{"resourceType":"Encounter","id":"e","status":"entered-in-error","subject":{"reference":"Patient/1"},` +
			`"participant":[{"individual":{"reference":"Practitioner/a"}}],"period":{"start":"2026-01-02"}}`,
		nil,
	},
	{
		"money is no care",
		`{"resourceType":"Claim","id":"e","patient":{"reference":"Patient/1"},"created":"2026-01-02",` +
			`"provider":{"reference":"Practitioner/a"},"billablePeriod":{"start":"2026-01-02"}}`,
		nil,
	},
	{
		"a patient by name alone is nobody",
		`{"resourceType":"Encounter","id":"e","status":"finished","subject":{"display":"Abigail Ruiz"},` +
			`"participant":[{"individual":{"reference":"Practitioner/a"}}]}`,
		nil,
	},
}

func TestCare(t *testing.T) {
	for _, c := range careCases {
		t.Run(c.name, func(t *testing.T) {
			s := newState(t)
			apply(t, s, append(append([]string{}, staffed...), c.resource)...)
			same(t, "care", care(s, patient(s, "Patient/1")), c.want)
			same(t, "restored", care(checkSnapshot(t, s), patient(s, "Patient/1")), c.want)

			late := newState(t)
			apply(t, late, c.resource)
			apply(t, late, staffed...)
			same(t, "care whose people came later", sorted(care(late, patient(late, "Patient/1"))), sorted(c.want))
			checkSnapshot(t, late)

			apply(t, s, c.resource)
			same(t, "care said twice", care(s, patient(s, "Patient/1")), c.want)
			f := newFact(t, "ehr", c.resource)
			applyDeleted(t, s, f.GetResourceType(), f.GetResourceId())
			same(t, "care after deletion", care(s, patient(s, "Patient/1")), nothing)
			checkSnapshot(t, s)
		})
	}
}

var nothing []string

// TestDoubt asserts what is not told of care, because its resource does not state it, R4 and R5 shapes.
func TestDoubt(t *testing.T) {
	const begin, end, happened = facts.DoubtBegin, facts.DoubtEnd, facts.DoubtHappened
	encounter := func(more string) string {
		return `{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/1"},` + more + `}`
	}
	const who, r5, on = `"participant":[{"individual":{"reference":"Practitioner/a"}}]`, `"participant":[{"actor":{"reference":"Practitioner/a"}}]`,
		`"subject":{"reference":"Patient/1"},"performer":[{"reference":"Practitioner/a"}]`
	for _, c := range []struct {
		name, resource string
		want           facts.Doubt
	}{
		{"all is stated", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2025-01-04"},` + who), 0},
		{"all is stated, R5", encounter(`"status":"completed","actualPeriod":{"start":"2025-01-02","end":"2025-01-04"},` + r5), 0},
		{"it goes on", encounter(`"status":"in-progress","period":{"start":"2025-01-02"},` + who), 0},
		{"over without an end", encounter(`"status":"finished","period":{"start":"2025-01-02"},` + who), end},
		{"over without an end, R5", encounter(`"status":"completed","actualPeriod":{"start":"2025-01-02"},` + r5), end},
		{"an end alone", encounter(`"status":"finished","period":{"end":"2025-01-04"},` + who), begin},
		{"over at no stated time", encounter(`"status":"finished",` + who), begin | end},
		{"it goes on since no stated time", encounter(`"status":"in-progress",` + who), begin | end},
		{"a month as the end", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2025-02"},` + who), end},
		{"years", encounter(`"status":"finished","period":{"start":"2024","end":"2025"},` + who), begin | end},
		{"an end before the beginning", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2024-01-04"},` + who), begin | end},
		{"at once", encounter(`"status":"finished","period":{"start":"2025-01-02T10:00:00Z","end":"2025-01-02T10:00:00Z"},` + who), 0},
		{"the participant's own end", encounter(`"status":"finished","period":{"start":"2025-01-02"},"participant":[{"individual":` +
			`{"reference":"Practitioner/a"},"period":{"end":"2025-01-03"}}]`), 0},
		{"the participant's own beginning", encounter(`"status":"finished","participant":[{"individual":{"reference":"Practitioner/a"},` +
			`"period":{"start":"2025-01-02"}}]`), end},
		{"the participant's own month", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2025-01-04"},"participant":` +
			`[{"individual":{"reference":"Practitioner/a"},"period":{"start":"2025-01","end":"2025-01"}}]`), begin | end},
		{"a participant who came when it was over", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2025-01-04"},` +
			`"participant":[{"individual":{"reference":"Practitioner/a"},"period":{"start":"2025-02-02"}}]`), begin | end},
		{"cancelled", encounter(`"status":"cancelled","period":{"start":"2025-01-02","end":"2025-01-04"},` + who), happened},
		{"planned", encounter(`"status":"planned","period":{"start":"2025-01-02","end":"2025-01-04"},` + who), happened},
		{"a place that was planned", encounter(`"status":"finished","period":{"start":"2025-01-02","end":"2025-01-04"},` +
			`"location":[{"location":{"reference":"Location/sur"},"status":"planned"}]`), happened},
		{"a care team that is over", `{"resourceType":"CareTeam","id":"e","status":"inactive","subject":{"reference":"Patient/1"},` +
			`"period":{"start":"2025-01-02"},"participant":[{"member":{"reference":"Practitioner/a"}}]}`, end},
		{"a member's own month", `{"resourceType":"CareTeam","id":"e","status":"active","subject":{"reference":"Patient/1"},` +
			`"period":{"start":"2025-01-02"},"participant":[{"member":{"reference":"Practitioner/a"},"coveragePeriod":{"end":"2025-01"}}]}`, end},
		{"a missed appointment", `{"resourceType":"Appointment","id":"e","status":"noshow","start":"2025-01-02T09:00:00Z",` +
			`"end":"2025-01-02T09:20:00Z","participant":[{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"Practitioner/a"}}]}`, happened},
		{"an appointment that they declined", `{"resourceType":"Appointment","id":"e","status":"booked","start":"2025-01-02T09:00:00Z",` +
			`"participant":[{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"Practitioner/a"},"status":"declined"}]}`, happened},
		{"an appointment", `{"resourceType":"Appointment","id":"e","status":"booked","start":"2025-01-02T09:00:00Z",` +
			`"participant":[{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"Practitioner/a"},"status":"accepted"}]}`, 0},
		{"an appointment some time in spring", `{"resourceType":"Appointment","id":"e","status":"booked","start":"2025-01-02T09:00:00Z",` +
			`"requestedPeriod":[{"start":"2024-12-01","end":"2025-05-31"}],"subject":{"reference":"Patient/1"},` +
			`"participant":[{"actor":{"reference":"Practitioner/a"}}]}`, 0},
		{"an appointment that was asked for", `{"resourceType":"Appointment","id":"e","status":"booked","requestedPeriod":{"start":"2024-12-01",` +
			`"end":"2025-05-31"},"subject":{"reference":"Patient/1"},"participant":[{"actor":{"reference":"Practitioner/a"}}]}`, begin | end},
		{"a result", `{"resourceType":"Observation","id":"e","status":"final","effectiveDateTime":"2025-01-02T09:00:00Z",` + on + `}`, 0},
		{"a result from then on", `{"resourceType":"Observation","id":"e","status":"final","effectivePeriod":{"start":"2025-01-02"},` + on + `}`, 0},
		{"a result of a year", `{"resourceType":"Observation","id":"e","status":"final","effectiveDateTime":"2025",` + on + `}`, begin | end},
		{"a result of no stated time", `{"resourceType":"Observation","id":"e","status":"final",` + on + `}`, begin | end},
		{"a diagnosis of an onset", `{"resourceType":"Condition","id":"e","onsetDateTime":"2019-03-02","subject":{"reference":"Patient/1"},` +
			`"recorder":{"reference":"Practitioner/a"}}`, begin | end},
		{"a diagnosis that was recorded", `{"resourceType":"Condition","id":"e","onsetDateTime":"2019-03-02","recordedDate":"2025-01-02",` +
			`"subject":{"reference":"Patient/1"},"recorder":{"reference":"Practitioner/a"}}`, begin},
		{"a draft of an order", `{"resourceType":"ServiceRequest","id":"e","status":"draft","authoredOn":"2025-01-02",` + on + `}`, happened},
	} {
		s := newState(t)
		apply(t, s, append(slices.Clone(staffed), c.resource)...)
		for what, s := range map[string]*facts.State{"read": s, "restored": checkSnapshot(t, s)} {
			care := s.Care(patient(s, "Patient/1"))
			if len(care) != 1 || care[0].Doubt != c.want {
				t.Errorf("%s, %s: %+v, want doubt %d", c.name, what, care, c.want)
			}
		}
	}
}

// TestCareMoves asserts that a version about another patient takes the care along.
func TestCareMoves(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/1"},"period":{"start":"2026-01-02"},`+
		`"status":"in-progress","participant":[{"individual":{"reference":"Practitioner/a"}}]}`)
	apply(t, s, `{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/2"},"period":{"start":"2026-01-02"},`+
		`"status":"in-progress","participant":[{"individual":{"reference":"Practitioner/a"}}]}`)
	same(t, "care of the first", care(s, patient(s, "Patient/1")), nothing)
	same(t, "care of the second", care(s, patient(s, "Patient/2")), []string{"attending Practitioner/a Encounter/e 2026-01-02.."})
}

// TestReasonByReference asserts that a diagnosis reaches an encounter that names its Condition, whichever comes first.
func TestReasonByReference(t *testing.T) {
	encounter := `{"resourceType":"Encounter","id":"e","status":"finished","subject":{"reference":"Patient/1"},` +
		`"participant":[{"individual":{"reference":"Practitioner/a"}}],"period":{"start":"2026-01-02","end":"2026-01-02"},` +
		`"diagnosis":[{"condition":{"reference":"Condition/c"}}]}`
	condition := `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/1"},"recordedDate":"2026-01-02T10:00:00Z",` +
		`"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"K35.80"}]}}`
	for _, order := range [][]string{{encounter, condition}, {condition, encounter}} {
		s := newState(t)
		apply(t, s, order...)
		same(t, "care", care(s, patient(s, "Patient/1")), []string{
			"attending Practitioner/a k35 Encounter/e 2026-01-02..2026-01-03", "other k35 Condition/c 2026-01-02T10:00",
		})
		checkSnapshot(t, s)
	}
}

func TestGeneralPractitioner(t *testing.T) {
	s := newState(t)
	apply(t, s, `{"resourceType":"Patient","id":"1","generalPractitioner":[{"reference":"Practitioner/a"}]}`)
	same(t, "care", care(s, patient(s, "Patient/1")), []string{"general Practitioner/a Patient/1 .."})
	apply(t, s, `{"resourceType":"Patient","id":"1"}`)
	same(t, "care after the version without", care(s, patient(s, "Patient/1")), nothing)
}

func TestMaxCare(t *testing.T) {
	s, err := facts.New(facts.Config{Zone: utc, MaxCare: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"2026-01-02", "2026-01-01", "2026-01-03"} {
		apply(t, s, `{"resourceType":"Observation","id":"`+id+`","subject":{"reference":"Patient/1"},"effectiveDateTime":"`+id+`",`+
			`"performer":[{"reference":"Practitioner/a"}]}`)
	}
	same(t, "care", care(s, patient(s, "Patient/1")), []string{
		"author Practitioner/a Observation/2026-01-02 2026-01-02..2026-01-03",
		"author Practitioner/a Observation/2026-01-03 2026-01-03..2026-01-04",
	})
	same(t, "evicted", s.Coverage().Evicted, int64(1))
	checkSnapshot(t, s)
}
