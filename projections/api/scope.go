package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	// scopeTimeout bounds the computation of a scope. A reader's year takes a tenth of a second; a day of a whole hospital, two
	// million reports, takes seconds.
	scopeTimeout = 2 * time.Minute
	// maxScopeRequest bounds a request in bytes: 5,000 event ids of 27 characters, and as many once more.
	maxScopeRequest = 512 << 10
	// maxUnresolvedShown bounds the unresolved patients that one answer lists; all are counted, and an export has all.
	maxUnresolvedShown = 1000
)

// ScopeService answers what is asked in a breach. It shares the questions, the pins and the engine of its Service.
type ScopeService struct{ s *Service }

var _ readtrailv1connect.ScopeServiceHandler = (*ScopeService)(nil)

// Scopes is the service of breach scopes and access reports.
func (s *Service) Scopes() *ScopeService { return &ScopeService{s} }

// Handler returns the path prefix and the handler of the service, as Service.Handler does.
func (x *ScopeService) Handler(options ...connect.HandlerOption) (string, http.Handler) {
	options = append(x.s.handling([]connect.HandlerOption{connect.WithReadMaxBytes(maxScopeRequest)}), options...)
	return readtrailv1connect.NewScopeServiceHandler(x, options...)
}

// BreachScope answers which patients a breach concerns.
func (x *ScopeService) BreachScope(ctx context.Context, req *connect.Request[v1.BreachScopeRequest]) (*connect.Response[v1.BreachScopeResponse], error) {
	return answerWithin(ctx, x.s, scopeTimeout, queryBreachScope, func(ctx context.Context, c proto.Caller) (*v1.BreachScopeResponse, error) {
		return x.s.breachScope(ctx, c, req.Msg)
	})
}

// moment is as of when an answer is asked for: a time, or a position; the zero moment is now.
type moment struct {
	time     int64
	position proto.Position
}

// scopeAsk is a question about a scope, checked.
type scopeAsk struct {
	*asking
	query *scopeQuery
	at    moment
	size  int
	zone  *time.Location
	hash  [8]byte
	token PageToken
}

// scopeFields are the fields of such a request.
type scopeFields struct {
	query                     *v1.ScopeQuery
	purpose, questionID, zone string
	at                        moment
	page                      *v1.Page
}

func (s *Service) checkScope(ctx context.Context, c proto.Caller, name string, f scopeFields) (*scopeAsk, error) {
	if err := checkPurpose(f.purpose); err != nil {
		return nil, err
	}
	a := &scopeAsk{at: f.at}
	var err error
	if err = s.checkMoment(a.at); err != nil {
		return nil, err
	}
	if a.query, err = s.checkQuery(ctx, f.query); err != nil {
		return nil, err
	}
	if a.size, err = pageSize(f.page); err != nil {
		return nil, err
	}
	if a.zone, err = s.zone(f.zone); err != nil {
		return nil, err
	}
	subject := a.query.text()
	a.hash = questionHash(name, subject, strconv.FormatInt(a.at.time, 10), a.at.position.String())
	if a.token, err = parseToken(f.page.GetToken(), a.hash); err != nil {
		return nil, err
	}
	a.asking, err = s.begin(c, name, subject, f.purpose, f.questionID)
	return a, err
}

func (s *Service) checkMoment(at moment) error {
	if at.time != 0 && at.position != 0 {
		return invalid("as_of_position", "give a time or a position, not both")
	}
	if at.position > s.cfg.Head() {
		return invalid("as_of_position", "the journal does not reach this position")
	}
	return checkPeriod(s.cfg.Now(), period{}, at.time)
}

