package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// signInPage is the door. The secret of a link comes in the fragment of the address, which browsers send to nobody; the
// script puts it into the form and wipes it from the address.
type signInPage struct {
	Links bool
	// Provider is the host of the identity provider, "" without one.
	Provider string
	Fault    string
	// Kept says that what was typed is kept; Typed is what was typed where it cannot be: after a restart nobody knows whose it is.
	Kept  bool
	Typed []choice
}

func (c *Console) door(fault string) signInPage {
	p := signInPage{Links: c.links.valid > 0, Fault: fault}
	if issuer, err := url.Parse(c.cfg.Provider.Issuer); err == nil {
		p.Provider = issuer.Host
	}
	return p
}

func (c *Console) serveSignIn(v *visit) error {
	page := c.door("")
	page.Kept = v.r.URL.Query().Has("kept")
	return v.render(http.StatusOK, "sign-in", page)
}

// useLink spends a link and begins a session.
func (c *Console) useLink(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	who, ok := c.links.use(strings.TrimSpace(v.r.PostForm.Get("secret")))
	if !ok {
		c.metrics.signIns.WithLabelValues("link", "refused").Inc()
		c.log.WarnContext(v.r.Context(), "sign-in refused", slog.String("way", "link"))
		return v.render(http.StatusForbidden, "sign-in", c.door("This link was used before, has expired, or is not one of this server."))
	}
	path, err := c.begin(v, who)
	if err != nil {
		return err
	}
	v.redirect(path)
	return nil
}

// begin begins a session for who has proven to be somebody, whichever way, and is the path of the page to begin with.
func (c *Console) begin(v *visit, who identity) (path string, err error) {
	id, err := c.sessions.begin(who, c.sessionID(v.r))
	if err != nil {
		return "", err
	}
	path = "/"
	if x := c.sessions.find(id, false); x != nil {
		if path, err = c.giveBack(x); err != nil {
			return "", err
		}
	}
	c.setCookie(v.w, v.r, id)
	c.metrics.signIns.WithLabelValues(who.way, "accepted").Inc()
	c.log.InfoContext(v.r.Context(), "signed in", slog.String("way", who.way), slog.String("role", who.caller.Role))
	return path, nil
}

func (c *Console) signOut(v *visit) error {
	c.sessions.end(c.sessionID(v.r))
	c.setCookie(v.w, v.r, "")
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	v.redirect("/sign-in")
	return nil
}
