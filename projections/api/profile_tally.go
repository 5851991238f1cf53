package api

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// profiled is a row of profile_rows.sql: what one event says of one patient.
type profiled struct {
	reader, source, sensitivity string
	position                    uint64
	occurred                    int64
	codes, patient, pair        uint64
	verdict                     uint8
}

// profiledEvent is what an event adds to a figure besides its row.
type profiledEvent struct {
	patients  []uint64
	verdict   v1.Verdict
	sensitive bool
}

// comparison holds what one reader did beside what their peers did.
type comparison struct {
	at       period
	zone     *time.Location
	linked   *humans
	reader   *doings
	peers    []*doings
	byPacked map[string]*doings
	ids      []ident
	// sensitive says of packed labels whether one of them is more than normal.
	sensitive map[string]bool
	// event is the one whose rows are being read, of whom its human.
	event *row
	whose *doings
}

func newComparison(a *listAsk, linked *humans, reader []ident) *comparison {
	c := &comparison{at: a.at, zone: a.zone, linked: linked, byPacked: map[string]*doings{}, sensitive: map[string]bool{}}
	c.reader = c.doings()
	for _, id := range reader {
		c.count(id, c.reader)
	}
	return c
}

// count counts an identifier's events as somebody's.
func (c *comparison) count(id ident, d *doings) {
	if c.byPacked[id.packed()] == nil {
		c.byPacked[id.packed()] = d
		c.ids = append(c.ids, id)
	}
}

// enrol counts the events of others: a human under several identifiers once, the reader not among them. It stops at maxPeers, which
// come in the order of their hashes, and reports whether there are more.
func (c *comparison) enrol(peers []ident) (more bool) {
	byRoot := map[ident]*doings{}
	for _, id := range c.ids {
		byRoot[c.linked.of(id)] = c.reader
	}
	for _, id := range peers {
		root := c.linked.of(id)
		d := byRoot[root]
		switch {
		case d == c.reader && d != nil:
			c.count(id, d)
			continue
		case d == nil && len(c.peers) == maxPeers:
			more = true
			continue
		case d == nil:
			d = c.doings()
			byRoot[root] = d
			c.peers = append(c.peers, d)
		}
		c.count(id, d)
	}
	return more
}

func (c *comparison) idents() []ident { return c.ids }

// add takes a row; rows come newest first, those of one event together.
func (c *comparison) add(x *profiled) error {
	if c.event == nil || uint64(c.event.position) != x.position {
		if err := c.flush(); err != nil {
			return err
		}
		r := &row{position: proto.Position(x.position), occurred: x.occurred, patient: x.patient, profiled: &profiledEvent{}}
		r.source = x.source
		r.judge(projections.CodesOf(x.codes))
		r.pairBy(x.pair, 0, x.patient, nil)
		c.event, c.whose = r, c.byPacked[x.reader]
	}
	e := c.event.profiled
	if x.patient > projections.UnresolvedPatient {
		e.patients = append(e.patients, x.patient)
	}
	if v := v1.Verdict(x.verdict); (judgement{verdict: v}).concern() > (judgement{verdict: e.verdict}).concern() {
		e.verdict = v
	}
	e.sensitive = e.sensitive || c.isSensitive(x.sensitivity)
	return nil
}

// flush hands the event over whose rows are all read.
func (c *comparison) flush() error {
	if c.event == nil || c.whose == nil {
		return nil
	}
	r := c.event
	c.event = nil
	return c.whose.pairs.add(r)
}

func (c *comparison) finish() error {
	if err := c.flush(); err != nil {
		return err
	}
	for _, d := range append([]*doings{c.reader}, c.peers...) {
		if err := d.pairs.finish(); err != nil {
			return err
		}
		d.closeDay()
	}
	return nil
}

// isSensitive reports whether packed labels hold one that is more than v3-Confidentiality calls normal.
func (c *comparison) isSensitive(packed string) bool {
	known, ok := c.sensitive[packed]
	if !ok {
		known = slices.ContainsFunc(projections.Unpack(packed), func(label string) bool {
			return !slices.Contains([]string{"", "U", "L", "M", "N"}, label)
		})
		c.sensitive[packed] = known
	}
	return known
}

// doings add up what one human did. Accesses come newest first, so the patients of one day only are kept at a time.
type doings struct {
	at    period
	pairs *pairer
	hours weekHours

	accesses, patientDays, days                                 uint64
	judged, unexplained, searched, other, sensitive, breakGlass uint64

	day      int32
	patients map[uint64]struct{}
}

func (c *comparison) doings() *doings {
	d := &doings{at: c.at, hours: weekHours{zone: c.zone}, patients: map[uint64]struct{}{}}
	d.pairs = newPairer(d.add)
	return d
}

// add takes an access. The report that is shown counts, but for what any of them may say: break-glass, labels and patients.
func (d *doings) add(a *access) error {
	if !d.at.holds(a.shown.occurred) {
		return nil
	}
	if day := dayOf(a.shown.occurred, d.hours.zone); d.accesses == 0 || day != d.day {
		d.closeDay()
		d.day = day
	}
	d.accesses++
	d.hours.add(a.shown.occurred)
	a.events(func(r *row) {
		for _, patient := range r.profiled.patients {
			d.patients[patient] = struct{}{}
		}
	})
	verdict := a.shown.profiled.verdict
	count(&d.judged, verdict != v1.Verdict_VERDICT_UNSPECIFIED)
	count(&d.unexplained, verdict == v1.Verdict_VERDICT_UNEXPLAINED)
	count(&d.searched, searchedOrListed(a.shown))
	count(&d.other, otherAction(a.shown.action))
	count(&d.sensitive, a.any(func(r *row) bool { return r.profiled.sensitive }))
	count(&d.breakGlass, a.breakGlass())
	return nil
}

