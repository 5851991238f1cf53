package config

import (
	"context"
	"fmt"
	"io"
)

// Loader loads the configuration that a command was told to use.
type Loader func() (*Config, error)

// Command is `readtrail config`.
type Command struct {
	Check   CheckCommand   `cmd:"" help:"Say what is wrong with the configuration."`
	Example ExampleCommand `cmd:"" help:"Print a configuration that documents every key with its default."`
}

// CheckCommand is `readtrail config check`.
type CheckCommand struct{}

// Run loads the configuration, looks at what it names, and says where things would be; every fault is in the error.
func (CheckCommand) Run(ctx context.Context, w io.Writer, load Loader) error {
	cfg, err := load()
	if cfg == nil {
		return err
	}
	switch found := cfg.Check(ctx); {
	case err != nil && found != nil:
		return fmt.Errorf("%w\n%w", err, found)
	case err != nil:
		return err
	case found != nil:
		return fmt.Errorf("config is not valid:\n%w", found)
	}
	fmt.Fprintf(w, "The configuration is valid. Data live in %s; the server listens on %s and %s.\n",
		cfg.DataDir, cfg.Listen.HTTP, cfg.Listen.Socket)
	if running, ok, _ := cfg.running(); ok {
		fmt.Fprintf(w, "One runs there (pid %d).\n", running.PID)
	}
	return nil
}

// ExampleCommand is `readtrail config example`.
type ExampleCommand struct{}

// Run prints the documented configuration.
func (ExampleCommand) Run(w io.Writer) error {
	_, err := io.WriteString(w, Example)
	return err //nolint:wrapcheck // nothing to add
}
