package console

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/readtrail/readtrail/proto"
)

const (
	// maxForm bounds a form: its largest field is a subject of 2,000 bytes, and browsers triple what they encode.
	maxForm = 64 << 10
	// policy lets a page load its own style, script and pictures, post to itself, and nothing else.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
)

// guard is what every request to the console passes, whatever its page.
func (c *Console) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		if c.cfg.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !c.knowsHost(r.Host) {
			http.Error(w, "this server is not known by that name; see console.url", http.StatusMisdirectedRequest)
			return
		}
		if err := c.csrf.Check(r); err != nil {
			c.log.WarnContext(r.Context(), "request of another origin refused")
			http.Error(w, "this request came from another site", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// knowsHost compares names without ports: a forwarded port is fine, a name that somebody else resolves is not.
func (c *Console) knowsHost(host string) bool {
	if len(c.cfg.Hosts) == 0 {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return slices.ContainsFunc(c.cfg.Hosts, func(known string) bool { return strings.EqualFold(known, host) })
}

// visit is one request to a page.
type visit struct {
	c       *Console
	w       http.ResponseWriter
	r       *http.Request
	session *session // nil where none is needed
	now     time.Time
	status  int
}

// partial reports whether a script asks for a part of a page.
func (v *visit) partial() bool { return v.r.Header.Get("Hx-Request") == "true" }

// handle lets a request to its page when the session's role may see it.
func (c *Console) handle(p page) http.HandlerFunc {
	_, name, _ := strings.Cut(p.pattern, " ")
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r, now: c.cfg.Now(), status: http.StatusOK}
		started := time.Now()
		defer func() {
			c.metrics.requests.WithLabelValues(name, strconv.Itoa(v.status)).Observe(time.Since(started).Seconds())
		}()
		if p.may != nil {
			v.session = c.sessions.find(c.sessionID(r), !p.quiet)
			if v.session == nil {
				v.turnAway(p)
				return
			}
			if !p.may(v.elevated()) {
				v.fail(v.forbidden())
				return
			}
			ctx := proto.WithGlass(r.Context(), v.session.glass(v.now).id)
			v.r = r.WithContext(proto.WithCaller(ctx, v.session.caller))
		}
		if err := p.serve(v); err != nil {
			v.fail(err)
		}
	}
}

// turnAway sends a browser without a session to the door. A link in a mail or on another site arrives without the
// cookie, for it is bound to this site: asking once more from here brings it along.
// What was typed is kept for whoever signs in again.
func (v *visit) turnAway(p page) {
	door := "/sign-in"
	if v.keepUnsent(p) {
		door += "?kept=1"
	} else if p.typed && !v.partial() && v.c.sessionID(v.r) != "" && written(v.r.PostForm) {
		at := v.c.door("")
		at.Typed = lostOf(v.r.PostForm)
		_ = v.render(http.StatusUnauthorized, "sign-in", at)
		return
	}
	switch {
	case v.partial():
		v.w.Header().Set("Hx-Redirect", door)
		v.plain(http.StatusUnauthorized, "your session has ended: sign in again")
	case v.r.Method != http.MethodGet && v.r.Method != http.MethodHead:
		v.redirect(door)
	case v.r.Header.Get("Sec-Fetch-Site") == "cross-site":
		v.status = http.StatusOK
		_ = v.render(http.StatusOK, "again", againPage{Path: localPath(v.r.URL.Path)})
	default:
		v.redirect("/sign-in")
	}
}

type againPage struct{ Path string }

// localPath is a path of this site and nothing else: no scheme, no host, nothing that a browser takes for one.
func localPath(path string) string {
	if len(path) == 0 || path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// tell goes to a page, which says what became of a command. No other page does: a second one that is open may ask before it.
func (v *visit) tell(path string, s said) {
	v.session.views.say(path, s)
	v.redirect(path)
}

// told is what the page has to say of a command that led to it; nil: nothing.
func (v *visit) told() *said {
	if v.partial() {
		return nil // a part that is asked for by itself is of a page that was there before
	}
	return v.session.views.takeSaid(v.r.URL.Path)
}

func (v *visit) redirect(path string) {
	v.status = http.StatusSeeOther
	http.Redirect(v.w, v.r, localPath(path), http.StatusSeeOther)
}

func (v *visit) plain(status int, text string) {
	v.status = status
	http.Error(v.w, text, status)
}

// form parses what was posted.
func (v *visit) form() error {
	if err := v.r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return refusal{http.StatusRequestEntityTooLarge, "That is too much text", "Shorten what you typed."}
		}
		return refusal{http.StatusBadRequest, "The form could not be read", "Go back and try again."}
	}
	return nil
}

// failed says what went wrong, and logs it where it is the server's own.
func (v *visit) failed(err error) refusal {
	why := v.explain(err)
	if why.status >= http.StatusInternalServerError {
		v.c.log.WarnContext(v.r.Context(), "page failed", slog.String("page", v.r.Pattern), slog.Int("status", why.status))
	}
	return why
}

// fail shows what went wrong, and what can be done.
func (v *visit) fail(err error) {
	why := v.failed(err)
	if why.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "5")
	}
	if v.partial() {
		// What the script asked for is put where it says.
		part := map[string]string{"queue": "block", "counted": "inline", "more": "inline"}[v.r.Header.Get("Hx-Target")]
		if part == "" {
			part = "part"
		}
		_ = v.renderPart(why.status, "error", part, why)
		return
	}
	_ = v.render(why.status, "error", why)
}
