package facts

// ID numbers an entity (a patient, a member of staff, a department, a text) densely, from 1, in the order of its first
// mention: a replay gives the same numbers. 0 is none. Each kind has numbers of its own.
type ID = int32

// Forever is the end of a period that is open.
const Forever = int64(1) << 62

// Period is a stretch of time, half open, in microseconds since 1970 UTC. From 0 has always held; Until Forever still does.
type Period struct{ From, Until int64 }

// Holds reports whether the period holds at a time.
func (p Period) Holds(at int64) bool { return p.From <= at && at < p.Until }

// Name is a HumanName (FHIR), folded: lower case, without accents and punctuation, words by single spaces.
type Name struct {
	Family, Given ID // numbers of texts, see State.Text
	// Maiden: a name that is not in use any more (use "old", "maiden").
	Maiden bool
}

// Home is an address where somebody lives or lived, normalised: "12 Hill Street Apt 3" and "12 hill st #3" are one.
type Home struct {
	// Door is the whole normalised address with its unit; Street is street and place without house number. Texts.
	Door, Street ID
	// House is the house number's digits; 0 is none.
	House int32
	// LatE6 and LonE6 are degrees times a million (geolocation extension); both 0: not stated.
	LatE6, LonE6 int32
	// Period: Until in the past, or use "old", is a former home.
	Period Period
}

// Contact is somebody whom a patient's record names: Patient.contact, RelatedPerson.
type Contact struct {
	Name  Name
	Birth int32 // see Patient.Birth
	// Relation is the code as stated, folded ("sps", "prn", "c", "former spouse"); a text.
	Relation ID
	// Staff is the member of staff that the contact is, when a Person or a reference says so.
	Staff ID
	// person is the key of the RelatedPerson, by which a Person may name the member of staff.
	person ID
	// fact is the resource that says so.
	fact  ID
	Phone uint64 // see Phones
	Period
}

// Label is a bit of Patient.meta.security, and of what watch lists say.
type Label uint16

// Labels of patients. Codes: v3-ActCode InformationSensitivityPolicy.
const (
	LabelVIP        Label = 1 << iota // VIP, CEL: a person of public interest
	LabelEmployee                     // EMP
	LabelSubstance                    // ETH, SUD, ETHUD, OPIOIDUD: 42 CFR Part 2
	LabelHIV                          // HIV
	LabelMental                       // PSY, MH, PSYTHPN
	LabelViolence                     // SDV
	LabelSexual                       // SEX, STD
	LabelGenetic                      // GDIS
	LabelRestricted                   // v3-Confidentiality R and V
)

// Patient is whose record it is, as far as it is known; of merged records what they say together. Slices are shared: read them
// only.
type Patient struct {
	Names    []Name
	Homes    []Home
	Phones   []uint64 // XXH64 of the last nine digits; sorted
	Contacts []Contact
	// Deceased is when the patient died; 0: not stated.
	Deceased int64
	Birth    int32 // days since 1970-01-01; NoDay when not stated
	// Staff is the member of staff who is the same human, when a Person, an identifier or both say so; for graded matching by
	// name and birth see Kinship.
	Staff  ID
	Labels Label
	// Known: a Patient resource was read; else only events or other facts name the patient.
	Known bool
}

// NoDay is a birth date that is not stated.
const NoDay = int32(-1) << 31

// Role is an employment: PractitionerRole.
type Role struct {
	Department ID
	// Code is the role's code, folded ("nurse"); a text.
	Code   ID
	Period Period
	// Vendor: the role's organisation is not part of the hospital, or its code says so.
	Vendor bool
	// Hours are the usual ones (availableTime); none: not stated.
	Hours []Hours
	fact  ID
	// from is the beginning as stated. past marks what an earlier version of the fact said.
	from int64
	past bool
}

// Hours is a stretch of a week's days, in minutes of the local day.
type Hours struct {
	// Days has a bit for each day of the week, Sunday the lowest.
	Days        uint8
	From, Until int16
}

// Duty is a busy Slot of somebody's Schedule: they were to work.
type Duty struct {
	Period     Period
	Department ID // 0: not stated
	fact       ID
}

// Staff is a reader as a person: Practitioner with roles, roster and home.
type Staff struct {
	Names   []Name
	Birth   int32
	Homes   []Home
	Phones  []uint64
	Roles   []Role // by Period.From
	Duties  []Duty // by Period.From
	Patient ID     // the record of the same human, when a Person or an identifier says so
	Manager ID     // staff
	// Tickets are stretches in which a vendor had a task: ticket or contract.
	Tickets []Ticket
	Known   bool // a Practitioner resource was read
}

