package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest"
)

// Command is `readtrail import`.
type Command struct {
	Paths    []string `arg:"" help:"Files, directories, patterns, or - for standard input. Compressed with gzip or not." placeholder:"PATH"`
	Source   string   `help:"Registered source that the input comes from; a source's own credential decides it by itself." placeholder:"NAME"`
	Backfill bool     `help:"History: it is judged when the import ends, and notifies nobody until an officer releases it."`
	Mapping  string   `help:"How delimited text is read: a mapping the server knows, or a YAML file. Default: in a directory the file beside it, such as vendors.yaml for vendors.csv; else the mapping that its header fits." placeholder:"NAME|FILE"`
	DryRun   bool     `help:"Read and decode everything, keep nothing."`
	Resume   bool     `help:"Go on where an interrupted import of the same paths stopped."`
	JSON     bool     `help:"Write the summary as JSON."`

	AllowDeadLetters int `help:"Accept up to so many dead letters, -1 any number: the exit code is 0 then." default:"0" placeholder:"N"`

	Quiet bool `help:"Write nothing but the summary of what failed." short:"q"`
}

// Help is shown behind the flags' summary by --help.
func (Command) Help() string {
	return "The exit code is 0 when everything landed: stored, or known before. It is 4 when everything got through and more of it became " +
		"dead letters than --allow-dead-letters accepts; they are kept, and `readtrail deadletters` says why. It is 1 when something did " +
		"not get through, so that the import has to be repeated or resumed, and 2 when the command was wrong."
}

