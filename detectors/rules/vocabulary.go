package rules

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// field is something that an expression can ask for.
type field struct {
	name, about string
	typ         *cel.Type
	// needs is the context without which it says nothing; verdict: it tells whether the access is explained.
	needs   detectors.Needs
	verdict bool
	// values are all that it can be, or that can stand in it; nil: anything.
	values []string
	get    func(*subject) ref.Val
}

// group is a variable with fields; one without a name holds variables of their own.
type group struct {
	name, about string
	fields      []field
}

const (
	needsKin  = detectors.NeedsPatients | detectors.NeedsStaff
	needsCare = detectors.NeedsCare
)

var listOfStrings = cel.ListType(cel.StringType)

func flag(name, about string, needs detectors.Needs, get func(*subject) bool) field {
	return field{name: name, about: about, typ: cel.BoolType, needs: needs, get: func(s *subject) ref.Val { return types.Bool(get(s)) }}
}

func whole(name, about string, needs detectors.Needs, get func(*subject) int) field {
	return field{name: name, about: about, typ: cel.IntType, needs: needs, get: func(s *subject) ref.Val { return types.Int(get(s)) }}
}

func text(name, about string, needs detectors.Needs, get func(*subject) string) field {
	return field{name: name, about: about, typ: cel.StringType, needs: needs, get: func(s *subject) ref.Val {
		t := get(s)
		if len(t) > maxText {
			return types.NewErr("%s: a text of %d bytes", name, len(t))
		}
		return types.String(t)
	}}
}

// words is a list of words, one for each bit that is set; a list is made once for each set of bits.
func words(name, about string, needs detectors.Needs, all []string, bits func(*subject) uint32) field {
	return field{
		name: name, about: about, typ: listOfStrings, needs: needs, values: all,
		get: func(s *subject) ref.Val { return s.list(name, all, bits(s)) },
	}
}

func sign(name, about string, any detectors.Sign) field {
	return flag(name, about, 0, func(s *subject) bool { return s.view.Access().Any(any) })
}

func label(name, about string, any facts.Label) field {
	return flag(name, about, detectors.NeedsWatches, func(s *subject) bool { return s.view.Labels()&any != 0 })
}

func grade(name, about string, needs detectors.Needs, get func(*facts.Kinship) facts.Grade) field {
	return whole(name, about, needs, func(s *subject) int { return int(get(s.view.Kin())) })
}

// vocabulary is everything that an expression can ask for.
func vocabulary() []group {
	return []group{
		{"access", "the access itself", accessFields()},
		{"reader", "who did it, at that time", readerFields()},
		{"patient", "whose record it is", patientFields()},
		{"kin", "what reader and patient have to do with each other as people; grades are per mille", kinFields()},
		{"", "what is known of the reason", reasonFields()},
	}
}

func accessFields() []field {
	action := text("action", "what was done", 0, func(s *subject) string { return actions[s.view.Access().Action] })
	action.values = actionWords()
	return []field{
		action,
		{
			name: "occurred", about: "when, to compare with timestamp(\"2026-05-01T00:00:00Z\")", typ: cel.TimestampType,
			get: func(s *subject) ref.Val { return types.Timestamp{Time: s.view.Local()} },
		},
		whole("hour", "local hour, 0 to 23", 0, func(s *subject) int { return s.view.Local().Hour() }),
		whole("weekday", "local day of the week, 0 (Sunday) to 6", 0, func(s *subject) int { return int(s.view.Local().Weekday()) }),
		sign("look", "the record was opened on purpose", detectors.SignLook),
		sign("listed", "the record was one of several on a list or report", detectors.SignListed),
		flag("search", "a search, for people or in a record", 0, func(s *subject) bool {
			return s.view.Access().Action == uint8(v1.Action_ACTION_SEARCH)
		}),
		sign("print", "something was printed", detectors.SignPrint),
		sign("export", "something was exported or disclosed", detectors.SignExport),
		sign("write", "something was created, changed or deleted", detectors.SignWrite),
		sign("refused", "it failed or was denied", detectors.SignRefused),
		sign("break_glass", "the glass was broken", detectors.SignBreakGlass),
		sign("no_reason", "the glass was broken without a reason, or with one that says nothing", detectors.SignNoReason),
		sign("by_patient", "the reader is a patient, or acts for one", detectors.SignPatient),
		sign("system", "no human looked", detectors.SignSystem),
		whole("count", "how many objects were touched", 0, func(s *subject) int { return int(s.view.Access().Count) }),
		text("object", "kind of the first object, as sent", 0, func(s *subject) string { return s.view.Text(s.view.Access().Object) }),
		text("workstation", "as sent", 0, func(s *subject) string { return s.view.Text(s.view.Access().Workstation) }),
		text("network", "network address, as sent", 0, func(s *subject) string { return s.view.Text(s.view.Access().Network) }),
		text("site", "as sent", 0, func(s *subject) string { return s.view.Text(s.view.Access().Site) }),
		words("purposes", "kinds of purpose of use that were stated", 0, purposeWords, func(s *subject) uint32 {
			return purposeBits(s.view.Access().Signs)
		}),
	}
}

