package detectors

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

// Names of the detectors whose attempts a story cites.
const (
	failedName  = "FailedBurst"
	addressName = "AddressBurst"
)

// failedBurst (D18): attempts that were refused, one after the other. Three are a password that expired or was mistyped; ten within ten
// minutes lock an account of Windows by default. A few at each of several sign-ins do not make many on a day, and one record that is
// locked is tried again and again. Whose account was reset within the hour and used again had forgotten the password; ten tries within minutes,
// or several records, are no way to remember it.
func failedBurst() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: failedName, Catalogue: "D18", Key: KeyReader, Peers: PeersGroup,
			Words: []string{
				"several attempts refused within minutes", "many attempts refused over the day",
				"several attempts refused within minutes, at several records", "many attempts refused within minutes",
			},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			n := &j.numbers
			switch b := j.refusedAtOnce(d); {
			case b.most.attempts >= n[manyAttempts]:
				return 4
			case b.several.attempts > 0:
				return 3
			case int64(d.Refused)-min(int64(j.forgotten(d)), n[manyAttempts]-1) >= n[attemptsADay]: // who forgets a password tries a few
				return 2
			case b.open.attempts >= n[severalAttempts]:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, d *ReaderDay, g Grade) string {
			if g == 2 {
				return fmt.Sprintf("On that day %s of this account were refused%s.", count(d.Refused, "attempt"), t.judge.forgottenOf(d))
			}
			n, b := &t.judge.numbers, t.judge.refusedAs(d, g)
			said := fmt.Sprintf("Within %s, %s of this account were refused", n.inWords(burstMinutes, "minute"), count(int(b.attempts), "attempt"))
			if b.records >= n[severalRecords] {
				said += ", at several records"
			}
			if int64(d.Refused) > b.attempts {
				said += fmt.Sprintf("; on the whole day it was %s", number(d.Refused))
			}
			return said + t.judge.forgottenOf(d) + "."
		},
	}
}

// ownBurst are attempts of one account that were refused within minutes, and at how many records.
type ownBurst struct {
	attempts, records int64
	// first and last are the times of the first and of the last of them.
	first, last int64
}

// ownBursts are those of one reader's day; without attempts, there is none.
type ownBursts struct {
	// most is the one with the most attempts, open that of the attempts which no reset accounts for, several the one with the most among those
	// of several attempts at several records.
	most, open, several ownBurst
}

// refusedAs is the burst of which a grade speaks; that of the grade which speaks of the whole day is the day.
func (j *judge) refusedAs(d *ReaderDay, g Grade) ownBurst {
	b := j.refusedAtOnce(d)
	switch g {
	case 1:
		return b.open
	case 2:
		return ownBurst{first: d.Accesses[0].Occurred, last: d.Accesses[len(d.Accesses)-1].Occurred}
	case 3:
		return b.several
	}
	return b.most
}

// refusedAtOnce finds the bursts of a reader's day.
func (j *judge) refusedAtOnce(d *ReaderDay) (out ownBursts) {
	if d.Refused == 0 {
		return out
	}
	out.most, out.several = j.refusedAmong(d, false)
	if out.open = out.most; len(d.resets) > 0 {
		out.open, _ = j.refusedAmong(d, true)
	}
	return out
}

// refusedAmong finds the burst with the most attempts and, among those of several attempts at several records, the one with the most, of all
// attempts or of the open ones.
func (j *judge) refusedAmong(d *ReaderDay, open bool) (most, several ownBurst) {
	n := &j.numbers
	var in []*Access            // those of the last minutes
	at := map[facts.ID]uint32{} // how many of them are at each record
	for i := range d.Accesses {
		a := &d.Accesses[i]
		if !d.attempt(i) || open && j.beforeReset(d, a) {
			continue
		}
		if in = append(in, a); a.Patient != 0 {
			at[a.Patient]++
		}
		for ; a.Occurred-in[0].Occurred > n.minutes(burstMinutes); in = in[1:] {
			if first := in[0].Patient; at[first] > 1 {
				at[first]--
			} else {
				delete(at, first)
			}
		}
		b := ownBurst{int64(len(in)), int64(len(at)), in[0].Occurred, a.Occurred}
		if b.attempts > most.attempts {
			most = b
		}
		if b.attempts >= n[severalAttempts] && b.records >= n[severalRecords] && b.attempts > several.attempts {
			several = b
		}
	}
	return most, several
}

// attempt reports whether the access is an attempt that was refused, and counts: one event of several records is one, and so are two reports.
func (d *ReaderDay) attempt(i int) bool {
	a := &d.Accesses[i]
	return a.Any(SignRefused) && !a.Any(SignAgain) && (i == 0 || a.Position != d.Accesses[i-1].Position)
}

