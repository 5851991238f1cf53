package config

import (
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

// Run loads the configuration and says where things would be; every fault is in the error.
func (CheckCommand) Run(w io.Writer, load Loader) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "The configuration is valid. Data live in %s; the server listens on %s and %s.\n",
		cfg.DataDir, cfg.Listen.HTTP, cfg.Listen.Socket)
	return err //nolint:wrapcheck // nothing to add
}

// ExampleCommand is `readtrail config example`.
type ExampleCommand struct{}

// Run prints the documented configuration.
func (ExampleCommand) Run(w io.Writer) error {
	_, err := io.WriteString(w, Example)
	return err //nolint:wrapcheck // nothing to add
}
