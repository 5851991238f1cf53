package console

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/proto"
)

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	cfg       Config
	log       *slog.Logger
	metrics   *metrics
	sessions  *sessions
	links     *links
	streams   *streams
	provider  *provider // nil without one
	templates map[string]*pageTemplate
	assets    map[string]*asset
	csrf      *http.CrossOriginProtection
	// mux serves; paths knows what the console serves under any method.
	mux, paths *http.ServeMux
	// base is the address that links begin with: a string, once the listener is open.
	base atomic.Value
}

// page is one line of the table of pages.
type page struct {
	// pattern is a method and a path, as http.ServeMux takes it.
	pattern string
	// may says which callers may see it; nil: anybody, without a session.
	may func(proto.Caller) bool
	// quiet pages are fetched by other pages on their own: they do not keep a session alive.
	quiet bool
	// typed pages take what people typed: it is kept when their session ended meanwhile. into is the form that it was typed into, where
	// the form does not say so itself.
	typed bool
	into  string
	serve func(*visit) error
}

// anyone is every role.
func anyone(c proto.Caller) bool { return c.Role != "" }

// signedIn is every role but that of respondents, who see what they are asked and no other page.
func signedIn(c proto.Caller) bool { return c.MayLook() }

// mayAsk is the roles that may see who people are.
func mayAsk(c proto.Caller) bool { return c.MayAsk() }

// pages is the table of pages: one more page is one more line, a file with its function, and a template.
func (c *Console) pages() []page {
	return []page{
		{pattern: "GET /assets/{name}", serve: c.serveAsset},
		{pattern: "GET /sign-in", serve: c.serveSignIn},
		{pattern: "POST /sign-in", serve: c.useLink},
		{pattern: "GET /sign-in/provider", serve: c.sendToProvider},
		{pattern: "GET /sign-in/callback", serve: c.backFromProvider},
		{pattern: "POST /sign-out", may: anyone, serve: c.signOut},
		{pattern: "GET /{$}", may: anyone, serve: c.serveHome},
		{pattern: "GET /questions", may: anyone, serve: c.serveQuestions},
		{pattern: "POST /questions", may: anyone, typed: true, into: "answer", serve: c.answerQuestion},
		{pattern: "GET /help", may: signedIn, serve: c.serveHelp},
		{pattern: "POST /ask", may: mayAsk, serve: c.ask},
		{pattern: "GET /find/{handle}", may: mayAsk, serve: c.serveFind},
		{pattern: "POST /purpose/{page}/{handle}", may: mayAsk, serve: c.statePurpose},
		{pattern: "GET /records/{handle}", may: mayAsk, serve: c.serveRecord},
		{pattern: "POST /records/{handle}", may: mayAsk, serve: c.refine},
		{pattern: "GET /readers/{handle}", may: mayAsk, serve: c.serveReader},
		{pattern: "POST /readers/{handle}", may: mayAsk, serve: c.refine},
		{pattern: "GET /profile/{handle}", may: mayAsk, serve: c.serveProfile},
		{pattern: "POST /profile/{handle}", may: mayAsk, serve: c.refine},
		{pattern: "GET /events/{handle}", may: mayAsk, serve: c.serveEvent},
		{pattern: "GET /events/{handle}/original", may: mayAsk, serve: c.serveOriginal},
		{pattern: "GET /accesses", may: mayAsk, serve: c.serveSearch},
		{pattern: "POST /accesses", may: mayAsk, serve: c.search},
		{pattern: "GET /accesses/{handle}", may: mayAsk, serve: c.serveAccesses},
		{pattern: "GET /alerts", may: signedIn, serve: c.serveQueue},
		{pattern: "POST /alerts", may: mayAsk, serve: c.nameQueue},
		{pattern: "GET /alerts/now", may: signedIn, quiet: true, serve: c.serveQueue},
		{pattern: "GET /alerts/live", may: signedIn, quiet: true, serve: c.serveLive},
		{pattern: "GET /alerts/{handle}", may: mayAsk, serve: c.serveAlert},
		{pattern: "POST /alerts/{handle}/decide", may: mayAsk, typed: true, into: "decide", serve: c.decide},
		{pattern: "POST /alerts/{handle}/release", may: mayAsk, serve: c.release},
		{pattern: "POST /alerts/{handle}/case", may: mayAsk, typed: true, into: "case", serve: c.caseOfAlert},
		{pattern: "GET /cases", may: signedIn, serve: c.serveCases},
		{pattern: "POST /cases", may: mayAsk, serve: c.nameCases},
		{pattern: "GET /cases/{handle}", may: mayAsk, serve: c.serveCase},
		{pattern: "POST /cases/{handle}/step", may: mayAsk, typed: true, serve: c.writeStep},
		{pattern: "GET /scope", may: mayAsk, serve: c.serveScopeForm},
		{pattern: "POST /scope", may: mayAsk, serve: c.askScope},
		{pattern: "POST /scope/count", may: mayAsk, serve: c.countScope},
		{pattern: "GET /scope/{handle}", may: mayAsk, serve: c.serveScope},
		{pattern: "GET /scope/{handle}/print", may: mayAsk, serve: c.servePrint},
		{pattern: "GET /scope/{handle}/export/{form}", may: mayAsk, serve: c.serveExport},
		{pattern: "POST /scope/{handle}/freeze", may: mayAsk, serve: c.freeze},
		{pattern: "POST /scope/{handle}/compare", may: mayAsk, serve: c.compare},
		{pattern: "GET /frozen/{handle}", may: mayAsk, serve: c.serveFrozen},
		{pattern: "POST /frozen", may: mayAsk, serve: c.askFrozen},
		{pattern: "GET /compare/{handle}", may: mayAsk, serve: c.serveComparison},
		{pattern: "GET /report", may: mayAsk, serve: c.serveReportForm},
		{pattern: "POST /report", may: mayAsk, serve: c.askReport},
		{pattern: "GET /report/{handle}", may: mayAsk, serve: c.serveReport},
		{pattern: "GET /glass", may: signedIn, serve: c.serveGlass},
		{pattern: "POST /glass", may: signedIn, serve: c.breakGlass},
		{pattern: "POST /glass/end", may: signedIn, serve: c.endGlass},
		{pattern: "POST /glass/review", may: mayReview, serve: c.reviewGlass},
		{pattern: "GET /views", may: mayAsk, serve: c.serveViews},
		{pattern: "GET /views/menu", may: mayAsk, serve: c.serveViewsMenu},
		{pattern: "POST /views", may: mayAsk, serve: c.saveView},
		{pattern: "GET /views/{handle}", may: mayAsk, serve: c.serveView},
		{pattern: "POST /views/{handle}", may: mayAsk, serve: c.changeView},
		{pattern: "GET /sources", may: signedIn, serve: c.serveSources},
		{pattern: "GET /dead-letters", may: signedIn, serve: c.serveDeadLetters},
		{pattern: "GET /dead-letters/{handle}", may: mayAsk, serve: c.serveDeadLetter},
		{pattern: "GET /dead-letters/{handle}/original", may: mayAsk, serve: c.serveDeadOriginal},
		{pattern: "GET /status", may: signedIn, serve: c.serveStatus},
		{pattern: "GET /status/progress", may: signedIn, quiet: true, serve: c.serveProgress},
	}
}

