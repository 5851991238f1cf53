package detectors

import (
	"cmp"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Why is the kind of reason for which the glass was broken, as the reader gave it. The words themselves are not kept.
type Why uint8

// Kinds of reasons. WhyUnknown: the glass was not broken, or nothing was said. WhyOther: something was said that is of none of the
// kinds, or of several at once.
const (
	WhyUnknown Why = iota
	WhyOther
	WhyTreatment
	WhyEmergency
	WhyPayment
	WhyOperations
	WhyResearch
	WhyRequest // the patient, or somebody for them, asked for it
	whys       // how many there are
)

// whyWords are how words begin that tell a kind, in codes, displays and typed texts.
var whyWords = [whys][]string{
	WhyTreatment: {
		"treat", "direct", "consult", "covering", "clinical", "therap", "diagnos", "medication", "handover", "referr", "behandl", "konsil",
	},
	WhyEmergency: {
		"emerg", "etreat", "urgent", "unconscious", "unresponsive", "resuscit", "collaps", "trauma", "notfall", "bewusstlos",
	},
	WhyPayment: {
		"bill", "claim", "payer", "payor", "payment", "hpaymt", "insur", "reimburs", "invoice", "abrechn", "kosten",
	},
	WhyOperations: {
		"qualit", "audit", "complian", "operations", "hoperat", "hqualimp", "accredit", "administrat", "legal", "incident",
	},
	WhyResearch: {"research", "hresch", "clintrch", "trial", "forsch"},
	WhyRequest:  {"patrqt", "famrqt", "portal", "disclosure", "auskunft"},
}

// whyOf reads the kind of reason of an event that broke the glass: a reason that was chosen says most, then what was typed, then what
// the access was for. That it was an emergency override says least: some systems call every broken glass that.
func whyOf(e *v1.AccessEvent, text string) Why {
	code := e.BreakGlassReason.GetCode()
	chosen, override := WhyUnknown, WhyUnknown
	switch upper := strings.ToUpper(code); {
	case saysOnlyThat(code):
	case purposeSign(code)&SignEmergency != 0, strings.HasPrefix(upper, "EMER"):
		override = WhyEmergency
	default:
		chosen = whyInWords(code + " " + e.BreakGlassReason.GetDisplay())
	}
	if chosen == WhyUnknown && override == WhyUnknown && meansSomething(e.BreakGlassReason, "") {
		chosen = WhyOther
	}
	best := WhyUnknown
	for _, w := range [...]Why{chosen, whyInWords(text), whyOfPurposes(e.Purposes), override} {
		if w > WhyOther {
			return w
		}
		best = max(best, w)
	}
	return best
}

// whyOfPurposes is the one kind that the purposes of use are of. What an emergency override is for says more than that it is one.
func whyOfPurposes(all []*v1.Coding) Why {
	why, emergency := WhyUnknown, WhyUnknown
	for _, p := range all {
		switch w := whyOfPurpose(p.Code); {
		case w == WhyUnknown:
		case w == WhyEmergency:
			emergency = w
		case why != WhyUnknown && w != why:
			return WhyOther
		default:
			why = w
		}
	}
	return cmp.Or(why, emergency)
}

// whyOfPurpose reads v3-ActReason PurposeOfUse.
func whyOfPurpose(code string) Why {
	switch s := purposeSign(code); {
	case s&SignEmergency != 0:
		return WhyEmergency
	case s&SignPayment != 0:
		return WhyPayment
	case s&SignOperations != 0:
		return WhyOperations
	case s&SignResearch != 0:
		return WhyResearch
	}
	switch strings.ToUpper(code) {
	case "TREAT", "CAREMGT", "CLINTREAT", "COC":
		return WhyTreatment
	case "PATRQT", "FAMRQT", "PWATRNY", "SUPNWK":
		return WhyRequest
	}
	return WhyUnknown
}

// whyInWords is the kind that words tell of. Where they tell of care and of something else, it is care; of several others, none.
func whyInWords(text string) Why {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' && r < 0x80 })
	var told [whys]bool
	patient, asked := false, false
	for _, word := range words {
		patient, asked = patient || strings.HasPrefix(word, "patient"), asked || strings.HasPrefix(word, "request")
		for w, begins := range whyWords {
			for _, b := range begins {
				told[w] = told[w] || strings.HasPrefix(word, b)
			}
		}
	}
	told[WhyRequest] = told[WhyRequest] || patient && asked
	switch {
	case told[WhyEmergency]:
		return WhyEmergency
	case told[WhyTreatment]:
		return WhyTreatment
	}
	why := WhyUnknown
	for w := WhyPayment; w < whys; w++ {
		switch {
		case told[w] && why != WhyUnknown:
			return WhyOther
		case told[w]:
			why = w
		}
	}
	if why == WhyUnknown && meansSomething(nil, text) {
		return WhyOther
	}
	return why
}

// String is the kind for people.
func (w Why) String() string {
	return [whys]string{
		"nothing", "something else", "treatment", "an emergency", "bills and payment", "operations and quality", "research",
		"a request of the patient",
	}[w]
}

// why is the kind of reason for which the glass of the pair's record was broken: the first that says something.
func (p *Pair) why() Why {
	other := WhyUnknown
	for i := range p.Accesses {
		switch w := p.Accesses[i].Why; w {
		case WhyUnknown:
		case WhyOther:
			other = WhyOther
		default:
			return w
		}
	}
	return other
}

// roleWhys are for which kinds of reasons those of one role break the glass: records by kind, halved every 28 closed days.
type roleWhys struct {
	kinds [whys]uint32
	// readers are up to eight different ones of this half, and of the one before.
	readers [2]some
}

// whyCounts are a reader's own records by kind.
type whyCounts [whys]uint16

// family is the kind, where treatment and emergencies are one: who treats is called to emergencies.
func (w Why) family() Why {
	if w == WhyEmergency {
		return WhyTreatment
	}
	return w
}

// others is how often others of the role gave a kind of reason or one of its family, of how many, and how many others there were, up to eight. own are a
// reader's own counts, and numbers those under which the reader is known.
func (r *roleWhys) others(kind Why, own *whyCounts, numbers []facts.ID) (of, all uint32, readers int) {
	for k, n := range r.kinds {
		n -= min(n, uint32(own[k]))
		all += n
		if Why(k).family() == kind.family() {
			of += n
		}
	}
	both := r.readers[0]
	for _, x := range r.readers[1] {
		if x != 0 {
			both.add(x)
		}
	}
	for _, x := range both {
		if x != 0 && !slices.Contains(numbers, x) {
			readers++
		}
	}
	return of, all, readers
}

// fade halves what was counted, and reports whether anything is left.
func (r *roleWhys) fade() (left bool) {
	for k := range r.kinds {
		r.kinds[k] /= 2
		left = left || r.kinds[k] > 0
	}
	r.readers = [2]some{{}, r.readers[0]}
	return left
}

func (c *whyCounts) add(w Why) {
	if c[w] < 1<<16-1 {
		c[w]++
	}
}

func (c *whyCounts) with(other *whyCounts) {
	for k, n := range other {
		c[k] = uint16(min(int(c[k])+int(n), 1<<16-1))
	}
}

func (c *whyCounts) fade() {
	for k := range c {
		c[k] /= 2
	}
}
