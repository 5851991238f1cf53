// Command bench measures what Readtrail promises, on this machine and on real disks, and fails when a figure is below its
// floor. It drives the built binary as its users do. README.md says what each figure means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	failed := false
	if err == nil {
		failed, err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || failed {
		stop()
		os.Exit(1)
	}
}

// options are what can be asked for on the command line.
type options struct {
	smoke, json, keep bool
	binary, dir       string
	only              []string
	rows, postgres    int
	events, repeat    int
	scale             int
	profile           string
}

func parseFlags(args []string) (options, error) {
	var o options
	var only string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.BoolVar(&o.smoke, "smoke", false, "tiny sizes: show that everything runs; floors are not applied")
	set.BoolVar(&o.json, "json", false, "write the report as JSON")
	set.BoolVar(&o.keep, "keep", false, "leave the data behind, and go on with those of -dir")
	set.StringVar(&o.binary, "binary", filepath.Join("bin", "readtrail"), "the binary to measure")
	set.StringVar(&o.dir, "dir", "", "directory for the data, on a disk (default: a new one in /var/tmp)")
	set.StringVar(&only, "only", "", "comma-separated names: of figures, or "+strings.Join(groupNames(), ", "))
	set.IntVar(&o.rows, "rows", 100_000_000, "accesses that questions are asked of")
	set.IntVar(&o.postgres, "postgres-rows", 5_000_000, "accesses that PostgreSQL is compared on; 0: not at all")
	set.IntVar(&o.events, "events", 1_500_000, "events that are imported")
	set.IntVar(&o.repeat, "repeat", 1, "how often imports are repeated; their median counts")
	set.IntVar(&o.scale, "scale", 1, "make the hospital that detectors remember so many times smaller, and its figures so many times larger (at most 100)")
	set.StringVar(&o.profile, "cpuprofile", "", "measure nothing: profile the import path in this process, into FILE")
	if err := set.Parse(args); err != nil {
		return o, err //nolint:wrapcheck // says what is wrong
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(groupNames(), name) && !slices.ContainsFunc(figures, func(f figure) bool { return f.name == name }) {
			return o, fmt.Errorf("-only: there is no figure or group %q", name)
		}
	}
	if o.scale < 1 || o.scale > 100 {
		return o, errors.New("-scale: want 1 to 100")
	}
	if o.rows < 10_000 || o.events < 1_000 || o.repeat < 1 || o.postgres != 0 && o.postgres < 10_000 {
		return o, errors.New("want at least 10,000 rows, 1,000 events and one repetition")
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return o, fmt.Errorf("find the binary: %w", err)
	}
	o.binary = binary
	if _, err := os.Stat(binary); err != nil {
		return o, fmt.Errorf("find the binary: %w (go tool task build makes it)", err)
	}
	return o, nil
}

// sizes are how much of everything is done.
type sizes struct {
	events, rows, postgres int
	repeat                 int
	// asks are questions of each kind; lates are the parts of late data left unmerged.
	asks, lates int
	// post, paced and visible are how long those figures are measured.
	post, paced, visible time.Duration
	rounds               int
	// lone and batches are requests whose bytes in the journal are weighed.
	lone, batches int
	// judged are the records of the hospital whose events are judged; readers, records and days those of the one that is remembered.
	judged, readers, records, days int
}

func (o options) sizes() sizes {
	if o.smoke {
		return sizes{
			events: 6_000, rows: 20_000, postgres: min(o.postgres, 20_000), repeat: 1, asks: 10, lates: 2, post: 500 * time.Millisecond,
			paced: 500 * time.Millisecond, visible: 1500 * time.Millisecond, rounds: 1, lone: 50, batches: 10,
			judged: 1_500, readers: 150, records: 1_500, days: 10,
		}
	}
	return sizes{
		events: o.events, rows: o.rows, postgres: o.postgres, repeat: o.repeat, asks: 300, lates: 20, post: 10 * time.Second,
		paced: 30 * time.Second, visible: 30 * time.Second, rounds: 3, lone: 2_000, batches: 500,
		judged: 10_000, readers: 20_000 / o.scale, records: 1_000_000 / o.scale, days: 90,
	}
}

