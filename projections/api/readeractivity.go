package api

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ReaderActivity answers what a reader did. Like WhoViewed it streams: its memory does not grow with the reader's zeal.
func (s *Service) ReaderActivity(ctx context.Context, req *connect.Request[v1.ReaderActivityRequest]) (*connect.Response[v1.ReaderActivityResponse], error) {
	return answer(ctx, s, queryReaderActivity, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.ReaderActivityResponse, error) {
		return s.readerActivity(ctx, c, req.Msg)
	})
}

func (s *Service) readerActivity(ctx context.Context, c proto.Caller, m *v1.ReaderActivityRequest) (*v1.ReaderActivityResponse, error) {
	a, err := s.checkList(c, queryReaderActivity, listFields{
		field: "reader", text: m.Reader, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone,
		asOf: m.AsOfUs, from: m.FromUs, until: m.UntilUs, page: m.Page, verdicts: m.Verdicts,
	})
	if err == nil {
		err = a.narrow(&v1.ReaderActivityResponse{}, m.ReadMask)
	}
	if err != nil {
		return nil, err
	}
	p, around, who, err := s.ground(ctx, a, readerRole)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	res := &v1.ReaderActivityResponse{}
	question := &v1.Question{Reader: a.subject.identifier()}
	if len(who.candidates) > 0 {
		res.Header, res.Candidates, err = p.askBack(ctx, a, who, around, askBackReader, question)
	} else {
		err = p.fillReader(ctx, a, who, around, res, question)
	}
	if err != nil {
		return nil, err
	}
	return res, s.journal(ctx, a.asking, res.Header, question)
}

func (p *pin) fillReader(ctx context.Context, a *listAsk, who *identity, around *backdrop, res *v1.ReaderActivityResponse, q *v1.Question) error {
	keep, err := p.sift(ctx, a, func(l *lister, _ *verdicts) error { return p.readerEvents(ctx, a.readerAsk(who), l.add) })
	if err != nil {
		return fmt.Errorf("read reader's events: %w", err)
	}
	totals, days, hours := &v1.ReaderActivityTotals{}, map[string]uint64{}, weekHours{zone: a.zone}
	l := newLister(cut{at: a.at, keep: keep, after: a.token.after(), size: a.size, all: a.first()}, nil)
	seen := patientDays{days: map[string]uint64{}}
	if a.first() {
		l.every = func(x *access) {
			countActivity(x, a.zone, totals, days)
			hours.add(x.shown.occurred)
			seen.add(x, a.zone)
		}
	}
	ask, few := a.readerAsk(who), &fewPatients{at: a.at, zone: a.zone, left: p.engine.fewReports, days: map[string]map[uint64]struct{}{}}
	switch {
	case a.first() && a.verdicts.none():
		ask.patients, ask.each, ask.vain = patientsShown, few.add, few.inVain
	case a.first():
		ask.patients = everyPatient
	}
	var patients map[string]uint64
	together, running := errgroup.WithContext(ctx)
	few.exceeded = func() { // beside the rest of the list
		together.Go(func() (err error) { patients, err = p.patientsByDay(running, a, who.keyed); return err })
	}
	together.Go(func() error {
		err := p.readerEvents(running, ask, l.add)
		if err == nil {
			err = stopped(l.pairs.finish())
		}
		if err != nil {
			return fmt.Errorf("read reader's events: %w", err)
		}
		if res.Accesses, err = p.listedOfReader(running, a, keysOf(who.keyed), l.page); err != nil {
			return err
		}
		return p.markVerdicts(running, res.Accesses)
	})
	together.Go(func() error { return p.elsewhereOf(running, "elsewhere_reader", who.keyed, a.at) })
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	switch {
	case !a.verdicts.none(): // those that the narrowed accesses name
		patients = seen.close()
	case !few.many:
		patients = few.counts()
	}
	if res.Header, err = around.header(a.zone, res.Accesses, askBackReader.unknown); err != nil {
		return err
	}
	res.Identifiers = who.followed
	if !a.verdicts.none() {
		res.Header.Notes = append([]string{noteFiltered}, res.Header.Notes...)
	}
	res.NextPageToken = l.next(p, a.hash, a.page())
	if !who.known && p.behind == 0 {
		res.Header.Notes = append([]string{"No event and no context names this reader: nothing is known of them."}, res.Header.Notes...)
	}
	if a.first() {
		totals.Patients = patients[allDays]
		res.Totals, res.Days, res.WeekHours = totals, countDays(days, patients), hours.list()
	}
	q.Subjects = append(subjects(who.idents()), shownPatients(res.Accesses)...)
	q.Patients = recordsShown(res.Accesses)
	q.Rows = uint64(len(res.Accesses))
	return nil
}

