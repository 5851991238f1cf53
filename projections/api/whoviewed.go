package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxUnresolved bounds the unresolved candidates of one answer.
const maxUnresolved = 50

// WhoViewed answers who viewed a record. Its memory does not grow with the record: events stream through pairing and
// counting, and only a page of them stays.
func (s *Service) WhoViewed(ctx context.Context, req *connect.Request[v1.WhoViewedRequest]) (*connect.Response[v1.WhoViewedResponse], error) {
	return answer(ctx, s, queryWhoViewed, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.WhoViewedResponse, error) {
		return s.whoViewed(ctx, c, req.Msg)
	})
}

// listAsk is what questions that list accesses about somebody have in common, checked.
type listAsk struct {
	*asking
	subject Subject
	at      period
	asOf    int64
	size    int
	zone    *time.Location
	// keep says which accesses are meant; nil: all of them. verdicts does when they are not none.
	keep     func(*access) bool
	verdicts verdictSet
	// wanted are the fields of the answer that the read mask names; nil: all.
	wanted wantedFields
	hash   [8]byte
	token  PageToken
	// whole: of a record, all of it is read for this page (wholeRecord).
	whole bool
}

// listFields are the fields of such a request.
type listFields struct {
	field, text, purpose, questionID, zone string
	asOf, from, until                      int64
	page                                   *v1.Page
	filter                                 *v1.AccessFilter
	verdicts                               []v1.Verdict
}

