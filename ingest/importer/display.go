package importer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/readtrail/readtrail/ingest"
)

const (
	// barEvery and lineEvery are how often a bar is redrawn and a plain line is written.
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 16
	// minBar and minName are the least that says something.
	minBar, minName = 6, 9
	// defaultWidth is assumed where a terminal does not tell its width.
	defaultWidth = 80
)

// display shows how an import gets on: a bar with rate and remaining time on a terminal, plain lines elsewhere.
type display struct {
	w     io.Writer
	quiet bool
	// terminal is nil where there is none.
	terminal *os.File
	now      func() time.Time
	begin    time.Time

	mu sync.Mutex // guards what follows
	// total and before are bytes of all files and of those that are through; total is 0 when it is not known.
	total, before int64
	files, file   int
	entries       uint64
	shown         time.Time
	drawn         bool
}

func newDisplay(cfg Config, quiet bool, inputs []input) *display {
	d := &display{w: cfg.Progress, quiet: quiet, now: cfg.Now, begin: cfg.Now(), files: len(inputs)}
	d.shown = d.begin
	if f, ok := cfg.Progress.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		d.terminal = f
	}
	for _, in := range inputs {
		if in.size < 0 {
			d.total = 0
			break
		}
		d.total += in.size
	}
	return d
}

// watch returns what is told of one file's progress.
func (d *display) watch(in input) watch {
	return func(sent int64, p Progress) {
		d.mu.Lock()
		defer d.mu.Unlock()
		every := lineEvery
		if d.terminal != nil {
			every = barEvery
		}
		now := d.now()
		if d.quiet || now.Sub(d.shown) < every {
			return
		}
		d.shown = now
		d.draw(in, d.before+sent, d.entries+p.Counts.In(), p.Waiting, now)
	}
}

// draw writes the bar or the line. The lock is held.
func (d *display) draw(in input, sent int64, entries uint64, waiting bool, now time.Time) {
	elapsed := now.Sub(d.begin).Seconds()
	rate := 0.0
	if elapsed > 0 {
		rate = float64(entries) / elapsed
	}
	state := fmt.Sprintf("%s entries, %s/s", count(float64(entries)), count(rate))
	share := -1.0
	if d.total > 0 && sent > 0 {
		share = min(float64(sent)/float64(d.total), 1)
		left := time.Duration(elapsed * (1 - share) / share * float64(time.Second))
		state += ", " + left.Round(time.Second).String() + " left"
	}
	if waiting {
		state += ", waiting for the journal"
	}
	name, number := printable(in.name), ""
	if d.files > 1 {
		number = fmt.Sprintf("%d/%d ", d.file+1, d.files)
	}
	if d.terminal == nil {
		if share >= 0 {
			state = fmt.Sprintf("%3.0f%% ", share*100) + state
		}
		d.put(fmt.Sprintf("%s%s: %s\n", number, name, state))
		return
	}
	width, _, err := term.GetSize(int(d.terminal.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	d.put("\r\x1b[K" + barLine(width, number, name, state, share))
	d.drawn = true
}

// barLine puts as much as fits on one line of a terminal: what it would wrap could not be drawn over. The state comes first,
// then the bar, then the file's number and the end of its name. A share below 0 is not known.
func barLine(width int, number, name, state string, share float64) string {
	room := width - 1 // writing into the last column makes some terminals wrap
	line := []rune(state)
	if share >= 0 {
		line = []rune(fmt.Sprintf("%.0f%%  %s", share*100, state))
		if cells := min(barWidth, room-len(line)-3); cells >= minBar {
			full := int(share * float64(cells))
			line = []rune(fmt.Sprintf("%s%s %3.0f%%  %s", strings.Repeat("█", full), strings.Repeat("░", cells-full), share*100, state))
		}
	}
	if left, runes := room-len(number)-len(line)-2, []rune(name); left >= minName {
		if len(runes) > left {
			runes = append([]rune{'…'}, runes[len(runes)-left+1:]...)
		}
		return number + string(runes) + "  " + string(line)
	}
	return string(line[:min(len(line), max(room, 0))])
}

// done notes that a file is through.
func (d *display) done(in input, one FileReport) {
	d.mu.Lock()
	d.entries += one.In
	d.mu.Unlock()
	d.next(in)
}

func (d *display) next(in input) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file++
	d.before += max(in.size, 0)
}

// note writes a line of its own.
func (d *display) note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drawn {
		d.put("\r\x1b[K")
	}
	d.put(printable(text) + "\n")
}

