package detectors

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// Counters of custom detectors look around an access: at the other accesses of its reader, its record or both on the day that is judged. What a counter
// says of all accesses with one key is counted in one go, when it is first asked about one of them, and is dropped with the day. So a condition is
// evaluated once for each access of a day at the most, however often its counter is asked, and a counter that nobody asks costs nothing.

// extent says how much of a day there is.
type extent uint8

const (
	// allOfIt: everything that came of the day.
	allOfIt extent = iota
	// oneReader: the day of one reader so far, without those who open the same records.
	oneReader
	// keptOfIt: what is kept of one reader in one record, or comes late of a day beside what its alerts rest on.
	keptOfIt
)

// holds reports whether all that counters with a key look at is there. Of a pair no more than the beginning may be kept.
func (p extent) holds(per Key) bool { return p == allOfIt || p == oneReader && per != KeyRecord }

// errPart is why a counter says nothing: what it looks at is not at hand. That is no fault of whoever wrote it.
var errPart = errors.New("counted from a part of the day")

// countings are what the counters of custom detectors say of a day that is judged.
type countings struct {
	of map[counterOf]*counting
	// pairs are those of all readers, by record; records are the accesses of the records that were asked about, by time.
	pairs   []*Pair
	records map[facts.ID][]inRecord
}

// counterOf is a counter of a detector.
type counterOf struct {
	*custom
	n int
}

// counting is what one counter says of the day, by whose accesses it looked at.
type counting struct {
	// reader is the only one of whom something is kept, where readers are asked about one after the other.
	reader facts.ID
	runs   map[pairKey]run
	room   []int32
}

// run is what a counter says of the accesses with one key, in their order, and why it cannot be told from one on.
type run struct {
	n   []int32
	err error
}

// inRecord is an access of a record, and the pair that it is part of.
type inRecord struct {
	*Access
	pair *Pair
}

// Counter is what a counter of the detector, by its number, says of the access; 0 where the access has no such key: a search has no record.
func (v *AccessView) Counter(n int) (int, error) {
	spec := &v.own.Counters[n]
	if spec.Per != KeyReader && v.pair == nil {
		return 0, nil
	}
	if !v.day.in.extent.holds(spec.Per) {
		return 0, errPart
	}
	r := v.own.run(v, n)
	of := v.around(spec.Per)
	at := sort.Search(of.n, func(i int) bool { return byTime(of.access(i), v.access) >= 0 })
	if at >= len(r.n) {
		return 0, r.err
	}
	return int(r.n[at]), nil
}

// around are accesses with the same key, in their order, each with its pair: nil where it has no record.
type around struct {
	n      int
	access func(i int) *Access
	pair   func(i int) *Pair
}

// around are the accesses with the key of this one.
func (v *AccessView) around(per Key) around {
	d, p := v.day, v.pair
	switch per {
	case KeyReader:
		return around{
			len(d.Accesses), func(i int) *Access { return &d.Accesses[i] }, func(i int) *Pair { return d.pairOf(d.Accesses[i].Patient) },
		}
	case KeyPair:
		return around{len(p.Accesses), func(i int) *Access { return &p.Accesses[i] }, func(int) *Pair { return p }}
	}
	of := d.in.accessesOf(p.Patient)
	return around{len(of), func(i int) *Access { return of[i].Access }, func(i int) *Pair { return of[i].pair }}
}

// run counts the accesses with the key of an access, unless that is done.
func (c *custom) run(v *AccessView, n int) run {
	of, in := &c.Counters[n], v.day.in
	var key pairKey
	if of.Per != KeyRecord {
		key.reader = v.day.Reader
	}
	if of.Per != KeyReader {
		key.patient = v.pair.Patient
	}
	all := in.counting(c, n)
	// A detector of readers or pairs asks about one reader after the other, and one of records about the accesses of one pair after the other.
	if oneByOne := of.Per == KeyPair || of.Per == KeyReader && c.Key != KeyRecord; oneByOne && all.reader != v.day.Reader {
		clear(all.runs)
		all.reader, all.room = v.day.Reader, all.room[:0]
	}
	r, done := all.runs[key]
	if !done {
		r = c.along(v, n, all)
		all.runs[key] = r
	}
	return r
}

