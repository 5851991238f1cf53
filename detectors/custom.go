package detectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// CustomDetector is a detector that a site wrote: it says of one access whether it counts. What the counts mean stands in its
// description; the rest (how usual it is here, what it weighs, where it is told) is as with the detectors that are built in.
type CustomDetector interface {
	// Custom describes it. It always says the same.
	Custom() Custom
	// Fits says whether an access counts. An error means that it cannot be told; the detector then says nothing about the unit. The
	// same access gets the same answer. One goroutine calls it at a time, and the view is valid until it returns.
	Fits(*AccessView) (bool, error)
	// Counts says the same of one of its counters, by number: whether an access fits the counter's condition. Fits may ask the view for a counter, which
	// asks Counts about other accesses meanwhile; Counts asks for none.
	Counts(n int, v *AccessView) (bool, error)
}

// Custom describes a custom detector.
type Custom struct {
	// Name is the behaviour ("NightLook"); no built-in detector has it.
	Name string
	// About and Normal are sentences of the note: what the behaviour is, and what would have made it normal.
	About, Normal string
	Key           Key
	Peers         Peers
	// Hard: an explanation does not weigh against it.
	Hard bool
	// Needs is the context without which it abstains.
	Needs Needs
	// Verdict: it asks whether an access is explained, so it abstains where that cannot be assessed.
	Verdict bool
	// Counted is what is counted, within any stretch of Over of the local day; 0 is the whole day.
	Counted Counted
	Over    time.Duration
	// Counters are what its condition may ask for.
	Counters []Counter
	// Grades are the counts that mean something, ascending.
	Grades []CustomGrade
	// Share is how much of all misuse is of this kind, in per mille.
	Share int
}

// CustomGrade is a stretch of a custom detector's scale.
type CustomGrade struct {
	// AtLeast is the count from which on it holds, Word what people read.
	AtLeast int
	Word    string
	// Misuse is how often it is seen where this behaviour is misuse, in per mille.
	Misuse int
}

// Counted is what a custom detector counts.
type Counted uint8

// What is counted.
const (
	CountAccesses Counted = iota
	CountRecords          // different ones
	CountReaders          // different ones
)

// nouns are singular and plural of what is counted.
var countedNouns = [...][2]string{{"access", "accesses"}, {"record", "records"}, {"reader", "readers"}}

// String is the word for it.
func (c Counted) String() string { return countedNouns[c][1] }

// String is the word for it.
func (k Key) String() string { return [...]string{"pair", "reader", "record"}[k] }

// countable says what can be counted in a unit: what there is only one of is not counted.
func (k Key) countable() []Counted {
	return [...][]Counted{{CountAccesses}, {CountAccesses, CountRecords}, {CountAccesses, CountReaders}}[k]
}

const (
	// maxShare is how much of all misuse of one key custom detectors may claim together, in per mille: half is left to those
	// whose numbers have sources.
	maxShare = 500
	// maxSentence and maxWord bound what stands in notes, in bytes.
	maxSentence = 300
	maxWord     = 80
	maxName     = 40
	wholeDay    = 24 * time.Hour
)

// Fault is something wrong with a custom detector: in which field, and what.
type Fault struct{ Field, Text string }

// Error is both.
func (f *Fault) Error() string { return f.Field + ": " + f.Text }

