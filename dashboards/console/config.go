package console

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Config is what the console is made of.
type Config struct {
	// Disabled serves no page and makes no link.
	Disabled bool
	// Questions answers everything that the console shows. Each call carries the session's caller in its context. Required.
	Questions readtrailv1connect.QueryServiceHandler
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
	if c.Questions == nil {
		faults = append(faults, errors.New("console: questions are required"))
	}
	for name, d := range map[string]time.Duration{"link valid": c.LinkValid, "session idle": c.SessionIdle, "session max": c.SessionMax} {
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
