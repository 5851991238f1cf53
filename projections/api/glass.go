package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	// glassValid is how long a broken glass lets see when nothing else is configured.
	glassValid = 15 * time.Minute
	// minReason and maxReason bound a reason in characters: fewer say nothing (glass.proto).
	minReason, maxReason = 20, 500
	// maxGlassNote bounds a reviewer's note in characters.
	maxGlassNote = 2000
	// maxGlasses bounds the glasses that are open at a time, maxGlassesEach those of one asker: beyond it none is broken until one is
	// whole again.
	maxGlasses, maxGlassesEach = 1000, 5
)

// Glass is how the glass is broken.
type Glass struct {
	// Break journals a broken glass and returns its position once it is on disk. Default: nobody breaks the glass.
	Break func(ctx context.Context, g *v1.GlassBroken) (proto.Position, error)
	// Review journals a review, in the same way.
	Review func(ctx context.Context, r *v1.GlassReviewed) (proto.Position, error)
	// Roles are those that may break it. Default: none.
	Roles []string
	// Valid is how long it lets see. Default 15 minutes.
	Valid time.Duration
}

// openGlass is a broken glass of this process; it is whole again after a restart.
type openGlass struct {
	asker, role, reason string
	id                  proto.EventID
	// until is when it is whole again; zero while it is being journaled.
	until    time.Time
	position proto.Position
}

// glasses are the broken glasses that still let see.
type glasses struct {
	mu   sync.Mutex // guards open
	open map[string]openGlass

	broken   *prometheus.CounterVec
	reviewed *prometheus.CounterVec
}

func newGlasses(r prometheus.Registerer) (*glasses, error) {
	g := &glasses{
		open: map[string]openGlass{},
		broken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_projections_glass_broken_total", Help: "How often askers broke the glass to see beyond their role and limits, by role.",
		}, []string{"role"}),
		reviewed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_projections_glass_reviewed_total", Help: "Reviews of broken glasses, by verdict.",
		}, []string{"verdict"}),
	}
	if r == nil {
		return g, nil
	}
	return g, errors.Join(r.Register(g.broken), r.Register(g.reviewed))
}

// sweep forgets those that are whole again; mu is held.
func (g *glasses) sweep(now time.Time) {
	for id, x := range g.open {
		if !x.until.IsZero() && !now.Before(x.until) {
			delete(g.open, id)
		}
	}
}

// reserve makes room for a glass before it is journaled; false: the asker, or all together, have too many.
func (g *glasses) reserve(now time.Time, id proto.EventID, caller proto.Caller) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	own := 0
	for _, x := range g.open {
		if x.asker == caller.Name {
			own++
		}
	}
	if len(g.open) >= maxGlasses || own >= maxGlassesEach {
		return false
	}
	g.open[id.String()] = openGlass{asker: caller.Name, role: caller.Role, id: id}
	return true
}

// again finds the glass that an asker broke for the same reason and that lets see for a while yet: a terminal, whose every command says
// why, needs no other.
func (g *glasses) again(now time.Time, caller proto.Caller, reason string) (openGlass, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, x := range g.open {
		if x.asker == caller.Name && x.role == caller.Role && x.reason == reason && now.Add(answerTimeout).Before(x.until) {
			return x, true
		}
	}
	return openGlass{}, false
}

// release gives back the room of a glass that stays whole.
func (g *glasses) release(id proto.EventID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, id.String())
}

// of finds the glass that a question is asked under: its asker's own, and still broken.
func (g *glasses) of(now time.Time, id, asker string) (openGlass, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x, ok := g.open[id]
	return x, ok && x.asker == asker && now.Before(x.until)
}

// errGlassWhole refuses a question under a glass that is not broken: it is not answered as if none had been named.
var errGlassWhole = errors.New("the glass is whole again, or is not yours: break it anew, or ask without it")

