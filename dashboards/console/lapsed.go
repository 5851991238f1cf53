package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// lapsedFor is how long what was typed in a session that ended by itself is kept for whoever typed it: a shift. It stays in the server's
	// memory; a browser keeps nothing but the worthless cookie of that session.
	lapsedFor = 8 * time.Hour
	// maxLapsed bounds sessions that ended, and so the forms that are kept, one a person: each form has at most maxForm bytes.
	maxLapsed = maxSessions
	// unsentAnswer is the handle of the page of questions, which has none.
	unsentAnswer = "questions"
)

// lapsed is what is left of a session that ended while its pages may still be open: whose it was, and which alerts and cases they are of.
type lapsed struct {
	who   string
	asks  map[string]ask
	until time.Time
}

// unsent is a form that was sent after its session had ended.
type unsent struct {
	ask   ask
	form  url.Values
	until time.Time
}

// worked are the alerts and cases that a session opened, by their handles.
func (v *views) worked() map[string]ask {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]ask{}
	for handle, e := range v.byHandle {
		if a := viewOf(e).ask; a.Page == pageAlerts || a.Page == pageCases {
			out[handle] = a
		}
	}
	return out
}

// lapse ends a session that nobody signed out of, and remembers whose it was; mu is held.
func (s *sessions) lapse(id digest) {
	x := s.byID[id]
	if x == nil {
		return
	}
	now := s.now()
	maps.DeleteFunc(s.lapsed, func(_ digest, l lapsed) bool { return !now.Before(l.until) })
	maps.DeleteFunc(s.unsent, func(_ string, u unsent) bool { return !now.Before(u.until) })
	if len(s.lapsed) >= maxLapsed {
		delete(s.lapsed, slices.MinFunc(slices.Collect(maps.Keys(s.lapsed)), func(a, b digest) int { return s.lapsed[a].until.Compare(s.lapsed[b].until) }))
	}
	s.lapsed[id] = lapsed{x.caller.Name, x.views.worked(), now.Add(lapsedFor)}
	s.drop(id)
}

// before are the alerts and cases that the session of an id opened, when it was the same person's; mu is held.
func (s *sessions) before(id digest, who string) map[string]ask {
	if x := s.byID[id]; x != nil && x.caller.Name == who {
		return x.views.worked()
	}
	if l, ok := s.lapsed[id]; ok && l.who == who && s.now().Before(l.until) {
		return l.asks
	}
	return nil
}

// keep keeps a form for whose session has ended, until they sign in again; false: it is not known whose that was, or of what the form is.
func (s *sessions) keep(id, handle string, form url.Values) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lapsed[digestOf(id)]
	if !ok || id == "" || len(id) > maxSecret || !s.now().Before(l.until) {
		return false
	}
	a, ok := l.asks[handle]
	if handle == unsentAnswer {
		a, ok = ask{Page: unsentAnswer}, true
	}
	if ok {
		s.unsent[l.who] = unsent{a, form, l.until}
	}
	return ok
}

// take gives back what was kept for somebody, once.
func (s *sessions) take(who string) (unsent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.unsent[who]
	delete(s.unsent, who)
	return u, ok && s.now().Before(u.until)
}

// typedForm is a form as it is kept: it says into which of the page's forms it was typed.
func typedForm(into string, form url.Values) url.Values {
	kept := maps.Clone(form)
	if into != "" {
		kept.Set("step", into)
	}
	return kept
}

// keepUnsent keeps what was posted to a page without a session; false: it cannot.
func (v *visit) keepUnsent(p page) bool {
	if !p.typed || v.form() != nil || !written(v.r.PostForm) {
		return false
	}
	handle := v.r.PathValue("handle")
	if handle == "" {
		handle = unsentAnswer
	}
	return v.c.sessions.keep(v.c.sessionID(v.r), handle, typedForm(p.into, v.r.PostForm))
}

// giveBack puts what somebody typed before their session ended into the new one, and is the path where it stands; "/" where there is nothing.
func (c *Console) giveBack(x *session) (path string, err error) {
	u, ok := c.sessions.take(x.caller.Name)
	switch {
	case !ok, u.ask.Page != unsentAnswer && !mayAsk(x.caller):
		return "/", nil
	case u.ask.Page == unsentAnswer:
		x.views.keepStep(unsentAnswer, u.form)
		path = "/" + unsentAnswer
	default:
		if path, err = x.views.reopen(u.ask, u.form); err != nil {
			return "", err
		}
	}
	x.views.say(path, saidUnsent(path))
	return path, nil
}

// reopen opens an alert or a case in this session, with what was typed in another.
func (v *views) reopen(a ask, form url.Values) (path string, err error) {
	handle, err := v.open(a, purpose{})
	if err != nil {
		return "", err
	}
	v.keepStep(handle, form)
	return "/" + a.Page + "/" + handle, nil
}

func saidUnsent(path string) said {
	return said{Text: "Your session had ended: what you typed was not journaled. It stands in its form.", Path: path, Name: "There", Fault: true}
}

// ofBefore takes a form of a page that was opened in the session before this one: what was typed stands on that page in this session.
func (v *visit) ofBefore(name, into string) error {
	a, ok := v.session.before[v.r.PathValue("handle")]
	if !ok || a.Page != name || !written(v.r.PostForm) {
		return errNoView
	}
	path, err := v.session.views.reopen(a, typedForm(into, v.r.PostForm))
	if err != nil {
		return err
	}
	v.session.views.say(path, saidUnsent(path))
	if v.partial() {
		v.w.Header().Set("Hx-Redirect", path)
		v.plain(http.StatusOK, "")
		return nil
	}
	v.redirect(path)
	return nil
}
