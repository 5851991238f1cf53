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
}

func (c *Console) door(fault string) signInPage {
	p := signInPage{Links: c.links.valid > 0, Fault: fault}
	if issuer, err := url.Parse(c.cfg.Provider.Issuer); err == nil {
		p.Provider = issuer.Host
	}
	return p
}

func (c *Console) serveSignIn(v *visit) error {
	return v.render(http.StatusOK, "sign-in", c.door(""))
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
	if err := c.begin(v, who); err != nil {
		return err
	}
	v.redirect("/")
	return nil
}

// begin begins a session for who has proven to be somebody, whichever way.
func (c *Console) begin(v *visit, who identity) error {
	id, err := c.sessions.begin(who, c.sessionID(v.r))
	if err != nil {
		return err
	}
	c.setCookie(v.w, v.r, id)
	c.metrics.signIns.WithLabelValues(who.way, "accepted").Inc()
	c.log.InfoContext(v.r.Context(), "signed in", slog.String("way", who.way), slog.String("role", who.caller.Role))
	return nil
}

func (c *Console) signOut(v *visit) error {
	c.sessions.end(c.sessionID(v.r))
	c.setCookie(v.w, v.r, "")
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	v.redirect("/sign-in")
	return nil
}