// along goes along the accesses around one, and says how much fits a counter in the stretch that ends with each.
func (c *custom) along(v *AccessView, n int, all *counting) run {
	spec, of := &c.Counters[n], v.around(c.Counters[n].Per)
	out := all.take(of.n)
	w := c.window.begin(spec.Of, spec.Over)
	for i := range out {
		a, p, d := of.access(i), of.pair(i), v.day
		if p != nil {
			d = p.Of
		}
		if p == nil || !spec.Verdict || !p.notAssessable() {
			fits := spec.All
			if !fits {
				c.counted = AccessView{v.judge, a, d, p, c}
				var err error
				if fits, err = c.Counts(n, &c.counted); err != nil {
					return run{out[:i], err}
				}
			}
			if f, counts := fitOf(a, spec.Of); fits && counts {
				w.add(f)
			}
		}
		out[i] = int32(w.until(a.Occurred))
	}
	return run{n: out}
}

// take is room for so many numbers.
func (c *counting) take(n int) []int32 {
	const chunk = 1024
	if cap(c.room)-len(c.room) < n {
		c.room = make([]int32, 0, max(n, chunk))
	}
	from := len(c.room)
	c.room = c.room[:from+n]
	return c.room[from : from+n : from+n]
}

// counting is where a counter keeps what it says of the day.
func (c *closed) counting(of *custom, n int) *counting {
	key := counterOf{of, n}
	out := c.countings.of[key]
	if out == nil {
		out = &counting{runs: map[pairKey]run{}}
		if c.countings.of == nil {
			c.countings.of = map[counterOf]*counting{}
		}
		c.countings.of[key] = out
	}
	return out
}

// accessesOf are the accesses of a record on the day, by whomever, in the order of time.
func (c *closed) accessesOf(patient facts.ID) []inRecord {
	s := &c.countings
	if out, done := s.records[patient]; done {
		return out
	}
	if s.records == nil {
		s.records = map[facts.ID][]inRecord{}
		s.pairs = c.byRecord()
	}
	from, _ := slices.BinarySearchFunc(s.pairs, patient, func(p *Pair, id facts.ID) int { return cmp.Compare(p.Patient, id) })
	var out []inRecord
	for i := from; i < len(s.pairs) && s.pairs[i].Patient == patient; i++ {
		p := s.pairs[i]
		for k := range p.Accesses {
			out = append(out, inRecord{&p.Accesses[k], p})
		}
	}
	slices.SortFunc(out, func(a, b inRecord) int { return byTime(a.Access, b.Access) })
	s.records[patient] = out
	return out
}

// byRecord are the pairs of the day in the order of their records. What is sorted is a number a pair.
func (c *closed) byRecord() []*Pair {
	var all []*Pair
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			all = append(all, &c.readers[i].Pairs[k])
		}
	}
	order := make([]uint64, len(all))
	for i, p := range all {
		order[i] = uint64(uint32(p.Patient))<<32 | uint64(uint32(i))
	}
	slices.Sort(order)
	out := make([]*Pair, len(all))
	for i, at := range order {
		out[i] = all[uint32(at)]
	}
	return out
}

// window counts what is within a stretch of time that moves on.
type window struct {
	of    Counted
	over  int64 // 0: it begins with the day
	fits  []fit
	first int
	// seen is how often each is in the stretch, where different ones are counted.
	seen map[facts.ID]int
}

// begin empties the window.
func (w *window) begin(of Counted, over time.Duration) *window {
	if w.seen == nil {
		w.seen = map[facts.ID]int{}
	}
	clear(w.seen)
	w.of, w.over, w.fits, w.first = of, over.Microseconds(), w.fits[:0], 0
	return w
}

// add takes in the next that fits.
func (w *window) add(f fit) {
	w.fits = append(w.fits, f)
	if w.of != CountAccesses {
		w.seen[f.what]++
	}
}

// until is how much there is in the stretch that ends at a time, both ends included. Times do not go back.
func (w *window) until(us int64) int {
	for w.over != 0 && w.first < len(w.fits) && us-w.fits[w.first].at > w.over {
		if w.of != CountAccesses {
			out := w.fits[w.first].what
			if w.seen[out]--; w.seen[out] == 0 {
				delete(w.seen, out)
			}
		}
		w.first++
	}
	if w.of == CountAccesses {
		return len(w.fits) - w.first
	}
	return len(w.seen)
}