// findResets finds when the accounts of readers were reset and used again. It looks across readers, because the help desk resets accounts.
func (j *judge) findResets(c *closed) {
	var at map[facts.ID][]int64
	for i := range c.readers {
		for k := range c.readers[i].Accesses {
			a := &c.readers[i].Accesses[k]
			if !a.Any(SignReset) {
				continue
			}
			if at == nil {
				at = map[facts.ID][]int64{}
			}
			account := j.state.CanonicalStaff(facts.ID(a.Number))
			at[account] = append(at[account], a.Occurred)
		}
	}
	if at == nil {
		return
	}
	for i := range c.readers {
		d := &c.readers[i]
		resets := at[d.Reader]
		slices.Sort(resets)
		used := d.lastUsed()
		d.resets = slices.DeleteFunc(resets, func(us int64) bool { return d.Reader == 0 || us >= used })
	}
}

// lastUsed is when the account was used last; 0: it was not.
func (d *ReaderDay) lastUsed() int64 {
	for i := len(d.Accesses) - 1; i >= 0; i-- {
		if a := &d.Accesses[i]; !a.Any(SignRefused | SignSystem | SignLogout | SignReset) {
			return a.Occurred
		}
	}
	return 0
}

// beforeReset reports whether an attempt is one of somebody whose account was reset soon after.
func (j *judge) beforeReset(d *ReaderDay, a *Access) bool {
	next, _ := slices.BinarySearch(d.resets, a.Occurred)
	return next < len(d.resets) && d.resets[next]-a.Occurred <= j.numbers.minutes(resetMinutes)
}

// forgotten counts the attempts before a reset.
func (j *judge) forgotten(d *ReaderDay) (n int) {
	for i := range d.Accesses {
		if len(d.resets) > 0 && d.attempt(i) && j.beforeReset(d, &d.Accesses[i]) {
			n++
		}
	}
	return n
}

// forgottenOf says how many attempts of a day came before a reset; nothing where none did.
func (j *judge) forgottenOf(d *ReaderDay) string {
	n := j.forgotten(d)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s of that day came before the account was reset", count(n, "attempt"))
}

// mostRefusals is how many refused attempts a story cites of a day on which something was opened.
const mostRefusals = 64

// refusedIn are the first of the reader's attempts that the detectors which speak for the day count, without those that it cites already.
func (j *judge) refusedIn(d *ReaderDay, c *Candidate) (out []Cited) {
	var own ownBurst
	at := false
	for _, f := range c.Fired {
		switch f.Scale.Name {
		case failedName:
			own = j.refusedAs(d, f.Grade)
		case addressName:
			at = true
		}
	}
	if own.last == 0 && !at {
		return nil
	}
	type access struct {
		position proto.Position
		patient  facts.ID
	}
	already := map[access]bool{} // what broke the glass, or was a list
	for _, a := range c.Accesses {
		if a.Signs&SignRefused != 0 {
			already[access{a.Position, a.Patient}] = true
		}
	}
	for i := range d.Accesses {
		a := &d.Accesses[i]
		if !a.Any(SignRefused) || a.Any(SignAgain) || already[access{a.Position, a.Patient}] {
			continue
		}
		there := at && a.from() == d.burst.from && d.burst.begin <= a.Occurred && a.Occurred <= d.burst.end
		if there || own.first <= a.Occurred && a.Occurred <= own.last {
			out = append(out, a.cited())
		}
		if len(out) == mostRefusals {
			break
		}
	}
	return out
}

// addressBurst (D18): this account and others refused at one address within minutes. Who tries one password, or one account, after the
// other does not wait long; two or three mistype at a change of shift; at a gateway, or at a device that a ward shares, all of a day are
// refused at once when a directory is down, and not twice as many.
func addressBurst() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: addressName, Catalogue: "D18", Key: KeyReader, Peers: PeersGroup,
			Words: []string{"one of several accounts refused at one address", "got in where several accounts were refused"},
		},
		grade: func(_ *judge, d *ReaderDay) Grade {
			switch {
			case d.burst.accounts == 0:
				return Quiet
			case d.burst.gotIn:
				return 2
			}
			return 1
		},
		tell: func(t *teller, d *ReaderDay, g Grade) string {
			said := fmt.Sprintf("At one address (%s), attempts of %s were refused within %s", t.judge.state.Text(d.burst.from),
				count(d.burst.accounts, "account"), t.judge.numbers.inWords(accountMinutes, "minute"))
			switch {
			case g == 2 && d.burst.refused:
				return said + ". This account was one of them, and got in there afterwards."
			case g == 2:
				return said + ", and this account got in there."
			}
			return said + ", and this account was one of them."
		},
		normal: "A fault of the sign-in that kept everybody out, and was reported, would have made it normal.",
	}
}

// burst is what a reader has to do with one address at which several accounts were refused.
type burst struct {
	from facts.ID
	// accounts is how many were refused within minutes at most; 0: there was no burst.
	accounts int
	// begin and end are the times of the first and of the last attempt that was refused.
	begin, end int64
	// refused: this account was one of them. gotIn: it was used from that address afterwards.
	refused, gotIn bool
}

// better reports whether it says more: that they got in, else more accounts.
func (b burst) better(than burst) bool {
	return b.gotIn && !than.gotIn || b.gotIn == than.gotIn && b.accounts > than.accounts
}

