package detectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// mostExemptions bounds how many exemptions a rule set names, mostExemptDays how many days each of them has: who needs more says so again.
	mostExemptions = 100
	mostExemptDays = 366
	// mostExemptionText is how long each of its texts is, in bytes.
	mostExemptionText = 256
)

// Exemption is a stretch of days on which a detector says nothing of the readers of a department, of a role, or of a role of a department: they
// were asked for what it counts, as for a registry. Only a detector that counts what is usual may be left out (Scale.Exemptible), no sign
// of a record and no hard one.
type Exemption struct {
	// Detector is the name of the detector. Required.
	Detector string `yaml:"detector" json:"detector"`
	// Department is that of the readers by its reference, id, code or name (Organization, Location), Role the code of their role (PractitionerRole.code), capitals and accents or
	// not: those that the staff list (PractitionerRole) states at noon of the day. What an event says of its reader exempts nobody, nor does a text that several departments
	// go by. One of the two is required; both: the role in that department.
	Department string `yaml:"department,omitempty" json:"department,omitempty"`
	Role       string `yaml:"role,omitempty" json:"role,omitempty"`
	// From is the first local day (YYYY-MM-DD), Until the first one after the last: 1 to 366 days. Required.
	From  string `yaml:"from" json:"from"`
	Until string `yaml:"until" json:"until"`
	// Reason is what for, Owner who answers for it; plain text without names of patients or readers. Required.
	Reason string `yaml:"reason" json:"reason"`
	Owner  string `yaml:"owner" json:"owner"`
}

// Exemptions are those of a rule set. Where several cover a reader's day, the first one counts.
type Exemptions []Exemption

// HeldBack is what an exemption held back.
type HeldBack struct {
	Exemption
	// Findings are the readers' days on which its detector would have found something.
	Findings uint64 `json:"held_back"`
	// Nobody is why it covers nobody by what is known now; "" where it covers somebody.
	Nobody string `json:"covers_nobody,omitempty"`
}

// String says it for people.
func (x *HeldBack) String() string {
	of := x.Role
	switch {
	case of == "":
		of = "everybody of " + x.Department
	case x.Department != "":
		of += " of " + x.Department
	}
	nobody := ""
	if x.Nobody != "" {
		nobody = ", it covers nobody: " + x.Nobody
	}
	return fmt.Sprintf("%s, %s until %s: %d held back%s (%s; %s)", of, x.From, x.Until, x.Findings, nobody, x.Reason, x.Owner)
}

// Validate reports everything that is wrong, each with its element.
func (all Exemptions) Validate() error {
	if len(all) > mostExemptions {
		return fmt.Errorf("exemptions: %d of them; want at most %d", len(all), mostExemptions)
	}
	var faults []error
	had := map[Exemption]int{}
	for i := range all {
		fault := func(key, format string, args ...any) {
			faults = append(faults, fmt.Errorf("exemptions[%d]%s: %s", i, key, fmt.Sprintf(format, args...)))
		}
		x := &all[i]
		x.validate(fault)
		same := *x
		same.Department, same.Role, same.Reason, same.Owner = strings.ToLower(x.Department), strings.ToLower(x.Role), "", ""
		if first, twice := had[same]; twice {
			fault("", "says what exemptions[%d] says", first)
			continue
		}
		had[same] = i
	}
	return errors.Join(faults...)
}

func (x *Exemption) validate(fault func(key, format string, args ...any)) {
	if names := exemptible(); !slices.Contains(names, x.Detector) {
		why := "%q cannot be left out"
		switch scale := scaleNamed(x.Detector); {
		case scale == nil:
			why = "no detector is called %q"
		case scale.Hard:
			why = "%q is a hard sign, from which nobody is exempt"
		}
		fault(".detector", why+"; want %s", x.Detector, strings.Join(names, ", "))
	}
	if x.Department == "" && x.Role == "" {
		fault("", "want a department, a role, or both")
	}
	for _, text := range [...]struct {
		key, value string
		required   bool
	}{{".department", x.Department, false}, {".role", x.Role, false}, {".reason", x.Reason, true}, {".owner", x.Owner, true}} {
		switch {
		case text.required && text.value == "":
			fault(text.key, "required")
		case len(text.value) > mostExemptionText:
			fault(text.key, "%d bytes; want at most %d", len(text.value), mostExemptionText)
		case !plain(text.value):
			fault(text.key, "want plain text on one line, without blanks around it")
		}
	}
	from, fromOK := dayOf(x.From)
	if !fromOK {
		fault(".from", "want a day like 2026-03-01")
	}
	until, untilOK := dayOf(x.Until)
	switch {
	case !untilOK:
		fault(".until", "want a day like 2026-03-01")
	case fromOK && until <= from:
		fault(".until", "%s; want a day after from, on which it has ended", x.Until)
	case fromOK && until-from > mostExemptDays:
		fault(".until", "%d days; want at most %d", until-from, mostExemptDays)
	}
}