// Ticket is a stretch in which a vendor had a task, and the fact that says so (see State.Source).
type Ticket struct {
	Period
	Resource ID
	// Patient is whom it is about, by the number of then (see State.Canonical); Nobody is none that is known, and 0 says nothing. Of a ticket
	// about several there is one for each.
	Patient ID
}

// CareKind says what kind of relation a Care is.
type CareKind uint8

// Kinds of care, strongest evidence first.
const (
	CareAttending   CareKind = 1 + iota // Encounter.participant
	CareTeam                            // CareTeam.participant
	CareRequester                       // ServiceRequest.requester
	CarePerformer                       // ServiceRequest.performer
	CareAuthor                          // author or performer of Observation, DocumentReference, MedicationAdministration, Procedure...
	CareAppointment                     // Appointment.participant
	CareGeneral                         // Patient.generalPractitioner
	CareUnit                            // Encounter.serviceProvider, location: a department has the patient
	CareOther                           // any other resource about the patient that names staff or a department
)

// Care is one documented relation of a patient to a member of staff, a department, or both; to neither, it is a diagnosis.
type Care struct {
	Kind CareKind
	// Class is the encounter's class, folded ("imp", "amb", "emer"), a text; 0 where there is none. Of an order (IsOrder) it is "order"
	// where the resource says that somebody is to carry it out, and when (status, intent, doNotPerform and authoredOn).
	Class      ID
	Staff      ID
	Department ID
	Period     Period
	// Reason is the first diagnosis or reason code, folded, cut to the ICD-10 category ("i25"); a text.
	Reason ID
	// Type (a text) and Resource (see State.Resource) say which fact it is: the evidence.
	Type, Resource ID
	// Doubt is what the resource does not state, though it is held for care.
	Doubt Doubt
}

// Doubt is a set of bits: what may not be told of a Care, because its resource does not state it.
type Doubt uint8

// What a resource of care may not state.
const (
	// DoubtBegin: to the day, Period.From is not stated; it may be the time of the version.
	DoubtBegin Doubt = 1 << iota
	// DoubtEnd: to the day, an end that has come is not stated; Period.Until may be the time of the version whose status says that it is over.
	DoubtEnd
	// DoubtHappened: the status does not say that it took place: cancelled, missed, proposed, declined.
	DoubtHappened
)

// Watch is an entry of a watch list that a patient or a reader is on.
type Watch struct {
	Patient ID
	// List, Owner and Reason are texts: who asked for it, and why.
	List, Owner, Reason ID
	Period              Period
	fact                ID
}

// Grade says how sure a match is, in per mille: 0 none, 1000 stated by a fact.
type Grade int16

// Kinship is what a reader and a patient have to do with each other as people.
type Kinship struct {
	// Same: they are one human (Person.link 1000; name and birth date; name, birth and address higher).
	Same Grade
	// Household: they live at one door now; FormerHousehold: they did.
	Household, FormerHousehold Grade
	// Phone: a telephone number in common (not a number of the hospital's, nor one that many share).
	Phone Grade
	// Contact: the patient's record names the reader as a contact or relative; Relation says as what (a text); Former: the
	// relation or its period says that it is over (former spouse, divorced).
	Contact  Grade
	Relation ID
	Former   bool
	// Pays: the reader pays for the patient (Account.guarantor, Coverage.payor and paymentBy); Insures: they have the patient insured
	// (Coverage.policyHolder, subscriber).
	Pays, Insures Grade
	// Surname: a family name in common, maiden names too, graded by how rare it is among patients.
	Surname Grade
	// Metres between their homes when both are located, else -1. SameStreet: by text.
	Metres     int32
	SameStreet bool
	// Coworker: the patient is staff, in a department that the reader works in or under the same manager; Colleague: staff at all.
	Coworker, Colleague bool
	// Team is what makes them coworkers.
	Team Team
}

// Team is what two coworkers have in common; where several hold, the first.
type Team uint8

// What coworkers have in common. TeamNone: they are none.
const (
	TeamNone       Team = iota
	TeamDepartment      // both work in one department at the time
	TeamManager         // they have the same manager
	TeamManages         // the patient is the reader's manager
	TeamReports         // the reader is the patient's manager
)
