package console

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// freeze sets a view's scope down in the journal, as of the position that its page showed.
func (c *Console) freeze(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, done, err := v.opened(pageScope)
	if done || err != nil {
		return err
	}
	q := scopeQuery(x.ask)
	m := &v1.FreezeScopeRequest{Query: q, Purpose: x.purpose.text}
	if m.AsOfPosition, err = strconv.ParseUint(v.r.PostForm.Get("position"), 10, 64); err != nil {
		return refusal{http.StatusUnprocessableEntity, "The form named no position", "Ask for the scope again and freeze it there."}
	}
	res, err := c.cfg.Scopes.FreezeScope(v.r.Context(), connect.NewRequest(m))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	if len(res.Msg.Candidates) > 0 {
		v.redirect("/" + pageScope + "/" + x.handle) // which asks back
		return nil
	}
	v.redirect(linker{v, x.purpose}.to(ask{Page: pageFrozen, Subject: fmt.Sprint(res.Msg.Position)}))
	return nil
}

// askFrozen goes to a frozen scope by its position, or to the list of them.
func (c *Console) askFrozen(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	text := strings.TrimSpace(v.r.PostForm.Get("position"))
	position, err := strconv.ParseUint(text, 10, 64)
	if text != "" && (err != nil || position == 0) {
		return refusal{http.StatusUnprocessableEntity, "A position is a number", "A frozen scope is found by its position in the journal, which its page and its print tell."}
	}
	why := purpose{strings.TrimSpace(v.r.PostForm.Get("purpose")), v.now}
	if purposeFault(why.text) != "" {
		why = purpose{}
	}
	to := ask{Page: pageFrozen}
	if text != "" {
		to.Subject = fmt.Sprint(position)
	}
	v.redirect(linker{v, why}.to(to))
	return nil
}

// frozenList is which scopes were frozen.
type frozenList struct {
	Purpose string
	Scopes  []frozenLine
	Next    string
	Basis   *basis
}

type frozenLine struct {
	Path, Position, Asker, Role, Reason string
	When                                *moment
	Said                                []string
	Patients                            uint64
}

