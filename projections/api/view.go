package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
	"github.com/readtrail/readtrail/proto/views"
)

// Purposes of whoever looks for a saved view, and of whoever opens one that tells them nothing which they may not know without a purpose.
const (
	choosingView = "choose a saved view"
	openingView  = "open a saved view"
)

var _ readtrailv1connect.ViewServiceHandler = (*Service)(nil)

// ViewHandler returns the path prefix and the handler of readtrail.v1.ViewService. The listener puts the caller into the context.
func (s *Service) ViewHandler(options ...connect.HandlerOption) (string, http.Handler) {
	return readtrailv1connect.NewViewServiceHandler(s, s.handling(options)...)
}

// ListViews answers which saved views the asker finds, without what they ask. One about the asker is not told, nor one that
// their limits do not let them be told.
func (s *Service) ListViews(ctx context.Context, req *connect.Request[v1.ListViewsRequest]) (*connect.Response[v1.ListViewsResponse], error) {
	return answer(ctx, s, queryListViews, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.ListViewsResponse, error) {
		return s.listViews(ctx, c, req.Msg)
	})
}

func (s *Service) listViews(ctx context.Context, c proto.Caller, m *v1.ListViewsRequest) (*v1.ListViewsResponse, error) {
	if v1.ViewPage_name[int32(m.Page)] == "" {
		return nil, invalid("page", "a page that can be saved, or none")
	}
	a, err := s.begin(c, queryListViews, m.Page.String(), cmp.Or(m.Purpose, choosingView), m.QuestionId)
	if err != nil {
		return nil, err
	}
	p, err := s.standOnViews(ctx)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	all, err := p.savedViews(ctx, store.Params{"asker": c.Name, "page": uint8(m.Page), "view": ""})
	if err != nil {
		return nil, err
	}
	all, withheld, err := s.toldViews(ctx, p, around, all)
	if err != nil {
		return nil, err
	}
	res := &v1.ListViewsResponse{}
	for _, v := range all {
		res.Views = append(res.Views, viewRow(c, v))
	}
	slices.SortFunc(res.Views, func(x, y *v1.ViewRow) int {
		if x.Mine != y.Mine {
			return map[bool]int{true: -1, false: 1}[x.Mine]
		}
		return cmp.Or(strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), strings.Compare(x.ViewId, y.ViewId))
	})
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "there were more"); err != nil {
		return nil, err
	}
	withoutCoverage(p, res.Header)
	return res, s.journal(ctx, a, res.Header, &v1.Question{Rows: uint64(len(res.Views)), Withheld: withheld})
}

// GetView answers what a saved view asks, and what its times come to now.
func (s *Service) GetView(ctx context.Context, req *connect.Request[v1.GetViewRequest]) (*connect.Response[v1.GetViewResponse], error) {
	return answer(ctx, s, queryGetView, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.GetViewResponse, error) {
		return s.getView(ctx, c, req.Msg)
	})
}

func (s *Service) getView(ctx context.Context, c proto.Caller, m *v1.GetViewRequest) (*v1.GetViewResponse, error) {
	id, err := proto.ParseEventID(m.View)
	if err != nil {
		return nil, invalid("view", "an id of 27 characters, as the list of views shows it")
	}
	if m.Purpose != "" {
		if err := checkPurpose(m.Purpose); err != nil {
			return nil, err
		}
	}
	p, err := s.standOnViews(ctx)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	found, err := p.savedViews(ctx, store.Params{"asker": c.Name, "page": uint8(0), "view": id.String()})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, noView()
	}
	found, withheld, err := s.toldViews(ctx, p, around, found)
	switch {
	case err != nil:
		return nil, err
	case withheld > 0:
		return nil, s.keepBack(ctx, c, queryGetView, m.Purpose, p.position, noView())
	case len(found) == 0:
		return nil, s.keepElsewhere(ctx, &asking{caller: c, query: queryGetView, purpose: m.Purpose}, p.limits, p.position, noView())
	}
	row, q := viewRow(c, found[0]), found[0].Entry.Question
	if m.Purpose == "" && row.PurposeNeeded {
		return nil, invalid("purpose", "say why you ask: somebody else saved this view, and it may name people")
	}
	a, err := s.begin(c, queryGetView, row.ViewId, cmp.Or(m.Purpose, openingView), m.QuestionId)
	if err != nil {
		return nil, err
	}
	times := views.TimesAt(q, s.cfg.Now(), s.cfg.TimeZone)
	res := &v1.GetViewResponse{
		View: row, Question: q, FromUs: times.From, UntilUs: times.Until, FromDay: times.FromDay, ToDay: times.ToDay, DueBeforeUs: times.DueBefore,
		Asker: c.Name,
	}
	if res.Header, err = around.header(s.cfg.TimeZone, nil, "it was changed"); err != nil {
		return nil, err
	}
	withoutCoverage(p, res.Header)
	return res, s.journal(ctx, a, res.Header, viewAsked(q))
}

// withoutCoverage leaves out of a header what sources cover and detectors judged: a saved view rests on the journal alone.
func withoutCoverage(p *pin, h *v1.AnswerHeader) {
	h.Coverage, h.Gaps, h.UnresolvedEvents, h.Detection = nil, nil, 0, nil
	if p.behind == 0 {
		h.Notes = nil
	}
}

