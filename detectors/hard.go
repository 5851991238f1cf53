package detectors

import (
	"cmp"
	"maps"
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Signs that are a matter of record do not wait until the day is closed: an account whose owner had left, somebody's own record, a
// record on a watch list, one account in two places, records in the order of their numbers. Each access is looked at cheaply as it
// comes; where there may be something, the reader's day so far is judged at the end of the batch, by the same functions that judge
// closed days.

// openDay finds a reader's accesses while the day goes on.
type openDay struct {
	readers map[facts.ID]*openReader
	// before is, for each access of the page, the reader's access before it; -1: none.
	before []int32
	// pairs counts the accesses of pairs that were looked at closely.
	pairs map[pairKey]uint16
}

// openReader is a reader's day so far.
type openReader struct {
	last, n int32
	// employed until then, by as many facts as were known.
	until  int64
	facts  uint64
	vendor bool
	// home is the department of the last workstation, seen when; leaps are changes too fast to be walked.
	home  facts.ID
	seen  int64
	leaps int
	walks walks
}

// hardSigns are what has to be judged at the end of the batch, and what was raised on open days.
type hardSigns struct {
	touched []touch
	open    map[day]map[alertID]bool
	// shown counts the alerts of an open day that count against the budget of their queue.
	shown map[dayQueue]int
	// patients and staff are those of whom the batch says something that may make what they did on open days a hard sign.
	patients, staff []facts.ID
}

// dayQueue is a queue of sites on a day.
type dayQueue struct {
	day   day
	queue string
}

// touch is a reader's day to be looked at; of one record, or of all.
type touch struct {
	page            *page
	reader, patient facts.ID
}

func newHardSigns() hardSigns {
	return hardSigns{open: map[day]map[alertID]bool{}, shown: map[dayQueue]int{}}
}

// openDays is how many days before the clock's one an access is looked at as it comes; older ones wait for the closing.
const openDays = 3

// over reports whether a day's accesses are not looked at any more as they come.
func (e *Engine) over(d day) bool { return d <= e.through || d < e.today()-openDays }

// watchBegun looks at what came before there was a rule set, on the days that are open.
func (e *Engine) watchBegun() {
	for _, d := range e.book.days() {
		p := e.book.pages[d]
		for i := range p.accesses {
			e.watch(p, i)
		}
	}
}

// watch looks at an access of a page as it comes.
func (e *Engine) watch(p *page, at int) {
	if !e.inForce || e.over(p.at) {
		return
	}
	a := &p.accesses[at]
	if p.open == nil {
		p.open = &openDay{readers: map[facts.ID]*openReader{}, pairs: map[pairKey]uint16{}}
	}
	o := p.open
	for len(o.before) <= at {
		o.before = append(o.before, -1)
	}
	if a.Reader == 0 || a.Any(SignSystem|SignPatient) {
		return
	}
	i := int32(at)
	r := o.readers[a.Reader]
	if r == nil {
		r = &openReader{last: -1}
		o.readers[a.Reader] = r
	}
	o.before[i], r.last = r.last, i
	r.n++
	if e.suspicious(r, a) {
		e.hard.touched = append(e.hard.touched, touch{p, a.Reader, 0})
	}
	if a.Patient != 0 && a.Any(SignLook) && e.marked(a) {
		key := pairKey{a.Reader, a.Patient}
		o.pairs[key]++
		if powerOfTwo(int(o.pairs[key])) {
			e.hard.touched = append(e.hard.touched, touch{p, a.Reader, a.Patient})
		}
	}
}

// powerOfTwo: what grows is looked at again when it has doubled, so that a long day costs no more than its length.
func powerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }

// suspicious reports whether the reader's day may show a hard sign now.
func (e *Engine) suspicious(r *openReader, a *Access) bool {
	found := false
	if r.facts != e.known || a.Occurred >= r.until {
		role, ok := e.state.RoleAt(a.Reader, a.Occurred)
		r.facts, r.until, r.vendor = e.known, 0, role.Vendor
		if ok || len(e.state.Staff(a.Reader).Roles) == 0 {
			r.until = facts.Forever
		}
		if ok {
			r.until = role.Period.Until
		}
	}
	if (r.until == 0 || r.vendor) && powerOfTwo(int(r.n)) {
		found = true
	}
	if e.leaps(r, a) || e.walks(r, a) {
		found = true
	}
	return found
}

// leaps counts changes between departments that are too fast to be walked; it reports when they have doubled.
func (e *Engine) leaps(r *openReader, a *Access) bool {
	if a.Workstation == 0 || a.Any(SignLogin|SignLogout) {
		return false
	}
	at := e.judge.homeOf(a.Workstation)
	if at == 0 {
		return false
	}
	leapt := r.home != 0 && at != r.home && a.Occurred-r.seen <= e.judge.numbers.minutes(leapMinutes)
	r.home, r.seen = at, a.Occurred
	if leapt {
		r.leaps++
	}
	return leapt && powerOfTwo(r.leaps)
}

