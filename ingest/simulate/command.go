package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
	_ "time/tzdata" // the zones of the model must be the same on machines without them

	"golang.org/x/term"
)

// Command is `readtrail simulate`.
type Command struct {
	Out  string `help:"Either: write a dataset into this directory, which must be empty." placeholder:"DIR" type:"path"`
	Live bool   `help:"Or: post a live stream to a running server."`

	Seed      uint64 `help:"Decides everything that is left to chance." default:"1"`
	Staff     int    `help:"People who work there." default:"400"`
	Patients  int    `help:"People who have a record there." default:"8000"`
	Days      int    `help:"Days of accesses." default:"28"`
	Start     string `help:"First day, as YYYY-MM-DD. Default: 2026-03-02 for a dataset, 28 days ago for a live stream." placeholder:"DATE"`
	Zone      string `help:"Time zone of the hospital." default:"America/Chicago"`
	Incidents *int   `help:"Labelled incidents of misuse on all days together, beside the story; -1 for none." placeholder:"12" xor:"incidents"`
	PerDay    *int   `name:"incidents-per-day" help:"Or: labelled incidents a day." placeholder:"N" xor:"incidents"`
	NoStory   bool   `help:"Leave out the planted story."`
	Covering  bool   `help:"Surround misuse with looks at records that the reader has to do with, to hide it."`

	Weight map[string]int `help:"Share of a scenario among the incidents, beside the usual shares of the others; 0 leaves it out." placeholder:"SCENARIO=N"`

	Gzip bool `help:"Compress the files of the dataset."`

	Rate        int               `help:"Events a second of the live stream." default:"20"`
	URL         string            `kong:"-"` // of the server to post to, without a path
	Tokens      map[string]string `name:"token" help:"Credential of a source, for each of ehr-main, pacs-imaging and lab-portal; none is needed on the server's own machine." placeholder:"SOURCE=TOKEN" env:"READTRAIL_SOURCE_TOKENS"`
	WithContext bool              `help:"Post people and the care of the last 24 days first, and each new day's care." default:"true" negatable:""`
}

// Validate is asked before Run.
func (c *Command) Validate() error {
	switch {
	case c.Out == "" && !c.Live:
		return errors.New("say what to make: --out DIR for a dataset, or --live for a stream to a running server")
	case c.Out != "" && c.Live:
		return errors.New("--out and --live are alternatives: give one of them")
	case c.PerDay != nil && *c.PerDay < 0:
		return errors.New("--incidents-per-day: want 0 or more")
	}
	for _, f := range []struct { // of a Config 0 is the default, of a flag it is none
		name        string
		value, want int
	}{{"staff", c.Staff, minStaff}, {"patients", c.Patients, minStaff * patientsPerStaff}, {"days", c.Days, 1}, {"rate", c.Rate, 1}} {
		if f.value < 1 {
			return fmt.Errorf("--%s: want %d or more", f.name, f.want)
		}
	}
	return nil
}

// Hospital makes the hospital that the flags describe; now is only for the start of a live one.
func (c *Command) Hospital(now time.Time) (*Hospital, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "Local" {
		return nil, errors.New("zone: no such time zone; a name like America/Chicago is needed")
	}
	cfg := Config{Seed: c.Seed, Staff: c.Staff, Patients: c.Patients, Days: c.Days, Zone: zone, NoStory: c.NoStory, Covering: c.Covering, Weights: c.Weight}
	switch none := -1; { // 0 is the default of a Config
	case c.PerDay != nil:
		cfg.Incidents = cmp.Or(*c.PerDay*c.Days, none)
	case c.Incidents != nil:
		cfg.Incidents = cmp.Or(*c.Incidents, none)
	}
	switch {
	case c.Start != "":
		if cfg.Start, err = time.Parse(time.DateOnly, c.Start); err != nil {
			return nil, errors.New("start: a date like 2026-03-02 is needed")
		}
	case c.Live:
		cfg.Start = now.In(zone).AddDate(0, 0, -c.Days)
	}
	return NewHospital(cfg)
}