func (s *Service) checkList(c proto.Caller, query string, f listFields) (*listAsk, error) {
	a := &listAsk{at: period{f.from, f.until}, asOf: f.asOf}
	var err error
	if a.subject, err = checkSubject(f.field, f.text); err != nil {
		return nil, err
	}
	if err = checkPeriod(s.cfg.Now(), a.at, f.asOf); err != nil {
		return nil, err
	}
	if a.size, err = pageSize(f.page); err != nil {
		return nil, err
	}
	if a.zone, err = s.zone(f.zone); err != nil {
		return nil, err
	}
	if a.keep, err = keeper(f.filter); err != nil {
		return nil, err
	}
	if a.verdicts, err = wantedVerdicts("verdicts", f.verdicts); err != nil {
		return nil, err
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	a.hash = questionHash(query, a.subject.String(), strconv.FormatBool(a.subject.Exact), number(f.asOf), number(f.from), number(f.until),
		filterText(withoutVerdicts(f.filter)), a.verdicts.text())
	if a.token, err = parseToken(f.page.GetToken(), a.hash); err != nil {
		return nil, err
	}
	a.whole = a.first() && a.at == (period{})
	a.asking, err = s.begin(c, query, a.subject.String(), f.purpose, f.questionID)
	return a, err
}

// first reports whether this is the first page.
func (a *listAsk) first() bool { return a.token.Page == 0 }

func (a *listAsk) page() uint64 { return max(a.token.Page, 1) }

func (s *Service) whoViewed(ctx context.Context, c proto.Caller, m *v1.WhoViewedRequest) (*v1.WhoViewedResponse, error) {
	a, err := s.checkList(c, queryWhoViewed, listFields{
		field: "patient", text: m.Patient, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone,
		asOf: m.AsOfUs, from: m.FromUs, until: m.UntilUs, page: m.Page, filter: m.Filter,
		verdicts: m.Filter.GetVerdicts(),
	})
	if err == nil {
		err = a.narrow(&v1.WhoViewedResponse{}, m.ReadMask)
	}
	if err != nil {
		return nil, err
	}
	p, around, who, err := s.ground(ctx, a, patientRole)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	res := &v1.WhoViewedResponse{}
	question := &v1.Question{Patient: a.subject.identifier()}
	if len(who.candidates) > 0 {
		res.Header, res.Candidates, err = p.askBack(ctx, a, who, around, askBackRecord, question)
	} else {
		err = p.fillRecord(ctx, a, who, around, res, question)
	}
	if err != nil {
		return nil, err
	}
	return res, s.journal(ctx, a.asking, res.Header, question)
}

// askedBack is who an ambiguous value may mean, of one role.
type askedBack struct {
	noun, statement string
	// unknown completes "whether ... is not known".
	unknown string
}

var (
	askBackRecord = askedBack{"record", "record_counts", "the record was viewed"}
	askBackReader = askedBack{"reader", "reader_counts", "the reader did anything"}
)

// askBack lists the candidates of an ambiguous value; its answer holds nothing else.
func (p *pin) askBack(ctx context.Context, a *listAsk, who *identity, around *backdrop, as askedBack, q *v1.Question) (*v1.AnswerHeader, []*v1.Candidate, error) {
	h, err := around.header(a.zone, nil, as.unknown)
	if err != nil {
		return nil, nil, err
	}
	candidates, err := p.candidates(ctx, as.statement, who.candidates)
	if err != nil {
		return nil, nil, err
	}
	h.Notes = append([]string{askBackNote(len(who.candidates), as.noun)}, h.Notes...)
	q.Rows, q.Subjects = uint64(len(candidates)), subjects(who.candidates)
	return h, candidates, nil
}

func askBackNote(n int, noun string) string {
	note := fmt.Sprintf("This value names more than one %s: ask again with one of the candidates.", noun)
	if n >= maxCandidates {
		note += fmt.Sprintf(" Only %d are listed.", maxCandidates)
	}
	return note
}

// candidates counts the events of each identifier at the pin.
func (p *pin) candidates(ctx context.Context, statement string, ids []ident) ([]*v1.Candidate, error) {
	events := map[string]uint64{}
	err := p.query(ctx, statement, store.Params{"keys": keysOf(ids), "packed": packedOf(ids)}, func(row store.Row) error {
		var id string
		var n uint64
		if err := row.Scan(&id, &n); err != nil {
			return err
		}
		events[id] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count candidates: %w", err)
	}
	out := make([]*v1.Candidate, len(ids))
	for i, id := range ids {
		out[i] = &v1.Candidate{Identifier: id.proto(), Events: events[id.packed()]}
	}
	return out, nil
}

// fillRecord answers for one record.
func (p *pin) fillRecord(ctx context.Context, a *listAsk, who *identity, around *backdrop, res *v1.WhoViewedResponse, q *v1.Question) error {
	sources, err := around.sources()
	if err != nil {
		return err
	}
	together, ctx := errgroup.WithContext(ctx)
	apart := false
	together.Go(func() (err error) { apart, err = p.fillAccesses(ctx, a, who, sources, res); return err })
	if a.first() {
		together.Go(func() (err error) { res.Unresolved, err = p.unresolvedCandidates(ctx, a, who, around); return err })
	}
	if a.first() && a.wanted.wants("looks", "looks_total") {
		together.Go(func() (err error) { res.Looks, res.LooksTotal, err = p.looks(ctx, who.idents()); return err })
	}
	together.Go(func() error { return p.elsewhereOf(ctx, "elsewhere_record", who.keyed, a.at) })
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if res.Header, err = around.header(a.zone, res.Accesses, askBackRecord.unknown); err != nil {
		return err
	}
	res.Identifiers = who.followed
	if a.keep != nil || !a.verdicts.none() {
		res.Header.Notes = append([]string{noteFiltered}, res.Header.Notes...)
	}
	if !who.known && p.behind == 0 {
		res.Header.Notes = append([]string{"No event and no context names this identifier: nothing is known of it."}, res.Header.Notes...)
	}
	if n := int(res.Totals.GetReaders()) - len(res.Readers); n > 0 {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("The %d readers with the latest accesses are listed; %d more are counted.", len(res.Readers), n))
	}
	if n := len(res.Looks); res.LooksTotal > uint64(n) {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf("The latest %d of %d looks at this record through Readtrail are listed.", n, res.LooksTotal))
	}
	if apart {
		res.Header.Notes = append(res.Header.Notes, "Links of identity between the readers are too many to follow: a reader may be listed under more than one identifier.")
	}
	q.Subjects = subjects(who.idents())
	if who.known {
		q.Patients = record(q.Subjects...)
	}
	q.Rows = uint64(len(res.Accesses) + len(res.Readers) + len(res.Unresolved))
	return nil
}

