package console

import (
	"net/http"
	"strings"
)

// homePage is the search box, and what can be asked.
type homePage struct {
	Stated []string
	Last   string
	Fault  string
	Query  string
	Kinds  []kind
	// MayAsk is false for roles that see no names: they get no search box.
	MayAsk bool
}

// kind is what a text in the search box may be.
type kind struct {
	Code, Name string
	Chosen     bool
}

var kinds = []kind{
	{Code: "", Name: "Find out"},
	{Code: pageRecords, Name: "A record (MRN)"},
	{Code: pageReaders, Name: "A reader (user id)"},
	{Code: "workstation", Name: "A workstation"},
	{Code: "name", Name: "A name or title"},
	{Code: pageEvents, Name: "An event (id or position)"},
}

// serveHome is where a session begins: a respondent's with what they are asked.
func (c *Console) serveHome(v *visit) error {
	if !signedIn(v.session.caller) {
		v.redirect("/questions")
		return nil
	}
	return v.home(http.StatusOK, homePage{})
}

func (v *visit) home(status int, p homePage) error {
	p.Stated, p.MayAsk = v.session.views.stated(), v.mayAsk()
	if p.Last == "" && len(p.Stated) > 0 {
		p.Last = p.Stated[0]
	}
	if p.Kinds == nil {
		p.Kinds = kindsWith("")
	}
	return v.render(status, "home", p)
}

func kindsWith(chosen string) []kind {
	out := append([]kind(nil), kinds...)
	for i := range out {
		out[i].Chosen = out[i].Code == chosen
	}
	return out
}

func (c *Console) serveHelp(v *visit) error { return v.render(http.StatusOK, "help", nil) }

// maxSubject is the longest text that can designate anybody; the API takes no longer one.
const maxSubject = 2000

// ask takes what was typed into a search box to the page that answers it.
func (c *Console) ask(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	text, code := strings.TrimSpace(v.r.PostForm.Get("q")), v.r.PostForm.Get("kind")
	why := purpose{strings.TrimSpace(v.r.PostForm.Get("purpose")), v.now}
	again := homePage{Query: text, Kinds: kindsWith(code), Last: why.text}
	switch {
	case text == "":
		again.Fault = "Type what you are looking for."
	case len(text) > maxSubject:
		again.Query, again.Fault = "", "At most 2000 characters."
	case why.text != "":
		again.Fault = purposeFault(why.text)
	}
	if again.Fault != "" {
		return v.home(http.StatusUnprocessableEntity, again)
	}
	handle, err := v.session.views.open(understood(code, text), why)
	if err != nil {
		return err
	}
	a := understood(code, text)
	v.redirect("/" + a.Page + "/" + handle)
	return nil
}

// understood says which page a text is for: by what the asker chose, else by its shape, else it has to be found out.
func understood(code, text string) ask {
	switch code {
	case pageRecords, pageReaders, pageEvents:
		return ask{Page: code, Subject: text}
	case "workstation":
		return ask{Page: pageAccesses, Search: search{Workstation: text}}
	case "name":
		return ask{Page: pageAccesses, Search: search{Text: text}}
	}
	return byShape(text)
}

// ksuidLength is the length of an event id's text.
const ksuidLength = 27

// byShape knows what needs no asking: ids of events, and references that name their type.
func byShape(text string) ask {
	if len(text) == ksuidLength && strings.Trim(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" {
		return ask{Page: pageEvents, Subject: text}
	}
	reference := text
	if _, path, ok := strings.Cut(text, "://"); ok {
		reference = path
	}
	if base, _, ok := strings.Cut(reference, "?identifier="); ok {
		reference = base + "/"
	}
	parts := strings.Split(reference, "/")
	if n := len(parts); n >= 4 && parts[n-2] == "_history" {
		parts = parts[:n-2] // a version of a record is the record, whatever it is numbered
	}
	for i := len(parts) - 2; i >= 0; i-- {
		switch parts[i] {
		case "Patient":
			return ask{Page: pageRecords, Subject: text}
		case "Practitioner", "PractitionerRole", "Person", "RelatedPerson", "Device":
			return ask{Page: pageReaders, Subject: text}
		}
	}
	return ask{Page: pageFind, Subject: text}
}
