package detectors

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

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

// whyWords are what tells a kind, in codes, displays and typed texts: words as they stand next to each other. A star ends a word of which
// only the beginning is given, and # is a number. Those of WhyOther tell nothing, and hide what they are made of.
var whyWords = [whys][]string{
	WhyOther: {"emergency contact*", "patient compliance", "non compliance", "quality of life", "portal vein"},
	WhyTreatment: {
		"treat", "treats", "treating", "treated", "treatment*", "direct care", "direct patient care", "directcare", "patient care", "consult",
		"consults", "consulted", "consulting", "consultation*", "covering", "clinical care", "clinical need", "clinical reason*",
		"clinical question*", "clinically", "therapy", "therapies", "therapeutic*", "diagnostic*", "diagnosing", "diagnosis", "diagnose*",
		"medication*", "handover*", "hand over", "handoff*", "referral*", "referred", "behandl*", "konsil*", "therapie*",
	},
	WhyEmergency: {
		"emergenc*", "emergent", "emer", "etreat", "urgent", "urgently", "urgency", "unconscious*", "unresponsive*", "resuscitat*",
		"collapse", "collapsed", "collapsing", "trauma", "polytrauma", "notfall*", "bewusstlos*",
	},
	WhyPayment: {
		"billing", "billed", "bills", "a bill", "the bill", "his bill", "her bill", "their bill", "patient bill", "hospital bill",
		"medical bill", "bill query", "bill question", "claim #", "claim no #", "claim nr #", "claim number*", "claim id", "claim query",
		"claim queries", "claim review", "claim form*", "claim denial*", "claim denied", "claim appeal*", "claim status", "a claim",
		"the claim", "this claim", "of claims", "claims processing", "claims department", "claims review", "claims query", "payer*", "payor*",
		"payment*", "hpaymt", "insurance*", "insurer*", "reimburs*", "invoice*", "invoicing", "abrechn*", "kosten", "kostenträger*",
		"kostenübernahme*", "krankenkasse*",
	},
	WhyOperations: {
		"quality", "qualitäts*", "audit", "audits", "audited", "auditing", "auditor", "auditors", "compliance", "healthcare operations",
		"care operations", "hospital operations", "hoperat", "hqualimp", "accreditation*", "administrative", "hospital administration",
		"legal request*", "legal review", "legal case", "legal hold", "legal department", "legal team", "legal counsel", "legal proceedings",
		"medico legal", "medicolegal", "subpoena*", "lawsuit*", "incident report*", "incident review*", "incident investigation*",
		"incident analysis", "critical incident*", "safety incident*",
	},
	WhyResearch: {
		"research", "researcher*", "hresch", "clintrch", "clinical trial*", "trial screening", "trial recruitment", "trial protocol",
		"trial enrol*", "study trial", "forschung*",
	},
	WhyRequest: {
		"patrqt", "famrqt", "patient portal", "portal request*", "portal message*", "disclosure*", "auskunft*", "patient request*",
		"patients request*", "patient s request*", "patient has request*", "patient is request*", "request of patient", "request of the patient",
		"request by patient", "request by the patient", "request from patient", "request from the patient", "requested by patient",
		"requested by the patient",
	},
}

// whyAlone are words that tell a kind where nothing else is said, as in a list to choose from.
var whyAlone = [whys][]string{
	WhyTreatment:  {"direct", "clinical", "referring", "therapist"},
	WhyPayment:    {"claim", "claims"},
	WhyOperations: {"operations", "legal", "incident", "incidents", "administration"},
	WhyResearch:   {"trial", "trials"},
	WhyRequest:    {"portal"},
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
	words := wordsOf(text)
	var told [whys]bool
	for w, alone := range whyAlone {
		told[w] = len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return word != words[0] }) && slices.Contains(alone, words[0])
	}
	for i := 0; i < len(words); i++ {
		if n := begun(words[i:], whyWords[WhyOther]); n > 0 {
			i += n - 1
			continue
		}
		for w := WhyTreatment; w < whys; w++ {
			told[w] = told[w] || begun(words[i:], whyWords[w]) > 0
		}
	}
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

// wordsOf are the words of a text, in small letters; "DirectCare" is two.
func wordsOf(text string) []string {
	var b strings.Builder
	last := ' '
	for _, r := range text {
		if unicode.IsLower(last) && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// begun is how many words the first of the patterns takes that words begin with; 0: none does.
func begun(words, patterns []string) int {
	for _, p := range patterns {
		n := 0
		for want := range strings.SplitSeq(p, " ") {
			if n == len(words) || !wordIs(words[n], want) {
				n = 0
				break
			}
			n++
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

func wordIs(word, want string) bool {
	if stem, found := strings.CutSuffix(want, "*"); found {
		return strings.HasPrefix(word, stem)
	}
	return word == want || want == "#" && strings.ContainsFunc(word, unicode.IsDigit)
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