// glass is the broken glass that the question in ctx is asked under; nil for none.
func (s *Service) glass(ctx context.Context) (*openGlass, error) {
	id := proto.GlassFrom(ctx)
	if id == "" {
		return nil, nil
	}
	caller := proto.CallerFrom(ctx)
	x, ok := s.glasses.of(s.cfg.Now(), id, caller.Name)
	// Who may not break it any more does not look through the one that they broke before.
	if !ok || x.role != caller.Role || !slices.Contains(s.cfg.Glass.Roles, caller.Role) {
		return nil, connect.NewError(connect.CodePermissionDenied, errGlassWhole)
	}
	return &x, nil
}

// GlassService breaks the glass and has others look at why. It shares the questions and the engine of its Service.
type GlassService struct{ s *Service }

var _ readtrailv1connect.GlassServiceHandler = (*GlassService)(nil)

// Glasses is the service of broken glasses.
func (s *Service) Glasses() *GlassService { return &GlassService{s} }

// Handler returns the path prefix and the handler of readtrail.v1.GlassService. The listener puts the caller into the context.
func (x *GlassService) Handler(options ...connect.HandlerOption) (string, http.Handler) {
	options = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest)}, options...)
	return readtrailv1connect.NewGlassServiceHandler(x, options...)
}

// BreakGlass journals who breaks the glass and why; when that fails the glass stays whole.
func (x *GlassService) BreakGlass(ctx context.Context, req *connect.Request[v1.BreakGlassRequest]) (*connect.Response[v1.BreakGlassResponse], error) {
	s := x.s
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	caller := proto.CallerFrom(ctx)
	if err := permit(caller, func(c proto.Caller) bool {
		return s.cfg.Glass.Break != nil && c.MayLook() && slices.Contains(s.cfg.Glass.Roles, c.Role)
	}); err != nil {
		return nil, err
	}
	limits := s.cfg.Limits(caller)
	if !limits.Limited() && caller.MayAsk() {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("nothing is kept from you: there is no glass to break"))
	}
	reason := strings.TrimSpace(req.Msg.Reason)
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	if x, ok := s.glasses.again(now, caller, reason); ok {
		return connect.NewResponse(&v1.BreakGlassResponse{GlassId: x.id.String(), UntilUs: x.until.UnixMicro(), Position: uint64(x.position)}), nil
	}
	id, err := proto.MintEventID(now)
	if err != nil {
		return nil, fmt.Errorf("mint glass id: %w", err)
	}
	g := &v1.GlassBroken{
		GlassId: id.Bytes(), Asker: caller.Name, Role: caller.Role, Reason: reason, AtUs: now.UnixMicro(),
		UntilUs: now.Add(s.cfg.Glass.Valid).UnixMicro(), Limits: limits.Proto(),
	}
	if !s.glasses.reserve(now, id, caller) {
		return nil, connect.NewError(connect.CodeResourceExhausted, errors.New("too many glasses are broken: try again in a moment"))
	}
	position, err := s.cfg.Glass.Break(ctx, g)
	if err != nil {
		s.glasses.release(id)
		s.logger.ErrorContext(ctx, "glass stays whole: not journaled", slog.Any("err", err))
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("it could not be journaled, so the glass is not broken: try again in a moment"))
	}
	s.glasses.mu.Lock()
	s.glasses.open[id.String()] = openGlass{asker: caller.Name, role: caller.Role, reason: reason, id: id, until: time.UnixMicro(g.UntilUs), position: position}
	s.glasses.mu.Unlock()
	s.glasses.broken.WithLabelValues(caller.Role).Inc()
	s.logger.WarnContext(ctx, "the glass was broken", slog.String("asker", caller.Name), slog.String("role", caller.Role))
	return connect.NewResponse(&v1.BreakGlassResponse{GlassId: id.String(), UntilUs: g.UntilUs, Position: uint64(position)}), nil
}

func checkReason(reason string) error {
	switch n := utf8.RuneCountInString(reason); {
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl):
		return invalid("reason", "plain text")
	case n < minReason:
		return invalid("reason", "say why in at least 20 characters")
	case n > maxReason:
		return invalid("reason", "at most 500 characters")
	case !meansSomething(reason):
		return invalid("reason", "say why in words")
	}
	return nil
}

