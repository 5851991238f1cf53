package detectors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Note is an alert as a colleague would tell it: no codes, no bare statistics. It names people; who may see names is decided
// where it is shown.
type Note struct {
	// Title is one line.
	Title string
	// What happened, Why it is unusual, what is Usual for this reader and their peers, which reasons were Tried in vain, and what
	// would have made it Normal: sentences.
	What, Why, Usual, Tried, Normal []string
	// Evidence are the accesses that it rests on.
	Evidence Evidence
	// who is the reader, and record the patient, as the title says it.
	who, record string
	// whys and normals are how many of Why and of Normal, at their beginning, speak of the reader's whole day.
	whys, normals int
}

// String is the note as text.
func (n *Note) String() string {
	var b strings.Builder
	b.WriteString(n.Title)
	for _, part := range []struct {
		head string
		text []string
	}{
		{"What happened", n.What},
		{"Why it is unusual", n.Why},
		{"What is usual", n.Usual},
		{"Reasons that were tried", n.Tried},
		{"What would have made it normal", n.Normal},
	} {
		if len(part.text) > 0 {
			b.WriteString("\n" + part.head + ": " + strings.Join(part.text, " "))
		}
	}
	n.Evidence.write(&b)
	return b.String()
}

// teller writes notes.
type teller struct {
	judge *judge
	zone  *time.Location
}

// name is a reader's name, else the number of the account.
func (t *teller) name(id facts.ID) string {
	return cmp.Or(t.judge.state.Display(id), account(t.judge.state.StaffIdentifier(id).GetValue()), "somebody unnamed")
}

// account is what an account of which no name is known is called: people do not read references ("Practitioner/agency").
func account(number string) string {
	kind, id, found := strings.Cut(number, "/")
	switch {
	case !found:
		return number
	case kind == "Patient":
		return "Unnamed portal account (" + id + ")"
	}
	return "Unnamed account (" + id + ")"
}

// who is a reader, with what they do: "Debra Sanchez (clerk, Orthopaedics Clinic)".
func (t *teller) who(id facts.ID, at post) string {
	name := t.name(id)
	var of []string
	if at.Role != 0 {
		of = append(of, t.judge.state.Text(at.Role))
	}
	if d := t.judge.state.DepartmentName(at.Department); d != "" {
		of = append(of, d)
	}
	if len(of) > 0 {
		name += " (" + strings.Join(of, ", ") + ")"
	}
	return name
}

// record is a patient with the number that people know: "Paul Ward (2400185)".
func (t *teller) record(id facts.ID) string {
	name, number := t.judge.state.DisplayPatient(id), t.judge.state.RecordNumber(id)
	if _, last, found := strings.Cut(number, "/"); found { // people do not read references
		number = last
	}
	switch {
	case name == "":
		return "an unnamed patient (" + number + ")"
	case number == "":
		return name
	}
	return name + " (" + number + ")"
}

func (t *teller) clock(us int64) string { return time.UnixMicro(us).In(t.zone).Format("15:04") }

func (t *teller) date(d day) string {
	return time.Unix(int64(d)*86_400, 0).UTC().Format("Monday 2 January 2006")
}

// dateOf is a date without its day of the week.
func (t *teller) dateOf(d day) string {
	return time.Unix(int64(d)*86_400, 0).UTC().Format("2 January 2006")
}

// pair tells of one reader in one record.
func (t *teller) pair(p *Pair, fired []Fired) *Note {
	n := &Note{who: t.who(p.Reader, p.Post), record: t.record(p.Patient)}
	n.Title = fmt.Sprintf("%s in the record of %s", n.who, n.record)
	n.What = append(n.What, t.happened(p))
	t.why(n, p, fired)
	if len(n.Why) == 0 {
		n.Why = append(n.Why, noSign)
	}
	t.usual(n, p.Of, p.Of.group())
	t.tried(n, p)
	return n
}