// walks follows walks through record numbers as the detector does; it reports when one is long, and when one is half as long again.
func (e *Engine) walks(r *openReader, a *Access) bool {
	n := &e.judge.numbers
	walked := r.walks.step(a, n).records()
	if int64(walked) < n[walkRecords] || walked < r.walks.told+r.walks.told/2 {
		return false
	}
	r.walks.told = walked
	return true
}

// marked reports whether the record is one that is watched, or may be the reader's own.
func (e *Engine) marked(a *Access) bool {
	p := e.state.Patient(a.Patient)
	if p.Labels&facts.LabelVIP != 0 || len(e.state.Watches(a.Patient)) > 0 {
		return true
	}
	s := e.state.Staff(a.Reader)
	return p.Staff != 0 && p.Staff == e.state.CanonicalStaff(a.Reader) || p.Birth != facts.NoDay && p.Birth == s.Birth
}

// judgeHard judges the readers' days that the batch touched.
func (e *Engine) judgeHard(received int64) error {
	e.watchChanged()
	if len(e.hard.touched) == 0 {
		return nil
	}
	e.judge.forgetWholes()
	e.judge.coverage = e.coverage() // a list that came with the batch counts
	type where struct {
		page   *page
		reader facts.ID
	}
	var order []where
	records := map[where][]facts.ID{}
	for _, t := range e.hard.touched {
		w := where{t.page, e.state.CanonicalStaff(t.reader)}
		if records[w] == nil {
			order = append(order, w)
		}
		records[w] = append(records[w], e.state.Canonical(t.patient))
	}
	e.hard.touched = e.hard.touched[:0]
	for _, w := range order {
		if e.book.pages[w.page.at] != w.page || w.page.open == nil {
			continue // closed within this batch, or put into a file
		}
		e.judgeOpen(w.page, w.reader, records[w], received)
	}
	return nil
}

// judgeOpen judges one reader's day so far, under each of their numbers.
func (e *Engine) judgeOpen(p *page, reader facts.ID, records []facts.ID, received int64) {
	var accesses []Access
	for _, n := range e.state.SameStaff(reader) {
		if r := p.open.readers[n]; r != nil {
			accesses = slices.Grow(accesses, int(r.n))
			for i := r.last; i >= 0; i = p.open.before[i] {
				accesses = append(accesses, p.accesses[i])
			}
		}
	}
	j := e.judge
	c := j.explained(p.at, accesses)
	c.extent = oneReader
	j.graded(c)
	e.stats.OpenDays++
	d := &c.readers[0]
	j.weighDay(d, j.weighedOnly)
	priors := e.priors(j.spreads)
	slices.Sort(records)
	for _, patient := range slices.Compact(records) {
		switch {
		case patient == 0 && e.hardDay(d):
			if j.readers.certain(j.rates3[KeyReader], &d.grades) {
				d.Weight = max(d.Weight, certainly)
			}
			e.raiseOpen(c, j.readerCandidate(d, nil), priors, received)
		case patient != 0:
			if pair := d.pairOf(patient); pair != nil && pair.Looks > 0 && e.hardPair(pair) {
				e.raiseOpen(c, j.pairCandidate(pair), priors, received)
			}
		}
	}
}

// hardDay reports whether a hard sign speaks of the reader's whole day. While nothing is known of what is usual, only the staff
// list is believed.
func (e *Engine) hardDay(d *ReaderDay) bool {
	for i := range e.judge.readers.scales {
		s, g := &e.judge.readers.scales[i], d.grades[i]
		top := int(g) == len(s.Words)
		switch {
		case !s.Hard || g == Quiet || g == Blind:
		case s.Certain && top, !s.Certain && !e.learning && (s.hardAt(g) || s.Name != vendorName):
			return true
		}
	}
	return false
}

// vendorName is the detector of vendors, of whom only those without a task are a sign.
const vendorName = "VendorAccess"

// hardPair reports whether a hard sign speaks of one record. A watched record is opened in the course of care; the reader's own is
// not. That a look is for an order is the source's word, and nobody's who cares: of a watched record it is told all the same.
func (e *Engine) hardPair(p *Pair) bool {
	for i := range e.judge.pairs.scales {
		s, g := &e.judge.pairs.scales[i], p.grades[i]
		if !s.Hard || g == Quiet || g == Blind || e.learning && int(g) != len(s.Words) {
			continue
		}
		if s.Name != watchedName || p.Reasons&^(1<<ReasonRequested) == 0 && p.Blind == 0 {
			return true
		}
	}
	return false
}