// meansSomething refuses what is typed to fill a field: few different letters, or one word again and again.
func meansSomething(reason string) bool {
	letters, words := map[rune]bool{}, map[string]bool{}
	for word := range strings.FieldsSeq(strings.ToLower(reason)) {
		words[word] = true
		for _, r := range word {
			if unicode.IsLetter(r) {
				letters[r] = true
			}
		}
	}
	return len(letters) >= 6 && len(words) >= 3
}

// reviewing is the purpose of whoever looks at broken glasses.
const reviewing = "review of broken glasses"

// ListBrokenGlass answers who broke the glass, and why.
func (x *GlassService) ListBrokenGlass(ctx context.Context, req *connect.Request[v1.ListBrokenGlassRequest]) (*connect.Response[v1.ListBrokenGlassResponse], error) {
	ctx = proto.WithGlass(ctx, "") // nobody breaks the glass to see who broke it
	return answer(ctx, x.s, queryListGlass, proto.Caller.MayReview, func(ctx context.Context, c proto.Caller) (*v1.ListBrokenGlassResponse, error) {
		return x.s.listBrokenGlass(ctx, c, req.Msg)
	})
}

func (s *Service) listBrokenGlass(ctx context.Context, c proto.Caller, m *v1.ListBrokenGlassRequest) (*v1.ListBrokenGlassResponse, error) {
	size, err := pageSize(m.Page)
	if err != nil {
		return nil, err
	}
	hash := questionHash(queryListGlass, fmt.Sprint(m.Reviewed))
	token, err := parseToken(m.Page.GetToken(), hash)
	if err != nil {
		return nil, err
	}
	a, err := s.begin(c, queryListGlass, fmt.Sprint(m.Reviewed), reviewing, "")
	if err != nil {
		return nil, err
	}
	p, err := s.pin(ctx, 0, token)
	if err == nil && token.Page == 0 {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_GLASS_BROKEN, v1.Kind_KIND_GLASS_REVIEWED, v1.Kind_KIND_QUESTION)
	}
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	res := &v1.ListBrokenGlassResponse{}
	before := ^uint64(0)
	if token.AfterPosition != 0 {
		before = uint64(token.AfterPosition)
	}
	if res.Rows, err = p.brokenGlass(ctx, "", m.Reviewed, before, size+1); err != nil {
		return nil, err
	}
	if len(res.Rows) > size {
		res.Rows = res.Rows[:size]
		res.NextPageToken = PageToken{
			Question: hash, Version: p.version, Position: p.position, Page: max(token.Page, 1) + 1,
			AfterPosition: proto.Position(res.Rows[size-1].Position),
		}.String()
	}
	if res.Waiting, _, err = p.glassWaiting(ctx); err != nil {
		return nil, err
	}
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "the glass was broken"); err != nil {
		return nil, err
	}
	return res, s.journal(ctx, a, res.Header, &v1.Question{Rows: uint64(len(res.Rows))})
}

// glassWaiting is how many broken glasses wait for a review, and when the first of them was broken, in microseconds; 0: none does.
func (p *pin) glassWaiting(ctx context.Context) (n uint64, since int64, err error) {
	err = p.query(ctx, "broken_glass_waiting", store.Params{}, func(row store.Row) error { return row.Scan(&n, &since) })
	if err != nil {
		return 0, 0, fmt.Errorf("count broken glasses: %w", err)
	}
	return n, since, nil
}

