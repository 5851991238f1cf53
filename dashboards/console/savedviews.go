package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	timing "github.com/readtrail/readtrail/proto/views"
)

// Saved views: a page's conditions under a name. A form that saves names the page's handle or its address, never what stands behind it; the
// list and the menu link by handles too, so no address and no form holds whom a view is about.

// viewMenu is what a page has of saved views.
type viewMenu struct {
	// Page is the page's name in addresses; empty: the role has no views, or the page has nothing to save.
	Page string
	// Handle or Back is what is saved: the handle of the page, or the query of its address.
	Handle, Back string
	// Savable is false for a form that nothing was asked with.
	Savable bool
}

// savedPage is the list of saved views.
type savedPage struct {
	Tabs  []tab
	Views []savedLine
	// Position and Question are what the list rests on, and under which question it is journaled.
	Position, Question string
	Said               *said
	None               string
}

type savedLine struct {
	Path, Name, Page, Owner, Window string
	Mine, Shared, MayDelete         bool
	Version                         uint32
	Changed                         *moment
	// Action is where its forms go.
	Action string
}

// viewPages are the pages that views are of, in the order of the list's tabs; code is what addresses call them.
var viewPages = []struct {
	page       v1.ViewPage
	code, name string
}{
	{v1.ViewPage_VIEW_PAGE_ALERTS, pageAlerts, "Alerts"},
	{v1.ViewPage_VIEW_PAGE_CASES, pageCases, "Cases"},
	{v1.ViewPage_VIEW_PAGE_RECORD, pageRecords, "Records"},
	{v1.ViewPage_VIEW_PAGE_READER, pageReaders, "Readers"},
	{v1.ViewPage_VIEW_PAGE_SEARCH, pageAccesses, "Search"},
	{v1.ViewPage_VIEW_PAGE_SCOPE, pageScope, "Breach scopes"},
}

func viewPageOf(code string) v1.ViewPage {
	for _, p := range viewPages {
		if p.code == code {
			return p.page
		}
	}
	return v1.ViewPage_VIEW_PAGE_UNSPECIFIED
}

func viewPageName(page v1.ViewPage) string {
	for _, p := range viewPages {
		if p.page == page {
			return p.name
		}
	}
	return ""
}

// menu is what a page with a handle has of saved views.
func (x view) menu() viewMenu {
	if x.ask.question() == nil {
		return viewMenu{}
	}
	return viewMenu{Page: x.ask.Page, Handle: x.handle, Savable: true}
}

// menuOf is what a page without a handle has of them.
func (v *visit) menuOf(page, back string) viewMenu {
	if !v.session.caller.MayAsk() {
		return viewMenu{}
	}
	return viewMenu{Page: page, Back: back, Savable: true}
}

// savedViews asks which views of a page there are; of none: all.
func (v *visit) savedViews(page v1.ViewPage) (*v1.ListViewsResponse, error) {
	res, err := v.c.cfg.Views.ListViews(v.r.Context(), connect.NewRequest(&v1.ListViewsRequest{Page: page}))
	if err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	return res.Msg, nil
}

// serveViews is the list.
func (c *Console) serveViews(v *visit) error { return v.viewsList(http.StatusOK, nil) }

func (v *visit) viewsList(status int, told *said) error {
	code := v.r.URL.Query().Get("page")
	m, err := v.savedViews(viewPageOf(code))
	if err != nil {
		return err
	}
	at := v.c.clockOf(m.Header)
	page := savedPage{Position: fmt.Sprint(m.GetHeader().GetPosition()), Question: m.GetHeader().GetQuestionId(), Said: told, None: "No saved views here. A page that can be saved has a menu for it."}
	if page.Said == nil {
		page.Said = v.told()
	}
	page.Tabs = []tab{{"All", "/views", viewPageOf(code) == 0}}
	for _, p := range viewPages {
		page.Tabs = append(page.Tabs, tab{p.name, "/views?page=" + p.code, p.code == code})
	}
	for _, r := range m.Views {
		path := v.viewPath(r)
		page.Views = append(page.Views, savedLine{
			Path: path, Action: path, Name: r.Name, Page: viewPageName(r.Page), Owner: r.Owner, Window: v.c.windowWord(r.Window), Mine: r.Mine, Shared: r.Shared,
			MayDelete: r.Mine || mayJudge(v.session.caller), Version: r.Version, Changed: at.at(r.ChangedUs),
		})
	}
	return v.render(status, "views", page)
}

// serveViewsMenu is the list as a page's menu has it.
func (c *Console) serveViewsMenu(v *visit) error {
	m, err := v.savedViews(viewPageOf(v.r.URL.Query().Get("page")))
	if err != nil {
		return err
	}
	var lines []savedLine
	for _, r := range m.Views {
		lines = append(lines, savedLine{Path: v.viewPath(r), Name: r.Name, Owner: r.Owner, Window: c.windowWord(r.Window), Mine: r.Mine, Shared: r.Shared})
	}
	return v.renderPart(http.StatusOK, "views", "menu-list", lines)
}

// viewPath is the address of a view: a handle, because its id would tell a history which view it was.
func (v *visit) viewPath(r *v1.ViewRow) string {
	return linker{v, purpose{}}.to(ask{Page: pageViews, Subject: r.ViewId, Needed: r.PurposeNeeded})
}