// New makes the console. It holds sessions, but owns no goroutine; Close ends the streams that browsers listen to.
func New(cfg Config) (*Console, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Console{
		cfg: cfg, log: cfg.Logger.With(slog.String("component", "console")), sessions: newSessions(cfg), streams: newStreams(),
		links: &links{valid: cfg.LinkValid, now: cfg.Now}, csrf: http.NewCrossOriginProtection(),
		mux: http.NewServeMux(), paths: http.NewServeMux(),
	}
	var err error
	if cfg.Provider.Issuer != "" {
		c.provider = &provider{cfg: cfg.Provider, now: cfg.Now}
		if c.provider.seal, err = newSealer(); err != nil {
			return nil, fmt.Errorf("make the console: %w", err)
		}
	}
	if c.metrics, err = newMetrics(cfg.Registerer, c.sessions.count); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if c.templates, err = loadTemplates(c.assets); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, p := range c.pages() {
		c.mux.HandleFunc(p.pattern, c.handle(p))
		if _, path, _ := strings.Cut(p.pattern, " "); !known[path] {
			known[path] = true
			c.paths.Handle(path, http.NotFoundHandler())
		}
	}
	return c, nil
}

// Close ends the streams to browsers, so that the listener need not wait for them. Pages are served as before.
func (c *Console) Close(context.Context) error {
	c.streams.close()
	return nil
}

// At says where browsers reach the console, such as "http://127.0.0.1:8470"; links are made from then on.
func (c *Console) At(base string) { c.base.Store(base) }

// Or serves the console's pages, and leaves every other path to next.
func (c *Console) Or(next http.Handler) http.Handler {
	if c.cfg.Disabled {
		return next
	}
	guarded := c.guard(c.mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := c.paths.Handler(r); pattern == "" {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// metrics of the console; labels name pages and codes, never people.
type metrics struct {
	requests *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, sessions func() int) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "readtrail_dashboards_console_seconds", Help: "Time to serve a page of the console, by page and status.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}, []string{"page", "code"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readtrail_dashboards_console_sign_ins_total", Help: "Attempts to sign in to the console, by way and result.",
		}, []string{"way", "result"}),
	}
	if r == nil {
		return m, nil
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "readtrail_dashboards_console_sessions", Help: "Sessions of the console that are held; some may have expired.",
	}, func() float64 { return float64(sessions()) })
	for _, collector := range []prometheus.Collector{m.requests, m.signIns, open} {
		if err := r.Register(collector); err != nil {
			return nil, err //nolint:wrapcheck // New says what failed
		}
	}
	return m, nil
}