// serveFrozenList answers which scopes were frozen. They name readers, so a purpose is asked for as everywhere.
func (c *Console) serveFrozenList(v *visit, x view) error {
	res, err := c.cfg.Scopes.ListFrozenScopes(v.r.Context(), connect.NewRequest(&v1.ListFrozenScopesRequest{
		Purpose: x.purpose.text, Page: &v1.Page{Size: rowsAPage, Token: v.r.URL.Query().Get("after")},
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	at, links := c.clockOf(res.Msg.Header), linker{v, x.purpose}
	page := frozenList{Purpose: x.purpose.text, Basis: c.basisOf(res.Msg.Header)}
	for _, s := range res.Msg.Scopes {
		f, position := s.GetFrozen(), fmt.Sprint(s.Position)
		page.Scopes = append(page.Scopes, frozenLine{
			links.to(ask{Page: pageFrozen, Subject: position}), position, f.GetAsker(), words.Code(f.GetRole()), f.GetPurpose(), at.at(f.GetFrozenUs()),
			c.queryWords(f.GetQuery()), f.GetTotals().GetPatients(),
		})
	}
	if next := res.Msg.NextPageToken; next != "" {
		page.Next = "/" + pageFrozen + "/" + x.handle + "?after=" + next
	}
	return v.render(http.StatusOK, "frozenlist", page)
}

// frozenPage is a frozen scope, computed again.
type frozenPage struct {
	Handle, Purpose, Subject string
	Said                     []string
	Frozen                   frozenRun
	Now                      frozenRun
	Same                     bool
	Asker, Role, Reason      string
	When                     *moment
	Basis                    *basis
	// Again is the scope as of then, Compare what has changed since.
	Again, Compare string
}

// frozenRun is what a run came to.
type frozenRun struct {
	Position, SHA256     string
	Patients, Unresolved uint64
	Events               uint64
	Counts               countsRow
}

func runOf(at clock, position uint64, t *v1.ScopeTotals, sum []byte) frozenRun {
	return frozenRun{fmt.Sprint(position), hex.EncodeToString(sum), t.GetPatients(), t.GetUnresolved(), t.GetEvents(), countsOf(at, t.GetCounts(), nil)}
}

func (c *Console) serveFrozen(v *visit) error {
	x, done, err := v.opened(pageFrozen)
	if done || err != nil {
		return err
	}
	if x.ask.Subject == "" {
		return c.serveFrozenList(v, x)
	}
	position, err := strconv.ParseUint(x.ask.Subject, 10, 64)
	if err != nil {
		return errNoView
	}
	res, err := c.cfg.Scopes.VerifyScope(v.r.Context(), connect.NewRequest(&v1.VerifyScopeRequest{Position: position, Purpose: x.purpose.text}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m, at, f, links := res.Msg, c.clockOf(res.Msg.Header), res.Msg.GetFrozen(), linker{v, x.purpose}
	page := frozenPage{
		Handle: x.handle, Purpose: x.purpose.text, Subject: x.ask.Subject, Said: c.queryWords(f.GetQuery()), Same: m.Same,
		Frozen: runOf(at, f.GetPosition(), f.GetTotals(), f.GetSha256()), Now: runOf(at, f.GetPosition(), m.Totals, m.Sha256),
		Asker: f.GetAsker(), Role: words.Code(f.GetRole()), Reason: f.GetPurpose(), When: at.at(f.GetFrozenUs()), Basis: c.basisOf(m.Header),
	}
	if q := f.GetQuery(); len(q.GetEvents()) == 0 {
		page.Again = links.to(ask{Page: pageScope, From: q.GetFromUs(), Until: q.GetUntilUs(), Scope: scoped{
			Reader: q.GetReader(), Account: q.GetAccount(), Workstation: q.GetWorkstation(), Object: q.GetObject(), Position: f.GetPosition(),
		}})
		page.Compare = links.to(ask{Page: pageCompare, From: q.GetFromUs(), Until: q.GetUntilUs(), Scope: scoped{
			Reader: q.GetReader(), Account: q.GetAccount(), Workstation: q.GetWorkstation(), Object: q.GetObject(), Frozen: position,
		}})
	}
	return v.render(http.StatusOK, "frozen", page)
}

// queryWords are the conditions of a query as the journal holds it.
func (c *Console) queryWords(q *v1.ScopeQuery) []string {
	out := scoped{Reader: q.GetReader(), Account: q.GetAccount(), Workstation: q.GetWorkstation(), Object: q.GetObject()}.
		said(c.filterOf(ask{From: q.GetFromUs(), Until: q.GetUntilUs()}))
	if n := len(q.GetEvents()); n > 0 {
		out = append(out, count(uint64(n), "event, named one by one", "events, named one by one"))
	}
	return out
}

// compare reads with what a view's scope is to be compared, and goes there.
func (c *Console) compare(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageScope, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	a := c.timed(x.ask, v.now)
	a.Page, a.AsOf, a.LastDays = pageCompare, 0, 0
	text := strings.TrimSpace(v.r.PostForm.Get("before"))
	us, position, err := c.readMoment(text, a.Zone)
	if err != nil {
		return err
	}
	a.Scope.BeforeUs = us
	if v.r.PostForm.Has("frozen") {
		a.Scope.Frozen = position
	} else {
		a.Scope.Before = position
	}
	v.redirect(linker{v, x.purpose}.to(a))
	return nil
}

// comparePage says what differs between two runs of a scope.
type comparePage struct {
	Purpose       string
	Said          []string
	Before, After frozenRun
	*v1.CompareScopesResponse
	Changes []changeRow
	Basis   *basis
	Back    string
}

type changeRow struct {
	What                          string
	Before, After                 []person
	AccessesBefore, AccessesAfter uint64
}

func (c *Console) serveComparison(v *visit) error {
	x, done, err := v.opened(pageCompare)
	if done || err != nil {
		return err
	}
	q := scopeQuery(x.ask)
	s := x.ask.Scope
	m := &v1.CompareScopesRequest{
		Before: &v1.ScopeRun{Query: q, AsOfUs: s.BeforeUs, AsOfPosition: s.Before}, After: &v1.ScopeRun{Query: q, AsOfPosition: s.Position},
		Purpose: x.purpose.text, TimeZone: x.ask.Zone,
	}
	if s.Frozen != 0 {
		m.Before = &v1.ScopeRun{Frozen: s.Frozen}
	}
	res, err := c.cfg.Scopes.CompareScopes(v.r.Context(), connect.NewRequest(m))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	at, links := c.clockOf(res.Msg.Header), linker{v, x.purpose}
	back := x.ask
	back.Page, back.Scope.Frozen, back.Scope.Before, back.Scope.BeforeUs = pageScope, 0, 0, 0
	page := comparePage{
		Purpose: x.purpose.text, Said: s.said(c.filterOf(x.ask)), CompareScopesResponse: res.Msg, Basis: c.basisOf(res.Msg.Header), Back: links.to(back),
		Before: runOf(at, res.Msg.GetBefore().GetPosition(), res.Msg.GetBefore().GetTotals(), res.Msg.GetBefore().GetSha256()),
		After:  runOf(at, res.Msg.GetAfter().GetPosition(), res.Msg.GetAfter().GetTotals(), res.Msg.GetAfter().GetSha256()),
	}
	for _, n := range res.Msg.GetChanges() {
		row := changeRow{What: words.Enum(n.Kind.String(), "KIND_")}
		for _, p := range n.Before {
			row.Before = append(row.Before, links.scopePatient(at, p).Patient)
			row.AccessesBefore += p.GetCounts().GetAccesses()
		}
		for _, p := range n.After {
			row.After = append(row.After, links.scopePatient(at, p).Patient)
			row.AccessesAfter += p.GetCounts().GetAccesses()
		}
		page.Changes = append(page.Changes, row)
	}
	return v.render(http.StatusOK, "compare", page)
}
