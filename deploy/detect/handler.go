package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ReplayPath is where the journal is judged again: POST with a rule set (JSON, may be empty), what=backtest, scorecard or calibrate,
// and from and to as dates. The answer is NDJSON: lines of progress, then one with the result or the error.
const ReplayPath = "/detectors/replay"

// line is one line of an answer.
type line struct {
	Done        uint64       `json:"done,omitempty"`
	Total       uint64       `json:"total,omitempty"`
	Difference  *Difference  `json:"difference,omitempty"`
	Scorecard   *Scorecard   `json:"scorecard,omitempty"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Error       string       `json:"error,omitempty"`
}

// mostRuleSet is how large a rule set may be.
const mostRuleSet = 4 << 20

// progressEvery is how often progress is told.
const progressEvery = 200 * time.Millisecond

// handler judges the journal again on request, one request at a time: it takes a processor and memory for one or two engines.
func handler(c Config, inForce *v1.RuleSet) http.Handler {
	one := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost {
			http.Error(w, "want POST", http.StatusMethodNotAllowed)
			return
		}
		ask, err := readAsk(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case one <- struct{}{}:
			defer func() { <-one }()
		default:
			w.Header().Set("Retry-After", "30")
			http.Error(w, "the journal is being judged for somebody else: try again later", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		out, flush := json.NewEncoder(w), http.NewResponseController(w)
		var told time.Time
		watched := func(uint64, uint64) {}
		if c.Watch != nil {
			watch := c.Watch()
			defer watch.End()
			watched = func(done, total uint64) { watch.Total(total); watch.Done(done) }
		}
		dir := filepath.Join(c.Settings.StateDir(), "replay")
		r := &replay{journal: c.Journal, alertKey: c.AlertKey, zone: c.Zone, dir: dir, progress: func(done, total uint64) error {
			watched(done, total)
			if now := time.Now(); now.Sub(told) >= progressEvery || done == total {
				told = now
				if err := out.Encode(line{Done: done, Total: total}); err != nil {
					return err //nolint:wrapcheck // the client went away
				}
				return flush.Flush() //nolint:wrapcheck // the client went away
			}
			return nil
		}}
		answer, err := ask.answer(req.Context(), r, inForce)
		if err != nil {
			if req.Context().Err() == nil {
				c.Logger.ErrorContext(req.Context(), "replay failed", slog.String("component", "detectors"), slog.Any("err", err))
			}
			answer = line{Error: "the journal could not be judged: the server's log says why"}
		}
		_ = out.Encode(answer) // a client that went away needs none
	})
}

// ask is what is asked for.
type ask struct {
	what     string
	from, to int32
	rules    *v1.RuleSet
}

func readAsk(req *http.Request) (ask, error) {
	a := ask{what: req.URL.Query().Get("what"), from: -1 << 31, to: 1<<31 - 1}
	var err error
	for name, into := range map[string]*int32{"from": &a.from, "to": &a.to} {
		text := req.URL.Query().Get(name)
		if text == "" {
			continue
		}
		t, parseErr := time.Parse(time.DateOnly, text)
		if parseErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: want a date like 2026-03-01", name))
			continue
		}
		*into = int32(t.Unix() / 86_400)
	}
	body, readErr := io.ReadAll(io.LimitReader(req.Body, mostRuleSet))
	if readErr != nil {
		return a, errors.Join(err, errors.New("the rule set could not be read"))
	}
	if len(body) > 0 {
		a.rules = &v1.RuleSet{}
		if jsonErr := json.Unmarshal(body, a.rules); jsonErr != nil {
			return a, errors.Join(err, errors.New("the rule set could not be read"))
		}
	}
	if a.from > a.to {
		err = errors.Join(err, errors.New("from: is after to, so there is no day to compare"))
	}
	switch {
	case a.what != "backtest" && a.what != "scorecard" && a.what != "calibrate":
		err = errors.Join(err, errors.New("what: want backtest, scorecard or calibrate"))
	case a.what == "backtest" && a.rules == nil:
		err = errors.Join(err, errors.New("a backtest needs a rule set to compare with"))
	}
	return a, err
}

func (a ask) answer(ctx context.Context, r *replay, inForce *v1.RuleSet) (line, error) {
	switch a.what {
	case "backtest":
		both, err := r.run(ctx, inForce, a.rules)
		if err != nil {
			return line{}, err
		}
		d := difference(both[0], both[1], a.from, a.to)
		return line{Difference: &d}, nil
	case "scorecard":
		r.chance = true
		one, err := r.run(ctx, inForce)
		if err != nil {
			return line{}, err
		}
		s := scorecard(one[0], r.dispositions)
		return line{Scorecard: &s}, nil
	default:
		settings, err := ruleset.Parse(inForce)
		if err != nil {
			return line{}, err //nolint:wrapcheck // says what failed
		}
		one, err := r.run(ctx, inForce)
		if err != nil {
			return line{}, err
		}
		c, err := calibration(one[0], r.dispositions, settings.Custom)
		return line{Calibration: &c}, err
	}
}