// raiseOpen raises an alert on the open day, if it is likely enough and the day's budget has room for it.
func (e *Engine) raiseOpen(c *closed, cand Candidate, priors [3]Weight, received int64) {
	cand.detach(false, nil)
	one := []Candidate{cand.withRefused()}
	e.past.boost(one, c.at, e.state)
	a := Alert{Candidate: one[0], Rank: 1, Shown: true}
	a.Score = a.Weight + priors[a.key] + a.boost
	if !e.learning && a.Chance() < e.settings.Queue.Threshold {
		return
	}
	_, was := e.openStory(&a)
	if was != nil && e.toldOf(was.version, a.Day) >= min(len(a.Accesses), mostAccesses) {
		return
	}
	goesOn := was != nil && was.severalDays(&a)
	a.Queue = e.queueOf(&a, was)
	if was == nil || !was.hasPlace(a.Day) {
		of := dayQueue{a.Day, a.Queue}
		if e.hard.shown[of] >= e.queues.budget[a.Queue] && !a.exceeds() {
			return // it is ranked with the others when the day is closed
		}
		e.hard.shown[of]++
	}
	e.out.beginAt(e.position, received)
	soFar := standing{day: c.at}
	e.sendRows(soFar, provisional(&c.readers[0], &a))
	e.sendFindings(soFar, e.findingsOf(c))
	e.stats.Hard++
	id := e.raise(&a, sentAs{hard: true, open: true})
	if goesOn {
		return // it is no story of this day alone, to be taken back at its end
	}
	if e.hard.open[a.Day] == nil {
		e.hard.open[a.Day] = map[alertID]bool{}
	}
	e.hard.open[a.Day][id] = true
}

// alias is the id of a story: the one under which it was raised on the open day, though it may have grown since.
func (h *hardSigns) alias(e *Engine, a *Alert) alertID {
	reader, patient := a.subject()
	id := e.storyID(a.Shape, a.Day, reader, patient)
	open := h.open[a.Day]
	if len(open) == 0 || open[id] {
		return id
	}
	// The one that was told first goes on, whatever its id is.
	told := slices.DeleteFunc(sortedIDs(open), func(id alertID) bool { x := e.recent.alerts[id]; return x == nil || !x.open })
	slices.SortStableFunc(told, func(a, b alertID) int {
		x, y := e.recent.alerts[a].version, e.recent.alerts[b].version
		return cmp.Or(cmp.Compare(x.Cause, y.Cause), cmp.Compare(x.Ordinal, y.Ordinal))
	})
	for _, other := range told {
		x := e.recent.alerts[other]
		of, in := e.state.CanonicalStaff(x.reader), e.state.Canonical(x.patient) // of the numbers of then
		grown := of == reader && (in == 0 || slices.Contains(a.Patients, in))
		if a.Shape == ShapeRecordDay {
			grown = in == patient && slices.Contains(a.Readers, of)
		}
		if grown {
			return other
		}
	}
	return id
}

func sortedIDs(m map[alertID]bool) []alertID {
	return slices.SortedFunc(maps.Keys(m), func(a, b alertID) int { return slices.Compare(a[:], b[:]) })
}

// settleHard takes back what was raised on an open day and is no story when all of the day is known.
func (e *Engine) settleHard(c *closed) {
	pairs := func(reader, patient facts.ID) *Pair {
		for i := range c.readers {
			if c.readers[i].Reader == reader {
				return c.readers[i].pairOf(patient)
			}
		}
		return nil
	}
	e.settle(c.at, func(a *recentAlert) string {
		if p := pairs(e.state.CanonicalStaff(a.reader), e.state.Canonical(a.patient)); p != nil {
			if r, ok := p.Reasons.strongest(); ok {
				return becauseOf(map[Reason]bool{r: true})
			}
		}
		return told
	})
}

// told is why an alert of an open day is taken back when nothing explains it by itself.
const told = "With the whole day known, it is told with another story or does not stand out from everyday work."

// closeHard does the same for days that were judged together.
func (e *Engine) closeHard(days []day) {
	for _, d := range days {
		e.settle(d, func(*recentAlert) string { return told })
	}
}

func (e *Engine) settle(d day, because func(*recentAlert) string) {
	for _, id := range sortedIDs(e.hard.open[d]) {
		a := e.recent.alerts[id]
		if a == nil || !a.open {
			continue
		}
		e.retract(a, because(a))
		a.open = false
	}
	delete(e.hard.open, d)
	maps.DeleteFunc(e.hard.shown, func(q dayQueue, _ int) bool { return q.day == d })
}
