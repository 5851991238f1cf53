// Command readtrail keeps the trail of everyone who read a patient's record: flags and configuration become parts, the
// parts run until a signal, and stop in reverse order.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/deploy/command"
	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/demo"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/deploy/serve"
	"github.com/readtrail/readtrail/detectors/live"
	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/casework"
	"github.com/readtrail/readtrail/ingest/csv"
	"github.com/readtrail/readtrail/ingest/deadletter"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/ingest/register"
	"github.com/readtrail/readtrail/ingest/register/coverage"
	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	readback "github.com/readtrail/readtrail/projections/api/fhir"
	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fault"
	"github.com/readtrail/readtrail/proto/openapi"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitAmbiguous
	exitDeadLetters
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cmd command.Command
	parser, err := kong.New(&cmd, kong.Name("readtrail"), kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("Readtrail keeps the trail of everyone who read a patient's record."))
	if err != nil {
		fmt.Fprintln(stderr, "readtrail:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "readtrail: %v\n  readtrail --help lists the commands.\n", err)
		return exitUsage
	}
	env := &command.Environment{Context: ctx, Command: &cmd, Stdout: stdout, Stderr: stderr, Version: version, Up: up}
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.BindTo(stdout, (*io.Writer)(nil))
	parsed.Bind(env, config.Loader(env.Config), demo.Up(func(ctx context.Context, cfg *config.Config, ready func()) error {
		return up(ctx, cfg, cfg.Log.Logger(stderr), ready)
	}))
	if err := parsed.BindToProvider(env.Connection); err != nil {
		fmt.Fprintln(stderr, "readtrail:", err)
		return exitUsage
	}
	switch err := parsed.Run(); {
	case err == nil:
		return exitOK
	case errors.Is(err, cli.ErrAmbiguous):
		return exitAmbiguous
	case errors.Is(err, importer.ErrDeadLetters):
		fmt.Fprintln(stderr, "readtrail:", err)
		return exitDeadLetters
	default:
		fmt.Fprintln(stderr, "readtrail:", cli.Explain(err))
		return exitFailed
	}
}