func countActivity(x *access, zone *time.Location, totals *v1.ReaderActivityTotals, days map[string]uint64) {
	totals.Accesses++
	totals.Events += uint64(1 + len(x.others))
	count(&totals.Failed, x.failed())
	count(&totals.BreakGlass, x.breakGlass())
	count(&totals.Patientless, x.all(func(r *row) bool { return r.patient == projections.NoPatient }))
	days[localDay(x.shown.occurred, zone)]++
}

// patientDays counts the patients of accesses that come newest first, by local day and altogether.
type patientDays struct {
	day   string
	ofDay map[uint64]struct{}
	ofAll map[uint64]struct{}
	days  map[string]uint64
}

func (d *patientDays) add(x *access, zone *time.Location) {
	if day := localDay(x.shown.occurred, zone); day != d.day {
		d.closeDay()
		d.day = day
	}
	x.events(func(r *row) {
		for _, key := range r.named {
			if !isPatient(key) {
				continue
			}
			if d.ofDay == nil {
				d.ofDay, d.ofAll = map[uint64]struct{}{}, map[uint64]struct{}{}
			}
			d.ofDay[key], d.ofAll[key] = struct{}{}, struct{}{}
		}
	})
}

func (d *patientDays) closeDay() {
	// Where clocks went back, a day may come twice.
	d.days[d.day] += uint64(len(d.ofDay))
	clear(d.ofDay)
}

func (d *patientDays) close() map[string]uint64 {
	d.closeDay()
	d.days[allDays] = uint64(len(d.ofAll))
	return d.days
}

// everyPatient is more patients than an event numbers.
const everyPatient = math.MaxUint16 + 1

// readerAsk is which events of a reader are read.
type readerAsk struct {
	ids  []ident
	at   period
	from order
	// patients is how many of the patients of an event are read; each, when set, is told of every one of them. vain, when set, says that
	// nobody needs more than the first any more.
	patients uint32
	each     func(r *row, patient uint64)
	vain     func() bool
}

func (a *listAsk) readerAsk(who *identity) readerAsk {
	return readerAsk{ids: who.keyed, at: a.at, from: start(a.token), patients: 1}
}

// readerEvents streams a reader's events to add, newest first.
func (p *pin) readerEvents(ctx context.Context, q readerAsk, add func(*row) error) error {
	if len(q.ids) == 0 {
		return nil
	}
	rest, err := p.readerRows(ctx, q, add)
	if err != nil || rest == nil {
		return err
	}
	q.from, q.patients, q.each, q.vain = *rest, 1, nil, nil
	_, err = p.readerRows(ctx, q, add)
	return err
}