func readerFields() []field {
	return []field{
		text("department", "name, else code, by the staff list, else as sent", 0, func(s *subject) string { return s.view.Department() }),
		text("role", "code in lower case, by the staff list, else as sent", 0, func(s *subject) string { return s.view.Role() }),
		flag("employed", "the staff list says so", detectors.NeedsRoles, func(s *subject) bool { return s.view.Employed() > 0 }),
		flag("not_employed", "the staff list says that they were not; both are false where it says nothing", detectors.NeedsRoles,
			func(s *subject) bool { return s.view.Employed() < 0 }),
		flag("on_duty", "on the roster", detectors.NeedsRoster, func(s *subject) bool { return s.view.OnDuty() > 0 }),
		flag("off_duty", "the roster covers the time without them, or it is outside of the hours of their work; both are false where neither is known", detectors.NeedsRoster,
			func(s *subject) bool { return s.view.OnDuty() < 0 }),
		flag("vendor", "of an outside company", detectors.NeedsRoles, func(s *subject) bool { return s.view.Vendor() }),
	}
}

func patientFields() []field {
	return []field{
		label("vip", "a person of public interest", facts.LabelVIP),
		flag("employee", "works here", detectors.NeedsWatches, func(s *subject) bool {
			return s.view.Labels()&facts.LabelEmployee != 0 || s.view.Record().Staff != 0
		}),
		words("labels", "of the record, and of what was opened of it on that day", detectors.NeedsWatches, labelWords, func(s *subject) uint32 {
			return uint32(s.view.Labels())
		}),
		flag("watched", "on a watch list at the time", detectors.NeedsWatches, func(s *subject) bool { return s.view.Watched() }),
		flag("deceased", "dead at the time", detectors.NeedsPatients, func(s *subject) bool {
			d := s.view.Record().Deceased
			return d != 0 && s.view.Access().Occurred >= d
		}),
		flag("in_care", "somebody has or had the patient within 30 days", needsCare, func(s *subject) bool { return s.view.InCare() }),
		flag("known", "context names the patient, not only events", detectors.NeedsPatients, func(s *subject) bool { return s.view.Record().Known }),
	}
}

func kinFields() []field {
	return []field{
		grade("same", "they are one human", needsKin, func(k *facts.Kinship) facts.Grade { return k.Same }),
		grade("household", "they live at one door", needsKin, func(k *facts.Kinship) facts.Grade { return k.Household }),
		grade("former_household", "they did", needsKin, func(k *facts.Kinship) facts.Grade { return k.FormerHousehold }),
		grade("phone", "a telephone number in common", needsKin, func(k *facts.Kinship) facts.Grade { return k.Phone }),
		grade("contact", "the record names the reader as relative or contact", needsKin, func(k *facts.Kinship) facts.Grade { return k.Contact }),
		flag("former", "what the record says of that is over", needsKin, func(s *subject) bool { return s.view.Kin().Former }),
		grade("pays", "the reader pays for the patient", needsKin, func(k *facts.Kinship) facts.Grade { return k.Pays }),
		grade("insures", "the reader has the patient insured", needsKin, func(k *facts.Kinship) facts.Grade { return k.Insures }),
		grade("surname", "a surname in common, by how rare it is", needsKin, func(k *facts.Kinship) facts.Grade { return k.Surname }),
		whole("metres", "between their homes; -1 where one is not located", needsKin, func(s *subject) int { return int(s.view.Kin().Metres) }),
		flag("same_street", "by name", needsKin, func(s *subject) bool { return s.view.Kin().SameStreet }),
		flag("coworker", "the patient works in the reader's department, or under the same manager", needsKin|detectors.NeedsRoles, func(s *subject) bool { return s.view.Kin().Coworker }),
		flag("colleague", "the patient works here", needsKin|detectors.NeedsRoles, func(s *subject) bool { return s.view.Kin().Colleague }),
	}
}

func reasonFields() []field {
	all := make([]string, 0, len(detectors.Reasons()))
	for _, r := range detectors.Reasons() {
		all = append(all, r.String())
	}
	explained := flag("explained", "a documented or learned reason accounts for the access", needsCare, func(s *subject) bool { return s.view.Reasons() != 0 })
	reasons := words("reasons", "which", needsCare, all, func(s *subject) uint32 { return s.view.Reasons() })
	alone := whole("days_without_reason", "on how many days the reader opened the record without one, this day included; 8 at the most", needsCare,
		func(s *subject) int { return s.view.DaysAlone() })
	out := []field{explained, reasons, alone}
	for i := range out {
		out[i].verdict = true
	}
	return out
}

// labelWords stand in the order of the bits of facts.Label.
var labelWords = []string{"vip", "employee", "substance", "hiv", "mental", "violence", "sexual", "genetic", "restricted"}

var purposeWords = []string{"emergency", "payment", "operations", "research"}

func purposeBits(s detectors.Sign) uint32 {
	var bits uint32
	for i, one := range [...]detectors.Sign{detectors.SignEmergency, detectors.SignPayment, detectors.SignOperations, detectors.SignResearch} {
		if s&one != 0 {
			bits |= 1 << i
		}
	}
	return bits
}

// actions are the words of v1.Action by number; the last ones of the array have none.
var actions = func() (out [256]string) {
	for n, name := range v1.Action_name {
		out[uint8(n)] = strings.ToLower(strings.TrimPrefix(name, "ACTION_"))
	}
	return out
}()

func actionWords() []string {
	var out []string
	for _, w := range actions {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
