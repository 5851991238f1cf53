package console

import (
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// accessesPage searches accesses by object, place, source and time.
type accessesPage struct {
	listPage
	Search search
	// Said are the conditions in words.
	Said  []string
	Last  string
	Fault string
	// Asked is false for the empty form.
	Asked bool
}

type choice struct {
	Value, Name string
	Chosen      bool
}

func actionChoices(chosen int32) []choice {
	out := []choice{{Value: "0", Name: "any"}}
	for n := int32(1); n < int32(len(v1.Action_name)); n++ {
		out = append(out, choice{strconv.Itoa(int(n)), actionWord(v1.Action(n)), n == chosen})
	}
	return out
}

// said writes conditions as a sentence's parts.
func (s search) said() []string {
	var out []string
	for _, c := range []struct{ name, text string }{
		{"object", s.Object},
		{"type of object", s.ObjectType},
		{"name or title with", s.Text},
		{"site", s.Site},
		{"workstation", s.Workstation},
		{"network address", s.NetworkAddress},
		{"source", s.Source},
		{"action", actionWord(v1.Action(s.Action))},
	} {
		if c.text != "" {
			out = append(out, c.name+" "+c.text)
		}
	}
	if s.Reason > 0 {
		out = append(out, "reason: "+reasonNames[s.Reason])
	}
	for _, c := range []struct {
		yes  bool
		text string
	}{{s.BreakGlass, "by break-glass"}, {s.Patientless, "without a patient"}, {s.Unresolved, "with an unresolved patient"}} {
		if c.yes {
			out = append(out, c.text)
		}
	}
	return out
}

// timesSaid is a period that goes with the day as a sentence's part; the fixed one stands in the form.
func timesSaid(f filter) []string {
	if f.Last == "" {
		return nil
	}
	return []string{"of " + f.Last}
}

// withoutReason are the conditions of which the API wants one at least.
func (s search) withoutReason() search {
	s.Reason = 0
	return s
}

// formAction is the action that a form chose; 0 is any.
func formAction(v *visit) int32 {
	n, err := strconv.ParseInt(v.r.PostForm.Get("action"), 10, 32)
	if err != nil || n < 0 || n >= int64(len(v1.Action_name)) {
		return 0
	}
	return int32(n)
}

// serveSearch is the empty form.
func (c *Console) serveSearch(v *visit) error {
	return v.searchForm(http.StatusOK, ask{Page: pageAccesses}, "", "")
}

func (v *visit) searchForm(status int, a ask, why, fault string) error {
	stated := v.session.views.stated()
	if why == "" && len(stated) > 0 {
		why = stated[0]
	}
	return v.render(status, "accesses", accessesPage{
		listPage: listPage{
			Page: pageAccesses, Saved: viewMenu{Page: pageAccesses}, Filter: v.c.filterOf(a), Actions: actionChoices(a.Search.Action), Reasons: reasonChoices(a.Search.Reason),
		},
		Search: a.Search, Last: why, Fault: fault,
	})
}

// search reads the form and goes to the answer.
func (c *Console) search(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	a := ask{Page: pageAccesses, Search: search{
		Object: get("object"), ObjectType: get("object_type"), Site: get("site"), Workstation: get("workstation"),
		NetworkAddress: get("network_address"), Source: get("source"), Text: get("text"), Action: formAction(v), Reason: formReason(v),
		BreakGlass: get("break_glass") != "", Patientless: get("patientless") != "", Unresolved: get("unresolved") != "",
	}}
	why := purpose{get("purpose"), v.now}
	if a.Search.withoutReason() == (search{}) {
		return v.searchForm(http.StatusUnprocessableEntity, a, why.text, "Name at least one condition besides the time.")
	}
	if fault := purposeFault(why.text); fault != "" {
		return v.searchForm(http.StatusUnprocessableEntity, a, why.text, fault)
	}
	if err := c.period(v, &a); err != nil {
		return err
	}
	handle, err := v.session.views.open(a, why)
	if err != nil {
		return err
	}
	v.redirect("/" + pageAccesses + "/" + handle)
	return nil
}

func (c *Console) serveAccesses(v *visit) error {
	x, done, err := v.opened(pageAccesses)
	if done || err != nil {
		return err
	}
	after := v.r.URL.Query().Get("after")
	res, err := c.cfg.Questions.SearchAccesses(v.r.Context(), connect.NewRequest(searchRequest(x.ask, x.purpose.text, &v1.Page{Size: rowsAPage, Token: after})))
	if connect.CodeOf(err) == connect.CodeInvalidArgument && err != nil && !v.partial() {
		return v.searchForm(http.StatusBadRequest, x.ask, x.purpose.text, v.explain(err).Advice)
	}
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m, links, at := res.Msg, linker{v, x.purpose}, c.clockOf(res.Msg.Header)
	page := accessesPage{
		listPage: c.list(x, after, m.Header, links.rows(at, m.Accesses), m.NextPageToken), Search: x.ask.Search,
		Said: append(x.ask.Search.said(), timesSaid(c.filterOf(x.ask))...), Last: x.purpose.text, Asked: true,
	}
	page.What, page.Actions, page.Reasons = "accesses", actionChoices(x.ask.Search.Action), reasonChoices(x.ask.Search.Reason)
	if v.partial() {
		return v.renderPart(http.StatusOK, "accesses", "rows", page.listPage)
	}
	return v.render(http.StatusOK, "accesses", page)
}
