package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/rules"
)

// Command is `readtrail evaluate`.
type Command struct {
	Dir        string            `arg:"" help:"Dataset directory: AuditEvent.ndjson, context files named by resource type, optionally labels.csv; gzip is allowed." type:"existingdir"`
	Budget     int               `help:"Alerts a local day at the most." default:"20"`
	Queues     string            `help:"Queues of sites with budgets of their own, in a file as under detectors of the configuration (queues: [{name: North, sites: [North], budget: 12}]); --budget is that of everything else." type:"existingfile" placeholder:"FILE"`
	Threshold  float64           `help:"Show what is at least as likely as this; the budget is a ceiling, not a quota." default:"0.22"`
	Alerts     string            `help:"Write every alert into this file, as NDJSON." type:"path" placeholder:"FILE"`
	Zone       string            `help:"Time zone of the site, an IANA name. Default: the one in which the events state their times, which takes a pass over them." placeholder:"ZONE"`
	Rules      string            `help:"Custom detectors to add (YAML); see readtrail detectors check." type:"existingfile" placeholder:"FILE"`
	Number     map[string]string `help:"Have a detector count to another number, as --number NeighbourAccess.next_door_metres=40; see readtrail detectors numbers. What a configuration says of numbers holds for its server." placeholder:"DETECTOR.NAME=N"`
	Exemptions string            `help:"Days on which detectors say nothing of some readers, in a file as under detectors of the configuration (exemptions: [...]); the report says what each held back." type:"existingfile" placeholder:"FILE"`
	JSON       bool              `help:"Print the report as JSON." name:"json"`
}

// Run evaluates and prints the report; progress goes to aside.
func (c *Command) Run(ctx context.Context, out, aside io.Writer, decode Decode, clock func() time.Time) (err error) {
	cfg := Config{
		Dir: os.DirFS(c.Dir), Decode: decode, Clock: clock,
		Queue: detectors.Queue{Budget: c.Budget, Threshold: int32(c.Threshold*1000 + 0.5)},
	}
	if c.Budget < 1 || c.Budget > 100_000 {
		return errors.New("--budget: want 1 to 100,000 alerts a day")
	}
	if math.IsNaN(c.Threshold) || c.Threshold < 0.001 || c.Threshold > 1 {
		return errors.New("--threshold: want a probability from 0.001 to 1")
	}
	if c.Zone != "" {
		if cfg.Zone, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" { // that would be another zone on another machine
			return errors.New("--zone: no such time zone; want a name like Europe/Vienna")
		}
	}
	cfg.Numbers = detectors.Chosen{}
	for key, text := range c.Number {
		of, name, _ := strings.Cut(key, ".")
		value, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("--number %s: want a whole number", key)
		}
		if cfg.Numbers[of] == nil {
			cfg.Numbers[of] = map[string]int{}
		}
		cfg.Numbers[of][name] = value
	}
	if err := cfg.Numbers.Validate(); err != nil {
		return fmt.Errorf("--number: %w", err)
	}
	if c.Queues != "" {
		if cfg.Queues, err = loadQueues(c.Queues); err != nil {
			return err
		}
	}
	if c.Exemptions != "" {
		if cfg.Exemptions, err = loadExemptions(c.Exemptions); err != nil {
			return err
		}
	}
	if c.Rules != "" {
		own, err := rules.Load(c.Rules)
		if err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		cfg.Custom = own.Detectors()
	}
	if c.Alerts != "" {
		file, err := os.OpenFile(c.Alerts, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("open file for alerts: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		cfg.Alerts = file
	}
	cfg.Progress = progress(aside, clock)
	report, err := Run(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(report) //nolint:wrapcheck // nothing to add
	}
	return report.write(out)
}

// everyLine is how often a plain line of progress is written, everyBar how often a terminal's line is drawn again.
const (
	everyLine = 10 * time.Second
	everyBar  = 200 * time.Millisecond
)

// progress tells how far each step is, and once that it is done.
func progress(w io.Writer, clock func() time.Time) func(step string, done, total int64) {
	every, begin, end := everyLine, "", "\n"
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, begin, end = everyBar, "\r\x1b[K", ""
	}
	shown, current, ended := clock(), "", false
	return func(step string, done, total int64) {
		now := clock()
		last := done >= total
		if step == current && (ended || !last && now.Sub(shown) < every) {
			return
		}
		if step != current && end == "" && current != "" {
			fmt.Fprint(w, "\n")
		}
		shown, current, ended = now, step, last
		share := int64(100) // nothing to do is done
		if total > 0 {
			share = 100 * done / total
		}
		words := map[string]string{"zone": "looking for zone", "context": "reading context", "events": "reading events", "days": "judging days"}[step]
		fmt.Fprintf(w, "%s%-16s %3d %%%s", begin, words, share, end)
		if last && end == "" && step == "days" {
			fmt.Fprint(w, "\n")
		}
	}
}