// happened says what the reader did in the record.
func (t *teller) happened(p *Pair) string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s, %s ", t.date(p.Day), t.who(p.Reader, p.Post))
	switch {
	case p.Looks > 0:
		fmt.Fprintf(&b, "opened the record of %s %s", t.record(p.Patient), times(p.Looks))
	case p.Signs&SignRefused != 0:
		fmt.Fprintf(&b, "tried to open the record of %s", t.record(p.Patient))
	default:
		fmt.Fprintf(&b, "saw the record of %s on a list", t.record(p.Patient))
	}
	from, until := p.looked()
	if first, last := t.clock(from), t.clock(until); first == last {
		fmt.Fprintf(&b, " at %s", first)
	} else {
		fmt.Fprintf(&b, " between %s and %s", first, last)
	}
	if w := p.Accesses[0].Workstation; w != 0 {
		fmt.Fprintf(&b, ", at workstation %s", t.judge.state.Text(w))
	}
	switch {
	case p.Signs&SignExport != 0:
		b.WriteString(", and exported from it")
	case p.Signs&SignPrint != 0:
		b.WriteString(", and printed from it")
	}
	if p.Signs&SignBreakGlass != 0 {
		b.WriteString(", breaking the glass")
	}
	b.WriteString(".")
	if p.Signs&SignWrite == 0 {
		b.WriteString(" Nothing was written in it.")
	}
	return b.String()
}

// why lets each detector that speaks for the story say a sentence.
func (t *teller) why(n *Note, p *Pair, fired []Fired) {
	for i := range fired {
		f := &fired[i]
		for k := range t.judge.dets.pairs {
			d := &t.judge.dets.pairs[k]
			if d.Name != f.Scale.Name {
				continue
			}
			if d.tell != nil {
				n.Why = append(n.Why, d.tell(t, p, f.Grade))
			}
			if d.normal != "" {
				n.Normal = append(n.Normal, d.normal)
			}
		}
	}
}

// usual says what the reader and their peers do on other days.
func (t *teller) usual(n *Note, d *ReaderDay, g group) {
	b := d.Base
	if b.days == 0 {
		n.Usual = append(n.Usual, "Nothing is known yet of what is usual for this reader.")
		return
	}
	if b.days == 1 {
		n.Usual = append(n.Usual, "This reader was not seen on any other day.")
		return
	}
	median, _ := b.usualRecords()
	if d.Post.Department == 0 || t.judge.coverage.lacks(NeedsCare) { // what cannot be assessed is not counted as without a reason
		n.Usual = append(n.Usual, fmt.Sprintf("On a usual day this reader opens about %s; for how many of them there is a reason "+
			"cannot be assessed.", count(median, "record")))
		return
	}
	n.Usual = append(n.Usual, fmt.Sprintf("On %s this reader opens about %s; of %s on %s, %s had no reason that is known.",
		"a usual day", count(median, "record"), count(int(b.looked), "record"), count(int(b.days), "day"), number(int(b.alone))))
	p := t.judge.peers[g]
	if p == nil || p.looked <= uint64(b.looked) {
		n.Usual = append(n.Usual, "Nobody else does the same work in the same department.")
		return
	}
	looked, alone := p.looked-uint64(b.looked), p.alone-min(uint64(b.alone), p.alone) // the reader is among them
	peers := "Among their peers"
	if name := t.judge.state.DepartmentName(g.department); name != "" {
		peers += " in " + name
	}
	switch {
	case alone == 0:
		n.Usual = append(n.Usual, peers+", no record is opened without one.")
	case looked/alone < 2:
		n.Usual = append(n.Usual, peers+", most records are opened without one.")
	default:
		n.Usual = append(n.Usual, fmt.Sprintf("%s, about one record in %s is opened without one.", peers, number(int(looked/alone))))
	}
}