// refusal is an attempt that was refused, of a reader by their place among the day's.
type refusal struct {
	from     facts.ID
	reader   int32
	occurred int64
}

// refusedThere is a stretch of time in which several accounts were refused at one address.
type refusedThere struct {
	begin, end int64
	accounts   int
	// shared: so many use the address on a usual day that whoever gets in there may be anybody.
	shared bool
}

// findBursts finds the addresses at which many accounts were refused within minutes, and those who got in there. It looks across readers, so
// it is done before their days are shared out.
func (j *judge) findBursts(c *closed) {
	all, least := refusalsOf(c), int(j.numbers[burstAccounts])
	found := map[facts.ID][]refusedThere{}
	each := func(f func(from facts.ID, all []refusal)) {
		for begin, end := 0, 0; begin < len(all); begin = end {
			for end = begin; end < len(all) && all[end].from == all[begin].from; end++ {
			}
			f(all[begin].from, all[begin:end])
		}
	}
	each(func(from facts.ID, all []refusal) {
		if at := j.burstsAt(all, least); at != nil {
			found[from] = at
		}
	})
	if len(found) == 0 {
		return
	}
	today := accountsAt(c, found)
	each(func(from facts.ID, all []refusal) {
		if found[from] == nil {
			return
		}
		usual := j.addresses[from].otherwise(today[from])
		found[from] = j.burstsAt(all, max(least, int(j.numbers[timesUsual])*usual))
		for i := range found[from] {
			found[from][i].shared = usual >= least
		}
	})
	for i := range c.readers {
		c.readers[i].inBursts(found, j.numbers.minutes(accountMinutes))
	}
}

// refusalsOf are a day's refused attempts, by address and time.
func refusalsOf(c *closed) []refusal {
	var all []refusal
	for i := range c.readers {
		d := &c.readers[i]
		if d.burst = (burst{}); d.Reader == 0 || d.Refused == 0 {
			continue
		}
		for k := range d.Accesses {
			if a := &d.Accesses[k]; a.Any(SignRefused) && !a.Any(SignSystem) && a.from() != 0 {
				all = append(all, refusal{a.from(), int32(i), a.Occurred})
			}
		}
	}
	slices.SortFunc(all, func(a, b refusal) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.occurred, b.occurred), cmp.Compare(a.reader, b.reader))
	})
	return all
}

// accountsAt counts the different accounts that got in at some addresses on the day: what somebody guesses makes no address one that many use.
func accountsAt(c *closed, at map[facts.ID][]refusedThere) map[facts.ID]uint32 {
	out := map[facts.ID]uint32{}
	for i := range c.readers {
		d := &c.readers[i]
		seen := map[facts.ID]bool{}
		for k := range d.Accesses {
			a := &d.Accesses[k]
			if from := a.from(); d.Reader != 0 && at[from] != nil && !a.Any(SignRefused|SignSystem) && !seen[from] {
				seen[from] = true
				out[from]++
			}
		}
	}
	return out
}

// burstsAt finds the stretches in which so many accounts were refused at one address, by time.
func (j *judge) burstsAt(all []refusal, need int) (out []refusedThere) {
	in := map[int32]int{} // refusals of each reader in the last minutes
	for begin, end := 0, 0; end < len(all); end++ {
		in[all[end].reader]++
		for ; all[end].occurred-all[begin].occurred > j.numbers.minutes(accountMinutes); begin++ {
			if r := all[begin].reader; in[r] > 1 {
				in[r]--
			} else {
				delete(in, r)
			}
		}
		if len(in) < need {
			continue
		}
		one := refusedThere{begin: all[begin].occurred, end: all[end].occurred, accounts: len(in)}
		if last := len(out) - 1; last >= 0 && one.begin <= out[last].end {
			out[last].end, out[last].accounts = one.end, max(out[last].accounts, one.accounts)
		} else {
			out = append(out, one)
		}
	}
	return out
}

// inBursts finds what the reader has to do with bursts at addresses. Who was refused in one got in by any later access from there; who was
// not, by one during it or within as long after it as a burst lasts, unless many share the address.
func (d *ReaderDay) inBursts(found map[facts.ID][]refusedThere, within int64) {
	if d.Reader == 0 {
		return
	}
	type which struct {
		from facts.ID
		nth  int
	}
	refused := map[which]bool{}
	for i := range d.Accesses {
		a := &d.Accesses[i]
		for n, at := range found[a.from()] {
			w := which{a.from(), n}
			b := burst{w.from, at.accounts, at.begin, at.end, refused[w], true}
			switch {
			case a.Occurred < at.begin || a.Any(SignSystem|SignLogout):
				continue
			case a.Any(SignRefused):
				if a.Occurred > at.end {
					continue
				}
				refused[w], b.refused, b.gotIn = true, true, false
			case !b.refused && (at.shared || a.Occurred > at.end+within):
				continue
			}
			if b.better(d.burst) {
				d.burst = b
			}
		}
	}
}
