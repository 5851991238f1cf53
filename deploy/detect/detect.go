// Package detect brings detectors and journal together: neither imports the other.
package detect

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/live"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// asker is who journals rule sets that a configuration changed.
const asker = "os:readtrail"

// Config is what the detectors of an installation are opened with.
type Config struct {
	// Settings are the installation's, Journal what its detectors follow.
	Settings *config.Config
	Journal  *journal.Journal
	// AlertKey makes ids of alerts; see detectors.EngineConfig.
	AlertKey []byte
	// Zone is the site's.
	Zone    *time.Location
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
	// Watch begins to watch the journal judged again; nil: nobody does.
	Watch func() Watch
}

// Watch is told how judging the journal again gets on, in messages. It is called from one goroutine.
type Watch interface {
	Total(messages uint64)
	Done(messages uint64)
	End()
}

// Names are what the rule set of a configuration calls detectors and scenarios.
func Names(cfg *config.Config) (detectors, scenarios []string, err error) {
	rules, err := cfg.RuleSet(asker)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // says what failed
	}
	settings, err := ruleset.Parse(rules)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // says what failed
	}
	detectors, scenarios = settings.Names()
	return detectors, scenarios, nil
}

// Open prepares the detectors of an installation, and the handler that judges its journal again.
func Open(c Config) (*live.Runner, http.Handler, error) {
	cfg, jn := c.Settings, c.Journal
	rules, err := cfg.RuleSet(asker)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // says what failed
	}
	runner, err := live.New(live.Config{
		Engine: detectors.EngineConfig{
			Zone: c.Zone, Parse: ruleset.Parse, FreeText: freeText, Hands: cfg.Detectors.Hands(), AlertKey: c.AlertKey,
		},
		RuleSet: rules, Dir: filepath.Join(cfg.StateDir(), "detectors"), SnapshotEvery: cfg.Detectors.SnapshotInterval,
		Follow: func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
			return jn.FollowAs(ctx, "detectors", from, fn) //nolint:wrapcheck // says what failed
		},
		Head: jn.Head, Append: appendTo(jn), Clock: time.Now, Logger: c.Logger, Registerer: c.Metrics,
		Open: func(ctx context.Context) (live.Output, error) {
			out, err := jn.OpenOutput(ctx)
			return output{out}, err //nolint:wrapcheck // says what failed
		},
	})
	return runner, handler(c, rules), err //nolint:wrapcheck // says what failed
}

// freeText opens what was typed when the glass was broken. A text whose key was destroyed counts as none.
func freeText(b *proto.Batch, item int) *v1.FreeText {
	text, err := b.FreeText(item)
	if err != nil {
		return nil
	}
	return text
}

// appendTo journals what detectors propose.
func appendTo(jn *journal.Journal) func(context.Context, *v1.Item) error {
	return func(ctx context.Context, item *v1.Item) error {
		id, err := proto.ItemID(item)
		if err != nil {
			return fmt.Errorf("append: %w", err)
		}
		entry := ingest.Entry{Item: item, ID: id}
		if !id.IsZero() {
			entry.Content = proto.HashContent(id.Bytes()) // the id follows from the content
		}
		_, err = jn.Append(ctx, []ingest.Entry{entry}, ingest.Options{Reserved: true})
		return err //nolint:wrapcheck // says what failed
	}
}

// output is the journal's, in the words of detectors.
type output struct{ *journal.Output }

// Marks says how far both streams are.
func (o output) Marks() live.Marks {
	return live.Marks{Findings: mark(o.Findings()), Alerts: mark(o.Alerts())}
}

func mark(m journal.Mark) live.Mark {
	return live.Mark{Cause: m.Cause, Ordinal: m.Ordinal, Any: m.Sequence > 0}
}