func (p *pin) brokenGlass(ctx context.Context, id string, reviewed bool, before uint64, limit int) (out []*v1.BrokenGlassRow, err error) {
	params := store.Params{"id": id, "reviewed": reviewed, "before": before, "limit": uint32(limit)}
	err = p.query(ctx, "broken_glass", params, func(row store.Row) error {
		r, l := &v1.BrokenGlassRow{}, &v1.Limits{}
		var verdict uint8
		err := row.Scan(&r.GlassId, &r.Position, &r.Asker, &r.Role, &r.Reason, &r.AtUs, &r.UntilUs, &l.Sites, &l.Departments, &l.Nothing,
			&r.Answers, &r.Rows, &verdict, &r.ReviewedBy, &r.ReviewedUs, &r.Note)
		if r.Verdict = v1.GlassVerdict(verdict); verdict == 0 {
			r.ReviewedUs = 0
		}
		if l.Nothing || len(l.Sites)+len(l.Departments) > 0 {
			r.Limits = l
		}
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read broken glasses: %w", err)
	}
	return out, nil
}

// ReviewBrokenGlass journals what somebody else says of a broken glass.
func (x *GlassService) ReviewBrokenGlass(ctx context.Context, req *connect.Request[v1.ReviewBrokenGlassRequest]) (*connect.Response[v1.ReviewBrokenGlassResponse], error) {
	s, m := x.s, req.Msg
	ctx, cancel := context.WithTimeout(proto.WithGlass(ctx, ""), answerTimeout)
	defer cancel()
	caller, err := s.admit(ctx, queryListGlass, proto.Caller.MayReview)
	if err != nil {
		return nil, err
	}
	id, err := proto.ParseEventID(m.GlassId)
	if err != nil {
		return nil, invalid("glass_id", "an id of 27 characters, as the list of broken glasses shows it")
	}
	note := strings.TrimSpace(m.Note)
	switch {
	case m.Verdict != v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED && m.Verdict != v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED:
		return nil, invalid("verdict", "justified or not justified")
	case !utf8.ValidString(note) || utf8.RuneCountInString(note) > maxGlassNote:
		return nil, invalid("note", "plain text of at most 2000 characters")
	case note == "" && m.Verdict == v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED:
		return nil, invalid("note", "say why it was not justified")
	case s.cfg.Glass.Review == nil:
		return nil, connect.NewError(connect.CodeUnimplemented, errors.New("this server does not write to the journal"))
	}
	s.reviews.Lock() // one at a time, so that the second reviewer of a glass hears of the first
	defer s.reviews.Unlock()
	if err := s.mayReview(ctx, caller, id); err != nil {
		return nil, s.translate(ctx, queryListGlass, err)
	}
	position, err := s.cfg.Glass.Review(ctx, &v1.GlassReviewed{
		GlassId: id.Bytes(), Asker: caller.Name, Role: caller.Role, Verdict: m.Verdict, Note: note, AtUs: s.cfg.Now().UnixMicro(),
	})
	if err != nil {
		s.logger.ErrorContext(ctx, "review not journaled", slog.Any("err", err))
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("the review could not be journaled: try again in a moment"))
	}
	s.glasses.reviewed.WithLabelValues(strings.ToLower(strings.TrimPrefix(m.Verdict.String(), "GLASS_VERDICT_"))).Inc()
	return connect.NewResponse(&v1.ReviewBrokenGlassResponse{Position: uint64(position)}), nil
}

// mayReview refuses what is not there, is the asker's own, or was reviewed.
func (s *Service) mayReview(ctx context.Context, c proto.Caller, id proto.EventID) error {
	p, err := s.pin(ctx, 0, PageToken{})
	if err == nil {
		p, err = s.withKinds(ctx, p, v1.Kind_KIND_GLASS_BROKEN, v1.Kind_KIND_GLASS_REVIEWED)
	}
	if err != nil {
		return err
	}
	rows, err := p.brokenGlass(ctx, id.String(), true, ^uint64(0), 1)
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return notFound("there is no such broken glass")
	case rows[0].Asker == c.Name || s.sameHuman(c, rows[0].Asker):
		return connect.NewError(connect.CodePermissionDenied, errors.New("nobody reviews their own: somebody else has to"))
	case rows[0].Verdict != 0:
		return connect.NewError(connect.CodeAlreadyExists, errors.New("it was reviewed already"))
	}
	return nil
}

// sameHuman reports whether two askers are known to be one reader.
func (s *Service) sameHuman(c proto.Caller, asker string) bool {
	if s.cfg.Readers == nil {
		return false
	}
	mine, _ := s.cfg.Readers(c)
	theirs, _ := s.cfg.Readers(proto.Caller{Name: asker})
	return slices.ContainsFunc(mine, func(id *v1.Identifier) bool {
		return slices.ContainsFunc(theirs, func(other *v1.Identifier) bool {
			return projections.Key(id.System, id.Value) == projections.Key(other.System, other.Value)
		})
	})
}
