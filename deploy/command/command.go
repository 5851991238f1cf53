// Package command is what can be typed: each command asks a server or reads files. What `up` starts is in main.go, which hands it in.
package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/deploy/demo"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/deploy/doctor"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/detectors/rules"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/register"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/projections/embedded"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Command is what can be typed.
type Command struct {
	Config string `help:"Configuration file (YAML); see readtrail config example." type:"path" env:"READTRAIL_CONFIG" placeholder:"FILE"`
	cli.Target

	Up        upCommand          `cmd:"" group:"Run:" help:"Start everything in one process."`
	Demo      demo.Command       `cmd:"" group:"Run:" help:"Start with a synthetic hospital, in a directory of its own."`
	Link      cli.Link           `cmd:"" group:"Run:" help:"Print a one-time link that signs you in to the web console."`
	Doctor    doctor.Command     `cmd:"" group:"Run:" help:"Say whether this installation is durable and well."`
	Settings  config.Command     `cmd:"" name:"config" group:"Run:" help:"Check the configuration, or print one that documents every key."`
	Status    cli.Status         `cmd:"" group:"Run:" help:"How far the journal and the projections are."`
	Rebuild   cli.Rebuild        `cmd:"" group:"Run:" help:"Rebuild the projections from the journal, and flip to them."`
	Who       cli.WhoViewed      `cmd:"" name:"who-viewed" group:"Ask:" help:"Who viewed this record?"`
	Reader    cli.ReaderActivity `cmd:"" group:"Ask:" help:"What did this reader do?"`
	Profile   cli.ReaderProfile  `cmd:"" group:"Ask:" help:"How does this reader compare with their peers?"`
	Event     cli.Event          `cmd:"" group:"Ask:" help:"One event, as understood and as it came."`
	Search    cli.Search         `cmd:"" group:"Ask:" help:"Accesses by object, site, workstation and time."`
	Scope     cli.Scope          `cmd:"" group:"Ask:" help:"Breach scope: which patients a reader, account, workstation, object, alert, case or period concerns."`
	Report    cli.AccessReport   `cmd:"" group:"Ask:" help:"Access report for a patient: who looked at my data?"`
	Import    importCommand      `cmd:"" group:"Take in:" help:"Send files: FHIR events and context, Bundles, NDJSON, delimited text."`
	Mapping   csv.Command        `cmd:"" group:"Take in:" help:"How delimited text becomes events: the built-in mappings, and trying one."`
	Simulate  simulateCommand    `cmd:"" group:"Take in:" help:"A synthetic hospital, as a dataset or as a live stream."`
	Sources   cli.Sources        `cmd:"" group:"Take in:" help:"Who sends, and what is known of their completeness."`
	Alerts    cli.Alerts         `cmd:"" group:"Ask:" help:"What should a human look at?"`
	Alert     cli.Alert          `cmd:"" group:"Ask:" help:"One alert as a colleague would tell it; decide on it."`
	Cases     cli.Cases          `cmd:"" group:"Ask:" help:"Which investigations are there, and what is due?"`
	Case      cli.Case           `cmd:"" group:"Ask:" help:"One case: what is known, what is due; work on it."`
	Views     cli.Views          `cmd:"" group:"Ask:" help:"Questions that were saved under a name: list, save, show, share, delete."`
	Questions cli.Questions      `cmd:"" group:"Ask:" help:"What am I asked?"`
	Answer    cli.Answer         `cmd:"" group:"Ask:" help:"Answer a question that was put to you."`
	Findings  cli.Findings       `cmd:"" group:"Ask:" help:"What did the detectors say?"`
	Glass     cli.Glass          `cmd:"" group:"Ask:" help:"Who broke the glass, and why; review it."`
	Evaluate  evaluateCommand    `cmd:"" group:"Detect:" help:"Judge a dataset directory with all detectors, and say how well they do."`
	Detect    detectorsCommand   `cmd:"" name:"detectors" group:"Detect:" help:"The detectors: what they count to, how they do, and what others would have shown."`
	Dead      cli.DeadLetters    `cmd:"" name:"deadletters" group:"Take in:" help:"What could not become an event, and why."`
	Tokens    cli.Tokens         `cmd:"" group:"Run:" help:"API tokens: who may ask from elsewhere."`
	Engine    engineCommand      `cmd:"" hidden:"" help:"The embedded ClickHouse engine, started by up."`
	Version   versionCommand     `cmd:"" group:"Run:" help:"Print the version."`
}