// closeDay counts the day that is over.
func (d *doings) closeDay() {
	if d.accesses > 0 {
		d.days++
	}
	d.patientDays += uint64(len(d.patients))
	clear(d.patients)
}

func searchedOrListed(r *row) bool {
	return r.action == v1.Action_ACTION_SEARCH || r.mode == v1.AccessMode_ACCESS_MODE_SEARCH || r.mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL
}

// otherAction is what was done to a record besides looking; to sign in or out is done to none.
func otherAction(a v1.Action) bool {
	switch a {
	case v1.Action_ACTION_UNSPECIFIED, v1.Action_ACTION_READ, v1.Action_ACTION_SEARCH, v1.Action_ACTION_LOGIN, v1.Action_ACTION_LOGOUT:
		return false
	}
	return true
}

// share is n of all; not known of none.
func share(n, all uint64) (float64, bool) {
	if all == 0 {
		return 0, false
	}
	return float64(n) / float64(all), true
}

// value is a measure of what somebody did; usual are the usual hours of peers, nil when there are none.
func (d *doings) value(m v1.ProfileMeasure, usual []bool) (float64, bool) {
	switch m {
	case v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY:
		return share(d.patientDays, d.days)
	case v1.ProfileMeasure_PROFILE_MEASURE_ACCESSES_A_DAY:
		return share(d.accesses, d.days)
	case v1.ProfileMeasure_PROFILE_MEASURE_UNUSUAL_HOURS:
		if usual == nil {
			return 0, false
		}
		unusual := uint64(0)
		for hour, n := range d.hours.count {
			if !usual[hour] {
				unusual += n
			}
		}
		return share(unusual, d.accesses)
	case v1.ProfileMeasure_PROFILE_MEASURE_UNEXPLAINED:
		return share(d.unexplained, d.judged)
	case v1.ProfileMeasure_PROFILE_MEASURE_SEARCHES_AND_LISTS:
		return share(d.searched, d.accesses)
	case v1.ProfileMeasure_PROFILE_MEASURE_OTHER_ACTIONS:
		return share(d.other, d.accesses)
	case v1.ProfileMeasure_PROFILE_MEASURE_SENSITIVE:
		return share(d.sensitive, d.accesses)
	}
	return float64(d.breakGlass), d.accesses > 0 // PROFILE_MEASURE_BREAK_GLASS
}

// tell writes the comparison into an answer. Of fewer than minPeers nothing is told.
func (c *comparison) tell(res *v1.ReaderProfileResponse) {
	res.Accesses, res.Days, res.WeekHours = c.reader.accesses, uint32(c.reader.days), c.reader.hours.list()
	peers := slices.DeleteFunc(slices.Clone(c.peers), func(d *doings) bool { return d.accesses == 0 })
	if len(peers) < minPeers {
		peers, res.Sampled = nil, false
	}
	res.Peers = uint32(len(peers))
	if len(peers) > 0 {
		all := weekHours{some: true}
		for _, d := range peers {
			for hour, n := range d.hours.count {
				all.count[hour] += n
			}
		}
		res.PeerWeekHours, res.UsualHours = all.list(), usualHours(all.count[:])
	}
	for _, m := range slices.Sorted(maps.Keys(v1.ProfileMeasure_name)) {
		if m := v1.ProfileMeasure(m); m != v1.ProfileMeasure_PROFILE_MEASURE_UNSPECIFIED {
			res.Figures = append(res.Figures, c.figure(m, peers, res.UsualHours))
		}
	}
}

func (c *comparison) figure(m v1.ProfileMeasure, peers []*doings, usual []bool) *v1.ProfileFigure {
	f := &v1.ProfileFigure{Measure: m}
	value, known := c.reader.value(m, usual)
	if known {
		f.Value = &value
	}
	var values []float64
	for _, d := range peers {
		if v, ok := d.value(m, usual); ok {
			values = append(values, v)
		}
	}
	if len(values) < minPeers {
		return f
	}
	slices.Sort(values)
	f.Peers = uint32(len(values))
	n := len(values)
	median, high := (values[(n-1)/2]+values[n/2])/2, values[(9*n+9)/10-1]
	f.Median = &median
	if n >= 2*minPeers { // of fewer it is the figure of one of them, the highest
		f.Percentile_90 = &high
	}
	if known {
		rank := rankOf(value, values)
		f.Rank = &rank
	}
	return f
}

// rankOf is the share of values below one, and half of those equal, in percent.
func rankOf(value float64, sorted []float64) uint32 {
	below, _ := slices.BinarySearch(sorted, value)
	upTo, _ := slices.BinarySearch(sorted, math.Nextafter(value, math.Inf(1)))
	return uint32((below + upTo) * 50 / len(sorted))
}

// usualShare of the peers' accesses, in percent, fall into their usual hours.
const usualShare = 95

// usualHours are the fewest hours of the week that hold usualShare of the accesses; of hours with equally many all or none are.
func usualHours(hours []uint64) []bool {
	order := make([]int, len(hours))
	all := uint64(0)
	for hour, n := range hours {
		order[hour] = hour
		all += n
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(hours[b], hours[a]) })
	usual, held, last := make([]bool, len(hours)), uint64(0), uint64(0)
	for _, hour := range order {
		n := hours[hour]
		if n == 0 || held*100 >= all*usualShare && n != last {
			break
		}
		usual[hour] = true
		held, last = held+n, n
	}
	return usual
}
