package demo

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/ingest/simulate"
)

// Up runs a server until ctx ends; ready is called once it answers questions.
type Up func(ctx context.Context, cfg *config.Config, ready func()) error

// Command is `readtrail demo`: up, in a directory beside the real one, and a synthetic hospital that sends to it.
type Command struct {
	Seed     uint64 `help:"Decides everything that is left to chance." default:"1"`
	Days     int    `help:"Days of history to load." default:"28"`
	Staff    int    `help:"People who work in the hospital." default:"400"`
	Patients int    `help:"People who have a record there." default:"8000"`
	Rate     int    `help:"Events a second of the live stream." default:"20"`
}

// clockJump: a demo is put away for weeks, and its times prove nothing to anybody.
const clockJump = 10 * 365 * 24 * time.Hour

// consoleLink signs whoever reads the terminal in, once.
func consoleLink(ctx context.Context, conn *cli.Connection) string {
	link, err := cli.NewLink(ctx, conn, "")
	if err != nil {
		return "readtrail link says why there is none"
	}
	return link.Url
}

// Run starts the server and fills it.
func (c Command) Run(ctx context.Context, load config.Loader, w io.Writer, up Up) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	if err := cfg.MoveTo(cfg.DataDir + "-demo"); err != nil {
		return err
	}
	cfg.Log.Level = "warn" // the progress is what there is to read
	cfg.Journal.MaxClockJump = clockJump
	zone, err := time.LoadLocation(cfg.Site.TimeZone)
	if err != nil {
		return fmt.Errorf("load site.time_zone: %w", err)
	}
	conn, err := cli.Target{}.Open(cfg.Listen.Socket)
	if err != nil {
		return err
	}
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error {
		return up(ctx, cfg, func() {
			running.Go(func() error {
				return Run(ctx, Config{
					HTTP: conn.HTTP, Base: conn.Base, StateFile: filepath.Join(cfg.DataDir, "demo.json"), Out: w, Zone: zone,
					Seed: c.Seed, Days: c.Days, Staff: c.Staff, Patients: c.Patients, Rate: c.Rate,
				}, func(story simulate.Story) { WhatNext(w, cfg, story, c.Rate, consoleLink(ctx, conn)) })
			})
		})
	})
	return running.Wait() //nolint:wrapcheck // each says what failed
}
