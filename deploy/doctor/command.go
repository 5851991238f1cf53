package doctor

import (
	"context"
	"io"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/projections/embedded"
)

// Command is `readtrail doctor`.
type Command struct {
	JSON bool `help:"Write the findings as JSON."`
}

// Run examines the installation and reports.
func (c Command) Run(ctx context.Context, load config.Loader, conn *cli.Connection, w io.Writer) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	findings := Examine(ctx, Config{
		Config: cfg, HTTP: conn.HTTP, Base: conn.Base,
		Library:  func() (string, error) { return embedded.FindLibrary(cfg.ClickHouse.Library) },
		Confined: embedded.Confined,
	})
	return Report(w, findings, c.JSON)
}