// dayOf reads a day that is written YYYY-MM-DD.
func dayOf(text string) (day, bool) {
	t, err := time.Parse(time.DateOnly, text)
	return day(t.Unix() / 86_400), err == nil
}

// exemptible are the detectors that an exemption may name, in the order of their ordinals.
func exemptible() (names []string) {
	for _, s := range Scales() {
		if s.Exemptible {
			names = append(names, s.Name)
		}
	}
	return names
}

// scaleNamed is the scale of a built-in detector; nil: none is called so.
func scaleNamed(name string) *Scale {
	all := Scales()
	i := slices.IndexFunc(all, func(s Scale) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// exemptDay is an exemption on one day: by the place of its detector among those of a reader's day, and its own among those of the rule set.
type exemptDay struct {
	scale, place int
	post         facts.Post
}

// noon is the middle of a local day, in microseconds since 1970 UTC.
func noon(at day, zone *time.Location) int64 {
	return time.Date(1970, 1, 1+int(at), 12, 0, 0, 0, zone).UnixMicro()
}

// exemptionsOn are the exemptions of a day, with departments and roles as they are known now. One that is not clear covers nobody.
func (j *judge) exemptionsOn(at day) (out []exemptDay) {
	for place := range j.exemptions {
		x := &j.exemptions[place]
		from, _ := dayOf(x.From)
		until, _ := dayOf(x.Until)
		if at < from || at >= until {
			continue
		}
		post, unclear := j.state.PostOf(x.Department, x.Role)
		if unclear != "" {
			continue
		}
		scale := slices.IndexFunc(j.readers.scales, func(s Scale) bool { return s.Name == x.Detector })
		out = append(out, exemptDay{scale, place, post})
	}
	return out
}

// holdBack takes back what detectors say of a reader's day on which the reader is exempt. They are not quiet, but say nothing either way: the day
// counts for none of what is usual among peers. Where the reader works is what the staff list says of noon, whatever events there are: no
// event that is forged or comes late exempts anybody, and what comes late of a day is exempt as the day was.
func (j *judge) holdBack(d *ReaderDay) {
	for i := range d.in.exemptions {
		x := &d.in.exemptions[i]
		g := &d.grades[x.scale]
		if *g == Blind || !j.state.HasPost(d.Reader, noon(d.Day, j.calendar.zone), &x.post) {
			continue
		}
		if *g != Quiet {
			d.heldBack = append(d.heldBack, x.place)
		}
		*g = Blind
	}
}

// heldBackDay is a reader's day of which an exemption held something back.
type heldBackDay struct {
	day       day
	reader    facts.ID
	exemption Exemption
}

// countHeldBack counts what exemptions held back of a reader's day, once each, however often something of the day comes late.
func (e *Engine) countHeldBack(d *ReaderDay) {
	for _, place := range d.heldBack {
		x := heldBackDay{d.Day, e.state.CanonicalStaff(d.Reader), e.settings.Exemptions[place]}
		if !e.heldBack[x] {
			e.heldBack[x] = true
			e.stats.HeldBack[x.exemption]++
		}
	}
}

// HeldBack is what each exemption of the rule set in force held back on closed days since the engine was made, in their order.
func (e *Engine) HeldBack() []HeldBack {
	out := make([]HeldBack, 0, len(e.settings.Exemptions))
	for _, x := range e.settings.Exemptions {
		out = append(out, HeldBack{x, e.stats.HeldBack[x], e.coversNobody(&x)})
	}
	return out
}

// coversNobody is why an exemption covers nobody; "" where it covers somebody.
func (e *Engine) coversNobody(x *Exemption) string {
	post, unclear := e.state.PostOf(x.Department, x.Role)
	if unclear != "" {
		return string(unclear)
	}
	from, _ := dayOf(x.From)
	until, _ := dayOf(x.Until)
	if !e.state.AnybodyHas(&post, facts.Period{From: noon(from, e.cfg.Zone), Until: noon(until-1, e.cfg.Zone) + 1}) {
		return "the staff list has nobody there on these days"
	}
	return ""
}
