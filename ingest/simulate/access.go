package simulate

// Names of the three systems that report accesses.
const (
	SourceEHR  = "ehr-main"
	SourcePACS = "pacs-imaging"
	SourceLab  = "lab-portal"
)

// sourceIndex numbers the systems within this package.
type sourceIndex uint8

const (
	ehr sourceIndex = iota
	pacs
	lab
	sources
)

// Sources are the names of the systems that report accesses, in a fixed order.
func Sources() []string { return []string{SourceEHR, SourcePACS, SourceLab} }

// access is one event before it is written out. It stays small: a day of 100,000 fits 7 MB.
type access struct {
	at         int64 // Unix milliseconds
	object     uint64
	encounter  uint64 // 0: none
	staff      int32  // -1: the patient, through the portal
	patient    int32  // -1: none
	department uint16 // where the reader sat
	incident   int32  // index into the day's incidents plus one; 0: none
	ordinal    uint32 // order of making, within the day
	source     sourceIndex
	kind       kind
	use        use
	outcome    outcome
	reason     uint8 // of breaking the glass, index into reasons plus one
	others     uint8 // further patients on a list
	remote     bool  // from outside the house
	client     bool  // the app at the bedside reports it too
	app        bool  // reported by that app, not by the server
	place      place
}

// place is where an access is made, where that does not follow from who makes it: a seat of the department in the house, the last number of
// the address outside, each plus one. 0: it follows.
type place uint8

// wardDevice is the device that all of a ward share: the ninth of its eight seats.
const wardDevice place = 9

// kind is what was done to what.
type kind uint8

const (
	openChart kind = iota
	readNote
	readResults
	readMedications
	readEncounter
	readReport
	readClaim
	writeVitals
	writeNote
	writeMedication
	writeOrder
	writeReport
	writeClaim
	updateEncounter
	updatePatient
	printNote
	searchName
	listUnit
	listPatients
	exportRecord
	breakGlass
	logIn
	logOut
	acquireStudy
	viewStudy
	writeResult
	viewResult
	kinds
)

// outcome of an event, as DICOM PS3.15 counts.
type outcome uint8

const (
	success outcome = iota
	refused
	failed
)

// use is the purpose of use as the source states it, or none.
type use uint8

const (
	unstated use = iota
	treatment
	payment
	operations
	researchUse
	patientRequest
	administration
	brokeGlass
	uses
)

// useTable holds HL7 v3 ActReason codes (PurposeOfUse).
var useTable = [uses]struct{ code, display string }{
	treatment: {"TREAT", "treatment"}, payment: {"HPAYMT", "healthcare payment"},
	operations: {"HOPERAT", "healthcare operations"}, researchUse: {"HRESCH", "healthcare research"},
	patientRequest: {"PATRQT", "patient requested"}, administration: {"HSYSADMIN", "health system administration"},
	brokeGlass: {"BTG", "break the glass"},
}

// reasons is what people pick and type when they break the glass; the last ones say nothing, which happens to the honest
// too.
var reasons = []struct{ code, text string }{
	{"emergency", "Patient unresponsive, history needed"},
	{"direct-care", "Covering for colleague on call"},
	{"direct-care", "Consult requested by primary team"},
	{"billing", "Claim query from payer"},
	{"direct-care", "asdf"},
	{"other", "."},
	{"emergency", ""},
}

// soundReasons is how many of the reasons that do say something suit somebody who treats the patient.
const soundReasons = 3

// order is a request that one department makes of another.
type order struct {
	id        uint64
	encounter uint64
	patient   int32
	requester int32
	performer uint16 // department
	kind      orderKind
	condition uint8
	at        int64
}

type orderKind uint8

const (
	orderLab orderKind = iota
	orderImaging
	orderConsult
)
