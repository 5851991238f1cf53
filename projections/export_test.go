package projections

import (
	"context"

	"github.com/readtrail/readtrail/proto"
)

// SetHook makes the projector call hook after each insert and before each watermark and flip. An error there breaks the
// work off as a failing engine would.
func (p *Projector) SetHook(hook func(version uint32, stage string) error) { p.hook = hook }

// Tables returns the name and columns of every table of a version.
func Tables(version uint32) map[string][]string {
	out := map[string][]string{}
	for _, t := range tables {
		out[t.name(version)] = t.names
	}
	return out
}

// Prepare makes the tables of the active version.
func (p *Projector) Prepare(ctx context.Context) (uint32, error) {
	if err := p.registry.prepare(ctx); err != nil {
		return 0, err
	}
	return p.registry.first(ctx)
}

// FoldBatch folds one message for both projectors.
func FoldBatch(b *proto.Batch) error {
	_, err := foldBatch(b, &present{}, true, true)
	return err
}
