package rules

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/readtrail/readtrail/detectors"
)

// Load reads a file of rules.
func Load(path string) (Rules, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1)) // a device has no end
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	all, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("rules in %s:\n%w", path, err)
	}
	return all, nil
}

// CheckCommand is `readtrail detectors check`.
type CheckCommand struct {
	File string `arg:"" help:"File of custom detectors (YAML)." type:"existingfile"`
}

// Run says what is wrong with a file, or lists the rules as they are understood.
func (c *CheckCommand) Run(out io.Writer) error {
	all, err := Load(c.File)
	if err != nil {
		return err
	}
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		r.describe(out)
	}
	return nil
}

// describe tells a rule in words.
func (r *Rule) describe(out io.Writer) {
	c := &r.custom
	over := "of a local day"
	if c.Over != 0 {
		over = fmt.Sprintf("within any %s of a local day", short(c.Over))
	}
	fmt.Fprintf(out, "%s: %s\n", c.Name, c.About)
	fmt.Fprintf(out, "  counts    %s %s, per %s, where\n", c.Counted, over, c.Key)
	for line := range strings.Lines(r.When) {
		fmt.Fprintf(out, "              %s\n", strings.TrimSpace(line))
	}
	r.describeCounters(out)
	for _, g := range c.Grades {
		fmt.Fprintf(out, "  grade     from %d on: %s (%d in 1,000 misuses of this kind)\n", g.AtLeast, g.Word, g.Misuse)
	}
	with := "peers: the same department and role"
	switch {
	case c.Key == detectors.KeyRecord:
		with = "all records"
	case c.Peers == detectors.PeersAll:
		with = "everybody"
	}
	fmt.Fprintf(out, "  usual     among %s\n", with)
	fmt.Fprintf(out, "  share     %d in 1,000 misuses are of this kind\n", c.Share)
	if c.Hard {
		fmt.Fprintf(out, "  hard      an explanation does not weigh against it\n")
	}
	if c.Verdict {
		fmt.Fprintf(out, "  silent    where it cannot be assessed whether the access is explained\n")
	}
	if c.Needs != 0 {
		fmt.Fprintf(out, "  needs     %s\n", c.Needs)
	}
	fmt.Fprintf(out, "  normal    %s\n", c.Normal)
	watched := ""
	if r.Watched {
		watched = ", more with long texts: it is limited while it runs"
	}
	counted := ""
	if len(c.Counters) > 0 {
		counted = ", counters included"
	}
	fmt.Fprintf(out, "  cost      at most %d of %d for one access%s%s\n", r.Cost, costLimit, counted, watched)
}

// short is a duration without the units that are zero: 2h, not 2h0m0s.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