// bench is one run.
type bench struct {
	options
	size   sizes
	report *report
	began  time.Time
	// shared are directories that several groups use; they are removed at the end.
	shared []string
}

// groups are the figures that are measured together, in the order in which they run.
var groups = []struct {
	name    string
	figures []string
	run     func(*bench, context.Context) error
}{
	{"ingest", []string{figImport, figEndToEnd, figTableBytes, figRebuild}, (*bench).ingest},
	{"memory", []string{figMemory}, (*bench).memory},
	{"post", []string{figPost, figJournalLone, figJournalBatch}, (*bench).posts},
	{"visible", []string{figVisible}, (*bench).visible},
	{"detectors", []string{figDetect, figDetectState, figDetectSnapshot, figDetectRestore, figAlert}, (*bench).detect},
	{"ask", []string{figWhoViewed, figWhoRows, figReader}, (*bench).ask},
	{"scope", []string{figScope, figExport}, (*bench).scope},
	{"pages", pageFigures(), (*bench).pages},
	{"postgres", nil, (*bench).beside},
}

func groupNames() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

func run(ctx context.Context, o options) (failed bool, err error) {
	b := &bench{options: o, size: o.sizes(), began: time.Now(), report: &report{Smoke: o.smoke, Command: commandLine()}}
	made := b.dir == ""
	if made {
		if b.dir, err = os.MkdirTemp("/var/tmp", "readtrail-bench-"); err != nil {
			return false, fmt.Errorf("make a directory: %w", err)
		}
	} else if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return false, fmt.Errorf("make a directory: %w", err)
	}
	defer func() {
		switch {
		case b.keep:
			b.say("the data are left in %s", b.dir)
		case made:
			err = errors.Join(err, os.RemoveAll(b.dir))
		default:
			for _, dir := range b.shared {
				err = errors.Join(err, os.RemoveAll(dir))
			}
		}
	}()
	if b.report.Machine, err = examine(b.dir); err != nil {
		return false, err
	}
	if b.profile != "" {
		return false, b.profileImport(ctx)
	}
	b.say("%s", b.report.Machine)
	var faults []error
	for _, g := range groups {
		if !b.wants(g.name, g.figures) || ctx.Err() != nil {
			continue
		}
		b.say("%s", g.name)
		if err := g.run(b, ctx); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", g.name, err))
			b.say("%s failed: %v", g.name, err)
		}
	}
	write := b.report.writeTable
	if b.json {
		write = b.report.writeJSON
	}
	faults = append(faults, ctx.Err(), write(os.Stdout))
	return b.report.failed(), errors.Join(faults...)
}

// wants says whether a group is to run: no name was asked for, or its own, or one of its figures'.
func (b *bench) wants(group string, names []string) bool {
	return len(b.only) == 0 || slices.ContainsFunc(b.only, func(name string) bool {
		return name == group || slices.Contains(names, name)
	})
}

// add puts a figure into the report.
func (b *bench) add(name string, value float64, note string, args ...any) {
	i := slices.IndexFunc(figures, func(f figure) bool { return f.name == name })
	r := result{figure: figures[i], value: value, note: fmt.Sprintf(note, args...)}
	b.report.results = append(b.report.results, r)
	b.say("%s: %s %s (%s)", r.what, number(value), r.unit, r.note)
}

// compare puts a line beside PostgreSQL into the report.
func (b *bench) compare(c comparison) {
	b.report.comparisons = append(b.report.comparisons, c)
	b.say("%s: %s beside PostgreSQL's %s %s", c.what, number(c.ours), number(c.postgresql), c.unit)
}

// note puts a sentence below the tables.
func (b *bench) note(format string, args ...any) {
	b.report.Notes = append(b.report.Notes, fmt.Sprintf(format, args...))
}

// say tells people what happens, on standard error.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// folder is a directory for one group's data; a fresh one, unless data were kept for it.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("clear %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	return dir, nil
}

// done removes a group's data, unless they are to be kept.
func (b *bench) done(dir string) error {
	if b.keep {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove data: %w", err)
	}
	return nil
}

// commandLine is how this run can be repeated.
func commandLine() string {
	return "go run ./deploy/bench " + strings.Join(os.Args[1:], " ")
}
