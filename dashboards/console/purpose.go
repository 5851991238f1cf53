package console

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pages with views, as they stand in addresses.
const (
	pageFind        = "find"
	pageRecords     = "records"
	pageReaders     = "readers"
	pageEvents      = "events"
	pageAccesses    = "accesses"
	pageDeadLetters = "dead-letters"
	pageAlerts      = "alerts"
	pageCases       = "cases"
	pageScope       = "scope"
	pageFrozen      = "frozen"
	pageCompare     = "compare"
	pageReport      = "report"
	pageProfile     = "profile"
	pageViews       = "views"
)

// maxPurpose is the longest purpose, in characters; the API takes no longer one.
const maxPurpose = 500

// purposePage asks why, before anybody's name is shown.
type purposePage struct {
	// Title is the question that waits.
	Title string
	// Subject is what it is about, as the asker wrote it.
	Subject string
	// Action is where the answer is sent.
	Action string
	// Last is the purpose to offer: the one stated for this view, else the last one stated.
	Last   string
	Stated []string
	Again  bool
	Fault  string
}

// titles of pages, as questions.
var titles = map[string]string{
	pageFind: "Find a person, a place or an event", pageRecords: "Who viewed this record?", pageReaders: "What did this reader do?",
	pageEvents: "One event, as it came", pageAccesses: "Accesses by object, place and time", pageDeadLetters: "One dead letter, as it came",
	pageAlerts: "One alert, as a colleague would tell it", pageCases: "One case: what is known, and what is due",
	pageScope: "What is the scope of this breach?", pageFrozen: "Scopes that were frozen",
	pageCompare: "What differs between two scopes?", pageReport: "Who looked at my data? For the patient",
	pageProfile: "How does this reader compare with their peers?", pageViews: "A view that somebody else saved",
}

// opened returns the view that an address names, once it is known why it is asked. Otherwise done is true: the asker was
// asked for the purpose, and the page has nothing left to do.
func (v *visit) opened(name string) (x view, done bool, err error) {
	x, ok := v.session.views.find(name, v.r.PathValue("handle"))
	if !ok {
		return view{}, true, errNoView
	}
	x.ask = v.c.timed(x.ask, v.now)
	if x.purpose.holds(v.now) {
		return x, false, nil
	}
	if v.partial() { // the rest of a list whose purpose ran out: the whole page asks again
		v.w.Header().Set("Hx-Redirect", "/"+name+"/"+x.handle)
		v.plain(http.StatusForbidden, "say again why you ask")
		return view{}, true, nil
	}
	return view{}, true, v.askPurpose(http.StatusOK, x, "")
}

func (v *visit) askPurpose(status int, x view, fault string) error {
	p := purposePage{
		Title: titles[x.ask.Page], Subject: x.ask.Subject, Action: "/purpose/" + x.ask.Page + "/" + x.handle,
		Last: x.purpose.text, Stated: v.session.views.stated(), Again: x.purpose.text != "", Fault: fault,
	}
	if p.Last == "" && len(p.Stated) > 0 {
		p.Last = p.Stated[0]
	}
	return v.render(status, "purpose", p)
}

// statePurpose notes why a view is asked for and goes there.
func (c *Console) statePurpose(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(v.r.PathValue("page"), v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	text := strings.TrimSpace(v.r.PostForm.Get("purpose"))
	if fault := purposeFault(text); fault != "" {
		return v.askPurpose(http.StatusUnprocessableEntity, x, fault)
	}
	v.session.views.state(x.handle, purpose{text, v.now})
	v.redirect("/" + x.ask.Page + "/" + x.handle)
	return nil
}

// purposeFault says what the API would refuse, before it is asked.
func purposeFault(text string) string {
	switch {
	case text == "":
		return "Say why you ask."
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "Plain text on one line only."
	case utf8.RuneCountInString(text) > maxPurpose:
		return "At most 500 characters."
	}
	return ""
}
