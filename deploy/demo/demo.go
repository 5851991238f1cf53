// Package demo fills a running server with a synthetic hospital and keeps it alive: what a newcomer sees first. It is a
// client like any other, over the local socket.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest/importer"
	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Config says which server is filled, and with what.
type Config struct {
	// HTTP and Base reach the server as a user of this machine.
	HTTP *http.Client
	Base string
	// StateFile remembers the seed and the first day, so that a demo that starts again goes on where it was.
	StateFile string
	// Seed decides everything that is left to chance; Days, Staff and Patients are the size. Zero: the simulator's own.
	Seed                  uint64
	Days, Staff, Patients int
	// Zone is the hospital's.
	Zone *time.Location
	// Rate is events a second of the live stream.
	Rate int
	// Out is where progress is told.
	Out io.Writer
}

// state is what stays the same when the demo starts again.
type state struct {
	Seed     uint64    `json:"seed"`
	Days     int       `json:"days"`
	Staff    int       `json:"staff"`
	Patients int       `json:"patients"`
	Start    time.Time `json:"start"`
	Zone     string    `json:"zone"`
	Loaded   bool      `json:"loaded"`
}

func (s state) hospital() (*simulate.Hospital, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, fmt.Errorf("make the hospital: %w", err)
	}
	h, err := simulate.NewHospital(simulate.Config{
		Seed: s.Seed, Days: s.Days, Staff: s.Staff, Patients: s.Patients, Start: s.Start, Zone: zone,
	})
	if err != nil {
		return nil, fmt.Errorf("make the hospital: %w", err)
	}
	return h, nil
}

// Run loads the hospital, unless that was done before, calls loaded with the story that was planted, and posts live
// events until ctx ends. The end of ctx is no error.
func Run(ctx context.Context, cfg Config, loaded func(simulate.Story)) error {
	s, err := cfg.restore()
	if err != nil {
		return err
	}
	hospital, err := s.hospital()
	if err != nil {
		return err
	}
	if !s.Loaded {
		// An interrupted load begins again with the same seed and day: what is there is recognised.
		if err := cfg.save(s); err != nil {
			return err
		}
		if err := cfg.load(ctx, hospital); err != nil {
			return ended(ctx, fmt.Errorf("load the hospital: %w", err))
		}
		s.Loaded = true
		if err := cfg.save(s); err != nil {
			return err
		}
	}
	if err := cfg.awaitProjections(ctx); err != nil {
		return ended(ctx, err)
	}
	loaded(hospital.Story())
	poster, err := simulate.NewPoster(simulate.PosterConfig{URL: cfg.Base, Client: cfg.HTTP})
	if err != nil {
		return fmt.Errorf("go live: %w", err)
	}
	if err := hospital.Live(ctx, simulate.LiveConfig{Rate: cfg.Rate}, poster.Events); err != nil {
		return ended(ctx, fmt.Errorf("go live: %w", err))
	}
	return nil
}

func ended(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

func (c Config) restore() (state, error) {
	text, err := os.ReadFile(c.StateFile)
	if errors.Is(err, os.ErrNotExist) {
		first := time.Now().In(c.Zone).AddDate(0, 0, -c.Days)
		return state{Seed: c.Seed, Days: c.Days, Staff: c.Staff, Patients: c.Patients, Zone: c.Zone.String(), Start: first}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read demo state: %w", err)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("read demo state: %w (remove %s to begin anew)", err, filepath.Dir(c.StateFile))
	}
	return s, nil
}

func (c Config) save(s state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write demo state: %w", err)
	}
	if err := os.WriteFile(c.StateFile, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write demo state: %w", err)
	}
	return nil
}