// Validate reports everything that is wrong with a description, each a *Fault.
func (c *Custom) Validate() []error {
	var out []error
	fault := func(field, format string, args ...any) {
		out = append(out, &Fault{field, fmt.Sprintf(format, args...)})
	}
	switch {
	case !behaviour(c.Name):
		fault("name", "%q is not a name; want one like NightLook: letters and digits, the first a capital and not all of them, at most %d", c.Name, maxName)
	case slices.Contains(Names(), c.Name):
		fault("name", "%s is a built-in detector; want another name", c.Name)
	}
	for field, text := range map[string]string{"about": c.About, "normal": c.Normal} {
		if !sentence(text) {
			fault(field, "want a sentence of at most %d characters that begins with a capital and ends with a full stop", maxSentence)
		}
	}
	if of := c.Key.countable(); !slices.Contains(of, c.Counted) {
		fault("count.of", "%s cannot be counted per %s; want %s", c.Counted, c.Key, listed(of))
	}
	if c.Over < 0 || c.Over > wholeDay {
		fault("count.over", "want a duration of at most 24h: units are local days")
	}
	out = append(out, validateCounters(c.Counters)...)
	if n := len(c.Grades); n == 0 || n >= maxGrades {
		fault("grades", "%d grades; want 1 to %d", n, maxGrades-1)
	}
	sum := 0
	for i, g := range c.Grades {
		if g.AtLeast < 1 || i > 0 && g.AtLeast <= c.Grades[i-1].AtLeast {
			fault("grades", "at_least %d; want numbers from 1 on, each larger than the one before", g.AtLeast)
		}
		if w := strings.TrimSpace(g.Word); w == "" || len(w) > maxWord || strings.ContainsAny(w, "\n\r") {
			fault("grades", "word %q; want a few words on one line", g.Word)
		}
		if g.Misuse < 0 {
			fault("misuse", "%d is below 0", g.Misuse)
		}
		sum += g.Misuse
	}
	if len(c.Grades) > 0 && (sum < 1 || sum > 1000) {
		fault("misuse", "%d per mille in all; want 1 to 1,000: the rest is misuse of this kind that goes unnoticed", sum)
	}
	if c.Share < 1 || c.Share > maxShare {
		fault("share", "%d per mille of all misuse; want 1 to %d", c.Share, maxShare)
	}
	slices.SortStableFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

// ValidateCustom reports what is wrong with custom detectors together: names that stand twice, too many, too large a share.
func ValidateCustom(all []CustomDetector) []error {
	var out []error
	var number, share [3]int
	counters := 0
	names := map[string]bool{}
	for _, d := range all {
		c := d.Custom()
		if names[c.Name] {
			out = append(out, fmt.Errorf("%s stands there twice; want different names", c.Name))
		}
		names[c.Name] = true
		number[c.Key]++
		share[c.Key] += c.Share
		counters += len(c.Counters)
	}
	if counters > maxCountersInAll {
		out = append(out, fmt.Errorf("%d counters in all; want at most %d", counters, maxCountersInAll))
	}
	set := allDetectors()
	for key, built := range [...]int{len(set.pairs), len(set.readers), len(set.records)} {
		if most := maxScales - built; number[key] > most {
			out = append(out, fmt.Errorf("%d detectors with key %s; want at most %d", number[key], Key(key), most))
		}
		if share[key] > maxShare {
			out = append(out, fmt.Errorf("detectors with key %s claim %d per mille of all misuse; want at most %d",
				Key(key), share[key], maxShare))
		}
	}
	return out
}

// validateCustom is everything about the custom detectors of a configuration.
func validateCustom(all []CustomDetector) error {
	var out []error
	for _, d := range all {
		c := d.Custom()
		for _, err := range c.Validate() {
			out = append(out, fmt.Errorf("custom: %s: %w", c.Name, err))
		}
	}
	for _, err := range ValidateCustom(all) {
		out = append(out, fmt.Errorf("custom: %w", err))
	}
	return errors.Join(out...)
}

// Names are the built-in detectors.
func Names() []string {
	set := allDetectors()
	var out []string
	for _, d := range set.pairs {
		out = append(out, d.Name)
	}
	for _, d := range set.readers {
		out = append(out, d.Name)
	}
	for _, d := range set.records {
		out = append(out, d.Name)
	}
	return out
}

func behaviour(name string) bool {
	if name == "" || len(name) > maxName || name[0] < 'A' || name[0] > 'Z' || strings.ToUpper(name) == name {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

func sentence(text string) bool {
	return text != "" && len(text) <= maxSentence && strings.HasSuffix(text, ".") && !strings.ContainsAny(text, "\n\r") &&
		strings.ToLower(text[:1]) != text[:1]
}

func listed(of []Counted) string {
	words := make([]string, len(of))
	for i, c := range of {
		words[i] = c.String()
	}
	return strings.Join(words, " or ")
}

// AccessView is what a custom detector sees: one access, and what is known around it. A search has no record, so what is known of
// a record is then empty.
type AccessView struct {
	judge  *judge
	access *Access
	day    *ReaderDay
	pair   *Pair // nil where no record was touched
	own    *custom
}

// Access is the access itself.
func (v *AccessView) Access() *Access { return v.access }

// Local is when it occurred, in the site's zone.
func (v *AccessView) Local() time.Time { return time.UnixMicro(v.access.Occurred).In(v.judge.zone) }

// Text is what a number of a text stands for; "" for 0.
func (v *AccessView) Text(id facts.ID) string {
	if id == 0 {
		return ""
	}
	return v.judge.state.Text(id)
}

func (v *AccessView) post() *post {
	if v.pair != nil {
		return &v.pair.Post
	}
	return &v.day.Post
}

// Department is the name of the reader's department, "" where it is not known.
func (v *AccessView) Department() string { return v.judge.state.DepartmentName(v.post().Department) }

// Role is the code of the reader's role, "" where it is not known.
func (v *AccessView) Role() string { return v.Text(v.post().Role) }

// Employed is 1 when the staff list says so, -1 when it says that they were not, 0 when it says nothing.
func (v *AccessView) Employed() int { return int(v.post().Employed) }

// OnDuty is 1 on the roster, -1 when a roster covers the time without them, or it is outside of the hours of their work, 0 when neither is known.
func (v *AccessView) OnDuty() int { return int(v.post().OnDuty) }

// Vendor reports whether the reader belongs to an outside company.
func (v *AccessView) Vendor() bool { return v.post().Vendor }

// Record is what is known of the patient; never nil.
func (v *AccessView) Record() *facts.Patient {
	if v.pair == nil {
		return v.judge.state.Patient(0)
	}
	return v.pair.Record
}

// Labels are those of the record, and of what was opened of it on that day.
func (v *AccessView) Labels() facts.Label {
	if v.pair == nil {
		return v.access.Labels
	}
	return v.pair.Labels
}

// InCare reports whether somebody has or had the patient within 30 days.
func (v *AccessView) InCare() bool { return v.pair != nil && v.pair.inCare }

// Watched reports whether the record is on a watch list at the time.
func (v *AccessView) Watched() bool {
	if v.pair == nil {
		return false
	}
	for _, w := range v.judge.state.Watches(v.pair.Patient) {
		if w.Period.Holds(v.access.Occurred) {
			return true
		}
	}
	return false
}

// noKin is of nobody's.
var noKin = facts.Kinship{Metres: -1}

// Kin is what reader and patient have to do with each other as people; read it only.
func (v *AccessView) Kin() *facts.Kinship {
	if v.pair == nil {
		return &noKin
	}
	return &v.pair.Kin
}

// Reasons has a bit for each Reason that explains the access.
func (v *AccessView) Reasons() uint32 {
	if v.pair == nil {
		return 0
	}
	return uint32(v.pair.Reasons)
}

// DaysAlone is on how many days the reader opened the record without a reason, this one included, at most eight.
func (v *AccessView) DaysAlone() int {
	if v.pair == nil {
		return 0
	}
	return v.pair.History.aloneDays()
}