// readerDay tells of many records.
func (t *teller) readerDay(d *ReaderDay, c *Candidate) *Note {
	if d.Records == 0 {
		return t.refused(d, c)
	}
	n := &Note{Title: fmt.Sprintf("%s in %s", t.who(d.Reader, d.Post), count(len(c.Patients), "record"))}
	first, last := d.Accesses[0].Occurred, d.Accesses[len(d.Accesses)-1].Occurred
	n.What = append(n.What, fmt.Sprintf("On %s between %s and %s, %s opened %s; %s.", t.date(d.Day), t.clock(first), t.clock(last),
		t.who(d.Reader, d.Post), count(d.Records, "record"), d.known()))
	if out := d.Exports + d.Prints; out > 0 {
		n.What = append(n.What, fmt.Sprintf("In all, the reader printed or exported %s.", count(out, "document")))
	}
	t.whyOfDay(n, d, c)
	n.Tried = t.triedOfDay(d)
	if c.pair != nil {
		t.why(n, c.pair, t.judge.fired(KeyPair, t.judge.pairs, c.pair.situation(), &c.pair.grades))
	}
	if len(n.Why) == 0 {
		n.Why = append(n.Why, noSign)
	}
	t.usual(n, d, d.group())
	return n
}

// noSign is what is said where many small things add up.
const noSign = "No single sign stands out."

// refused tells of a day on which nothing was opened.
func (t *teller) refused(d *ReaderDay, c *Candidate) *Note {
	who := t.who(d.Reader, d.Post)
	first, last := d.Accesses[0].Occurred, d.Accesses[len(d.Accesses)-1].Occurred
	n := &Note{Title: fmt.Sprintf("%s, refused %s", who, times(d.Refused))}
	n.What = append(n.What, fmt.Sprintf("On %s between %s and %s, %s of %s were refused. Nothing was opened.",
		t.date(d.Day), t.clock(first), t.clock(last), count(d.Refused, "attempt"), who))
	t.whyOfDay(n, d, c)
	n.Tried = append(n.Tried, "Nothing was opened, so there is no relation to a patient that could be looked for.")
	t.usual(n, d, d.group())
	return n
}

// whyOfDay lets each detector that speaks for a reader's day say a sentence.
func (t *teller) whyOfDay(n *Note, d *ReaderDay, c *Candidate) {
	for i := range c.Fired {
		for k := range t.judge.dets.readers {
			x := &t.judge.dets.readers[k]
			if x.Name == c.Fired[i].Scale.Name {
				n.Why = append(n.Why, x.tell(t, d, c.Fired[i].Grade))
				if x.normal != "" {
					n.Normal = append(n.Normal, x.normal)
				}
			}
		}
	}
	n.whys, n.normals = len(n.Why), len(n.Normal)
	if n.normals == 0 {
		n.Normal = append(n.Normal, "A task that needs exactly this, which somebody wrote down, would have made it normal.")
	}
}

// recordDay tells of many readers.
func (t *teller) recordDay(d *RecordDay) *Note {
	n := &Note{Title: fmt.Sprintf("%s in the record of %s", capital(count(len(d.Readers), "reader")), t.record(d.Patient))}
	n.What = append(n.What, fmt.Sprintf("On %s, %s opened the record of %s without a reason that is known, and %s with one.",
		t.date(d.Day), count(len(d.Readers), "reader"), t.record(d.Patient), count(d.Others, "other")))
	for i, p := range d.Readers {
		if i == 5 {
			n.What = append(n.What, fmt.Sprintf("And %s more.", number(len(d.Readers)-i)))
			break
		}
		n.What = append(n.What, fmt.Sprintf("%s at %s.", t.who(p.Reader, p.Post), t.clock(p.First())))
	}
	n.Why = append(n.Why, "So many readers without a known reason do not come to one record by chance.")
	if d.Blind > 0 {
		n.What = append(n.What, fmt.Sprintf("Of %s more it cannot be assessed whether there was one.", number(d.Blind)))
	}
	n.Tried = append(t.amongMany(), t.lastCares(formerReaders, d.Readers)...)
	n.Usual = append(n.Usual, "On nearly all days, no record is opened by more than one reader without a reason.")
	n.Normal = append(n.Normal,
		"A resuscitation, a conference about the patient or a review that somebody ordered would have made it normal.")
	return n
}