// load registers the sources, then imports context and events, each source's in its own stream.
func (c Config) load(ctx context.Context, h *simulate.Hospital) error {
	register := readtrailv1connect.NewRegisterServiceClient(c.HTTP, c.Base)
	for _, name := range simulate.Sources() {
		_, err := register.RegisterSource(ctx, connect.NewRequest(&v1.RegisterSourceRequest{Source: &v1.SourceRegistered{
			Name: name, Owner: "demo", TimeZone: c.Zone.String(), IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE,
		}}))
		if err != nil {
			return fmt.Errorf("register source %s: %w", name, err)
		}
	}
	fmt.Fprintf(c.Out, "people and care of %d days ...\n", h.Config().Days)
	if err := c.imported(ctx, simulate.SourceEHR, lines(h.Context())); err != nil {
		return err
	}
	return c.loadEvents(ctx, h)
}

// loadEvents runs through the days once and hands each source's events to that source's import.
func (c Config) loadEvents(ctx context.Context, h *simulate.Hospital) error {
	group, ctx := errgroup.WithContext(ctx)
	pipes := map[string]*io.PipeWriter{}
	for _, name := range simulate.Sources() {
		r, w := io.Pipe()
		pipes[name] = w
		group.Go(func() error {
			err := c.imported(ctx, name, r)
			r.CloseWithError(err)
			return err
		})
	}
	group.Go(func() error {
		err := c.writeDays(ctx, h, pipes)
		for _, w := range pipes {
			w.CloseWithError(err) // nil is the end of the file
		}
		return err
	})
	return group.Wait() //nolint:wrapcheck // each says what failed
}

func (c Config) writeDays(ctx context.Context, h *simulate.Hospital, pipes map[string]*io.PipeWriter) error {
	began, events := time.Now(), 0
	days := h.Config().Days
	now := time.Now()
	for day := range days {
		for e := range h.Events(day) {
			if e.Time.After(now) {
				break // today has only come so far
			}
			if _, err := pipes[e.Source].Write(append(e.JSON, '\n')); err != nil {
				return fmt.Errorf("write events: %w", err)
			}
			events++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if done := day + 1; done%7 == 0 || done == days {
			took := time.Since(began)
			left := time.Duration(float64(took) / float64(done) * float64(days-done)).Round(time.Second)
			fmt.Fprintf(c.Out, "%d of %d days, %d events, %.0f/s, %s left\n", done, days, events, float64(events)/took.Seconds(), left)
		}
	}
	return nil
}

// imported sends one source's resources as history.
func (c Config) imported(ctx context.Context, source string, body io.Reader) error {
	command := importer.Command{Paths: []string{"-"}, Source: source, Backfill: true, Quiet: true}
	report, err := command.Import(ctx, importer.Config{HTTP: c.HTTP, BaseURL: c.Base, Stdin: body, Out: io.Discard, Progress: io.Discard})
	if err != nil {
		return fmt.Errorf("import as %s: %w", source, err)
	}
	if report.Total.DeadLetters > 0 {
		return fmt.Errorf("import as %s: %d dead letters from a hospital of our own", source, report.Total.DeadLetters)
	}
	return nil
}

// lines streams resources as newline-delimited JSON.
func lines(resources iter.Seq[simulate.Resource]) io.Reader {
	r, w := io.Pipe()
	go func() { // ends with the sequence, or when the reader is closed
		for res := range resources {
			if _, err := w.Write(append(res.JSON, '\n')); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	return r
}

// pollEvery is how often the projections are asked how far they are.
const pollEvery = 250 * time.Millisecond

// awaitProjections waits until what was loaded can be asked about.
func (c Config) awaitProjections(ctx context.Context) error {
	client := readtrailv1connect.NewQueryServiceClient(c.HTTP, c.Base)
	target := uint64(0)
	for {
		res, err := client.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
		if err != nil {
			return fmt.Errorf("ask status: %w", err)
		}
		if target == 0 {
			target = res.Msg.JournalPosition
		}
		behind := false
		for _, p := range res.Msg.Projections {
			behind = behind || p.Active && p.Position < target
		}
		if !behind && len(res.Msg.Projections) > 0 {
			return nil
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