// Config is where a Command runs.
type Config struct {
	// HTTP reaches the server: over its socket, or https with a credential. Required. It must have no overall timeout.
	HTTP *http.Client
	// BaseURL is the server's address without /import. Required.
	BaseURL string
	// Stdin is read for the path "-"; default os.Stdin.
	Stdin io.Reader
	// Out takes the summary, Progress the progress; defaults os.Stdout and os.Stderr. On a terminal, Progress shows a bar.
	Out, Progress io.Writer
	// StateDir keeps how far interrupted imports got, for --resume; default "readtrail/imports" in the user's cache
	// directory.
	StateDir string
	// Now is the clock of rates; default time.Now.
	Now func() time.Time
	// Sleep waits between attempts; default a timer. For tests.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.HTTP == nil {
		errs = append(errs, errors.New("no HTTP client"))
	} else if c.HTTP.Timeout != 0 {
		errs = append(errs, errors.New("the HTTP client has a timeout, which would cut long imports"))
	}
	if c.BaseURL == "" {
		errs = append(errs, errors.New("no server address"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("import configuration: %w", err)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Stdin == nil {
		c.Stdin = os.Stdin
	}
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Progress == nil {
		c.Progress = os.Stderr
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.StateDir == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			c.StateDir = filepath.Join(dir, "readtrail", "imports")
		}
	}
	return c
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Report is what became of an import: in = stored + duplicates + conflicts + dead letters, for each file and in total.
type Report struct {
	ImportID string        `json:"import_id,omitempty"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Files    []FileReport  `json:"files"`
	Skipped  []SkippedFile `json:"skipped,omitempty"`
	Total    ingest.Counts `json:"total"`
	In       uint64        `json:"in"`
	Seconds  float64       `json:"seconds"`

	// before is what runs before this one counted of the same import.
	before ingest.Counts
}

// SkippedFile is a file in a directory that is no data.
type SkippedFile struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// ErrDeadLetters is an import that got through, of which more became dead letters than are allowed. A script tells it from
// an import that has to be run again.
var ErrDeadLetters = errors.New("nothing is lost; --allow-dead-letters accepts that")

// Run is Import for a command line, which needs no more than the error.
func (c Command) Run(ctx context.Context, cfg Config) error {
	report, err := c.Import(ctx, cfg)
	if err != nil {
		return err
	}
	all := sum(report.before, report.Total)
	if c.AllowDeadLetters < 0 || all.DeadLetters <= uint64(c.AllowDeadLetters) {
		return nil
	}
	became, letters := "became", "dead letters"
	if c.DryRun {
		became = "would become"
	}
	if all.DeadLetters == 1 {
		letters = "a dead letter"
	}
	return fmt.Errorf("%d of %s %s %s: %w", all.DeadLetters, plural(all.In(), "entry", "entries"), became, letters, ErrDeadLetters)
}

// Import sends everything and writes the summary. An error means that not all of it got through: a connection or a server
// that failed, or a file that could not be read. Dead letters are no error here; the summary points to them.
func (c Command) Import(ctx context.Context, cfg Config) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	cfg = cfg.withDefaults()
	inputs, left, err := expand(c.Paths)
	if err != nil {
		return Report{}, err
	}
	report := Report{DryRun: c.DryRun}
	for _, s := range left {
		report.Skipped = append(report.Skipped, SkippedFile{Name: s.name, Why: s.why})
	}
	begin := cfg.Now()
	runErr := c.send(ctx, cfg, inputs, &report)
	report.Seconds = cfg.Now().Sub(begin).Seconds()
	report.In = report.Total.In()
	if err := c.write(cfg.Out, report); err != nil {
		return report, err
	}
	return report, runErr
}

// send sends the inputs one after the other, bracketed by the marks of one import.
func (c Command) send(ctx context.Context, cfg Config, inputs []input, report *Report) error {
	server := &client{
		http: cfg.HTTP, base: cfg.BaseURL, source: c.Source, backfill: c.Backfill, dry: c.DryRun, stdin: cfg.Stdin, sleep: cfg.Sleep,
	}
	if err := c.loadMapping(server); err != nil {
		return err
	}
	progress, err := openState(cfg.StateDir, cfg.BaseURL, c.Source, inputs)
	if err != nil {
		return err
	}
	if !c.Resume || c.DryRun {
		progress.Files, progress.ImportID = map[string]fileState{}, ""
	}
	show := newDisplay(cfg, c.Quiet || c.JSON, inputs)
	defer show.close()
	if !c.Quiet {
		server.waits = func(why string) { show.note("waiting for the server: " + why) }
	}
	name := strings.Join(baseNames(c.Paths), " ")
	report.before = progress.counts()
	if !c.DryRun && len(inputs) > 0 {
		if server.importID = progress.ImportID; server.importID == "" {
			if err := server.begin(ctx, name); err != nil {
				return err
			}
			progress.ImportID = server.importID
			_ = progress.save()
		}
		report.ImportID = server.importID
	}
	if c.DryRun {
		if err := server.probe(ctx); err != nil {
			return err
		}
	}
	err = c.sendFiles(ctx, server, inputs, progress, show, report)
	if err != nil && !errors.Is(err, errDamaged) {
		return fmt.Errorf("%w; what was stored stays: %s", err, again)
	}
	if !c.DryRun && len(inputs) > 0 {
		if endErr := server.end(ctx, name, sum(report.before, report.Total)); endErr != nil {
			return errors.Join(err, fmt.Errorf("%w; everything is stored, but the import is not closed: %s", endErr, again))
		}
		progress.remove()
	}
	return err
}

// again is what to do about an import that did not get to its end.
const again = "run the same again with --resume"

// errDamaged is a file that cannot be read to its end, whoever tries again.
var errDamaged = errors.New("the rest went through: mend that and import the file again")

// sendFiles sends the inputs. The error is errDamaged when everything was sent that can be read.
func (c Command) sendFiles(ctx context.Context, server *client, inputs []input, progress *state, show *display, report *Report) error {
	var errs, damaged []error
	for _, in := range inputs {
		key := progress.key(in)
		at := progress.Files[key]
		if in.path == "-" && !at.Done {
			at = fileState{} // it cannot be gone on with, only be through
		}
		if at.Done && key != "" {
			report.Files = append(report.Files, FileReport{Name: in.name, Resumed: true})
			show.next(in)
			continue
		}
		save := func() {
			if key != "" && !c.DryRun {
				progress.Files[key] = at
				_ = progress.save()
			}
		}
		one, err := server.file(ctx, in, &at, save, show.watch(in))
		report.Files = append(report.Files, one)
		report.Total.Add(one.Counts)
		show.done(in, one)
		if one.Damaged != "" {
			damaged = append(damaged, fmt.Errorf("import %s: %s", in.name, one.Damaged))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("import %s: %w", in.name, err))
			if !errors.Is(err, errInput) {
				break
			}
		}
	}
	switch {
	case len(errs) > 0:
		return errors.Join(append(damaged, errs...)...)
	case len(damaged) > 0:
		return fmt.Errorf("%w; %w", errors.Join(damaged...), errDamaged)
	}
	return nil
}

// maxMappingBytes bounds a mapping file: it travels in a header.
const maxMappingBytes = 256 << 10

// loadMapping reads --mapping: a file if there is one of that name, else the name of a mapping that the server knows.
func (c Command) loadMapping(server *client) error {
	if c.Mapping == "" {
		return nil
	}
	server.mapping = c.Mapping
	if info, err := os.Stat(c.Mapping); err == nil && !info.IsDir() {
		if server.text, err = readMapping(c.Mapping); err != nil {
			return err
		}
		server.mapping = filepath.Base(c.Mapping)
	}
	return nil
}

// readMapping reads a mapping's text.
func readMapping(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if len(text) > maxMappingBytes {
		return nil, fmt.Errorf("read mapping: more than %d bytes", maxMappingBytes)
	}
	return text, nil
}

func baseNames(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = filepath.Base(p)
	}
	return out
}

// write writes the summary.
func (c Command) write(w io.Writer, report Report) error {
	if c.JSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
		return nil
	}
	return writeTable(w, report, c.Quiet)
}
