package demo

import (
	"fmt"
	"io"
	"os"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/ingest/simulate"
)

// WhatNext tells a newcomer what runs, what to ask and how to stop.
func WhatNext(w io.Writer, cfg *config.Config, story simulate.Story, rate int, link string) {
	program, err := os.Executable()
	if err != nil {
		program = "readtrail"
	}
	fmt.Fprintf(w, `
Readtrail is up with a synthetic hospital; %d events a second go on arriving.

  The story       %s

  The console     %s
                  (signs you in once; %s --server %s link prints another)

  Who viewed that record? In a second terminal:
      %s --server %s who-viewed '%s|%s' --purpose "trying the demo"

  What else did that reader do?
      %s --server %s reader '%s|%s' --purpose "trying the demo"

  Address         http://%s (FHIR, API, metrics) and %s
  Data            %s (remove it to begin anew)
  Stop            Ctrl-C

`, rate, story.Text, link, program, cfg.Listen.Socket,
		program, cfg.Listen.Socket, story.Patient.System, story.Patient.Value,
		program, cfg.Listen.Socket, story.Reader.System, story.Reader.Value,
		cfg.Listen.HTTP, cfg.Listen.Socket, cfg.DataDir)
}