// Environment is what every command can ask for.
type Environment struct {
	Context        context.Context //nolint:containedctx // of the one command that this process runs
	Command        *Command
	Stdout, Stderr io.Writer
	// Version is that of the build.
	Version string
	// Up runs every part until ctx ends; ready is called once questions are answered.
	Up func(ctx context.Context, cfg *config.Config, log *slog.Logger, ready func()) error
}

// Config reads the configuration that the command names.
func (e *Environment) Config() (*config.Config, error) {
	return config.Load(e.Command.Config, os.Environ())
}

// Connection is to the server that the command asks.
func (e *Environment) Connection() (*cli.Connection, error) {
	socket := ""
	if e.Command.Server == "" {
		cfg, err := e.Config()
		if err != nil {
			return nil, err
		}
		socket = cfg.Listen.Socket
	}
	conn, err := e.Command.Open(socket)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	conn.Aside = e.Stderr
	if e.Command.Reason != "" {
		return conn, conn.BreakGlass(e.Context, e.Command.Reason) //nolint:wrapcheck // says what failed
	}
	return conn, nil
}

type versionCommand struct{}

func (versionCommand) Run(e *Environment) error {
	_, err := fmt.Fprintln(e.Stdout, "readtrail", e.Version)
	return err //nolint:wrapcheck // nothing to add
}

// importCommand is `readtrail import`.
type importCommand struct{ importer.Command }

func (c importCommand) Run(ctx context.Context, e *Environment, conn *cli.Connection) error {
	if c.Source == "" && e.Command.TokenFile == "" {
		c.Source = register.LocalSource // a credential says by itself who sends
	}
	return c.Command.Run(ctx, importer.Config{HTTP: conn.HTTP, BaseURL: conn.Base, Out: e.Stdout, Progress: e.Stderr}) //nolint:wrapcheck // says what failed
}

// simulateCommand is `readtrail simulate`.
type simulateCommand struct{ simulate.Command }

func (c simulateCommand) Run(ctx context.Context, e *Environment, conn *cli.Connection) error {
	c.URL = conn.Base
	return c.Command.Run(ctx, e.Stdout, conn.HTTP) //nolint:wrapcheck // says what failed
}

// evaluateCommand is `readtrail evaluate`.
type evaluateCommand struct{ evaluation.Command }

func (c evaluateCommand) Run(ctx context.Context, e *Environment) error {
	return c.Command.Run(ctx, e.Stdout, e.Stderr, dataset.Decode, time.Now) //nolint:wrapcheck // says what failed
}

// detectorsCommand is `readtrail detectors`.
type detectorsCommand struct {
	Test    detectorsTestCommand `cmd:"" help:"Run case files: events in, findings out."`
	Numbers numbersCommand       `cmd:"" help:"What detectors count to, with what holds here."`
	Weights weightsCommand       `cmd:"" help:"What each kind of misuse weighs, with what holds here."`
	Check   rules.CheckCommand   `cmd:"" help:"Say what is wrong with a file of custom detectors, or how it is understood."`

	Backtest  backtestCommand  `cmd:"" help:"What another configuration would have shown: alerts gained, lost, re-ranked."`
	Scorecard scorecardCommand `cmd:"" help:"How each detector does: hits, reasons known, lift over chance, decisions."`
	Calibrate calibrateCommand `cmd:"" help:"Learn the weights of the kinds of misuse from what officers decided."`
}

