package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Config is what the console is made of.
type Config struct {
	// Disabled serves no page and makes no link.
	Disabled bool
	// Questions answers everything that the console shows. Each call carries the session's caller in its context. Required.
	Questions readtrailv1connect.QueryServiceHandler
	// Alerts answers what detectors found, Cases what people investigate, Casework takes decisions, Scopes answers what a breach comes to; in
	// the same way. Required.
	Alerts   readtrailv1connect.AlertServiceHandler
	Cases    readtrailv1connect.CaseServiceHandler
	Casework readtrailv1connect.CaseworkServiceHandler
	Scopes   readtrailv1connect.ScopeServiceHandler
	// Glasses breaks the glass for a session, and lists broken ones for review. Required.
	Glasses readtrailv1connect.GlassServiceHandler
	// Views answers which questions people saved under a name, in the same way. Required.
	Views readtrailv1connect.ViewServiceHandler
	// Export writes every report of a scope, part by part, as ScopeService.ExportScope does. Required.
	Export func(ctx context.Context, m *v1.ExportScopeRequest, send func(*v1.ExportScopeResponse) error) error
	// Hosts are the names under which the console may be asked for, without ports. A page that was reached under any
	// other name is not shown: that is how DNS rebinding looks. Empty: any name, which only a TLS certificate makes safe.
	Hosts []string
	// Secure says that browsers reach the console over TLS: cookies are then for TLS only.
	Secure bool
	// LinkValid is how long a one-time link can be used. 0 makes no links.
	LinkValid time.Duration
	// Provider signs people in by OpenID Connect, beside links. Default: none.
	Provider Provider
	// SessionIdle ends a session that nobody uses. Default 30 minutes.
	SessionIdle time.Duration
	// SessionMax ends every session. Default 8 hours: a working day.
	SessionMax time.Duration
	// LiveEvery is how often the queue of alerts is looked at for a browser that shows it. Default 5 seconds.
	LiveEvery time.Duration
	// LiveMax ends a stream to a browser, which then asks for another. Default 10 minutes.
	LiveMax time.Duration
	// TimeZone is the site's, in which times without a zone are understood. Default UTC.
	TimeZone *time.Location
	// Now is the clock of sessions and links. Default time.Now.
	Now func() time.Time
	// Logger gets failures and sign-ins, never names. Default: discarded.
	Logger *slog.Logger
	// Registerer takes the metrics. Default: none.
	Registerer prometheus.Registerer
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	for _, need := range []struct {
		missing bool
		what    string
	}{
		{c.Questions == nil, "questions"},
		{c.Alerts == nil, "alerts"},
		{c.Cases == nil, "cases"},
		{c.Casework == nil, "casework"},
		{c.Scopes == nil, "scopes"},
		{c.Glasses == nil, "glasses"},
		{c.Views == nil, "views"},
		{c.Export == nil, "export"},
	} {
		if need.missing {
			faults = append(faults, fmt.Errorf("console: %s are required", need.what))
		}
	}
	for name, d := range map[string]time.Duration{
		"link valid": c.LinkValid, "session idle": c.SessionIdle, "session max": c.SessionMax,
		"live every": c.LiveEvery, "live max": c.LiveMax,
	} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("console: %s must not be negative", name))
		}
	}
	return errors.Join(append(faults, c.Provider.validate())...)
}

func (c Config) withDefaults() Config {
	c.Provider = c.Provider.withDefaults()
	if c.SessionIdle == 0 {
		c.SessionIdle = 30 * time.Minute
	}
	if c.SessionMax == 0 {
		c.SessionMax = 8 * time.Hour
	}
	if c.LiveEvery == 0 {
		c.LiveEvery = 5 * time.Second
	}
	if c.LiveMax == 0 {
		c.LiveMax = 10 * time.Minute
	}
	if c.TimeZone == nil {
		c.TimeZone = time.UTC
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