// readerRows runs the statement. rest is the event that it stopped before, because it read patients in vain.
func (p *pin) readerRows(ctx context.Context, q readerAsk, add func(*row) error) (rest *order, err error) {
	lo, hi := q.at.bounds(maxPair.Microseconds())
	params := store.Params{
		"keys": keysOf(q.ids), "packed": packedOf(q.ids), "from": lo, "until": hi,
		"start_occurred": q.from.occurred, "start_position": uint64(q.from.position), "patients": q.patients,
	}
	var last *row
	err = p.query(ctx, "reader_events", params, func(sr store.Row) error {
		r := &row{}
		var position, codes, pair uint64
		if err := sr.Scan(&position, &r.occurred, &r.received, &r.source, &codes, &r.patient, &pair); err != nil {
			return err
		}
		r.position = proto.Position(position)
		again := last != nil && last.position == r.position
		if !again && q.vain != nil && q.vain() {
			at := r.order()
			rest = &at
			return store.Stop()
		}
		if !again {
			last = r
			r.judge(projections.CodesOf(codes))
			r.pairBy(pair, 0, r.patient, nil)
		}
		if q.patients > 1 {
			last.named = append(last.named, r.patient)
		}
		if q.each != nil {
			q.each(last, r.patient)
		}
		if again {
			return nil
		}
		return add(r)
	})
	return rest, err //nolint:wrapcheck // wrapped by who asks
}

// localDay is the day of a time where the zone is.
func localDay(us int64, zone *time.Location) string {
	return time.UnixMicro(us).In(zone).Format(time.DateOnly)
}

// allDays stands among local days for all of them.
const allDays = ""

// fewPatients counts the patients that few reports name, by local day and altogether, as reader_days.sql does of any number.
type fewPatients struct {
	at   period
	zone *time.Location
	// left is how many more reports may come.
	left int
	days map[string]map[uint64]struct{}
	// many: there are more reports, or an event has more patients than are read. wasted is how many further patients of events came since.
	many   bool
	wasted int
	event  *row
	// exceeded is called once, when it turns out that there are many.
	exceeded func()
}

// maxWasted is how many rows of patients whom nobody counts are read before the statement is asked anew without them: most events name one
// patient, and to ask anew costs more than to read some rows.
const maxWasted = 1_000

// add takes a report: a patient of an event.
func (f *fewPatients) add(r *row, patient uint64) {
	if f.many && r == f.event {
		f.wasted++
	}
	f.event = r
	if f.many || !f.at.holds(r.occurred) {
		return
	}
	if f.left--; f.left < 0 || r.patients > patientsShown {
		f.many, f.days = true, nil
		f.exceeded()
		return
	}
	if !isPatient(patient) {
		return
	}
	for _, day := range [...]string{allDays, localDay(r.occurred, f.zone)} {
		if f.days[day] == nil {
			f.days[day] = map[uint64]struct{}{}
		}
		f.days[day][patient] = struct{}{}
	}
}

// inVain reports whether patients were read for long that nobody counts.
func (f *fewPatients) inVain() bool { return f.wasted > maxWasted }

func (f *fewPatients) counts() map[string]uint64 {
	out := make(map[string]uint64, len(f.days))
	for day, patients := range f.days {
		out[day] = uint64(len(patients))
	}
	return out
}

// patientsByDay counts how many patients the events of each local day name, and of all days together.
func (p *pin) patientsByDay(ctx context.Context, a *listAsk, ids []ident) (map[string]uint64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	from, until := a.at.bounds(0)
	patients := map[string]uint64{}
	params := store.Params{"keys": keysOf(ids), "packed": packedOf(ids), "zone": a.zone.String(), "from": from, "until": until}
	err := p.query(ctx, "reader_days", params, func(row store.Row) error {
		var day string
		var n uint64
		err := row.Scan(&day, &n)
		patients[day] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count patients by day: %w", err)
	}
	return patients, nil
}

// countDays lists the local days with accesses.
func countDays(accesses, patients map[string]uint64) []*v1.DayCount {
	out := make([]*v1.DayCount, 0, len(accesses))
	for day, n := range accesses {
		out = append(out, &v1.DayCount{Day: day, Accesses: n, Patients: patients[day]})
	}
	slices.SortFunc(out, func(a, b *v1.DayCount) int { return strings.Compare(a.Day, b.Day) })
	return out
}