func (c numbersCommand) Run(e *Environment) error {
	return c.NumbersCommand.Run(e.Stdout, e.Config) //nolint:wrapcheck // says what failed
}

func (c weightsCommand) Run(e *Environment) error {
	return c.WeightsCommand.Run(e.Stdout, e.Config) //nolint:wrapcheck // says what failed
}

type (
	numbersCommand   struct{ detect.NumbersCommand }
	weightsCommand   struct{ detect.WeightsCommand }
	backtestCommand  struct{ detect.BacktestCommand }
	scorecardCommand struct{ detect.ScorecardCommand }
	calibrateCommand struct{ detect.CalibrateCommand }
)

func (c backtestCommand) Run(ctx context.Context, e *Environment, conn *cli.Connection) error {
	return c.BacktestCommand.Run(ctx, e.replays(conn), e.Config) //nolint:wrapcheck // says what failed
}

func (c scorecardCommand) Run(ctx context.Context, e *Environment, conn *cli.Connection) error {
	return c.ScorecardCommand.Run(ctx, e.replays(conn)) //nolint:wrapcheck // says what failed
}

func (c calibrateCommand) Run(ctx context.Context, e *Environment, conn *cli.Connection) error {
	return c.CalibrateCommand.Run(ctx, e.replays(conn)) //nolint:wrapcheck // says what failed
}

// replays is where the journal is judged again.
func (e *Environment) replays(conn *cli.Connection) detect.Server {
	return detect.Server{HTTP: conn.HTTP, Base: conn.Base, Out: e.Stdout, Aside: e.Stderr, Clock: time.Now}
}

type detectorsTestCommand struct{ evaluation.TestCommand }

func (c detectorsTestCommand) Run(ctx context.Context, e *Environment) error {
	return c.TestCommand.Run(ctx, e.Stdout, dataset.Decode) //nolint:wrapcheck // says what failed
}

// engineCommand is the body of the embedded engine's child process.
type engineCommand struct{}

func (engineCommand) Run(ctx context.Context, e *Environment) error {
	return embedded.ServeStdin(ctx, os.Stdin, e.Stdout, slog.New(slog.NewJSONHandler(e.Stderr, nil)))
}

type upCommand struct{}

func (upCommand) Run(ctx context.Context, e *Environment) error {
	cfg, err := e.Config()
	if err != nil {
		return err
	}
	return e.Up(ctx, cfg, cfg.Log.Logger(e.Stderr), func() {
		fmt.Fprintf(e.Stdout, "Readtrail %s is up on http://%s and %s.\n%sData live in %s. Ctrl-C stops it.\n",
			e.Version, cfg.Listen.HTTP, cfg.Listen.Socket, e.consoleLine(ctx, cfg), cfg.DataDir)
	})
}

// consoleLine says how to get into the console. The link is made as any user of this machine makes one.
func (e *Environment) consoleLine(ctx context.Context, cfg *config.Config) string {
	switch {
	case !cfg.Console.Enabled:
		return ""
	case cfg.Console.OIDC.Issuer != "" || cfg.Console.LinkValid == 0: // a link on a terminal is for who has no other way in
		return fmt.Sprintf("Console: %s\n", cfg.ConsoleURL(cfg.Listen.HTTP))
	}
	conn, err := cli.Target{}.Open(cfg.Listen.Socket)
	if err == nil {
		var link *v1.CreateLinkResponse
		if link, err = cli.NewLink(ctx, conn, ""); err == nil {
			return fmt.Sprintf("Console: %s\n  Signs you in once, within %s; readtrail link prints another.\n", link.Url, cfg.Console.LinkValid)
		}
	}
	return fmt.Sprintf("Console: no link could be made (%v); try readtrail link.\n", cli.Explain(err))
}
