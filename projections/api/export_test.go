package api

import (
	"context"

	"github.com/readtrail/readtrail/projections/store"
)

// SetMeter has every statement report its cost.
func (s *Service) SetMeter(meter func(name string, cost store.Stats)) { s.engine.meter = meter }

// FlushSummaries journals the summaries of finished hours now, as the service's goroutine does every minute.
func (s *Service) FlushSummaries(ctx context.Context) error { return s.summaries.flush(ctx, false) }
