package detect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/readtrail/readtrail/deploy/config"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Server is where the commands ask.
type Server struct {
	HTTP       *http.Client
	Base       string
	Out, Aside io.Writer
	Clock      func() time.Time
}

// BacktestCommand is `readtrail detectors backtest`.
type BacktestCommand struct {
	From string `help:"First local day that counts (YYYY-MM-DD); all before it is judged too, to know what is usual." placeholder:"DATE"`
	To   string `help:"Last local day that counts." placeholder:"DATE"`
	JSON bool   `help:"Print the difference as JSON." name:"json"`
}

// Help is what --help adds.
func (BacktestCommand) Help() string {
	return "The journal is judged twice: by the rule set that the server has in force, and by the one that the detectors section of --config FILE " +
		"makes, each as if it had always been in force: where numbers of detectors differ, it takes some weeks of counting until the server does as well. Nothing is written; alerts that differ are named by their ids. A story of several days " +
		"that is told from another day on is neither gained nor lost: it has moved."
}

// Run compares and prints.
func (c *BacktestCommand) Run(ctx context.Context, s Server, load func() (*config.Config, error)) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	rules, err := cfg.RuleSet("backtest")
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	answer, err := s.ask(ctx, "backtest", c.From, c.To, rules)
	if err != nil {
		return err
	}
	if answer.Difference == nil {
		return errNoAnswer
	}
	return s.print(c.JSON, answer.Difference, answer.Difference.write)
}

// ScorecardCommand is `readtrail detectors scorecard`.
type ScorecardCommand struct {
	JSON bool `help:"Print the scorecard as JSON." name:"json"`
}

// Help is what --help adds.
func (ScorecardCommand) Help() string {
	return "For each detector: how often it fires on a pair of reader and record, how often a reason is known for it, how much more often it fires than " +
		"on pairs at random (lift), and how its alerts were decided. The journal is judged again for it; nothing is written."
}

// Run asks and prints.
func (c *ScorecardCommand) Run(ctx context.Context, s Server) error {
	answer, err := s.ask(ctx, "scorecard", "", "", nil)
	if err != nil {
		return err
	}
	if answer.Scorecard == nil {
		return errNoAnswer
	}
	return s.print(c.JSON, answer.Scorecard, answer.Scorecard.write)
}

// CalibrateCommand is `readtrail detectors calibrate`.
type CalibrateCommand struct {
	Out  string `help:"Write the weights into this file, for detectors.weights_file." type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print what was learned as JSON." name:"json"`
}

// Help is what --help adds.
func (CalibrateCommand) Help() string {
	return "How common each kind of misuse is, and which grades it shows, is learned from alerts that were found to be misuse or appropriate. What is " +
		"configured counts as so many decisions beforehand, so a few change little. Try the file with backtest before it is in force."
}

// Run learns, writes the file and prints.
func (c *CalibrateCommand) Run(ctx context.Context, s Server) error {
	answer, err := s.ask(ctx, "calibrate", "", "", nil)
	if err != nil {
		return err
	}
	learned := answer.Calibration
	if learned == nil {
		return errNoAnswer
	}
	if c.Out != "" && learned.Weights == "" {
		fmt.Fprintln(s.Aside, "Nothing was learned, so no file was written.")
	}
	if c.Out != "" && learned.Weights != "" {
		if err := os.WriteFile(c.Out, []byte(learned.Weights), 0o600); err != nil {
			return fmt.Errorf("write weights: %w", err)
		}
	}
	return s.print(c.JSON, learned, learned.write)
}

// errNoAnswer says that the server ended without a result.
var errNoAnswer = errors.New("the server ended before it had a result: ask again")

// ask asks, tells progress, and returns the result.
func (s Server) ask(ctx context.Context, what, from, to string, rules *v1.RuleSet) (line, error) {
	query := url.Values{"what": {what}}
	for name, value := range map[string]string{"from": from, "to": to} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var body []byte
	if rules != nil {
		var err error
		if body, err = json.Marshal(rules); err != nil {
			return line{}, fmt.Errorf("send rule set: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Base+ReplayPath+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return line{}, fmt.Errorf("ask the server: %w", err)
	}
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return line{}, fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return line{}, fmt.Errorf("the server refuses: %s", strings.TrimSpace(string(text)))
	}
	lines, bar := json.NewDecoder(resp.Body), s.bar()
	for {
		var l line
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return line{}, errNoAnswer
		} else if err != nil {
			return line{}, fmt.Errorf("read the answer: %w", err)
		}
		switch {
		case l.Error != "":
			return line{}, errors.New(l.Error)
		case l.Total > 0:
			bar(l.Done, l.Total)
		default:
			return l, nil
		}
	}
}

// bar tells progress: on a terminal one line that is drawn again, else a line every ten seconds.
func (s Server) bar() func(done, total uint64) {
	every, begin, end := 10*time.Second, "", "\n"
	if f, ok := s.Aside.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, begin, end = 200*time.Millisecond, "\r\x1b[K", ""
	}
	var told time.Time
	return func(done, total uint64) {
		now := s.Clock()
		if now.Sub(told) < every && done < total {
			return
		}
		told = now
		fmt.Fprintf(s.Aside, "%sjudging the journal %3d %%%s", begin, 100*done/total, end)
		if done >= total && end == "" {
			fmt.Fprintln(s.Aside)
		}
	}
}

func (s Server) print(asJSON bool, v any, text func(io.Writer) error) error {
	if !asJSON {
		return text(s.Out)
	}
	e := json.NewEncoder(s.Out)
	e.SetIndent("", "  ")
	return e.Encode(v) //nolint:wrapcheck // nothing to add
}