// viewAsked is what the journal is told of an opened view: whom it names, as it names them. What it asks is asked after it, and journaled.
func viewAsked(q *v1.ViewQuestion) *v1.Question {
	asked := &v1.Question{Rows: 1}
	if who, err := ParseSubject(q.GetRecord().GetPatient()); err == nil {
		asked.Patient = who.identifier()
		asked.Patients = record(asked.Patient)
	}
	for _, text := range []string{q.GetReader().GetReader(), q.GetScope().GetReader(), q.GetScope().GetAccount()} {
		if who, err := ParseSubject(text); err == nil && asked.Reader == nil {
			asked.Reader = who.identifier()
		}
	}
	return asked
}

// ViewsNow are the latest versions of all views, for commands: of those that are deleted no more than whose they were. It answers no person and says nothing of one, so it is no question; the
// command that asks is journaled.
func (s *Service) ViewsNow(ctx context.Context) ([]views.View, error) {
	p, err := s.standOnViews(ctx)
	if err != nil {
		return nil, err
	}
	return p.savedViews(ctx, store.Params{"asker": "", "page": uint8(0), "view": ""})
}

// ViewTold reports whether a view that somebody else shares may be told to the caller in ctx: it is not about them, and their limits let
// them be told. That somebody tried one that is about them is journaled. It serves commands, as ViewsNow does.
func (s *Service) ViewTold(ctx context.Context, v views.View) (bool, error) {
	ctx = proto.WithGlass(ctx, "") // a broken glass lets see, and do nothing
	p, err := s.standOnViews(ctx)
	if err != nil {
		return false, err
	}
	around := p.backdrop(ctx, period{})
	defer func() { _ = around.wait() }()
	told, withheld, err := s.toldViews(ctx, p, around, []views.View{v})
	if err == nil && withheld > 0 {
		err = s.keepBack(ctx, proto.CallerFrom(ctx), queryGetView, "", p.position, nil)
	}
	return len(told) > 0, err
}

// standOnViews pins an answer about views. Those that the journal has acknowledged are in it.
func (s *Service) standOnViews(ctx context.Context) (*pin, error) {
	p, err := s.pin(ctx, 0, PageToken{})
	if err != nil {
		return nil, err
	}
	return s.withKinds(ctx, p, v1.Kind_KIND_VIEW)
}

func (p *pin) savedViews(ctx context.Context, params store.Params) (out []views.View, err error) {
	err = p.query(ctx, "views", params, func(row store.Row) error {
		var position uint64
		var id, body string
		var e v1.ViewEntry
		if err := row.Scan(&id, &position, &e.Version, &e.Owner, &e.Shared, &e.Deleted, &body); err != nil {
			return err
		}
		if e.Deleted {
			view, err := proto.ParseEventID(id)
			if err != nil {
				return fmt.Errorf("read view: %w: %w", err, proto.ErrCorrupt)
			}
			e.ViewId = view.Bytes()
		} else if err := e.UnmarshalVT([]byte(body)); err != nil {
			return fmt.Errorf("read view: %w: %w", err, proto.ErrCorrupt)
		}
		out = append(out, views.View{Position: proto.Position(position), Entry: &e})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read saved views: %w", err)
	}
	return out, nil
}

func viewRow(c proto.Caller, v views.View) *v1.ViewRow {
	e := v.Entry
	row := &v1.ViewRow{
		ViewId: projections.IDText(e.ViewId), Version: e.Version, Name: e.Name, Page: views.PageOf(e.Question), Owner: e.Owner, Mine: e.Owner == c.Name,
		Shared: e.Shared, Window: e.Question.GetWindow(), ChangedUs: e.AtUs,
	}
	row.PurposeNeeded = !row.Mine && !views.NamesNobody(row.Page)
	return row
}

// toldViews are those of some views that may be told to the asker, and how many are kept back because they are about them. What somebody
// else asks about may lie elsewhere: to an asker with limits only such views of others are told as name nobody and no place.
func (s *Service) toldViews(ctx context.Context, p *pin, around *backdrop, all []views.View) (told []views.View, withheld uint64, err error) {
	c := proto.CallerFrom(ctx)
	own, err := s.ownIdents(ctx, p, around)
	if err != nil {
		return nil, 0, err
	}
	about, err := s.viewsOfAsker(ctx, p, c, all, own)
	if err != nil {
		return nil, 0, err
	}
	for _, v := range all {
		switch {
		case about[v.Entry]:
			withheld++
		case p.limits.Limited() && v.Entry.Owner != c.Name && !views.NamesNobody(views.PageOf(v.Entry.Question)):
		default:
			told = append(told, v)
		}
	}
	return told, withheld, nil
}

// viewsOfAsker are those of some views that somebody else shares and that are about the asker: as reader, as account, by one of their
// accesses, or by an alert or a case about them. That somebody looks into them is not for them to learn from a menu.
func (s *Service) viewsOfAsker(ctx context.Context, p *pin, c proto.Caller, all []views.View, own []ident) (map[*v1.ViewEntry]bool, error) {
	var scopes []*v1.FrozenScope
	of := map[*v1.FrozenScope]*v1.ViewEntry{}
	for _, v := range all {
		if v.Entry.Owner == c.Name {
			continue
		}
		q := v.Entry.Question.GetScope()
		if reader := v.Entry.Question.GetReader().GetReader(); reader != "" {
			q = &v1.ScopeQuery{Reader: reader}
		}
		f := &v1.FrozenScope{Frozen: &v1.ScopeFrozen{Query: q}}
		scopes, of[f] = append(scopes, f), v.Entry
	}
	found, err := s.ofAsker(ctx, p, scopes, own)
	if err != nil {
		return nil, err
	}
	out := map[*v1.ViewEntry]bool{}
	for f, is := range found {
		out[of[f]] = is
	}
	return out, nil
}

func noView() error { return notFound("there is no such view") }