// Run does it: progress goes to out. client carries a live stream to the server; nil is http.DefaultClient.
func (c *Command) Run(ctx context.Context, out io.Writer, client *http.Client) error {
	h, err := c.Hospital(time.Now())
	if err != nil {
		return err
	}
	if c.Live {
		return c.live(ctx, h, out, client)
	}
	meter := newMeter(out)
	m, err := h.WriteDataset(ctx, DatasetConfig{Dir: c.Out, Gzip: c.Gzip, Progress: meter.day})
	meter.stop()
	if err != nil {
		return err
	}
	var events int64
	for _, s := range m.Sources {
		events += s.Events
	}
	_, _ = fmt.Fprintf(out, "%s of %s, %d of them labelled, in %s\n",
		plural(events, "event", "events"), plural(int64(m.Days), "day", "days"), m.Labelled, c.Out)
	if m.Story != nil {
		_, _ = fmt.Fprintf(out, "\n%s\n", m.Story.Text)
	}
	return nil
}

func (c *Command) live(ctx context.Context, h *Hospital, out io.Writer, client *http.Client) error {
	post, err := NewPoster(PosterConfig{URL: c.URL, Tokens: c.Tokens, Client: client})
	if err != nil {
		return err
	}
	today := h.Day(time.Now())
	if c.WithContext {
		n, err := post.Resources(ctx, h.Recent(today))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s of context posted\n", plural(int64(n), "resource", "resources"))
	}
	meter := newMeter(out)
	defer meter.stop()
	return h.Live(ctx, LiveConfig{Rate: c.Rate}, func(ctx context.Context, events []Event) error {
		if day := h.Day(time.Now()); day != today && c.WithContext {
			today = day
			if _, err := post.Resources(ctx, h.Care(day)); err != nil {
				return err
			}
		}
		if err := post.Events(ctx, events); err != nil {
			return err
		}
		meter.add(len(events))
		return nil
	})
}

// plural writes how many there are of something.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// meter tells people how far it is: one line that changes on a terminal, a line every few seconds elsewhere.
type meter struct {
	out      io.Writer
	terminal bool
	began    time.Time
	told     time.Time
	events   int64
	shown    bool
}

func newMeter(out io.Writer) *meter {
	f, ok := out.(*os.File)
	now := time.Now()
	return &meter{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), began: now, told: now}
}

func (m *meter) due() bool {
	every := 5 * time.Second
	if m.terminal {
		every = 200 * time.Millisecond
	}
	if time.Since(m.told) < every {
		return false
	}
	m.told = time.Now()
	return true
}

// day reports a dataset's progress, with the rate and the time that is left.
func (m *meter) day(p Progress) {
	m.events = p.Events
	if !m.due() {
		return
	}
	gone := time.Since(m.began)
	left := (gone / time.Duration(p.Day) * time.Duration(p.Days-p.Day)).Round(time.Second)
	m.tell(fmt.Sprintf("day %d of %d, %d events, %.0f/s, %s left", p.Day, p.Days, p.Events, float64(p.Events)/gone.Seconds(), left))
}

// add counts events of a live stream.
func (m *meter) add(n int) {
	m.events += int64(n)
	if m.due() {
		m.tell(fmt.Sprintf("%d events, %.1f/s", m.events, float64(m.events)/time.Since(m.began).Seconds()))
	}
}

func (m *meter) tell(s string) {
	if m.terminal {
		_, _ = fmt.Fprintf(m.out, "\r\x1b[K%s", s)
		m.shown = true
		return
	}
	_, _ = fmt.Fprintln(m.out, s)
}

func (m *meter) stop() {
	if m.shown {
		_, _ = fmt.Fprint(m.out, "\r\x1b[K")
	}
}