// close takes the bar away.
func (d *display) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drawn {
		d.put("\r\x1b[K")
	}
}

// put writes to the display; one that went away is no reason to stop an import.
func (d *display) put(s string) { _, _ = io.WriteString(d.w, s) }

// count writes a number as people read it: 950, 12.3k, 4.56M.
func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1fk", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

// plural writes how many there are of something.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printable keeps a file's name from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, s)
}

// maxRows is how many files the table lists one by one; the rest is one row.
const maxRows = 40

// writeTable writes the summary for people.
func writeTable(w io.Writer, r Report, quiet bool) error {
	var out bytes.Buffer
	troubled := r.Total.DeadLetters > 0 || r.Total.Conflicts > 0
	if len(r.Files) == 0 && len(r.Skipped) == 0 {
		fmt.Fprintln(&out, "no files found")
	} else if !quiet || troubled {
		if err := writeFiles(&out, r, quiet); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
	}
	if !quiet {
		for _, s := range r.Skipped {
			fmt.Fprintf(&out, "skipped %s: %s\n", printable(s.Name), s.Why)
		}
	}
	writeFaults(&out, r.Files)
	if n := r.Total.DeadLetters; n > 0 {
		fate := "See them with: readtrail deadletters list"
		if r.DryRun {
			fate = "An import would keep them."
		}
		fmt.Fprintf(&out, "\n%s: input that could not become an event, kept as it came. %s\n", plural(n, "dead letter", "dead letters"), fate)
	}
	if r.DryRun && !quiet {
		fmt.Fprintln(&out, "\nDry run: nothing was kept, and duplicates could not be told.")
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// writeFaults writes the first dead letters of all files.
func writeFaults(out *bytes.Buffer, files []FileReport) {
	told := 0
	for _, f := range files {
		for _, fault := range f.Faults {
			if told++; told > maxToldFaults {
				return
			}
			out.WriteString(printable(f.Name))
			if fault.Line > 0 {
				fmt.Fprintf(out, ":%d:%d", fault.Line, fault.Column)
			}
			fmt.Fprintf(out, ": %s", fault.Reason)
			if fault.Element != "" {
				fmt.Fprintf(out, " at %s", printable(fault.Element))
			}
			fmt.Fprintf(out, ": %s\n", printable(fault.Message))
		}
	}
}

func writeFiles(out *bytes.Buffer, r Report, quiet bool) error {
	var rows bytes.Buffer
	fmt.Fprintln(&rows, "in\tstored\tduplicates\tconflicts\tdead letters\t  file\t")
	row := func(c ingest.Counts, name string) {
		fmt.Fprintf(&rows, "%d\t%d\t%d\t%d\t%d\t  %s\n", c.In(), c.Stored, c.Duplicates, c.Conflicts, c.DeadLetters, name)
	}
	var rest ingest.Counts
	listed, more := 0, 0
	for _, f := range r.Files {
		clean := f.Counts.DeadLetters == 0 && f.Counts.Conflicts == 0 && f.Damaged == ""
		if listed >= maxRows || quiet && clean {
			rest.Add(f.Counts)
			more++
			continue
		}
		listed++
		name := printable(f.Name)
		if f.Form != "" && f.Form != FormLines && f.Form != FormJSON {
			name += " (" + string(f.Form) + ")"
		}
		if f.Resumed {
			name += " (done before)"
		}
		row(f.Counts, name)
	}
	if more > 0 {
		row(rest, plural(uint64(more), "more file", "more files"))
	}
	rate := ""
	if r.Seconds > 0 {
		rate = fmt.Sprintf(" in %.1f s, %s/s", r.Seconds, count(float64(r.Total.In())/r.Seconds))
	}
	row(r.Total, "total"+rate)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := rows.WriteTo(tw); err != nil {
		return fmt.Errorf("align the summary: %w", err)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("align the summary: %w", err)
	}
	return nil
}