// up runs every part in this process until ctx ends or a part fails; ready is called once questions are answered.
//
// The order is the crash proof in short: what is acknowledged is in the journal; the journal outlives everything else;
// so parts start from the journal outwards and stop from the outside inwards. It is one straight line on purpose.
func up(ctx context.Context, cfg *config.Config, log *slog.Logger, ready func()) (err error) {
	defer serve.PaceCollector()()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	zone, err := time.LoadLocation(cfg.Site.TimeZone)
	if err != nil {
		return fmt.Errorf("load site.time_zone: %w", err)
	}
	if err := cfg.MakeDirs(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	var stop serve.Stops
	defer func() { err = errors.Join(err, stop.Run(context.WithoutCancel(ctx), cfg.Limits.ShutdownTimeout, log)) }()
	release, err := serve.Take(cfg.DataDir, cfg.Instance())
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	stop.Add("data directory", func(context.Context) error { return release() })

	engine, dsn, err := openEngine(ctx, cfg, log, metrics)
	if err != nil {
		return err
	}
	if engine != nil {
		stop.Add("engine", func(context.Context) error { return engine.Close() })
	}
	db, err := store.Open(ctx, store.Config{DSN: dsn, Logger: log})
	if err != nil {
		return fmt.Errorf("open ClickHouse: %w", err)
	}
	stop.Add("store", func(context.Context) error { return db.Close() })

	keys, err := cfg.Keys.Open()
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	journalConfig := cfg.JournalConfig()
	journalConfig.Keys, journalConfig.Logger, journalConfig.Metrics = keys, log, metrics
	journalConfig.Now, journalConfig.TickEvery = fault.Clock()
	jn, err := journal.Open(ctx, journalConfig)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	stop.Add("journal", jn.Close)

	limits, err := cfg.Askers.Limits()
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	limited := func(c proto.Caller) bool { return limits(c).Limited() }
	reg, err := register.Open(register.Config{
		Path: filepath.Join(cfg.StateDir(), "register.json"), Follow: followAs(jn, "register"),
		Last:   func(context.Context) (proto.Position, error) { return jn.Head(), nil },
		Append: jn, Zone: zone, Limited: limited, Logger: log, Registerer: metrics, Public: []string{"/healthz", "/readyz", "/fhir/metadata", openapi.Path},
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	monitor, err := coverage.Open(coverage.Config{
		Path: filepath.Join(cfg.StateDir(), "coverage.json"), Follow: followAs(jn, "coverage"),
		Last:   func(context.Context) (proto.Position, error) { return jn.Head(), nil },
		Append: jn, Logger: log, Registerer: metrics,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	projected := projections.Config{Store: db, Follow: followAs(jn, "projections"), Head: jn.Head, Logger: log, Metrics: metrics}
	if cfg.Detectors.Enabled {
		projected.Findings, projected.Alerts = findings(jn), alerts(jn)
	}
	projector, err := projections.New(projected)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	tasks := api.NewTasks(nil)
	detector, replays, err := detect.Open(detect.Config{
		Settings: cfg, Journal: jn, AlertKey: keys.AlertKey(), Zone: zone, Logger: log, Metrics: metrics,
		Watch: func() detect.Watch { return tasks.Begin(v1.RunningTask_KIND_BACKTEST, "", "messages") },
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	answersConfig := apiConfig(db, jn, projector, zone, log, metrics)
	answersConfig.Tasks = tasks.Running
	if answersConfig.Names.Detectors, answersConfig.Names.Scenarios, err = detect.Names(cfg); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	answersConfig.PseudonymKey = keys.PseudonymKey()
	if answersConfig.Readers, err = cfg.Askers.Readers(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	answersConfig.Limits = limits
	if answersConfig.Askers, err = askers(cfg.Askers, reg); err != nil {
		return err
	}
	answersConfig.KnownReadersOnly = cfg.Askers.KnownOnly
	answersConfig.Glass.Roles, answersConfig.Glass.Valid = cfg.Askers.GlassRoles(), cfg.Askers.BreakGlassValid
	if cfg.Detectors.Enabled {
		answersConfig.LearningDays = cfg.Detectors.LearningDays
		answersConfig.Streams = func() api.StreamHeads { return api.StreamHeads{Findings: jn.FindingsHead(), Alerts: jn.AlertsHead()} }
	}
	questions, err := api.New(answersConfig)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	stop.Add("questions", questions.Close)
	decisions, err := casework.New(casework.Config{
		Append: jn, Alert: alertNow(questions), Case: questions.CaseSteps, Views: questions.ViewsNow, ViewTold: questions.ViewTold, Question: questionNow(questions),
		Shown: questions.MayShow, AddresseeDoubt: questions.AddresseeDoubt, Import: importNow(questions), Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	intake, err := ingest.NewIntake(ingest.IntakeConfig{Appender: jn, Metrics: metrics})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	fhirHandler, err := fhir.NewHandler(fhir.Config{
		Intake: intake, Source: reg.ByName, Limits: fhir.Limits{ResourceBytes: int(cfg.Limits.ResourceBytes)},
		RequestBytes: int64(cfg.Limits.RequestBytes), Reading: reading(readback.Capabilities()), Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	fhirReader, err := readback.NewHandler(readback.Config{Questions: questions, Key: keys.LinkKey(), TimeZone: zone, Logger: log})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}

	delimited, err := csv.NewImporter(csv.ImporterConfig{})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	decoders := map[importer.Form]importer.Decoder{importer.FormDelimited: delimited}
	imports, err := importer.NewHandler(importer.ServerConfig{
		Intake: intake, Source: reg.ByName, Decoders: decoders, Limits: fhir.Limits{ResourceBytes: int(cfg.Limits.ResourceBytes)}, Logger: log,
		Watch: func(source string) importer.Watch { return tasks.Begin(v1.RunningTask_KIND_IMPORT, source, "bytes") },
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	retries, err := deadletter.New(deadletter.Config{
		Intake: intake, Source: reg.ByName, Pending: pending(questions), Locate: jn.Locate, ReadBatch: jn.ReadBatch,
		Decoders: decoders, Rows: map[string]deadletter.RowDecoder{"csv": delimited.Retry},
		Limits: fhir.Limits{ResourceBytes: int(cfg.Limits.ResourceBytes)}, Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	routes := http.NewServeMux()
	routes.Handle("/fhir/metadata", fhirHandler)
	routes.Handle(openapi.Path, openapi.Handler())
	routes.Handle("/fhir", register.RequireSource(fhirHandler))
	routes.Handle("/fhir/", register.RequireSource(fhirHandler))
	for _, pattern := range readback.Patterns() {
		routes.Handle(pattern, fhirReader) // who may ask is for the questions to say
	}
	routes.Handle("/import", register.RequireSource(imports))
	routes.Handle("/import/", register.RequireSource(imports))
	routes.Handle(questions.Handler())
	routes.Handle(questions.AlertHandler())
	routes.Handle(questions.CaseHandler())
	routes.Handle(questions.Glasses().Handler())
	routes.Handle(questions.ViewHandler())
	routes.Handle(decisions.Handler())
	routes.Handle(questions.Scopes().Handler())
	routes.Handle(retries.Handler())
	routes.Handle(reg.Handler())
	routes.Handle(projections.NewService(projector, func() projections.Watch {
		return tasks.Begin(v1.RunningTask_KIND_REBUILD, "", "messages")
	}).Handler())
	routes.Handle(detect.ReplayPath, register.RequireCommander(register.RequireWhole(limited, replays)))
	pages, err := openConsole(cfg, routes, console.Config{
		Questions: questions, Alerts: questions, Cases: questions, Views: questions, Casework: decisions, Scopes: questions.Scopes(), Glasses: questions.Glasses(), Export: questions.Scopes().Export,
		TimeZone: zone, Logger: log, Registerer: metrics,
	})
	if err != nil {
		return err
	}
	answering := func(ctx context.Context) error { return answers(ctx, reg, jn, projector) }
	serve.Operations(routes, metrics, func(ctx context.Context) serve.Health {
		return serve.Health{Missing: answering(ctx), Notes: notes(jn, projector, detector)}
	})

	// Followers outlive the listeners: what was accepted last is still followed while the process drains.
	followers, stopFollowers := context.WithCancel(context.WithoutCancel(ctx))
	running, failed := errgroup.WithContext(followers)
	running.Go(func() error { return reg.Run(failed) })
	// A read side that stops at damage has raised its alarm; the write side goes on taking what sources send.
	running.Go(func() error { apart(failed, log, "coverage", monitor.Run); return nil })
	running.Go(func() error { apart(failed, log, "projections", projector.Run); return nil })
	if cfg.Detectors.Enabled {
		running.Go(func() error { apart(failed, log, "detectors", detector.Run); return nil })
	}
	stop.Add("followers", func(context.Context) error {
		broke := failed.Err() != nil // then up has said why already
		stopFollowers()
		if err := running.Wait(); !broke && !errors.Is(err, context.Canceled) {
			return err //nolint:wrapcheck // says what failed
		}
		return nil //nolint:nilerr // what broke the followers, up has returned
	})

	listeners, err := serve.Open(serve.Config{
		HTTP: cfg.Listen.HTTP, Socket: cfg.Listen.Socket, CertFile: cfg.Listen.TLS.CertFile, KeyFile: cfg.Listen.TLS.KeyFile,
		ClientCAFile: cfg.Listen.TLS.ClientCAFile, ConnContext: register.ConnContext, Handler: pages.Or(fhir.Outcomes(reg.Authenticate(api.UnderGlass(routes)))), Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	pages.At(cfg.ConsoleURL(listeners.Address()))
	stop.Add("listeners", listeners.Stop)
	stop.Add("console", pages.Close) // before the listeners, which wait for what browsers listen to
	running.Go(func() error {
		if serve.Await(failed, answering) == nil {
			ready()
		}
		return nil
	})
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping", slog.String("component", "main"))
		return nil
	case <-failed.Done():
		return fmt.Errorf("a part failed: %w", context.Cause(failed))
	case err := <-listeners.Failed():
		return fmt.Errorf("serve: %w", err)
	}
}

// openConsole makes the console over what answers it, which has its own way in, and lets the API make links to it.
func openConsole(cfg *config.Config, routes *http.ServeMux, over console.Config) (*console.Console, error) {
	var err error
	if over.Provider, err = cfg.Console.OIDC.Provider(); err != nil {
		return nil, fmt.Errorf("open console: %w", err)
	}
	over.Disabled, over.Hosts, over.Secure = !cfg.Console.Enabled, cfg.ConsoleHosts(), cfg.ConsoleSecure()
	over.LinkValid, over.SessionIdle, over.SessionMax = cfg.Console.LinkValid, cfg.Console.SessionIdle, cfg.Console.SessionMax
	pages, err := console.New(over)
	if err != nil {
		return nil, fmt.Errorf("open console: %w", err)
	}
	routes.Handle(pages.SignInHandler())
	return pages, nil
}

// openEngine starts the embedded engine unless a DSN names a server.
func openEngine(ctx context.Context, cfg *config.Config, log *slog.Logger, metrics prometheus.Registerer) (*embedded.Engine, string, error) {
	if cfg.ClickHouse.DSN != "" {
		dsn, err := cfg.ClickHouse.WithPassword()
		return nil, dsn, err
	}
	engineConfig := cfg.EngineConfig()
	engineConfig.Logger, engineConfig.Registerer = log, metrics
	engine, err := embedded.Start(ctx, engineConfig)
	if err != nil {
		return nil, "", fmt.Errorf("start the embedded engine: %w", err)
	}
	return engine, engine.DSN(), nil
}

func apiConfig(db *store.Store, jn *journal.Journal, projector *projections.Projector, zone *time.Location, log *slog.Logger, metrics prometheus.Registerer) api.Config {
	return api.Config{
		Store: db, Locate: jn.Locate, ReadBatch: jn.ReadBatch, Head: jn.Head, SoftwareVersion: version, TimeZone: zone,
		Logger: log, Registerer: metrics,
		Live: projector.Live,
		Version: func(ctx context.Context) (uint64, error) {
			active, err := projector.Version(ctx)
			return uint64(active), err //nolint:wrapcheck // says what failed
		},
		Ask: func(ctx context.Context, asked []*v1.Question) error {
			entries := make([]ingest.Entry, len(asked))
			for i, q := range asked {
				entries[i] = ingest.Entry{Item: &v1.Item{Body: &v1.Item_Question{Question: q}}}
			}
			_, err := jn.Append(ctx, entries, ingest.Options{Reserved: true})
			return err //nolint:wrapcheck // says what failed
		},
		Freeze: func(ctx context.Context, frozen *v1.ScopeFrozen) (proto.Position, error) {
			return appendOne(ctx, jn, &v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: frozen}})
		},
		Glass: api.Glass{
			Break: func(ctx context.Context, g *v1.GlassBroken) (proto.Position, error) {
				return appendOne(ctx, jn, &v1.Item{Body: &v1.Item_GlassBroken{GlassBroken: g}})
			},
			Review: func(ctx context.Context, r *v1.GlassReviewed) (proto.Position, error) {
				return appendOne(ctx, jn, &v1.Item{Body: &v1.Item_GlassReviewed{GlassReviewed: r}})
			},
		},
		JournalStatus: func(ctx context.Context) (api.JournalStatus, error) {
			stats, err := jn.Stats(ctx)
			d := jn.Durability()
			return api.JournalStatus{Bytes: stats.Bytes, Messages: stats.Messages, Durability: d.State, Reason: d.Reason}, err //nolint:wrapcheck // says what failed
		},
	}
}

// appendOne keeps one entry of the read side, from the space that is kept back for questions and decisions.
func appendOne(ctx context.Context, jn *journal.Journal, it *v1.Item) (proto.Position, error) {
	results, err := jn.Append(ctx, []ingest.Entry{{Item: it}}, ingest.Options{Reserved: true})
	if err != nil {
		return 0, err //nolint:wrapcheck // says what failed
	}
	return results[0].Position, nil
}

// reading tells the write side's capability statement what the read side answers.
func reading(c readback.Capability) *fhir.ReadSide {
	out := &fhir.ReadSide{Documentation: c.Documentation, Interactions: c.Interactions}
	for _, p := range c.Parameters {
		out.Parameters = append(out.Parameters, fhir.SearchParameter(p))
	}
	for _, o := range c.Operations {
		out.Operations = append(out.Operations, fhir.Operation{Name: o.Name, Definition: o.Definition, Documentation: o.Documentation})
	}
	return out
}

// answers says what is missing before questions can be answered.
func answers(ctx context.Context, reg *register.Register, jn *journal.Journal, projector *projections.Projector) error {
	select {
	case <-reg.Ready():
	default:
		return errors.New("the register is still reading the journal")
	}
	version, err := projector.Version(ctx)
	if err == nil && version == 0 {
		err = errors.New("the projections have no tables yet, or none of this journal, or are taking over those of an earlier release")
	}
	return errors.Join(jn.Ready(), err)
}

// notes says what someone must act on. The sentences are for anybody: no hosts, no files, no people.
func notes(jn *journal.Journal, projector *projections.Projector, detector *live.Runner) (all []serve.Note) {
	if jn.ClockRefused() != nil {
		all = append(all, serve.Note{About: "clock", Text: "it is too far ahead, and nothing is taken until it is right; the log says more"})
	}
	if ahead := jn.ClockAhead(); ahead > 0 {
		all = append(all, serve.Note{About: "clock", Text: fmt.Sprintf(
			"the times at which entries are received stand %s ahead of it, and still until it has caught up", ahead.Round(time.Second))})
	}
	if trouble := projector.Trouble(); trouble != "" {
		all = append(all, serve.Note{About: "projections", Text: trouble})
	}
	for _, text := range detector.Status().Notes() {
		all = append(all, serve.Note{About: "detectors", Text: text})
	}
	return all
}

// apart runs a part whose end is no reason to end the others.
func apart(ctx context.Context, log *slog.Logger, name string, run func(context.Context) error) {
	if err := run(ctx); err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "a follower stopped", slog.String("component", name), slog.Any("err", err))
	}
}

// followAs gives a follower its name in metrics and logs.
func followAs(jn *journal.Journal, name string) func(context.Context, proto.Position, func(context.Context, *proto.Batch) error) error {
	return func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
		return jn.FollowAs(ctx, name, from, fn) //nolint:wrapcheck // says what failed
	}
}

// findings and alerts are what detectors write, for the projections.
func findings(jn *journal.Journal) projections.Stream[*v1.Findings] {
	return projections.Stream[*v1.Findings]{
		Head: jn.FindingsHead,
		Follow: func(ctx context.Context, from uint64, fn func(context.Context, uint64, *v1.Findings) error) error {
			return jn.FollowFindings(ctx, "findings", from, fn) //nolint:wrapcheck // says what failed
		},
	}
}

func alerts(jn *journal.Journal) projections.Stream[*v1.AlertVersion] {
	return projections.Stream[*v1.AlertVersion]{
		Head: jn.AlertsHead,
		Follow: func(ctx context.Context, from uint64, fn func(context.Context, uint64, *v1.AlertVersion) error) error {
			return jn.FollowAlerts(ctx, "alerts", from, fn) //nolint:wrapcheck // says what failed
		},
	}
}

// pending lists dead letters to retry from the read side.
func pending(questions *api.Service) func(context.Context, deadletter.Query) ([]proto.Position, error) {
	return func(ctx context.Context, q deadletter.Query) ([]proto.Position, error) {
		return questions.PendingDeadLetters(ctx, api.Pending{ //nolint:wrapcheck // says what failed
			Positions: q.Positions, Source: q.Source, Reason: q.Reason, After: q.After, Limit: q.Limit,
		})
	}
}

// askers are whom the configuration and the tokens that hold name.
func askers(named config.Askers, reg *register.Register) (func() []proto.Caller, error) {
	names, err := named.Names()
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	return func() (all []proto.Caller) {
		for _, name := range names {
			all = append(all, proto.Caller{Name: name})
		}
		return append(all, reg.Holders()...)
	}, nil
}

// alertNow tells commands what the read side knows of an alert.
func alertNow(questions *api.Service) func(context.Context, proto.EventID) (casework.Alert, bool, error) {
	return func(ctx context.Context, id proto.EventID) (casework.Alert, bool, error) {
		now, found, err := questions.AlertNow(ctx, id)
		return casework.Alert(now), found, err //nolint:wrapcheck // says what failed
	}
}

// questionNow lets commands find the case of a question.
func questionNow(questions *api.Service) func(context.Context, proto.Position) (casework.Question, bool, error) {
	return func(ctx context.Context, position proto.Position) (casework.Question, bool, error) {
		now, found, err := questions.QuestionNow(ctx, position)
		return casework.Question(now), found, err //nolint:wrapcheck // the command says what failed
	}
}

// importNow tells commands what the read side knows of an import.
func importNow(questions *api.Service) func(context.Context, []byte) (casework.Import, bool, error) {
	return func(ctx context.Context, id []byte) (casework.Import, bool, error) {
		now, found, err := questions.ImportNow(ctx, id)
		return casework.Import(now), found, err //nolint:wrapcheck // says what failed
	}
}