// fillAccesses adds the page, and on the first one what all of the record's accesses add up to. apart is true when
// readers may stand in the list twice, because their links were too many to follow.
func (p *pin) fillAccesses(ctx context.Context, a *listAsk, who *identity, sources []*source, res *v1.WhoViewedResponse) (apart bool, err error) {
	tally := newTally(a.zone)
	keep, err := p.sift(ctx, a, func(l *lister, judged *verdicts) error {
		return p.recordEvents(ctx, recordAsk{ids: who.keyed, at: a.at, from: start(a.token), sources: sources, mine: judged.mine}, l.add)
	})
	if err != nil {
		return false, fmt.Errorf("read record: %w", err)
	}
	l := newLister(cut{at: a.at, keep: keep, after: a.token.after(), size: a.size, all: a.first()}, nil)
	judged := p.verdicts()
	if a.first() {
		l.every = func(x *access) {
			tally.add(x)
			judged.add(x)
		}
	}
	q := recordAsk{ids: who.keyed, at: a.at, from: start(a.token), sources: sources, mine: judged.mine}
	if a.whole {
		err = p.wholeRecord(ctx, q, l)
	} else {
		err = p.recordEvents(ctx, q, l.add)
	}
	if err == nil {
		err = stopped(l.pairs.finish())
	}
	if err != nil {
		return false, fmt.Errorf("read record: %w", err)
	}
	judged.want(l.page, !a.first())
	keys := keysOf(who.keyed)
	waiting := ctx
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() (err error) { res.Accesses, err = p.listedOfRecord(ctx, a, keys, l.page); return err })
	together.Go(func() error { return judged.load(ctx) })
	var linked *humans
	together.Go(func() (err error) { linked, err = p.humans(ctx, tally.idents(), sources); return err })
	if err := together.Wait(); err != nil {
		return false, err //nolint:wrapcheck // says what failed
	}
	res.NextPageToken = l.next(p, a.hash, a.page())
	if a.first() {
		tally.join(linked)
		res.Totals, res.Readers, res.WeekHours = tally.totals(), tally.summaries(), tally.hours.list()
		judged.total(res.Totals)
	}
	return tally.bounded, judged.mark(waiting, res.Accesses)
}

// stopped drops the error by which a scan ends early.
func stopped(err error) error {
	if errors.Is(err, store.Stop()) {
		return nil
	}
	return err
}

// unresolvedCandidates finds text-only patients whose text is the value asked for or a name that the record goes by. They are among the
// unresolved events of the period: where the header counts none, nothing is asked.
func (p *pin) unresolvedCandidates(ctx context.Context, a *listAsk, who *identity, around *backdrop) ([]*v1.Candidate, error) {
	if err := around.wait(); err != nil || around.unresolved == 0 {
		return nil, err
	}
	var folded []string
	add := func(text string) {
		for _, form := range nameForms(projections.Fold(text)) {
			if form != "" && !slices.Contains(folded, form) {
				folded = append(folded, form)
			}
		}
	}
	add(a.subject.Value)
	for _, id := range who.idents() {
		add(id.value)
		add(who.names[id])
	}
	keys := make([]uint64, len(folded))
	for i, form := range folded {
		keys[i] = projections.NameKey(form)
	}
	texts := []string{}
	params := store.Params{"keys": keys, "limit": uint32(maxUnresolved)}
	err := p.query(ctx, "identifiers_unresolved", params, func(row store.Row) error {
		r, err := identityRowOf(row)
		if err == nil && slices.Contains(folded, projections.Fold(r.of.value)) {
			texts = append(texts, r.of.value)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find unresolved candidates: %w", err)
	}
	if len(texts) == 0 {
		return nil, nil
	}
	from, until := a.at.bounds(0)
	var out []*v1.Candidate
	err = p.query(ctx, "unresolved_counts", store.Params{"texts": texts, "from": from, "until": until}, func(row store.Row) error {
		c := &v1.Candidate{}
		out = append(out, c)
		return row.Scan(&c.Text, &c.Events)
	})
	if err != nil {
		return nil, fmt.Errorf("count unresolved candidates: %w", err)
	}
	return out, nil
}

// nameForms are the ways in which one name is written: "max muster", "muster, max", "muster max".
func nameForms(name string) []string {
	forms := []string{name}
	family, given, comma := strings.Cut(name, ",")
	if comma {
		given, family = strings.TrimSpace(given), strings.TrimSpace(family)
		return append(forms, given+" "+family, family+" "+given, family+","+given)
	}
	if at := strings.LastIndexByte(name, ' '); at > 0 {
		given, family = strings.TrimSpace(name[:at]), name[at+1:]
		forms = append(forms, family+", "+given, family+","+given, family+" "+given)
	}
	return forms
}
