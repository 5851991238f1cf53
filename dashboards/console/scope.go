package console

import (
	"encoding/hex"
	"fmt"
	"net/http"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// printedPatients bounds the page to print: some 400 sheets. The export has all of them.
const printedPatients = 10_000

// largestPage is the largest that the API gives.
const largestPage = 1000

// scopeFormPage is the builder, without an answer yet.
type scopeFormPage struct {
	Scope  scoped
	Filter filter
	Last   string
	Fault  string
	Saved  viewMenu
}

// scopePage is a breach scope.
type scopePage struct {
	scopeFormPage
	Handle, Purpose string
	First           bool
	Said            []string
	Basis           *basis
	Position        string
	SHA256          string
	Followed        []followed
	Candidates      []candidate
	Totals          *v1.ScopeTotals
	Counts          countsRow
	Parts           []scopePart
	Sensitivity     []scopePart
	Places          []placeRow
	Patients        []scopePatient
	Unresolved      []scopeText
	Next            string
	// More is how many patients the page to print leaves out.
	More  uint64
	Print bool
	// Judged says that detectors judged it: reasons are shown then.
	Judged bool
}

type scopePart struct {
	Name              string
	Reports, Patients uint64
	First, Last       *moment
}

type placeRow struct {
	Name     string
	Unknown  bool
	Patients uint64
	countsRow
}

type scopePatient struct {
	Patient                  person
	Also                     string
	Place, Data, Sensitivity string
	countsRow
}

type scopeText struct {
	Text string
	countsRow
}

func (c *Console) serveScopeForm(v *visit) error {
	return v.scopeForm(http.StatusOK, ask{Page: pageScope}, "", "")
}

func (v *visit) scopeForm(status int, a ask, why, fault string) error {
	return v.render(status, "scopeform", v.c.scopeFormOf(v, a, why, fault))
}

func (c *Console) scopeFormOf(v *visit, a ask, why, fault string) scopeFormPage {
	if stated := v.session.views.stated(); why == "" && len(stated) > 0 {
		why = stated[0]
	}
	return scopeFormPage{Scope: a.Scope, Filter: c.filterOf(a), Last: why, Fault: fault, Saved: viewMenu{Page: pageScope}}
}

// askScope reads the builder and goes to the answer.
func (c *Console) askScope(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	a, why, err := c.scopeForm(v)
	if err != nil {
		return err
	}
	if !a.enough() {
		return v.scopeForm(http.StatusUnprocessableEntity, a, why.text, "Name a reader, an account, a workstation, an object or an alert, or both a first and a last day.")
	}
	if fault := purposeFault(why.text); fault != "" {
		return v.scopeForm(http.StatusUnprocessableEntity, a, why.text, fault)
	}
	handle, err := v.session.views.open(a, why)
	if err != nil {
		return err
	}
	v.redirect("/" + pageScope + "/" + handle)
	return nil
}

// counted is what the builder says while it is filled in.
type counted struct {
	Text, Sum string
	Fault     bool
}

// countScope counts what the builder holds so far. It is a question like any other, and journaled.
func (c *Console) countScope(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	a, why, err := c.scopeForm(v)
	var n counted
	switch {
	case err != nil:
		n = counted{Text: v.explain(err).Advice, Fault: true}
	case !a.enough():
		n.Text = "Name a reader, an account, a workstation, an object or an alert, or both days."
	case purposeFault(why.text) != "":
		n.Text = "Say why you ask, and it is counted here."
	default:
		n = c.count(v, a, why.text)
	}
	return v.renderPart(http.StatusOK, "scopeform", "counted", n)
}

func (c *Console) count(v *visit, a ask, why string) counted {
	res, err := c.cfg.Scopes.BreachScope(v.r.Context(), connect.NewRequest(&v1.BreachScopeRequest{
		Query: scopeQuery(c.timed(a, v.now)), Purpose: why, AsOfUs: a.AsOf, TimeZone: a.Zone, Page: &v1.Page{Size: 1},
	}))
	switch {
	case err != nil:
		return counted{Text: v.explain(err).Advice, Fault: true}
	case len(res.Msg.Candidates) > 0:
		return counted{Text: fmt.Sprintf("This value names %d readers: the scope asks which one is meant.", len(res.Msg.Candidates))}
	}
	t := res.Msg.Totals
	text := count(t.GetPatients(), "patient", "patients")
	if n := t.GetUnresolved(); n > 0 {
		text += " and " + number(n) + " without an identifier"
	}
	return counted{Text: text + ", " + count(t.GetEvents(), "event", "events"), Sum: countsOf(clock{c.cfg.TimeZone}, t.GetCounts(), nil).Sum()}
}

// askBreach asks for a page of a view's scope.
func (c *Console) askBreach(v *visit, x view, q *v1.ScopeQuery, page *v1.Page) (*v1.BreachScopeResponse, error) {
	m := &v1.BreachScopeRequest{Query: q, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, AsOfPosition: x.ask.Scope.Position, TimeZone: x.ask.Zone, Page: page}
	if m.AsOfPosition != 0 {
		m.AsOfUs = 0
	}
	res, err := c.cfg.Scopes.BreachScope(v.r.Context(), connect.NewRequest(m))
	if err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	return res.Msg, nil
}

// serveScope answers what the scope of a breach is: everything on the first page, only patients on the later ones.
func (c *Console) serveScope(v *visit) error {
	x, done, err := v.opened(pageScope)
	if done || err != nil {
		return err
	}
	q := scopeQuery(x.ask)
	after := v.r.URL.Query().Get("after")
	m, err := c.askBreach(v, x, q, &v1.Page{Size: rowsAPage, Token: after})
	if connect.CodeOf(err) == connect.CodeInvalidArgument && err != nil && !v.partial() {
		return v.scopeForm(http.StatusBadRequest, x.ask, x.purpose.text, v.explain(err).Advice)
	}
	if err != nil {
		return err
	}
	page := c.scopePageOf(v, x, m)
	page.First = after == ""
	if m.NextPageToken != "" {
		page.Next = "/" + pageScope + "/" + x.handle + "?after=" + m.NextPageToken
	}
	if v.partial() {
		return v.renderPart(http.StatusOK, "scope", "patients", page)
	}
	return v.render(http.StatusOK, "scope", page)
}

// servePrint is the whole scope on one page, for paper.
func (c *Console) servePrint(v *visit) error {
	x, done, err := v.opened(pageScope)
	if done || err != nil {
		return err
	}
	q := scopeQuery(x.ask)
	var page scopePage
	token := ""
	for n := range printedPatients / largestPage {
		m, err := c.askBreach(v, x, q, &v1.Page{Size: largestPage, Token: token})
		if err != nil {
			return err
		}
		next := c.scopePageOf(v, x, m)
		if n == 0 {
			page = next
		} else {
			page.Patients = append(page.Patients, next.Patients...)
		}
		if token = m.NextPageToken; token == "" {
			break
		}
		q = m.Query // as it was understood: a later version of an alert is another question
	}
	if n := page.Totals.GetPatients(); n > uint64(len(page.Patients)) {
		page.More = n - uint64(len(page.Patients))
	}
	page.First, page.Print = true, true
	return v.render(http.StatusOK, "scope", page)
}

func (c *Console) scopePageOf(v *visit, x view, m *v1.BreachScopeResponse) scopePage {
	at, links := c.clockOf(m.Header), linker{v, x.purpose}
	page := scopePage{
		scopeFormPage: c.scopeFormOf(v, x.ask, x.purpose.text, ""), Handle: x.handle, Purpose: x.purpose.text, Said: x.ask.Scope.said(c.filterOf(x.ask)),
		Basis: c.basisOf(m.Header), Position: fmt.Sprint(m.GetHeader().GetPosition()), SHA256: hex.EncodeToString(m.Sha256),
		Followed: followedOf(m.Identifiers), Totals: m.Totals, Counts: countsOf(at, m.Totals.GetCounts(), m.Verdicts),
		Parts: scopeParts(at, m.Parts), Sensitivity: scopeParts(at, m.Sensitivity),
	}
	for _, n := range m.Candidates {
		to := x.ask
		if to.Scope.Account != "" {
			to.Scope.Account = id(n.Identifier)
		} else {
			to.Scope.Reader = id(n.Identifier)
		}
		page.Candidates = append(page.Candidates, candidate{ID: id(n.Identifier), Text: n.Text, Path: links.to(to), Events: n.Events})
	}
	for _, j := range m.Jurisdictions {
		page.Places = append(page.Places, placeRow{joined(j.State, j.Country), j.Country == "" && j.State == "", j.Patients, countsOf(at, j.Counts, j.Verdicts)})
	}
	page.Saved = x.menu()
	page.Judged = page.Counts.Reasons != "" || len(m.Patients) > 0 && m.Patients[0].Verdicts != nil
	for _, p := range m.Patients {
		page.Patients = append(page.Patients, links.scopePatient(at, p))
	}
	for _, u := range m.Unresolved {
		page.Unresolved = append(page.Unresolved, scopeText{u.Text, countsOf(at, u.Counts, u.Verdicts)})
	}
	return page
}

func (l linker) scopePatient(at clock, p *v1.ScopePatient) scopePatient {
	row := scopePatient{
		Place: joined(p.State, p.Country), Data: partsWord(p.Parts), Sensitivity: partsWord(p.Sensitivity), countsRow: countsOf(at, p.Counts, p.Verdicts),
	}
	// The number of the house is what people know; the others are told beside it.
	shown := chosen(p.Identifiers)
	row.Patient = l.called(pageRecords, "", shown)
	for _, i := range p.Identifiers {
		if i != shown {
			row.Also = joined(row.Also, i.Value)
		}
	}
	return row
}

func scopeParts(at clock, list []*v1.ScopePart) []scopePart {
	out := make([]scopePart, len(list))
	for i, p := range list {
		out[i] = scopePart{p.Name, p.Reports, p.Patients, at.at(p.FirstUs), at.at(p.LastUs)}
	}
	return out
}
