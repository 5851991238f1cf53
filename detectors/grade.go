package detectors

import "strings"

// Grade is how far something is out of the ordinary on a detector's own scale; see Scale.
type Grade uint8

const (
	// Quiet is the grade of a detector that looked and found nothing.
	Quiet Grade = 0
	// maxGrades bounds a scale, Quiet included.
	maxGrades = 8
	// Blind is that of one whose context is missing: it says nothing either way.
	Blind Grade = 255
)

// Key says whose day a detector grades.
type Key uint8

// Keys.
const (
	KeyPair   Key = iota // a reader and a record
	KeyReader            // a reader
	KeyRecord            // a record
)

// Peers say with whom a grade is compared to tell how usual it is.
type Peers uint8

// Peers.
const (
	// PeersAll: everybody whose access is explained by a document: the rate at which staff meet people they know in the course
	// of duty.
	PeersAll Peers = iota
	// PeersGroup: those of the same department and role.
	PeersGroup
	// PeersSituation: those of the same department and role, with a known reason or without one as the unit itself. Who has none
	// usually searches by name: then a search says nothing more.
	PeersSituation
)

// Scale describes a detector: what it looks at, what its grades mean and where they come from.
type Scale struct {
	// Name is the behaviour: "FamilyAccess". Catalogue is its number in the catalogue of detectors.
	Name, Catalogue string
	Key             Key
	Peers           Peers
	// Words are the grades from 1 on, for people.
	Words []string
	// Weights, when set, are what each grade weighs, Quiet first, for a scale that is itself a comparison with peers.
	Weights []Weight
	// Certain: the highest grade is no matter of chance but of record (the staff list says that they left). Where it is rare, it is
	// shown whatever else there is; where it is common, the list is at fault, and it weighs what the others weigh.
	Certain bool
	// Hard: an explanation does not silence it, and it does not wait for the period of grace.
	Hard bool
	// HardFrom is the lowest grade that is hard by itself, whatever else is known; 0: only the highest.
	HardFrom Grade
	// Exemptible: a site may exempt readers from it for a time (Exemption).
	Exemptible bool
	// Needs names the context without which the detector abstains.
	Needs Needs
}

// hardAt reports whether a grade is hard by itself.
func (s *Scale) hardAt(g Grade) bool {
	from := s.HardFrom
	if from == 0 {
		from = Grade(len(s.Words))
	}
	return g >= from && g != Blind
}

// Needs is a set of kinds of context.
type Needs uint16

// Kinds of context.
const (
	NeedsPatients     Needs = 1 << iota // names, addresses of patients
	NeedsStaff                          // names, addresses of staff
	NeedsRoles                          // employment
	NeedsRoster                         // duties
	NeedsCare                           // anything that is documented of care; the kinds of it are those from NeedsEncounters on
	NeedsWatches                        // watch lists and labels
	NeedsTickets                        // vendors' tasks
	NeedsBadges                         // door badges
	NeedsConsents                       // consents
	NeedsEncounters                     // stays and visits
	NeedsAppointments                   // appointments
	NeedsTeams                          // care teams
	NeedsOrders                         // orders
	NeedsCharting                       // notes, results, what was given and done
)

// kindsOfCare are parts of care. Where nothing is documented at all, it is told of care as a whole.
const kindsOfCare = NeedsEncounters | NeedsAppointments | NeedsTeams | NeedsOrders | NeedsCharting

// needNames are the kinds of context, in the order of their bits.
var needNames = [...]string{
	"patients", "staff", "employment", "roster", "care", "watch lists and labels", "vendors' tasks", "badges", "consents",
	"encounters", "appointments", "care teams", "orders", "notes and results",
}

const allNeeds Needs = 1<<len(needNames) - 1

// maxScales bounds the detectors of one key, those of a site included.
const maxScales = 36

// grades are what all detectors of one key said of one unit, by detector.
type grades [maxScales]Grade

// String lists the kinds.
func (n Needs) String() string { return strings.Join(n.List(), ", ") }

// List names the kinds. Those of care stand for themselves only where some care is known.
func (n Needs) List() []string {
	if n&NeedsCare != 0 {
		n &^= kindsOfCare
	}
	out := []string{}
	for i, name := range needNames {
		if n&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}
