package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Stops are the named steps of an orderly stop. The zero value is ready.
type Stops struct{ steps []step }

type step struct {
	name string
	run  func(context.Context) error
}

// Add adds a step that runs before those that were added earlier.
func (s *Stops) Add(name string, run func(context.Context) error) {
	s.steps = append(s.steps, step{name, run})
}

// Run runs the steps, last added first, each even when one before it failed. The bound is for all of them together:
// past it, steps get a context that has ended and cut off what they would have waited for.
func (s *Stops) Run(ctx context.Context, bound time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	var faults []error
	for _, step := range slices.Backward(s.steps) {
		began := time.Now()
		if err := step.run(ctx); err != nil {
			faults = append(faults, fmt.Errorf("stop %s: %w", step.name, err))
		}
		log.DebugContext(ctx, "stopped", slog.String("component", step.name), slog.Duration("took", time.Since(began)))
	}
	s.steps = nil
	return errors.Join(faults...)
}
