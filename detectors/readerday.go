package detectors

import (
	"cmp"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// ReaderDay is everything that one reader did on one local day.
type ReaderDay struct {
	Reader facts.ID
	Day    day
	// Accesses by time.
	Accesses []Access
	Pairs    []Pair
	Staff    *facts.Staff
	Post     post
	Base     *baseline
	// in are the units of the same day.
	in *closed
	// Records are the different records looked at; Unexplained those of them without any reason, Blind those that are not assessable.
	Records, Unexplained, Blind int
	Prints, Exports             int
	// Peak is the most different records that were looked at within an hour; Glass how many records the glass was broken of.
	Peak, Glass int
	Refused     int
	// resets are when the account was reset and used again afterwards, in order.
	resets []int64
	// burst is what happened at an address where this and other accounts were refused.
	burst burst
	// hours has a bit for each hour of the local clock in which there was something.
	hours uint32
	// stays are those near the day, once somebody asked; see stays.
	stays     []facts.Stay
	staysRead bool
	// counted: the reader was seen on this day or a later one when it was closed before.
	counted bool
	// opened is how long each record was open, and stillOpen the one that is at the end, once somebody asked; see stayed.
	opened    map[facts.ID]time.Duration
	stillOpen facts.ID

	grades   grades
	Weight   Weight
	scenario int
	// heldBack are the exemptions that held a finding back, by their places in the rule set.
	heldBack []int
}

func (d *ReaderDay) group() group { return group{d.Post.Department, d.Post.Role} }

// until is how many of the day's accesses were not later than a time.
func (d *ReaderDay) until(us int64) int {
	n, _ := slices.BinarySearchFunc(d.Accesses, us, func(a Access, us int64) int {
		if a.Occurred > us {
			return 1
		}
		return -1
	})
	return n
}

func (d *ReaderDay) situation() situation { return situation{group: d.group()} }

// RecordDay is everything that happened to one record on one local day.
type RecordDay struct {
	Patient facts.ID
	Day     day
	// Readers looked without any reason, Others with one; Blind are those of whom that is not assessable.
	Readers []*Pair
	Others  int
	Blind   int
	// explained are the pairs with a reason; kept only where a custom detector asks.
	explained []*Pair
	// counted: so was one of its pairs.
	counted bool
	// ward is the department that has the patient; 0: none is known.
	ward facts.ID

	grades   grades
	Weight   Weight
	scenario int
}

// splitReaders cuts a day's accesses, sorted by reader and time, into the days of readers, and those into pairs.
func splitReaders(at day, all []Access) []ReaderDay {
	var out []ReaderDay
	for start := 0; start < len(all); {
		end := start + 1
		for end < len(all) && all[end].Reader == all[start].Reader {
			end++
		}
		out = append(out, ReaderDay{Reader: all[start].Reader, Day: at, Accesses: all[start:end:end]})
		start = end
	}
	return out
}

// sortAccesses brings a day into its order: reader, time, position, patient; one event may name a record by two of its numbers.
func sortAccesses(all []Access) {
	slices.SortFunc(all, func(a, b Access) int {
		if a.Reader != b.Reader {
			return cmp.Compare(a.Reader, b.Reader)
		}
		return byTime(&a, &b)
	})
}

// byTime is the order of the accesses of a reader, and of a record: by time, those of one time as the journal had them, those of one event by patient.
func byTime(a, b *Access) int {
	switch {
	case a.Occurred != b.Occurred:
		return cmp.Compare(a.Occurred, b.Occurred)
	case a.Position != b.Position:
		return cmp.Compare(a.Position, b.Position)
	case a.Patient != b.Patient:
		return cmp.Compare(a.Patient, b.Patient)
	}
	return cmp.Compare(a.Nth, b.Nth)
}

// splitPairs makes the pairs of a reader's day, by patient. byPatient is the day sorted by patient and time.
func splitPairs(d *ReaderDay, byPatient []Access) {
	for start := 0; start < len(byPatient); {
		end := start + 1
		for end < len(byPatient) && byPatient[end].Patient == byPatient[start].Patient {
			end++
		}
		if byPatient[start].Patient != 0 {
			d.Pairs = append(d.Pairs, newPair(d, byPatient[start:end:end]))
		}
		start = end
	}
}

const (
	// sameRequest is how far apart two reports of one access may have occurred, as in the answer to who viewed a record.
	sameRequest = int64(time.Minute / time.Microsecond)
	// reportsApart is how many others of the reader may lie between them.
	reportsApart = 64
)

// markAgain finds the accesses of a reader's day, which are in the order of time, that were reported before: by the same request, of the
// same record, by an event that says the same was done.
func markAgain(all []Access) {
	for i := range all {
		a := &all[i]
		if a.Signs &^= SignAgain; a.Request == 0 {
			continue
		}
		for k := i - 1; k >= max(0, i-reportsApart) && a.Occurred-all[k].Occurred <= sameRequest; k-- {
			if a.reportsWith(&all[k]) {
				a.Signs |= SignAgain
				break
			}
		}
	}
}

// reportsWith reports whether two accesses of a reader are reports of one, by client and server: of the same request and the same record, at the
// same time, and the same was done.
func (a *Access) reportsWith(b *Access) bool {
	const done = SignLook | SignListed | SignWrite | SignPrint | SignExport | SignRefused | SignLogin | SignLogout
	apart := max(a.Occurred-b.Occurred, b.Occurred-a.Occurred)
	return a.Request != 0 && b.Request == a.Request && b.Patient == a.Patient && b.Position != a.Position && apart <= sameRequest &&
		(a.Signs^b.Signs)&done == 0
}

func newPair(d *ReaderDay, accesses []Access) Pair {
	p := Pair{Reader: d.Reader, Patient: accesses[0].Patient, Day: d.Day, Accesses: accesses, Others: d.Accesses, Staff: d.Staff}
	var kinds [8]facts.ID
	for i := range accesses {
		a := &accesses[i]
		p.Signs |= a.Signs &^ SignAgain
		p.Labels |= a.Labels
		if a.Any(SignLook) && !a.Any(SignAgain) {
			p.Looks++
		}
		if a.Object != 0 && p.Kinds < len(kinds) && !slices.Contains(kinds[:p.Kinds], a.Object) {
			kinds[p.Kinds] = a.Object
			p.Kinds++
		}
	}
	return p
}