// windowWord is a window in words; empty: all times.
func (c *Console) windowWord(w *v1.ViewWindow) string {
	f := c.filterOf(ask{From: w.GetFromUs(), Until: w.GetUntilUs()})
	switch n := w.GetLastDays(); {
	case n > 0:
		return lastDaysWord(n)
	case f.From != "" && f.Until != "":
		return f.From + " to " + f.Until
	case f.From != "":
		return "since " + f.From
	case f.Until != "":
		return "until " + f.Until
	}
	return ""
}

// serveView opens a view: its page asks what it asks, with its times as of now.
func (c *Console) serveView(v *visit) error {
	x, ok := v.session.views.find(pageViews, v.r.PathValue("handle"))
	switch {
	case !ok:
		return errNoView
	case x.ask.Needed && !x.purpose.holds(v.now):
		x.ask.Subject = "" // an id says nothing to people
		return v.askPurpose(http.StatusOK, x, "")
	case !x.purpose.holds(v.now):
		x.purpose = purpose{}
	}
	res, err := c.cfg.Views.GetView(v.r.Context(), connect.NewRequest(&v1.GetViewRequest{View: x.ask.Subject, Purpose: x.purpose.text}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	switch res.Msg.GetQuestion().GetPage().(type) {
	case *v1.ViewQuestion_Alerts:
		a, ok := queueAskOf(res.Msg)
		if !ok {
			return errNotHere
		}
		v.redirect(a.path("/" + pageAlerts))
		return nil
	case *v1.ViewQuestion_Cases:
		show, ok := caseShowOf(res.Msg.GetQuestion().GetCases())
		if !ok {
			return errNotHere
		}
		v.redirect(strings.TrimSuffix("/"+pageCases+"?show="+show, "?show="))
		return nil
	}
	to, ok := askOf(res.Msg.GetQuestion())
	if !ok {
		return errNotHere
	}
	v.redirect(linker{v, x.purpose}.to(to))
	return nil
}

// saveView keeps what a page asks under a name.
func (c *Console) saveView(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	form := v.r.PostForm
	code := form.Get("of")
	var q *v1.ViewQuestion
	switch code {
	case pageAlerts, pageCases:
		back, err := url.ParseQuery(form.Get("back"))
		if err != nil {
			back = nil
		}
		q = queueOf(back).question(c.cfg.TimeZone)
		if code == pageCases {
			q = &v1.ViewQuestion{Page: &v1.ViewQuestion_Cases{Cases: caseView(back.Get("show"))}}
		}
	default:
		x, ok := v.session.views.find(code, form.Get("handle"))
		if ok {
			q = x.ask.question()
		}
	}
	if q == nil {
		return errNoView
	}
	_, err := c.cfg.Casework.SaveView(v.r.Context(), connect.NewRequest(&v1.SaveViewRequest{Name: strings.TrimSpace(form.Get("name")), Shared: form.Has("shared"), Question: q}))
	return v.viewsAfter(err, "Saved.", code)
}

// changeView renames, shares or deletes a view.
func (c *Console) changeView(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageViews, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	form := v.r.PostForm
	var version uint32
	if _, err := fmt.Sscan(form.Get("version"), &version); err != nil {
		return refusal{http.StatusUnprocessableEntity, "The form was not understood", "Go back to the list of saved views, and try again."}
	}
	if form.Has("delete") {
		_, err := c.cfg.Casework.DeleteView(v.r.Context(), connect.NewRequest(&v1.DeleteViewRequest{View: x.ask.Subject, Version: version}))
		return v.viewsAfter(err, "Deleted.", "")
	}
	_, err := c.cfg.Casework.SaveView(v.r.Context(), connect.NewRequest(&v1.SaveViewRequest{
		View: x.ask.Subject, Version: version, Name: strings.TrimSpace(form.Get("name")), Shared: form.Has("shared"),
	}))
	return v.viewsAfter(err, "Changed.", "")
}

// viewsAfter goes to the list, which says what became of a command.
func (v *visit) viewsAfter(err error, done, code string) error {
	told := said{Text: done}
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeAlreadyExists, connect.CodeFailedPrecondition, connect.CodeAborted, connect.CodeNotFound, connect.CodePermissionDenied:
		if err != nil {
			told = said{Text: v.explain(err).Advice, Fault: true}
		}
	default:
		if err != nil {
			return err
		}
	}
	v.tell(strings.TrimSuffix("/views?page="+code, "?page="), told)
	return nil
}

// lastDaysWord names a window that goes with the day.
func lastDaysWord(n uint32) string {
	if n == 1 {
		return "today"
	}
	return "the last " + count(uint64(n), "day", "days")
}

// lastDaysChoices are the windows that go with the day; the first is a fixed one.
func lastDaysChoices(chosen uint32) []choice {
	out := []choice{{Value: "", Name: "between these days", Chosen: chosen == 0}}
	known := chosen == 0
	for _, n := range []uint32{1, 7, 30, 90, 365} {
		known = known || n == chosen
		out = append(out, choice{fmt.Sprint(n), lastDaysWord(n), n == chosen})
	}
	if !known {
		out = append(out, choice{fmt.Sprint(chosen), lastDaysWord(chosen), true})
	}
	return out
}

// lastDaysOf reads one of them.
func lastDaysOf(text string) uint32 {
	var n uint32
	if _, err := fmt.Sscan(text, &n); err != nil || n > timing.MaxDays {
		return 0
	}
	return n
}