// kinship says what reader and patient have in common as people.
func (t *teller) kinship(p *Pair) string {
	k, n := &p.Kin, &t.judge.numbers
	var signs []string
	if n.likely(k.Contact) {
		signs = append(signs, "the record names the reader as a relative or contact"+t.relation(p))
	}
	if n.likely(k.Household) {
		signs = append(signs, "they live at the same address")
	}
	if n.likely(k.Phone) {
		signs = append(signs, "they have a telephone number in common")
	}
	if n.faint(k.Surname) {
		signs = append(signs, "they share a surname that few people here have")
	}
	family := "seem to be family"
	if len(signs) == 0 { // who pays may be no relative
		family = "seem to belong together"
	}
	if n.likely(k.Pays) {
		signs = append(signs, "the reader pays for the patient")
	}
	if n.likely(k.Insures) {
		signs = append(signs, "the reader has the patient insured")
	}
	if len(signs) == 0 {
		return "Reader and patient seem to be related."
	}
	return "Reader and patient " + family + ": " + strings.Join(signs, "; ") + "."
}

// relation is what the record calls it, where it says more than "contact".
func (t *teller) relation(p *Pair) string {
	words := map[string]string{
		"sps": "spouse", "husb": "husband", "wife": "wife", "prn": "parent", "mth": "mother", "fth": "father",
		"chld": "child", "chldadopt": "child", "sib": "sibling", "sis": "sister", "bro": "brother", "domprtnr": "partner",
		"former spouse": "former spouse", "fmrsps": "former spouse",
	}
	if w := words[t.judge.state.Text(p.Kin.Relation)]; w != "" {
		return " (" + w + ")"
	}
	return ""
}

// alsoOf adds what another note says of the reader's whole day, and it comes first: that an account belongs to somebody who left
// is not lost because one of its records is more telling than the day.
func (n *Note) alsoOf(day *Note) {
	n.Why = slices.Concat(day.Why[:day.whys], n.Why)
	n.Normal = slices.Concat(day.Normal[:day.normals], n.Normal)
}

// and adds the note of another record of the same reader and day. What both say is said once; told: what names that record is told as well.
func (n *Note) and(other *Note, told bool) {
	n.What = append(n.What, other.What...)
	why := slices.DeleteFunc(slices.Clone(other.Why), func(s string) bool { return !told && strings.Contains(s, other.record) })
	n.Why, n.Normal = added(n.Why, why), added(n.Normal, other.Normal)
	n.Evidence = n.Evidence.and(other.Evidence)
}

// mostTold is how many records a note tells one by one.
const mostTold = 3

// ofRecords makes it the note of so many records.
func (n *Note) ofRecords(records int) {
	n.Title = fmt.Sprintf("%s in %s", n.who, count(records, "record"))
	if len(n.What) > mostTold+1 {
		n.What = append(n.What[:mostTold], fmt.Sprintf("And %s more.", count(len(n.What)-mostTold, "record")))
	}
}

// ofReaders makes one note of those of several readers of one record, the most suspicious first. What holds for all of them is
// said once; else it is said of whom it holds.
func ofReaders(notes []*Note) *Note {
	n := &Note{Title: fmt.Sprintf("%s in the record of %s", capital(count(len(notes), "reader")), notes[0].record)}
	told := notes[:min(len(notes), mostTold)]
	for _, s := range notes[0].Why {
		if !slices.ContainsFunc(told, func(other *Note) bool { return !slices.Contains(other.Why, s) }) {
			n.Why = append(n.Why, s)
		}
	}
	for _, one := range told {
		name := one.name()
		n.What = append(n.What, one.What...)
		for _, s := range one.Why {
			if !slices.Contains(n.Why, s) {
				n.Why = append(n.Why, name+": "+s)
			}
		}
		for _, s := range one.Usual {
			n.Usual = append(n.Usual, name+": "+s)
		}
		n.Normal = added(n.Normal, one.Normal)
	}
	n.Tried = triedOf(notes, (*Note).name)
	if left := len(notes) - len(told); left > 0 {
		n.What = append(n.What, fmt.Sprintf("And %s more.", count(left, "reader")))
	}
	for _, one := range notes {
		n.Evidence = n.Evidence.and(one.Evidence.of(one.name()))
	}
	return n
}

// name is the reader's, without what they do.
func (n *Note) name() string {
	name, _, _ := strings.Cut(n.who, " (")
	return name
}