func (s *Service) breachScope(ctx context.Context, c proto.Caller, m *v1.BreachScopeRequest) (*v1.BreachScopeResponse, error) {
	a, err := s.checkScope(ctx, c, queryBreachScope, scopeFields{
		query: m.Query, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone, page: m.Page,
		at: moment{m.AsOfUs, proto.Position(m.AsOfPosition)},
	})
	if err != nil {
		return nil, err
	}
	x, err := s.scope(ctx, a.asking, a.query, a.at, a.token)
	if err != nil {
		return nil, err
	}
	defer func() { _ = x.around.wait() }()
	res := &v1.BreachScopeResponse{Query: a.query.proto()}
	question := a.query.question()
	if len(x.candidates) > 0 {
		res.Header, res.Candidates, err = x.askBack(ctx, a, question)
		if err != nil {
			return nil, err
		}
		return res, s.journal(ctx, a.asking, res.Header, question)
	}
	if res.Header, err = x.header(ctx, a.zone); err != nil {
		return nil, err
	}
	page := x.result.page(a.token, a.size)
	res.Identifiers, res.Totals, res.Sha256 = x.followed, x.result.totals(), x.result.sha256()
	res.NextPageToken = page.token(x.pin, a.hash, max(a.token.Page, 1))
	for _, p := range page.patients {
		res.Patients = append(res.Patients, x.result.patientProto(p))
	}
	if a.token.Page == 0 {
		x.result.fill(res)
	}
	question.Subjects = append(question.Subjects, namedPatients(page.patients)...)
	question.Patients = recordsOf(page.patients)
	question.Rows = x.result.rows()
	return res, s.journal(ctx, a.asking, res.Header, question)
}

// header is the header of a scope, with what a reader of it must know.
func (x *scoped) header(ctx context.Context, zone *time.Location) (*v1.AnswerHeader, error) {
	h, err := x.around.header(zone, nil, "there were such accesses")
	if err != nil {
		return nil, err
	}
	if x.result == nil {
		return h, nil
	}
	var notes []string
	if x.query.reader != nil && !x.known && x.pin.behind == 0 {
		notes = append(notes, "No event and no context names this reader: nothing is known of them.")
	}
	if x.query.looks > 0 {
		notes = append(notes, strconv.Itoa(x.query.looks)+" of the events are looks through Readtrail: they are no accesses of any source, and are not counted.")
	}
	h.Notes = append(notes, h.Notes...)
	if note, err := x.verdictNote(ctx); err != nil {
		return nil, err
	} else if note != "" {
		h.Notes = append(h.Notes, note)
	}
	if n := x.result.who.strangers; n > 0 {
		h.Notes = append(h.Notes, strconv.Itoa(n)+" identifiers are joined by more links than one person can have: each is listed as a patient of "+
			"its own. Correct the links at their source.")
	}
	return h, nil
}

// askBack lists whom an ambiguous reader or account may mean.
func (x *scoped) askBack(ctx context.Context, a *scopeAsk, q *v1.Question) (*v1.AnswerHeader, []*v1.Candidate, error) {
	who := &identity{candidates: x.candidates}
	return x.pin.askBack(ctx, &listAsk{zone: a.zone}, who, x.around, askBackReader, q)
}

// namedPatients are the identifiers of patients that leave with an answer: their records were looked at through Readtrail.
func namedPatients(patients []*scopePatient) []*v1.Identifier {
	var out []*v1.Identifier
	for _, p := range patients {
		out = append(out, subjects(p.members)...)
	}
	return out
}

// recordsOf are the same patients, each with its identifiers.
func recordsOf(patients []*scopePatient) (out []*v1.Patient) {
	for _, p := range patients {
		if len(p.members) > 0 {
			out = append(out, &v1.Patient{Identifiers: p.identifiers()})
		}
	}
	return out
}

// question is how the journal keeps the question: whom it names, if anybody.
func (q *scopeQuery) question() *v1.Question {
	out := &v1.Question{}
	if q.reader != nil {
		out.Reader = q.reader.identifier()
	}
	return out
}

// unseen is a patient key that no name belongs to: tables that an earlier release made.
const unseen = "the projections were made by an earlier release: an administrator runs `readtrail rebuild` once"

// isPatient reports whether a key of a row stands for a patient with an identifier.
func isPatient(key uint64) bool {
	return key != projections.NoPatient && key != projections.UnresolvedPatient
}
